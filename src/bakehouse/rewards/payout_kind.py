"""Why somebody is owed: the kinds of payout, as the ledger and documents name them."""

from enum import StrEnum
from typing import Final


class PayoutKind(StrEnum):
    """Why the recipient is owed."""

    DELEGATOR = "delegator"
    #: Lent the baker its bond.
    BOND_MEMBER = "bond-member"
    #: Gets a part of the baker's own part, of its fees, of shares that nobody else gets.
    BOND_SHARE = "bond-share"
    FEE_SHARE = "fee-share"
    EXCLUDED_SHARE = "excluded-share"
    #: Nothing is sent for it: it was paid too much before, and agreed to give it back.
    DEDUCTION = "deduction"


#: What named addresses have of the baker's income.
INCOME_KINDS: Final = (PayoutKind.BOND_SHARE, PayoutKind.FEE_SHARE, PayoutKind.EXCLUDED_SHARE)
