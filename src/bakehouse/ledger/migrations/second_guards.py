"""What the second schema's triggers guard, as it was then: a migration never changes again."""

from typing import Final

from bakehouse.ledger.migrations import first_guards

MOVES: Final = {
    "distributions": {**first_guards.MOVES["distributions"], "paid": ["paying"]},
    "payouts": {**first_guards.MOVES["payouts"], "held": ["owed", "dropped"]},
    "operations": {
        "signed": ["injected", "dead", "quarantined"],
        "injected": ["included", "dead", "quarantined"],
        "included": ["final", "injected"],
        "quarantined": ["included", "injected", "dead"],
    },
}

#: What a row says of money, which nothing may change once it is written.
FIXED: Final = {
    **first_guards.FIXED,
    "operations": [
        *first_guards.FIXED["operations"],
        "kind",
        "replaces_id",
        "born_level",
        "born_block",
        "lease_token",
        "gas_limit",
    ],
}
