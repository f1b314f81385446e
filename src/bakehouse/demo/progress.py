"""What the demo shows at a moment: the chain's clock and each cycle's payment. Nothing is drawn."""

from dataclasses import dataclass

from bakehouse.ledger import distributions, payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import PayoutState
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import NO_MUTEZ, Mutez

_CYCLES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class CycleProgress:
    """One cycle's payment: payouts settled, of all there are, and their sum in mutez."""

    distribution: Distribution
    paid: int
    total: int
    paid_mutez: Mutez


@dataclass(frozen=True, slots=True)
class DemoProgress:
    """The chain's head, and the newest cycles first."""

    level: int
    cycle: int
    cycle_position: int
    blocks_per_cycle: int
    cycles: tuple[CycleProgress, ...]


async def read_progress(payer: Payer, baker_id: str) -> DemoProgress:
    """Look at chain and ledger; raises SourceError when the chain cannot be read."""
    head = await payer.node.block_metadata()
    constants = await payer.node.constants()
    async with payer.ledger.read() as tx:
        shown = await distributions.of_baker(tx, baker_id, _CYCLES_SHOWN)
        cycles = []
        for distribution in shown:
            counts = await payouts.count_by_state(tx, distribution)
            paid, paid_mutez = counts.get(PayoutState.PAID, (0, NO_MUTEZ))
            total = sum(count for count, _ in counts.values())
            cycles.append(CycleProgress(distribution, paid, total, paid_mutez))
    return DemoProgress(
        head.level, head.cycle, head.cycle_position, constants.blocks_per_cycle, tuple(cycles)
    )
