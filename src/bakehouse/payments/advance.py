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
from bakehouse.ledger.operations import UNFINISHED
from bakehouse.ledger.states import (
    IN_FLIGHT,
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.payments import guard, hook_gate, news
from bakehouse.payments.follow import follow
from bakehouse.payments.hook_questions import HookToAsk
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import plan_bond_members, plan_delegators
from bakehouse.payments.send import send_next
from bakehouse.payments.settle import close_distribution
from bakehouse.payments.sole_sender import sole_sender
from bakehouse.payments.step import Step
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import Address

_log = structlog.get_logger(__name__)

#: What a step waits for while an earlier cycle is not settled.
EARLIER_CYCLE: Final = "an earlier cycle"

#: While a cycle waits for its block, it is looked at again after so many at most.
_DELAY_BLOCKS_AT_ONCE: Final = 50

#: What a step waits for while another process signs for the wallet.
ANOTHER_PROCESS: Final = "another process with the same wallet"

#: Hooks that are asked in one step: more of them go on in the next.
_HOOKS_ASKED_MAX: Final = 10

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
        return await _ask_and_go_on(payer, distribution, baker)
    except OvertakenError as error:
        return await _step(payer, distribution, payer.limits.lease_seconds, error.message)
    except SourceError as error:
        if not error.retryable:
            raise
        _log.warning("cannot follow the chain", baker=baker.baker_id, error=error.message)
        patience = payer.limits.source_patience_seconds
        step = await _step(payer, distribution, patience, error.message)
        return replace(step, trouble=error.message)


async def _ask_and_go_on(payer: Payer, distribution: Distribution, baker: Baker) -> Step:
    """Go on, and ask the hooks that have to be asked meanwhile: never while the wallet is held."""
    stop = None
    if not distribution.is_planned:
        stop = await hook_gate.planning_stop(payer, distribution)
    for _ in range(_HOOKS_ASKED_MAX):
        if stop is not None:
            step = await _step(payer, distribution, stop.wait_seconds, stop.words)
            return replace(step, hook_stop=stop)
        try:
            return await _hold_the_wallet(payer, distribution, baker)
        except HookToAsk as needed:
            stop = await hook_gate.consult(payer, needed.question)
    return await _wait(payer, distribution, "its hooks")


async def _hold_the_wallet(payer: Payer, distribution: Distribution, baker: Baker) -> Step:
    async with sole_sender(payer, distribution.key.network, baker.payout_address) as lease:
        if lease is None:
            return await _wait(payer, distribution, ANOTHER_PROCESS)
        try:
            # Another process may have been at work until the lease was ours.
            return await _go_on(payer, lease, await _reload(payer, distribution), baker)
        except IllegalTransitionError:
            await _require_lease(payer, lease)
            raise


async def watch_unfinished(payer: Payer, baker_id: str) -> None:
    """Follow what was signed for a baker, whatever has become of the distribution it belongs to."""
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        sources = await operations.unfinished_sources(tx, baker_id)
    for source in sources:
        async with sole_sender(payer, baker.network, source) as lease:
            if lease is not None:
                await follow(payer, lease, baker.num_blocks_wait)


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
        if (blocks := await _blocks_to_wait(payer, distribution)) > 0:
            step = await _wait(payer, distribution, f"{blocks} blocks of delay")
            seconds = (step.wait_seconds or 0) * min(blocks, _DELAY_BLOCKS_AT_ONCE)
            return replace(step, wait_seconds=seconds)
        if not await _plan(payer, distribution, baker):
            return await _wait(payer, distribution, "the indexer")
        distribution = await _reload(payer, distribution)
    if distribution.key.mode is not Mode.SIMULATION:
        return await _pay(payer, lease, distribution, baker)
    if distribution.state is DistributionState.FAILED:
        distribution = await _enter(payer, distribution, DistributionState.PLANNED)
    return await _close(payer, distribution)


async def _blocks_to_wait(payer: Payer, distribution: Distribution) -> int:
    if distribution.not_before_level is None:
        return 0
    return distribution.not_before_level - (await payer.node.recent.head()).level


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
    unfinished = await follow(payer, lease, baker.num_blocks_wait)
    in_flight = [operation for operation in unfinished if operation.state in IN_FLIGHT]
    if in_flight:
        lost = tuple(each.hash for each in in_flight if each.state is OperationState.QUARANTINED)
        step = await _wait_for_block(payer, distribution, "a block")
        return replace(step, quarantined=lost)
    if baker.mode is not Mode.ON:
        return await _step(payer, distribution, None, f"mode {Mode.ON}")
    if await _awaits_go(payer, distribution, baker):
        return replace(await _step(payer, distribution, None, "a person's go"), awaits_go=True)
    await hook_gate.require_allowed(payer, distribution, baker)
    if await send_next(payer, lease, distribution, baker):
        # The stored operation is sent by whoever watches: here, or after a crash, elsewhere.
        await follow(payer, lease, baker.num_blocks_wait)
        return await _wait_for_block(payer, distribution, "a block")
    if await _is_on_its_way(payer, distribution):
        return await _wait_for_block(payer, distribution, "finality")
    return await _close(payer, distribution)


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
    if held:
        await news.tell_hooks_of_held(payer, distribution)
    total = sum(count for count, _ in counts.values()) - carried
    settled = [each for state, each in counts.items() if state in done]
    return Step(
        distribution,
        paid=sum(count for count, _ in settled),
        paid_mutez=Mutez(sum(amount for _, amount in settled)),
        total=total,
        held=held,
        wait_seconds=wait_seconds,
        waiting_for=waiting_for,
    )
