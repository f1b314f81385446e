"""One step of a distribution: whatever can be done now is done, then it says how long to wait.

Every step starts from the ledger, so it may run twice, late, or after a crash.
"""

from dataclasses import replace
from typing import Final

import structlog

from bakehouse.errors import IllegalTransitionError, OvertakenError, SourceError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, distributions, leases, operations, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.operations import UNFINISHED, Operation
from bakehouse.ledger.states import (
    IN_FLIGHT,
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.payments import cancel, guard
from bakehouse.payments.confirm import watch
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import plan_bond_members, plan_delegators
from bakehouse.payments.send import send_next
from bakehouse.payments.settle import close_distribution
from bakehouse.payments.sole_sender import sole_sender
from bakehouse.payments.step import Step
from bakehouse.rewards.money import NO_MUTEZ
from bakehouse.tezos.address import Address

_log = structlog.get_logger(__name__)

#: What a step waits for while an earlier cycle is not settled.
EARLIER_CYCLE: Final = "an earlier cycle"

#: Earlier cycles in these states are paid first; failed ones wait for a person and block nobody.
_BEFORE_US = frozenset(
    {
        DistributionState.SEEN,
        DistributionState.REWARDS_PENDING,
        DistributionState.PLANNED,
        DistributionState.PAYING,
    }
)


async def advance(payer: Payer, key: DistributionKey) -> Step:
    """Take a distribution as far as it goes now, from whatever state it is in.

    What a source cannot tell now is waited for. Raises GuardRefusedError when a check refuses,
    RefusalError for a split that must not be paid from, SourceError where waiting will not help;
    nothing is signed then.
    """
    async with payer.ledger.read() as tx:
        distribution = await distributions.get(tx, key)
        baker = await bakers.get(tx, key.baker_id)
        must_wait = await distributions.has_earlier_unsettled(tx, distribution, _BEFORE_US)
    if distribution.state in SETTLED_DISTRIBUTIONS:
        return await _step(payer, distribution, None)
    try:
        if must_wait:
            return await _wait(payer, distribution, EARLIER_CYCLE)
        async with sole_sender(payer, key.network, baker.payout_address) as lease:
            if lease is None:
                return await _wait(payer, distribution, "another process with the same wallet")
            try:
                # Another process may have been at work until the lease was ours.
                return await _go_on(payer, lease, await _reload(payer, distribution), baker)
            except IllegalTransitionError:
                await _require_lease(payer, lease)
                raise
    except OvertakenError as error:
        return await _step(payer, distribution, payer.limits.lease_seconds, error.message)
    except SourceError as error:
        if not error.retryable:
            raise
        _log.warning("cannot follow the chain", baker=baker.baker_id, error=error.message)
        patience = payer.limits.source_patience_seconds
        step = await _step(payer, distribution, patience, error.message)
        return replace(step, trouble=error.message)


async def watch_unfinished(payer: Payer, baker_id: str) -> None:
    """Follow what was signed for a baker, whatever has become of the distribution it belongs to."""
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        sources = await operations.unfinished_sources(tx, baker_id)
    for source in sources:
        async with sole_sender(payer, baker.network, source) as lease:
            if lease is not None:
                await _watch(payer, lease, baker.num_blocks_wait)


async def fail(payer: Payer, key: DistributionKey, message: str) -> None:
    """Mark a distribution failed after its last attempt; what was signed is watched on."""
    async with payer.ledger.write() as tx:
        distribution = await distributions.get(tx, key)
        if distribution.state in {*SETTLED_DISTRIBUTIONS, DistributionState.FAILED}:
            return
        await distributions.enter_state(
            tx, distribution, DistributionState.FAILED, at=payer.clock(), message=message
        )


async def _require_lease(payer: Payer, lease: Lease) -> None:
    """Raise OvertakenError when the lease is another's: then its moves were in our way."""
    async with payer.ledger.read() as tx:
        await leases.require_current(tx, lease)


async def _go_on(payer: Payer, lease: Lease, distribution: Distribution, baker: Baker) -> Step:
    if distribution.state in SETTLED_DISTRIBUTIONS:
        return await _step(payer, distribution, None)
    if not distribution.is_planned:
        if not await _plan(payer, distribution, baker):
            return await _wait(payer, distribution, "the indexer")
        distribution = await _reload(payer, distribution)
    if distribution.key.mode is not Mode.SIMULATION:
        return await _pay(payer, lease, distribution, baker)
    if distribution.state is DistributionState.FAILED:
        distribution = await _enter(payer, distribution, DistributionState.PLANNED)
    return await _close(payer, distribution)


async def _plan(payer: Payer, distribution: Distribution, baker: Baker) -> bool:
    if distribution.state is not DistributionState.REWARDS_PENDING:
        distribution = await _enter(payer, distribution, DistributionState.REWARDS_PENDING)
    if distribution.key.kind is DistributionKind.BOND_POOL:
        await plan_bond_members(payer, distribution)
        return True
    if not await guard.sources_agree(payer, distribution, baker.payout_address):
        return False
    split = await payer.indexer.closed_split(Address(baker.baker_id), distribution.key.cycle)
    failpoint(Failpoint.AFTER_SNAPSHOT)
    await plan_delegators(payer, distribution, split)
    failpoint(Failpoint.AFTER_PLAN)
    return True


async def _pay(payer: Payer, lease: Lease, distribution: Distribution, baker: Baker) -> Step:
    if distribution.state is not DistributionState.PAYING:
        distribution = await _enter(payer, distribution, DistributionState.PAYING)
    unfinished = await _watch(payer, lease, baker.num_blocks_wait)
    in_flight = [operation for operation in unfinished if operation.state in IN_FLIGHT]
    if in_flight:
        lost = tuple(each.hash for each in in_flight if each.state is OperationState.QUARANTINED)
        step = await _wait_for_block(payer, distribution, "a block")
        return replace(step, quarantined=lost)
    if baker.mode is not Mode.ON:
        return await _step(payer, distribution, None, f"mode {Mode.ON}")
    if await _awaits_go(payer, distribution, baker):
        return replace(await _step(payer, distribution, None, "a person's go"), awaits_go=True)
    if await send_next(payer, lease, distribution, baker):
        # The stored operation is sent by whoever watches: here, or after a crash, elsewhere.
        await _watch(payer, lease, baker.num_blocks_wait)
        return await _wait_for_block(payer, distribution, "a block")
    if await _is_on_its_way(payer, distribution):
        return await _wait_for_block(payer, distribution, "finality")
    return await _close(payer, distribution)


async def _watch(payer: Payer, lease: Lease, blocks_wait: int) -> list[Operation]:
    unfinished = await watch(payer, lease.network, lease.source, blocks_wait)
    if await cancel.sign_requested(payer, lease, unfinished):
        return await watch(payer, lease.network, lease.source, blocks_wait)
    return unfinished


async def _awaits_go(payer: Payer, distribution: Distribution, baker: Baker) -> bool:
    async with payer.ledger.read() as tx:
        has_paid = await operations.has_paid(tx, baker.baker_id)
    return guard.needs_go(distribution, baker, has_paid=has_paid)


async def _is_on_its_way(payer: Payer, distribution: Distribution) -> bool:
    """Whether anything signed for it is undecided, from whichever wallet it was paid then."""
    async with payer.ledger.read() as tx:
        signed = await operations.of_distribution(tx, distribution.id)
    return any(operation.state in UNFINISHED for operation in signed)


async def _close(payer: Payer, distribution: Distribution) -> Step:
    await close_distribution(payer, distribution)
    failpoint(Failpoint.AFTER_CLOSE)
    return await _step(payer, await _reload(payer, distribution), None)


async def _enter(payer: Payer, distribution: Distribution, to: DistributionState) -> Distribution:
    async with payer.ledger.write() as tx:
        await distributions.enter_state(tx, distribution, to, at=payer.clock())
    return await _reload(payer, distribution)


async def _reload(payer: Payer, distribution: Distribution) -> Distribution:
    async with payer.ledger.read() as tx:
        return await distributions.get(tx, distribution.key)


async def _wait(payer: Payer, distribution: Distribution, waiting_for: str) -> Step:
    seconds = await payer.node.block_delay_seconds()
    return await _step(payer, distribution, seconds, waiting_for)


async def _wait_for_block(payer: Payer, distribution: Distribution, waiting_for: str) -> Step:
    # From one block to the next, however long the step took: else every few blocks one is missed.
    seconds = await payer.node.seconds_to_next_block()
    return await _step(payer, distribution, seconds, waiting_for)


async def _step(
    payer: Payer, distribution: Distribution, wait_seconds: int | None, waiting_for: str = ""
) -> Step:
    async with payer.ledger.read() as tx:
        counts = await payouts.count_by_state(tx, distribution)
    done = {PayoutState.PAID, PayoutState.SIMULATED}
    carried, _ = counts.get(PayoutState.CARRIED, (0, NO_MUTEZ))
    held, _ = counts.get(PayoutState.HELD, (0, NO_MUTEZ))
    total = sum(count for count, _ in counts.values()) - carried
    paid = sum(count for state, (count, _) in counts.items() if state in done)
    return Step(distribution, paid, total, held, wait_seconds, waiting_for)
