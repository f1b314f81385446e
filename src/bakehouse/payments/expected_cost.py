"""What the next cycle of a baker will cost its wallet, guessed from the last one. No decisions."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import distributions, operations
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import DistributionState, Mode, OperationState
from bakehouse.rewards.money import Mutez

#: Cycles that are looked back for one that says something.
_LOOKED_AT_MAX = 20


async def expected_cost(tx: AsyncConnection, baker: Baker) -> Mutez | None:
    """Give what a cycle like the last paid one takes: all payouts, and the fees of its operations.

    While none was paid, the last simulated one counts. None when there is neither.
    """
    newest = await distributions.of_baker(tx, baker.baker_id, _LOOKED_AT_MAX)
    for mode, state in (
        (Mode.ON, DistributionState.PAID),
        (Mode.SIMULATION, DistributionState.SIMULATED),
    ):
        settled = [each for each in newest if each.key.mode is mode and each.state is state]
        if settled:
            of_last = [each for each in settled if each.key.cycle == settled[0].key.cycle]
            return Mutez(sum([await _cost(tx, each) for each in of_last]))
    return None


async def _cost(tx: AsyncConnection, distribution: Distribution) -> int:
    signed = await operations.of_distribution(tx, distribution.id)
    fees = sum(each.total_fee for each in signed if each.state is OperationState.FINAL)
    return distribution.figures.total_net + fees
