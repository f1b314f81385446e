"""Paying one cycle to its end in this process, beside a running Bakehouse or without one.

Each step is the same that a job takes: ledger, guards and lease decide who pays what.
"""

import asyncio
from collections.abc import AsyncIterator

from bakehouse.errors import ConflictError, RefusalError
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.payments.advance import EARLIER_CYCLE, advance
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer
from bakehouse.payments.settle import bond_pool_of
from bakehouse.payments.step import Step


async def due_cycle(payer: Payer, baker_id: str, cycle: int) -> DistributionKey:
    """Give what paying the delegators of a cycle means, entered in the ledger.

    Raises RefusalError for a baker that is not on, or a cycle that is not due or older than the
    baker's first; ConflictError for one that failed, which a person must have retried first.
    """
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    if baker.mode is not Mode.ON:
        raise RefusalError(
            f"the baker {baker_id} is in mode {baker.mode}: nothing is paid. See its plans with "
            f"`bakehouse simulate`; `bakehouse baker set {baker_id} mode=on` lets it pay"
        )
    found = await note_due_cycles(payer, baker_id)
    key = DistributionKey(baker.network, baker_id, cycle, DistributionKind.DELEGATORS, Mode.ON)
    if cycle < baker.first_cycle:
        raise RefusalError(
            f"cycle {cycle} is older than the first that is paid from here, {baker.first_cycle}"
        )
    if cycle >= found.current_cycle - baker.payout_delay_cycles:
        raise RefusalError(
            f"cycle {cycle} is not due: the chain is in cycle {found.current_cycle}, and a cycle "
            f"is paid {baker.payout_delay_cycles} cycles after its end"
        )
    await _refuse_failed(payer, key)
    return key


async def steps(payer: Payer, key: DistributionKey) -> AsyncIterator[Step]:
    """Advance until nothing more can be done now, and give each step as it is taken.

    Raises ConflictError when an earlier cycle must be paid first, and what `advance` raises.
    """
    while True:
        step = await advance(payer, key)
        if step.waiting_for == EARLIER_CYCLE:
            raise ConflictError(
                f"a cycle before {key.cycle} is not settled, and cycles are paid in order: see "
                "`bakehouse status`"
            )
        yield step
        # A veto stands for a while: whoever waits for this command decides about it.
        if step.wait_seconds is None or step.quarantined or _is_vetoed(step):
            return
        await asyncio.sleep(step.wait_seconds)


async def bond_pool_after(payer: Payer, key: DistributionKey) -> DistributionKey | None:
    """Give the bond pool's payment that follows a settled one, if there is one."""
    if key.kind is DistributionKind.BOND_POOL:
        return None
    async with payer.ledger.read() as tx:
        found = await distributions.find(tx, bond_pool_of(key))
    return None if found is None else found.key


def _is_vetoed(step: Step) -> bool:
    return step.hook_stop is not None and step.hook_stop.is_veto


async def _refuse_failed(payer: Payer, key: DistributionKey) -> None:
    async with payer.ledger.read() as tx:
        distribution = await distributions.get(tx, key)
    if distribution.state is DistributionState.FAILED:
        raise ConflictError(
            f"cycle {key.cycle} failed: {distribution.message}. Once that is settled, "
            f"`bakehouse retry {key.baker_id} {key.cycle} --why …` has it taken up again"
        )
