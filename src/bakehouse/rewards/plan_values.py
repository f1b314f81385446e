"""The payout plan of one cycle as values: what is paid, what waits, who is not paid and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bakehouse.rewards.eligibility import ExclusionReason
from bakehouse.rewards.money import NO_MUTEZ, BasisPoints, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import ExcludedShare


@dataclass(frozen=True, slots=True)
class TransferCosts:
    """What one plain transfer is expected to cost, in mutez; what it does cost is seen later."""

    fee: Mutez = NO_MUTEZ
    #: Burnt for a destination that is new, or was emptied.
    burn: Mutez = NO_MUTEZ


NO_COSTS: Final = TransferCosts()


class CarryReason(StrEnum):
    """Why an amount waits for a later cycle."""

    INTERVAL = "not-a-paying-cycle"
    MINIMUM = "below-minimum"
    #: The recipient bears what the transfer costs, and nothing would be left.
    COST = "below-its-cost"


@dataclass(frozen=True, slots=True)
class PlannedPayout:
    """What one recipient is owed for the cycle, in mutez; `gross == fee + net` always holds."""

    recipient: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    #: Left over from earlier cycles, and due or carried on with this payout.
    carried_in: Mutez = NO_MUTEZ
    #: Nothing is paid now, all of it waits; None for what is paid.
    carry_reason: CarryReason | None = None
    kind: PayoutKind = PayoutKind.DELEGATOR
    #: Where it is sent, which a baker may redirect; it stays owed to the recipient.
    address: str = ""
    bears_fee: bool = False
    bears_burn: bool = False
    #: What its transfer is expected to cost of what it bears; known exactly once it is signed.
    cost_borne: Mutez = NO_MUTEZ

    @property
    def due(self) -> Mutez:
        """Sum what the cycle and the carried amounts give."""
        return Mutez(self.net + self.carried_in)

    @property
    def is_carried(self) -> bool:
        """Tell whether it waits for a later cycle."""
        return self.carry_reason is not None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A delegator who is not paid, and why; `gross` (mutez) is the share that goes elsewhere."""

    recipient: str
    delegated_balance: Mutez
    gross: Mutez
    reason: ExclusionReason
    share_goes_to: ExcludedShare


@dataclass(frozen=True, slots=True)
class PayoutPlan:
    """One cycle's plan, in mutez.

    `pool == own_part + total_fees + excluded_kept + total_net + dust`; the first three are what the
    baker keeps of each after the income shares, which are payouts like others.
    """

    cycle: int
    pool: Mutez
    #: The baker's share for its own delegated balance.
    own_part: Mutez
    payouts: tuple[PlannedPayout, ...]
    #: Delegators' shares before fees, those of excluded ones left out.
    total_gross: Mutez
    #: Fees of every delegator, those whose payout came to nothing included.
    total_fees: Mutez
    total_net: Mutez
    #: What rounding down left over; it stays with the baker.
    dust: Mutez
    #: Delegators whose payout came to 0 mutez: counted, not listed.
    zero_payouts: int
    #: Amounts carried in that are due now, for addresses without a payout of this cycle.
    released: Mapping[str, Mutez]
    #: Shares of excluded delegators that the baker keeps.
    excluded_kept: Mutez = NO_MUTEZ
    exclusions: tuple[Exclusion, ...] = ()
    #: How many shares were rounded down; each left less than a mutez of dust.
    shares_rounded: int = 0

    @property
    def baker_share(self) -> Mutez:
        """What the baker keeps of the pool: own part, fees, excluded shares and dust."""
        return Mutez(self.own_part + self.total_fees + self.excluded_kept + self.dust)

    @property
    def total_due_now(self) -> Mutez:
        """What leaves the wallet for this cycle, carried amounts that are due now included."""
        listed = sum(payout.due for payout in self.payouts if not payout.is_carried)
        return Mutez(listed + sum(self.released.values()))
