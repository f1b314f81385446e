"""What a person decides about payments: each decision is a transaction of its own, with its reason.

Nothing here reads or writes the chain: whoever pays sees the decision in the ledger at its next
step. A decision without a reason is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, InputError, NotFoundError
from bakehouse.ledger import (
    audit,
    bakers,
    distributions,
    hook_consultations,
    manual_transfers,
    operations,
    payouts,
)
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import (
    IN_FLIGHT,
    Death,
    DistributionState,
    Mode,
    OperationKind,
    OperationState,
    PayoutState,
)
from bakehouse.ledger.transfers import transfers_of


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, why, and when."""

    actor: str
    why: str
    at: datetime

    def __post_init__(self) -> None:
        for name, value in (("who decides", self.actor), ("why", self.why)):
            if not value.strip():
                raise InputError(f"say {name}: it is kept in the audit trail")


async def pause(tx: AsyncConnection, baker_id: str, by: Decision) -> Baker:
    """Switch a baker off: nothing is signed or sent for it from now, neither again."""
    paused = await bakers.change(tx, baker_id, {"mode": Mode.OFF}, actor=by.actor, at=by.at)
    await _record(tx, by, "baker.paused", baker_id)
    return paused


async def approve(tx: AsyncConnection, key: DistributionKey, by: Decision) -> None:
    """Let the first live cycle of a baker go; raises ConflictError for one that needs no go."""
    distribution = await distributions.get(tx, key)
    if distribution.approved_at is not None or distribution.state is DistributionState.PAID:
        raise ConflictError(f"{key} needs no go: it was given, or the cycle is paid")
    await distributions.approve(tx, distribution, at=by.at)
    await _record(tx, by, "distribution.approved", str(key))


async def retry(tx: AsyncConnection, key: DistributionKey, by: Decision) -> None:
    """Have a failed distribution taken up again, and hooks that keep one waiting asked again.

    Raises ConflictError for one that did not fail and that no hook keeps waiting.
    """
    distribution = await distributions.get(tx, key)
    asked = await hook_consultations.ask_again(tx, distribution.id, at=by.at)
    if distribution.state is not DistributionState.FAILED:
        if asked:
            await _record(tx, by, "distribution.hooks_asked_again", str(key))
            return
        raise ConflictError(f"{key} is {distribution.state}, not failed: there is nothing to retry")
    to = DistributionState.PLANNED if distribution.is_planned else DistributionState.REWARDS_PENDING
    await distributions.enter_state(tx, distribution, to, at=by.at, actor=by.actor)
    await _record(tx, by, "distribution.retried", str(key))


async def hold(tx: AsyncConnection, key: DistributionKey, by: Decision, *, owed_to: str) -> int:
    """Keep back what a cycle owes one person until a person decides again; gives how many payouts.

    Raises ConflictError when nothing is owed to it any more, or not yet: what is signed cannot be
    held.
    """
    distribution = await distributions.get(tx, key)
    owed = await payouts.of_cycle(tx, distribution, PayoutState.OWED, owed_to)
    if not owed:
        raise ConflictError(
            f"nothing of {key} can be held for {owed_to}: nothing is owed to it there, or that is "
            "signed or paid already"
        )
    await payouts.hold(tx, [payout.id for payout in owed], f"{by.why} ({by.actor})")
    for payout in owed:
        await _record(tx, by, "payout.held", _name(key, payout))
    return len(owed)


async def release(
    tx: AsyncConnection, key: DistributionKey, by: Decision, *, owed_to: str | None = None
) -> int:
    """Let held payouts of a cycle be paid after all, all of them or one person's; gives how many.

    Raises NotFoundError when none is held.
    """
    distribution = await distributions.get(tx, key)
    held = await _held(tx, distribution, owed_to)
    await payouts.release(tx, [payout.id for payout in held], at=by.at)
    for payout in held:
        await _record(tx, by, "payout.released", _name(key, payout), was=payout.reason)
    for paying_id in sorted({payout.paid_with_id for payout in held}):
        paying = await distributions.by_id(tx, paying_id)
        if paying.state is DistributionState.PAID:
            await distributions.enter_state(
                tx, paying, DistributionState.PAYING, at=by.at, actor=by.actor
            )
    return len(held)


async def drop(
    tx: AsyncConnection, key: DistributionKey, by: Decision, *, owed_to: str | None = None
) -> int:
    """Never pay held payouts of a cycle: because they were paid otherwise, say; gives how many.

    Raises NotFoundError when none is held.
    """
    held = await _held(tx, await distributions.get(tx, key), owed_to)
    await payouts.drop(tx, [payout.id for payout in held], f"{by.why} ({by.actor})")
    for payout in held:
        await _record(tx, by, "payout.dropped", _name(key, payout), was=payout.reason)
    return len(held)


async def request_cancel(tx: AsyncConnection, operation_hash: str, by: Decision) -> None:
    """Ask for an operation to be made impossible, while it is in no block.

    A transfer to oneself takes its counters, if it is included first. Raises ConflictError for an
    operation that is decided.
    """
    operation = await _operation(tx, operation_hash)
    if operation.state not in IN_FLIGHT or operation.kind is OperationKind.CANCEL:
        raise ConflictError(
            f"{operation_hash} is {operation.state}, a {operation.kind}: only a payout operation "
            "that is in no block yet can be cancelled"
        )
    await operations.request_cancel(tx, operation, at=by.at)
    await _record(tx, by, "operation.cancel_requested", operation_hash)


async def declare_dead(tx: AsyncConnection, operation_hash: str, by: Decision) -> int:
    """Take it on oneself that a quarantined operation is in no block; gives the payouts now held.

    They wait for a second word, each to be released or dropped. Raises ConflictError for an
    operation that is not quarantined.
    """
    operation = await _operation(tx, operation_hash)
    if operation.state is not OperationState.QUARANTINED:
        raise ConflictError(
            f"{operation_hash} is {operation.state}, not quarantined: its fate will be proven"
        )
    await operations.enter_state(
        tx, operation, OperationState.DEAD, at=by.at, actor=by.actor, death=Death.DECLARED
    )
    transfers = await transfers_of(tx, operation.id)
    reason = f"its operation {operation_hash} was declared dead: {by.why} ({by.actor})"
    bound = [await payouts.of_transfer(tx, transfer.id) for transfer in transfers]
    await payouts.release_operation(
        tx, operation.id, held=[(transfer.id, reason) for transfer in transfers]
    )
    await manual_transfers.release_operation(tx, operation.id, at=by.at, failed=reason)
    await _record(tx, by, "operation.declared_dead", operation_hash)
    return sum(len(several) for several in bound)


async def _operation(tx: AsyncConnection, operation_hash: str) -> Operation:
    operation = await operations.find(tx, operation_hash)
    if operation is None:
        raise NotFoundError(f"no operation {operation_hash!r} was signed here")
    return operation


async def _held(
    tx: AsyncConnection, distribution: Distribution, owed_to: str | None
) -> Sequence[Payout]:
    held = await payouts.of_cycle(tx, distribution, PayoutState.HELD, owed_to)
    if not held:
        whom = f" for {owed_to}" if owed_to else ""
        raise NotFoundError(f"no payout of {distribution.key} is held{whom}")
    return held


def _name(key: DistributionKey, payout: Payout) -> str:
    return f"{key.baker_id}/{payout.cycle}/{payout.kind}/{payout.owed_to}"


async def _record(
    tx: AsyncConnection, by: Decision, action: str, subject: str, **detail: str | None
) -> None:
    event = AuditEvent(by.at, by.actor, action, subject, {"why": by.why, **detail})
    await audit.record(tx, event)
