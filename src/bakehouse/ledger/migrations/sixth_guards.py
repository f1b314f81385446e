"""What the sixth schema's triggers guard, as it was then: a migration never changes again."""

from typing import Final

from bakehouse.ledger.migrations import second_guards

MOVES: Final = {
    **second_guards.MOVES,
    "payouts": {**second_guards.MOVES["payouts"], "owed": ["assigned", "held", "carried"]},
}

#: What a row says of money, which nothing may change once it is written.
FIXED: Final = {
    **second_guards.FIXED,
    "payouts": [*second_guards.FIXED["payouts"], "bears_fee", "bears_burn"],
}
