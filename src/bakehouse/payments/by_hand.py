"""One step of an order outside any cycle: a transfer by hand, a reveal, an extra payment, a top-up.

It goes the way of payouts: lease, guards, signature and bytes in the ledger, blocks, finality.
Every step starts from the ledger, so it may run twice, late, or after a crash.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import OvertakenError, RefusalError, SourceError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, manual_transfers, operations
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.manual_transfers import OPEN, ManualTransfer
from bakehouse.ledger.new_operations import NewOperation
from bakehouse.ledger.operations import UNFINISHED
from bakehouse.ledger.states import (
    IN_FLIGHT,
    ManualOrigin,
    ManualState,
    Mode,
    OperationKind,
    OperationState,
)
from bakehouse.payments import guard
from bakehouse.payments.advance import ANOTHER_PROCESS
from bakehouse.payments.batch import unasked
from bakehouse.payments.estimate import Estimator, contents_of, draft_contents
from bakehouse.payments.follow import follow
from bakehouse.payments.guard import Guard
from bakehouse.payments.look_back import sent_since
from bakehouse.payments.payer import Payer
from bakehouse.payments.prepare import PreparedGroup, limited, prepare, priced
from bakehouse.payments.refusals import why_refused
from bakehouse.payments.reserve import owed_by_wallet
from bakehouse.payments.room import room_for_group
from bakehouse.payments.sign import sign_and_keep
from bakehouse.payments.sole_sender import sole_sender
from bakehouse.rewards.money import NO_MUTEZ, Mutez, format_tez
from bakehouse.tezos.address import Address
from bakehouse.tezos.node import SigningContext
from bakehouse.tezos.receipt import Status
from bakehouse.tezos.signer import Signer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrderStep:
    """How far an order has come after a step, and what it waits for."""

    transfer: ManualTransfer
    #: Seconds until the next step makes sense; None when there is nothing to do for now.
    wait_seconds: int | None
    waiting_for: str = ""
    #: Hashes of operations of which nobody can prove what became of them.
    quarantined: tuple[str, ...] = ()
    #: What keeps the chain from being read, or believed, just now.
    trouble: str | None = None


async def advance_order(payer: Payer, transfer_id: int) -> OrderStep:
    """Take an order as far as it goes now, from whatever state it is in.

    What a guard refuses is marked failed with the reason, and nothing is signed; what a source
    cannot tell now is waited for. Raises SourceError where waiting will not help.
    """
    transfer, baker = await _reload(payer, transfer_id)
    if transfer.state not in OPEN:
        return OrderStep(transfer, None)
    try:
        async with sole_sender(payer, transfer.network, transfer.source) as lease:
            if lease is None:
                return await _wait(payer, transfer, ANOTHER_PROCESS)
            return await _go_on(payer, lease, transfer_id, baker)
    except OvertakenError as error:
        return OrderStep(transfer, payer.limits.lease_seconds, error.message)
    except SourceError as error:
        if not error.retryable:
            raise
        _log.warning("cannot follow the chain", baker=baker.baker_id, error=error.message)
        patience = payer.limits.source_patience_seconds
        return OrderStep(transfer, patience, error.message, trouble=error.message)


async def order_steps(payer: Payer, transfer_id: int) -> AsyncIterator[OrderStep]:
    """Advance an order until nothing more can be done now, and give each step as it is taken."""
    while True:
        step = await advance_order(payer, transfer_id)
        yield step
        if step.wait_seconds is None or step.quarantined:
            return
        await asyncio.sleep(step.wait_seconds)


async def _go_on(payer: Payer, lease: Lease, transfer_id: int, baker: Baker) -> OrderStep:
    unfinished = await follow(payer, lease, baker.num_blocks_wait)
    transfer, baker = await _reload(payer, transfer_id)
    if transfer.state not in OPEN:
        return OrderStep(transfer, None)
    in_flight = [each for each in unfinished if each.state in IN_FLIGHT]
    if in_flight:
        lost = tuple(each.hash for each in in_flight if each.state is OperationState.QUARANTINED)
        return replace(await _wait(payer, transfer, "a block"), quarantined=lost)
    if transfer.state is ManualState.ASSIGNED:
        return await _wait(payer, transfer, "finality")
    if not _may_sign(transfer, baker):
        return OrderStep(transfer, None, f"the baker is in mode {baker.mode}")
    try:
        await _send(payer, lease, transfer, baker)
    except RefusalError as refused:
        async with payer.ledger.write() as tx:
            reason = refused.message
            await manual_transfers.give_up(
                tx, transfer, reason, actor="bakehouse", at=payer.clock()
            )
        _log.warning("order-refused", order=transfer.name, reason=reason)
        return OrderStep((await _reload(payer, transfer_id))[0], None)
    # The stored operation is sent by whoever follows: here, or after a crash, elsewhere.
    await follow(payer, lease, baker.num_blocks_wait)
    return await _wait(payer, (await _reload(payer, transfer_id))[0], "a block")


async def _send(payer: Payer, lease: Lease, transfer: ManualTransfer, baker: Baker) -> None:
    """Sign and store what does the order; raises RefusalError when that must not be."""
    _require_wanted(transfer, baker)
    async with payer.ledger.read() as tx:
        network, source = transfer.network, transfer.source
        living = await operations.in_states(tx, network, source, UNFINISHED)
        newest = await operations.newest_in_a_block(tx, network, source)
        signed = await operations.by_hand_since(tx, network, source, transfer.ordered_at)
        owed = await owed_by_wallet(tx, source)
    guard.refuse_expiring(signed, payer.limits.expired_in_a_row_max)
    signer = await payer.signers.of(Address(source))
    limits = payer.limits
    context = await payer.node.signing_context(signer.address, life_blocks=limits.life_blocks)
    failpoint(Failpoint.COUNTER_RESERVED)
    guard.counter_is_current(context.counter, [*living, *([newest] if newest else [])])
    await _refuse_done_elsewhere(payer, context, transfer)
    prepared = await _prepare(payer, signer, context, transfer)
    if transfer.origin is not ManualOrigin.REVEAL:
        takes = Mutez(transfer.amount + prepared.total_fee + prepared.burns)
        kept = NO_MUTEZ if transfer.spends_owed else owed
        guard.balance_covers(
            source,
            context.balance,
            amounts=transfer.amount,
            costs=Mutez(takes - transfer.amount),
        )
        guard.keeps_what_is_owed(source, context.balance, takes=takes, owed=kept)

    async def store(tx: AsyncConnection, new: NewOperation) -> None:
        at = payer.clock()
        now = await bakers.get(tx, transfer.baker_id)
        if not _may_sign(transfer, now):
            raise OvertakenError(f"the baker was switched to {now.mode} meanwhile")
        _require_wanted(transfer, now)
        if transfer.origin is ManualOrigin.TOP_UP:
            spent = await manual_transfers.topped_up_since_midnight(tx, transfer.baker_id, at)
            guard.within_day_cap(spent, transfer.amount, now.top_up_cap or NO_MUTEZ)
        await manual_transfers.store_signed(tx, transfer, new, lease, at=at)

    await sign_and_keep(payer, signer, prepared, OperationKind.MANUAL, store)


def _may_sign(transfer: ManualTransfer, baker: Baker) -> bool:
    if transfer.origin is ManualOrigin.TOP_UP:
        return baker.mode is Mode.ON
    return baker.mode is not Mode.OFF


def _require_wanted(transfer: ManualTransfer, baker: Baker) -> None:
    """Refuse an order that the baker's settings, as they are now, have overtaken."""
    is_top_up = transfer.origin is ManualOrigin.TOP_UP
    source = baker.funding_address if is_top_up else baker.payout_address
    if transfer.source != source or (is_top_up and transfer.destination != baker.payout_address):
        raise RefusalError(
            f"the wallets of {baker.baker_id} were changed since this was ordered, from "
            f"{transfer.source}"
        )


async def _refuse_done_elsewhere(
    payer: Payer, context: SigningContext, transfer: ManualTransfer
) -> None:
    sent = await sent_since(
        payer, transfer.network, context, transfer.source, transfer.ordered_level
    )
    same = [each for each in sent if each.destination == transfer.destination]
    if same and transfer.origin is not ManualOrigin.REVEAL:
        raise guard.refuse(
            Guard.NOT_DONE_ELSEWHERE,
            f"since this was ordered, the wallet has sent {format_tez(same[0].amount)} tez to "
            f"{transfer.destination}, but not from here: {same[0].operation_hash} "
            f"(block {same[0].level})",
        )


async def _prepare(
    payer: Payer, signer: Signer, context: SigningContext, transfer: ManualTransfer
) -> PreparedGroup:
    if transfer.origin is ManualOrigin.REVEAL:
        return await _prepare_reveal(payer, signer, context)
    if context.balance <= transfer.amount:
        guard.balance_covers(
            signer.address, context.balance, amounts=transfer.amount, costs=Mutez(1)
        )
    intent = unasked(transfer.destination, transfer.amount)
    room = await room_for_group(payer, signer.address, context, expired=0)
    preparation = await prepare(payer, signer, context, room, [intent])
    if preparation.prepared is None:
        told = "; ".join(why_refused(each.errors) for each in preparation.refused)
        raise guard.refuse(
            Guard.SIMULATION, f"the transfer would fail: {told or 'no reason given'}"
        )
    return preparation.prepared


async def _prepare_reveal(payer: Payer, signer: Signer, context: SigningContext) -> PreparedGroup:
    draft = draft_contents(signer, context, [])
    if not draft:
        raise RefusalError(f"the key of {signer.address} is revealed already")
    estimator, limits = Estimator.of(payer, signer, context), payer.limits
    results = await estimator.simulate(draft)
    if any(result.status is not Status.APPLIED for result in results):
        told = ", ".join(error for result in results for error in result.errors)
        raise guard.refuse(Guard.SIMULATION, f"the reveal would fail: {told}")
    contents = limited(contents_of(signer, context, [], estimator.usage(results[0])), limits)
    group = priced(context, contents, await payer.node.fee_filter(), limits)
    failpoint(Failpoint.AFTER_FORGE)
    return PreparedGroup(group, context, (), NO_MUTEZ)


async def _reload(payer: Payer, transfer_id: int) -> tuple[ManualTransfer, Baker]:
    async with payer.ledger.read() as tx:
        transfer = await manual_transfers.by_id(tx, transfer_id)
        return transfer, await bakers.get(tx, transfer.baker_id)


async def _wait(payer: Payer, transfer: ManualTransfer, waiting_for: str) -> OrderStep:
    return OrderStep(transfer, await payer.node.block_delay_seconds(), waiting_for)
