"""The payout plan of one cycle: who is owed what, and the proof that it adds up to the mutez."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bakehouse.errors import RefusalError, SettingError
from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import NO_MUTEZ, WHOLE, BasisPoints, Mutez, share_floor

_NOTHING: Mapping[str, Mutez] = MappingProxyType({})
_NO_FEES: Mapping[str, BasisPoints] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What a baker decides about sharing: fees in basis points, the minimum in mutez."""

    default_fee: BasisPoints
    #: Fees of single delegators, by address; they replace the default.
    fees: Mapping[str, BasisPoints] = field(default_factory=lambda: _NO_FEES)
    share_block_fees: bool = False
    #: What is due below this is carried to the next cycle instead of being paid.
    minimum_payout: Mutez = NO_MUTEZ

    def __post_init__(self) -> None:
        for fee in (self.default_fee, *self.fees.values()):
            if not 0 <= fee <= WHOLE:
                raise SettingError(f"a fee of {fee} basis points is outside 0 to {WHOLE}")
        if self.minimum_payout < 0:
            raise SettingError(f"a minimum payout of {self.minimum_payout} mutez is negative")

    def fee_of(self, delegator: str) -> BasisPoints:
        """Give the fee that applies to one delegator."""
        return self.fees.get(delegator, self.default_fee)


@dataclass(frozen=True, slots=True)
class PlannedPayout:
    """What one delegator is owed for the cycle, in mutez; `gross == fee + net` always holds."""

    recipient: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    #: Left over from earlier cycles in which the sum stayed below the minimum.
    carried_in: Mutez
    #: The sum is still below the minimum: nothing is paid now, all of it waits.
    is_carried: bool

    @property
    def due(self) -> Mutez:
        """Sum what the cycle and the carried amounts give."""
        return Mutez(self.net + self.carried_in)


@dataclass(frozen=True, slots=True)
class PayoutPlan:
    """One cycle's plan. `pool == own_part + total_fees + total_net + dust`, all in mutez."""

    cycle: int
    pool: Mutez
    #: The baker's share for its own delegated balance.
    own_part: Mutez
    payouts: tuple[PlannedPayout, ...]
    total_gross: Mutez
    #: Fees of every delegator, those whose payout came to nothing included.
    total_fees: Mutez
    total_net: Mutez
    #: What rounding down left over; it stays with the baker.
    dust: Mutez
    #: Delegators whose payout came to 0 mutez: counted, not listed.
    zero_payouts: int
    #: Amounts carried in for addresses that left the baker, and are due now.
    released: Mapping[str, Mutez]

    @property
    def baker_share(self) -> Mutez:
        """What the baker keeps of the pool: own part, fees and dust."""
        return Mutez(self.own_part + self.total_fees + self.dust)

    @property
    def total_due_now(self) -> Mutez:
        """What leaves the wallet for this cycle, carried amounts that are due now included."""
        listed = sum(payout.due for payout in self.payouts if not payout.is_carried)
        return Mutez(listed + sum(self.released.values()))


def plan_payouts(
    rewards: CycleRewards,
    rules: PayoutRules,
    carried: Mapping[str, Mutez] = _NOTHING,
) -> PayoutPlan:
    """Share one cycle's rewards by the default rule, floors all the way (see docs/rewards.md).

    `carried` is what earlier cycles left unpaid, by address. Raises RefusalError when the balances
    do not belong together or the result would not add up.
    """
    _refuse_inconsistent(rewards)
    pool = rewards.pool(share_block_fees=rules.share_block_fees)
    own_part = _own_part(pool, rewards)
    external_pool = Mutez(pool - own_part)
    everyone = [
        _plan_one(delegator, external_pool, rewards.external_delegated_balance, rules, carried)
        for delegator in rewards.delegators
    ]
    listed = tuple(payout for payout in everyone if payout.due > 0)
    present = {delegator.address for delegator in rewards.delegators}
    total_gross = Mutez(sum(payout.gross for payout in everyone))
    plan = PayoutPlan(
        cycle=rewards.cycle,
        pool=pool,
        own_part=own_part,
        payouts=listed,
        total_gross=total_gross,
        total_fees=Mutez(sum(payout.fee for payout in everyone)),
        total_net=Mutez(sum(payout.net for payout in everyone)),
        dust=Mutez(external_pool - total_gross),
        zero_payouts=len(everyone) - len(listed),
        released={
            address: amount
            for address, amount in carried.items()
            if address not in present and amount >= max(1, rules.minimum_payout)
        },
    )
    prove(plan)
    return plan


def prove(plan: PayoutPlan) -> None:
    """Add the plan up anew from its rows; raises RefusalError naming the sum that is off."""
    if plan.pool < 0:
        raise RefusalError(f"a pool of {plan.pool} mutez is negative")
    total_net = sum(payout.net for payout in plan.payouts)
    if total_net != plan.total_net:
        raise RefusalError(f"payouts add up to {total_net} mutez, not to {plan.total_net}")
    parts = plan.own_part + plan.total_fees + plan.total_net + plan.dust
    if parts != plan.pool:
        raise RefusalError(f"the parts add up to {parts} mutez, the pool is {plan.pool}")
    if plan.own_part < 0 or not 0 <= plan.dust <= len(plan.payouts) + plan.zero_payouts:
        raise RefusalError(f"own part {plan.own_part} or dust {plan.dust} mutez is out of bounds")
    for payout in plan.payouts:
        if payout.gross != payout.fee + payout.net or min(payout.fee, payout.net) < 0:
            raise RefusalError(f"the payout of {payout.recipient} does not add up")


def _refuse_inconsistent(rewards: CycleRewards) -> None:
    balances = [delegator.delegated_balance for delegator in rewards.delegators]
    total = sum(balances)
    if total != rewards.external_delegated_balance:
        raise RefusalError(
            f"delegated balances add up to {total} mutez, "
            f"the split says {rewards.external_delegated_balance}"
        )
    if min((rewards.own_delegated_balance, *balances)) < 0:
        raise RefusalError("a delegated balance is negative")
    if len({delegator.address for delegator in rewards.delegators}) != len(balances):
        # Each row would be given the address's carried amount anew.
        raise RefusalError("a delegator is listed twice in the cycle")


def _own_part(pool: Mutez, rewards: CycleRewards) -> Mutez:
    if not rewards.external_delegated_balance:
        return pool
    base = rewards.own_delegated_balance + rewards.external_delegated_balance
    return share_floor(pool, rewards.own_delegated_balance, base)


def _plan_one(
    delegator: DelegatorBalance,
    external_pool: Mutez,
    external_balance: Mutez,
    rules: PayoutRules,
    carried: Mapping[str, Mutez],
) -> PlannedPayout:
    balance = delegator.delegated_balance
    # No balance outside means nothing to divide by, and nothing to give.
    gross = share_floor(external_pool, balance, external_balance) if balance else NO_MUTEZ
    fee_basis_points = rules.fee_of(delegator.address)
    net = share_floor(gross, WHOLE - fee_basis_points, WHOLE)
    carried_in = carried.get(delegator.address, NO_MUTEZ)
    return PlannedPayout(
        recipient=delegator.address,
        delegated_balance=balance,
        gross=gross,
        fee_basis_points=fee_basis_points,
        fee=Mutez(gross - net),
        net=net,
        carried_in=carried_in,
        is_carried=net + carried_in < rules.minimum_payout,
    )
