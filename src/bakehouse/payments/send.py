"""Sending the next group of a distribution: guards, look-back, preparation, signature, in order.

Nothing is signed before every guard has passed; what only some recipients are unsafe for is held,
and the others are paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import audit, operations, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.operations import UNFINISHED, Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.snapshots import snapshot_of
from bakehouse.ledger.states import OperationKind, PayoutState
from bakehouse.payments import guard
from bakehouse.payments.batch import intents
from bakehouse.payments.estimate import RefusedTransfer
from bakehouse.payments.look_back import paid_elsewhere
from bakehouse.payments.payer import Payer
from bakehouse.payments.prepare import PreparedGroup, prepare
from bakehouse.payments.refusals import why_refused
from bakehouse.payments.room import room_for_group
from bakehouse.payments.sign import sign_and_store
from bakehouse.payments.transfer_costs import NotWorthwhile, TooCostly, bear_costs
from bakehouse.payments.wallet_transfers import WalletTransfer
from bakehouse.rewards.money import NO_MUTEZ, Mutez, format_tez
from bakehouse.rewards.plan_values import CarryReason
from bakehouse.tezos.address import Address
from bakehouse.tezos.node import SigningContext
from bakehouse.tezos.signer import Signer

_log = structlog.get_logger(__name__)

#: Payouts read for one group: several times what fits, far less than a large baker owes.
_OWED_READ_MAX = 2_000

#: Transfers named in the reason for which a payout is held.
_NAMED_MAX = 3


@dataclass(frozen=True, slots=True)
class _Work:
    """What the ledger says before the next group; amounts in mutez."""

    distribution: Distribution
    baker: Baker
    owed: tuple[Payout, ...]
    owed_total: Mutez
    planned_total: Mutez
    #: The evidence of the plan; only read before the first group, for it may be large.
    snapshot: str | None
    living: tuple[Operation, ...]
    #: The payout groups signed for the distribution so far, in counter order.
    signed: tuple[Operation, ...]


async def send_next(payer: Payer, lease: Lease, distribution: Distribution, baker: Baker) -> bool:
    """Sign and store the next group, or hold what is unsafe; False when nothing is owed any more.

    Raises GuardRefusedError when a guard refuses, SourceError when the chain cannot be read.
    """
    signer = await payer.signers.of(Address(baker.payout_address))
    work = await _read(payer, distribution, baker)
    if not work.owed:
        return False
    _check_plan(payer, distribution, baker, work)
    guard.room_to_write(payer.free_bytes(), payer.limits.free_bytes_min)
    if await _hold_over_cap(payer, work.owed, baker):
        return True
    failpoint(Failpoint.AFTER_APPROVE)
    context = await payer.node.signing_context(signer.address, life_blocks=payer.limits.life_blocks)
    failpoint(Failpoint.COUNTER_RESERVED)
    guard.counter_is_current(context.counter, work.living)
    hits = await paid_elsewhere(payer, baker.network, context, signer.address, work.owed)
    if hits:
        await _hold_paid_elsewhere(payer, hits, context.head.level)
        return True
    prepared = await _prepare(payer, signer, context, work)
    if prepared is not None:
        await sign_and_store(payer, lease, signer, distribution, prepared)
    return True


async def _read(payer: Payer, distribution: Distribution, baker: Baker) -> _Work:
    async with payer.ledger.read() as tx:
        owed = await payouts.in_state(tx, distribution, PayoutState.OWED, _OWED_READ_MAX)
        counts = await payouts.count_by_state(tx, distribution)
        source = baker.payout_address
        _, owed_total = counts.get(PayoutState.OWED, (0, NO_MUTEZ))
        signed = [
            each
            for each in await operations.of_distribution(tx, distribution.id)
            if each.kind is OperationKind.PAYOUT
        ]
        return _Work(
            distribution=distribution,
            baker=baker,
            owed=tuple(owed),
            owed_total=owed_total,
            planned_total=await payouts.total_of_cycle(tx, distribution),
            snapshot=None if signed else await snapshot_of(tx, distribution.id) or "",
            living=tuple(await operations.in_states(tx, baker.network, source, UNFINISHED)),
            signed=tuple(signed),
        )


def _check_plan(payer: Payer, distribution: Distribution, baker: Baker, work: _Work) -> None:
    guard.adds_up(distribution, work.planned_total)
    if work.snapshot is not None:
        # Once is enough: what was planned never changes after.
        guard.within_earned(distribution, work.snapshot)
    guard.within_cycle_cap(distribution, baker)
    guard.reaches_blocks(distribution, work.signed, payer.limits.expired_in_a_row_max)


async def _prepare(
    payer: Payer, signer: Signer, context: SigningContext, work: _Work
) -> PreparedGroup | None:
    wanted = intents(work.owed)
    if len(work.owed) == _OWED_READ_MAX and len(wanted) > 1:
        # The reading was cut off, maybe within an address: that one waits for the next group.
        wanted.pop()
    amounts = work.owed_total
    guard.balance_covers(signer.address, context.balance, amounts=amounts, costs=NO_MUTEZ)
    expired = guard.expired_in_a_row(work.distribution, work.signed)
    room = await room_for_group(payer, signer.address, context, expired=expired)
    preparation = await prepare(payer, signer, context, room, wanted)
    refused, prepared = preparation.refused, preparation.prepared
    if any(each.is_for_want_of_money for each in refused):
        # Each new account burns: a wallet without that much must not be the recipient's fault.
        burns = Mutez(len(wanted) * context.constants.allocation_burn)
        guard.balance_covers(signer.address, context.balance, amounts=amounts, costs=burns)
    await _hold_refused(payer, refused)
    if prepared is None:
        return None
    left = Mutez(amounts - sum(each.intent.amount for each in refused))
    costs = Mutez(prepared.total_fee + prepared.burns)
    guard.balance_covers(signer.address, context.balance, amounts=left, costs=costs)
    return await _bear_costs(payer, prepared, work)


async def _bear_costs(payer: Payer, prepared: PreparedGroup, work: _Work) -> PreparedGroup | None:
    cap = work.baker.contract_cost_cap
    borne = bear_costs(prepared, cap)
    if isinstance(borne, TooCostly):
        reason = (
            f"{guard.Guard.CONTRACT_COST_CAP}: the transfer to it would cost "
            f"{format_tez(borne.cost)} tez, more than the cap of "
            f"{format_tez(cap or NO_MUTEZ)}"
        )
        await _hold(payer, borne.intent.payout_ids, reason)
        return None
    if isinstance(borne, NotWorthwhile):
        ids = [payout_id for intent in borne.intents for payout_id in intent.payout_ids]
        _log.info("payouts-carried", payouts=ids, reason=CarryReason.COST)
        at, detail = payer.clock(), {"payouts": ids, "reason": CarryReason.COST}
        async with payer.ledger.write() as tx:
            await payouts.carry(tx, ids, CarryReason.COST)
            event = AuditEvent(
                at, "bakehouse", "payouts.carried", str(work.distribution.key), detail
            )
            await audit.record(tx, event)
        return None
    return borne


async def _hold_refused(payer: Payer, refused: Sequence[RefusedTransfer]) -> None:
    async with payer.ledger.write() as tx:
        for each in refused:
            reason = f"a transfer to it would fail: {why_refused(each.errors)}"
            _log.warning("payout-held", payouts=list(each.intent.payout_ids), reason=reason)
            await payouts.hold(tx, each.intent.payout_ids, reason)


async def _hold_over_cap(payer: Payer, owed: Sequence[Payout], baker: Baker) -> bool:
    over = guard.over_payout_cap(owed, baker)
    for payout in over:
        reason = (
            f"{guard.Guard.PAYOUT_CAP}: {format_tez(payout.net)} tez, with what else the recipient "
            f"is owed, is more than the cap of {format_tez(baker.payout_cap or NO_MUTEZ)}"
        )
        await _hold(payer, (payout.id,), reason)
    return bool(over)


async def _hold_paid_elsewhere(
    payer: Payer, hits: Mapping[int, tuple[WalletTransfer, ...]], level: int
) -> None:
    for payout_id, transfers in hits.items():
        named = "; ".join(
            f"{format_tez(each.amount)} tez in {each.operation_hash} (block {each.level})"
            for each in transfers[:_NAMED_MAX]
        )
        reason = (
            f"{guard.Guard.NOT_PAID_ELSEWHERE}: the wallet has paid it since the cycle ended, but "
            f"not from here: {named}"
        )
        await _hold(payer, (payout_id,), reason, looked_back_level=level)


async def _hold(
    payer: Payer, payout_ids: Sequence[int], reason: str, *, looked_back_level: int | None = None
) -> None:
    _log.warning("payout-held", payouts=list(payout_ids), reason=reason)
    async with payer.ledger.write() as tx:
        await payouts.hold(tx, payout_ids, reason, looked_back_level=looked_back_level)
