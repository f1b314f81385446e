"""One step of a distribution: whatever can be done now is done, then it says how long to wait.

Every step starts from the ledger, so it may run twice, late, or after a crash.
"""

from dataclasses import dataclass, replace

import structlog

from bakehouse.errors import SourceError
from bakehouse.ledger import bakers, distributions, operations, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import UNFINISHED
from bakehouse.ledger.states import (
    IN_FLIGHT,
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
    PayoutState,
)
from bakehouse.payments import guard
from bakehouse.payments.batch import intents
from bakehouse.payments.confirm import watch
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import plan_bond_members, plan_delegators
from bakehouse.payments.prepare import RefusedTransfer, prepare
from bakehouse.payments.settle import close_distribution
from bakehouse.payments.sign import sign_and_store
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import Address

_log = structlog.get_logger(__name__)

#: Earlier cycles in these states are paid first; failed ones wait for a person and block nobody.
_BEFORE_US = frozenset(
    {
        DistributionState.SEEN,
        DistributionState.REWARDS_PENDING,
        DistributionState.PLANNED,
        DistributionState.PAYING,
    }
)

#: Payouts read for one group: several times what fits, far less than a large baker owes.
_OWED_READ_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """How far a distribution has come; counts are payouts."""

    distribution: Distribution
    paid: int
    total: int
    #: Kept back until a person decides.
    held: int
    #: Seconds until the next step makes sense; None when there is nothing to do for now.
    wait_seconds: int | None
    waiting_for: str = ""
    #: Hash of a sent operation that has expired and that no block holds, if there is one.
    overdue: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the distribution needs nothing more, ever."""
        return self.distribution.state in SETTLED_DISTRIBUTIONS


async def advance(payer: Payer, key: DistributionKey) -> Step:
    """Take a distribution as far as it goes now, from whatever state it is in.

    Raises SourceError when a source fails before anything was sent, GuardRefusedError when a check
    refuses, and RefusalError for a split that must not be paid from; nothing is signed then.
    """
    async with payer.ledger.read() as tx:
        distribution = await distributions.get(tx, key)
        baker = await bakers.get(tx, key.baker_id)
        must_wait = await distributions.has_earlier_unsettled(tx, distribution, _BEFORE_US)
    if distribution.state in SETTLED_DISTRIBUTIONS:
        return await _step(payer, distribution, None)
    if must_wait:
        return await _wait(payer, distribution, "an earlier cycle")
    if not distribution.is_planned:
        if not await _plan(payer, distribution):
            return await _wait(payer, distribution, "the indexer")
        distribution = await _reload(payer, distribution)
    if key.mode is Mode.SIMULATION:
        if distribution.state is DistributionState.FAILED:
            distribution = await _enter(payer, distribution, DistributionState.PLANNED)
        return await _close(payer, distribution)
    async with payer.locks.of(baker.payout_address):
        return await _pay(payer, distribution, baker)


async def watch_unfinished(payer: Payer, baker_id: str) -> None:
    """Follow what was signed for a baker, whatever has become of the distribution it belongs to."""
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    async with payer.locks.of(baker.payout_address):
        await watch(payer, baker.network, baker.payout_address, baker.num_blocks_wait)


async def fail(payer: Payer, key: DistributionKey, message: str) -> None:
    """Mark a distribution failed after its last attempt; what was signed is watched on."""
    async with payer.ledger.write() as tx:
        distribution = await distributions.get(tx, key)
        if distribution.state in {*SETTLED_DISTRIBUTIONS, DistributionState.FAILED}:
            return
        await distributions.enter_state(
            tx, distribution, DistributionState.FAILED, at=payer.clock(), message=message
        )


async def _plan(payer: Payer, distribution: Distribution) -> bool:
    if distribution.state is not DistributionState.REWARDS_PENDING:
        distribution = await _enter(payer, distribution, DistributionState.REWARDS_PENDING)
    if distribution.key.kind is DistributionKind.BOND_POOL:
        await plan_bond_members(payer, distribution)
        return True
    if not await guard.sources_agree(payer, distribution):
        return False
    baker = Address(distribution.key.baker_id)
    split = await payer.indexer.closed_split(baker, distribution.key.cycle)
    await plan_delegators(payer, distribution, split)
    return True


async def _pay(payer: Payer, distribution: Distribution, baker: Baker) -> Step:
    if distribution.state is not DistributionState.PAYING:
        distribution = await _enter(payer, distribution, DistributionState.PAYING)
    try:
        return await _pay_next(payer, distribution, baker)
    except SourceError as error:
        if not error.retryable or not await _has_unfinished(payer, baker):
            raise
        # Something of ours may be on its way: giving up would not bring it back.
        _log.warning("cannot follow the chain", baker=baker.baker_id, error=error.message)
        patience = payer.limits.source_patience_seconds
        return await _step(payer, distribution, patience, error.message)


async def _pay_next(payer: Payer, distribution: Distribution, baker: Baker) -> Step:
    unfinished = await watch(payer, baker.network, baker.payout_address, baker.num_blocks_wait)
    in_flight = [operation for operation in unfinished if operation.state in IN_FLIGHT]
    if in_flight:
        overdue = next((each.hash for each in in_flight if each.is_overdue), None)
        return replace(await _wait(payer, distribution, "a block"), overdue=overdue)
    if baker.mode is not Mode.ON:
        return await _step(payer, distribution, None, f"mode {Mode.ON}")
    if await _send_next(payer, distribution, baker):
        return await _wait(payer, distribution, "a block")
    if any(operation.distribution_id == distribution.id for operation in unfinished):
        return await _wait(payer, distribution, "finality")
    return await _close(payer, distribution)


async def _send_next(payer: Payer, distribution: Distribution, baker: Baker) -> bool:
    """Sign, store and send the next group; False when nothing is owed any more."""
    signer = await payer.signers.of(Address(baker.payout_address))
    async with payer.ledger.read() as tx:
        owed = await payouts.in_state(tx, distribution, PayoutState.OWED, _OWED_READ_MAX)
        counts = await payouts.count_by_state(tx, distribution)
        planned = await payouts.total_of_cycle(tx, distribution)
        living = await operations.in_states(tx, baker.network, signer.address, UNFINISHED)
    if not owed:
        return False
    guard.adds_up(distribution, planned)
    context = await payer.node.signing_context(
        signer.address, branch_depth=payer.limits.branch_depth
    )
    guard.counter_is_current(context.counter, living)
    wanted = intents(owed)
    if len(owed) == _OWED_READ_MAX and len(wanted) > 1:
        # The reading was cut off, maybe within an address: that one waits for the next group.
        wanted.pop()
    _, amounts = counts[PayoutState.OWED]
    guard.balance_covers(signer.address, context.balance, amounts=amounts, costs=NO_MUTEZ)
    prepared = await prepare(payer, signer, context, wanted)
    if isinstance(prepared, RefusedTransfer):
        if prepared.is_for_want_of_money:
            # Each new account burns: a wallet without that much must not be the recipient's fault.
            count = min(len(wanted), payer.limits.transfers_max)
            burns = Mutez(count * context.constants.allocation_burn)
            guard.balance_covers(signer.address, context.balance, amounts=amounts, costs=burns)
        await _hold(payer, prepared)
        return True
    costs = Mutez(prepared.total_fee + prepared.burns)
    guard.balance_covers(signer.address, context.balance, amounts=amounts, costs=costs)
    await sign_and_store(payer, signer, distribution, prepared)
    # The stored operation is sent by whoever watches: here, or after a crash, elsewhere.
    await watch(payer, baker.network, signer.address, baker.num_blocks_wait)
    return True


async def _hold(payer: Payer, refused: RefusedTransfer) -> None:
    reason = f"a transfer to it would fail: {', '.join(refused.errors) or 'no reason given'}"
    _log.warning("payout held", destination=refused.intent.destination, reason=reason)
    async with payer.ledger.write() as tx:
        await payouts.hold(tx, refused.intent.payout_ids, reason)


async def _has_unfinished(payer: Payer, baker: Baker) -> bool:
    async with payer.ledger.read() as tx:
        return bool(await operations.in_states(tx, baker.network, baker.payout_address, UNFINISHED))


async def _close(payer: Payer, distribution: Distribution) -> Step:
    await close_distribution(payer, distribution)
    return await _step(payer, await _reload(payer, distribution), None)


async def _enter(payer: Payer, distribution: Distribution, to: DistributionState) -> Distribution:
    async with payer.ledger.write() as tx:
        await distributions.enter_state(tx, distribution, to, at=payer.clock())
    return await _reload(payer, distribution)


async def _reload(payer: Payer, distribution: Distribution) -> Distribution:
    async with payer.ledger.read() as tx:
        return await distributions.get(tx, distribution.key)


async def _wait(payer: Payer, distribution: Distribution, waiting_for: str) -> Step:
    constants = await payer.node.constants()
    return await _step(payer, distribution, constants.minimal_block_delay_seconds, waiting_for)


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
