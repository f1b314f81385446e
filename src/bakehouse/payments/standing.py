"""Where each baker stands: what is paid, what is under way, what waits for a person. Read only.

All of it is the ledger's word, but for what a wallet holds: that is read from a node by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import alerts, bakers, distributions, payout_sums, payouts
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.cycle_costs import expected_costs
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    PayoutState,
)
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import sum_of
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import Address


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a distribution under way has come; counts are payouts."""

    distribution: Distribution
    paid: int
    total: int
    paid_mutez: Mutez


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of one baker, in the mode it is in (of a baker that is off: live)."""

    baker: Baker
    newest: Sequence[Distribution]
    #: The last cycle whose delegators were paid, or simulated for a baker in simulation.
    last_settled: Distribution | None
    #: Distributions that failed and wait for a person, oldest first.
    failed: Sequence[Distribution]
    #: Distributions that wait for their turn or are being paid, oldest first.
    open: Sequence[Distribution]
    #: What is being paid now.
    under_way: Sequence[Progress]
    held: Sequence[Payout]
    #: How many payouts wait for a later cycle, and what they come to in mutez.
    carried: tuple[int, Mutez]
    alerts: Sequence[Alert]
    #: What the last settled cycle took from the wallet, in mutez; None before there is one.
    cycle_cost: Mutez | None

    @property
    def held_total(self) -> Mutez:
        """Sum what is held, in mutez."""
        return sum_of(self.held)

    def cycles_covered(self, balance: Mutez) -> int | None:
        """Tell for how many cycles a wallet lasts; None while nobody knows what one costs."""
        return balance // self.cycle_cost if self.cycle_cost else None


@dataclass(frozen=True, slots=True)
class WalletStanding:
    """What the chain says of a payout address at its head."""

    address: str
    balance: Mutez
    is_revealed: bool
    level: int


async def standings(ledger: Ledger) -> list[Standing]:
    """Tell where every baker stands, in the order they came; one moment of the ledger."""
    async with ledger.read() as tx:
        return [await standing_of(tx, baker) for baker in await bakers.everyone(tx)]


async def standing_of(tx: AsyncConnection, baker: Baker, *, newest_max: int = 12) -> Standing:
    """Tell where one baker stands, with its `newest_max` newest distributions."""
    mode = Mode.SIMULATION if baker.mode is Mode.SIMULATION else Mode.ON
    waiting = [
        each for each in await distributions.unsettled(tx, baker.baker_id) if each.key.mode is mode
    ]
    newest = await distributions.of_baker(tx, baker.baker_id, newest_max)
    return Standing(
        baker=baker,
        newest=newest,
        last_settled=await _last_settled(tx, baker, mode),
        failed=await distributions.failed(tx, baker.baker_id, mode),
        open=waiting,
        under_way=[await progress_of(tx, each) for each in waiting if each.is_planned],
        held=await payouts.of_baker(tx, baker.baker_id, PayoutState.HELD),
        carried=await payout_sums.carried_sum(tx, baker.baker_id, mode),
        alerts=await alerts.unacknowledged(tx, baker.baker_id),
        cycle_cost=(await expected_costs(tx, baker.baker_id)).get(baker.baker_id),
    )


async def progress_of(tx: AsyncConnection, distribution: Distribution) -> Progress:
    """Count what a distribution has paid, of all that it pays."""
    counts = await payouts.count_by_state(tx, distribution)
    paid, paid_mutez = counts.get(PayoutState.PAID, (0, NO_MUTEZ))
    carried, _ = counts.get(PayoutState.CARRIED, (0, NO_MUTEZ))
    total = sum(count for count, _ in counts.values()) - carried
    return Progress(distribution, paid, total, paid_mutez)


async def wallet_standing(payer: Payer, address: str) -> WalletStanding:
    """Read what a wallet holds, at one block; raises SourceError when no node tells."""
    head = await payer.node.head()
    wallet = Address(address)
    return WalletStanding(
        address=address,
        balance=await payer.node.balance(wallet, head.hash),
        is_revealed=await payer.node.manager_key(wallet, head.hash) is not None,
        level=head.level,
    )


async def _last_settled(tx: AsyncConnection, baker: Baker, mode: Mode) -> Distribution | None:
    kind = DistributionKind.DELEGATORS
    settled = DistributionState.SIMULATED if mode is Mode.SIMULATION else DistributionState.PAID
    states = await distributions.states_by_cycle(tx, baker.baker_id, kind, mode)
    cycles = [cycle for cycle, state in states.items() if state is settled]
    if not cycles:
        return None
    return await distributions.find(
        tx, DistributionKey(baker.network, baker.baker_id, max(cycles), kind, mode)
    )
