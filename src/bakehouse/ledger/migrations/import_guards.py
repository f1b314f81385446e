"""What is guarded of imported history, as it was then: a migration never changes again."""

from typing import Final

from bakehouse.ledger.migrations import by_hand_guards
from bakehouse.ledger.migrations.triggers import Guard

#: What a row says of money, which nothing may change once it is written.
FIXED: Final = {
    **by_hand_guards.FIXED,
    "payouts": [*by_hand_guards.FIXED["payouts"], "imported_payment_id"],
    "distributions": ["import_id"],
}

#: A cycle that another tool had paid is never planned here: nothing new can be owed for it.
NEVER_PLANNED: Final = Guard(
    "distributions",
    "imported_is_closed",
    "UPDATE OF state",
    "an imported cycle is never planned anew",
    "NEW.import_id IS NOT NULL AND NEW.state IN ('seen', 'rewards_pending')",
)

#: It enters closed: paid, in live mode.
ENTERS_CLOSED: Final = Guard(
    "distributions",
    "imported_enters_closed",
    "INSERT",
    "an imported cycle enters the ledger closed",
    "NEW.import_id IS NOT NULL AND (NEW.state <> 'paid' OR NEW.mode <> 'on')",
)

#: Of such a cycle a payout was paid by the other tool, or waits for a person; nowhere else is one.
ONLY_HISTORY: Final = Guard(
    "payouts",
    "imported_only_history",
    "INSERT",
    "of an imported cycle only its history is entered",
    "(NEW.imported_payment_id IS NOT NULL OR NEW.state <> 'held') AND "
    "(NEW.imported_payment_id IS NOT NULL) <> EXISTS (SELECT 1 FROM distributions "
    "WHERE id = NEW.distribution_id AND import_id IS NOT NULL)",
)
