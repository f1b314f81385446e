"""What is guarded of orders outside any cycle, as it was then: a migration never changes again."""

from typing import Final

from bakehouse.ledger.migrations import sixth_guards

MOVES: Final = {
    **sixth_guards.MOVES,
    "manual_transfers": {
        "wanted": ["assigned", "failed"],
        "assigned": ["done", "wanted", "failed"],
        "failed": ["wanted"],
    },
}

#: What a row says of money, which nothing may change once it is written.
FIXED: Final = {
    **sixth_guards.FIXED,
    "manual_transfers": [
        "network",
        "baker_id",
        "origin",
        "idempotence_key",
        "source",
        "destination",
        "amount",
        "spends_owed",
        "actor",
        "why",
        "ordered_level",
        "created_at",
    ],
    "deductions": [
        "baker_id",
        "owed_to",
        "amount",
        "idempotence_key",
        "consent",
        "why",
        "actor",
        "created_at",
    ],
}
