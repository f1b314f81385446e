"""What the first schema's triggers guard, as it was then: a migration never changes again."""

from typing import Final

MOVES: Final = {
    "distributions": {
        "seen": ["rewards_pending", "failed"],
        "rewards_pending": ["planned", "failed"],
        "planned": ["paying", "simulated", "failed"],
        "paying": ["paid", "failed"],
        "failed": ["rewards_pending", "planned", "paying"],
    },
    "payouts": {
        "owed": ["assigned", "held"],
        "assigned": ["paid", "owed", "held"],
        "carried": ["owed", "simulated"],
        "held": ["owed"],
    },
    "operations": {
        "signed": ["injected", "dead"],
        "injected": ["included", "dead"],
        "included": ["final", "injected"],
    },
}

#: What a row says of money, which nothing may change once it is written.
FIXED: Final = {
    "payouts": [
        "distribution_id",
        "network",
        "baker_id",
        "cycle",
        "mode",
        "kind",
        "owed_to",
        "delegated_balance",
        "gross",
        "fee_basis_points",
        "fee",
        "net",
    ],
    "operations": [
        "network",
        "source",
        "hash",
        "signed_bytes",
        "branch",
        "branch_level",
        "last_includable_level",
        "counter_first",
        "content_count",
        "total_fee",
    ],
    "transfers": ["operation_id", "position", "destination", "amount", "fee"],
}
