"""What follows for others when a cycle is paid, or payouts are held: noted where it happens.

Written in the transaction of the event, so that nothing of it is lost; others send it.
"""

import hashlib
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.hooks import question
from bakehouse.ledger import (
    alert_channels,
    announcement_settings,
    announcements,
    bakers,
    hook_deliveries,
    hooks,
    operations,
    payouts,
)
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.hooks import Hook
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, HookPoint, Mode, PayoutState
from bakehouse.payments.hook_questions import figures_document, payout_document
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import NO_MUTEZ

#: Held payouts that a hook is told by name.
_NAMED_MAX: Final = 1_000


async def note_paid(tx: AsyncConnection, distribution: Distribution, *, at: datetime) -> None:
    """Enter what is to be said and told of a distribution that is paid, in its own transaction."""
    key = distribution.key
    counts = await payouts.count_by_state(tx, distribution)
    paid, total = counts.get(PayoutState.PAID, (0, NO_MUTEZ))
    # What another tool had paid is no news when a payout of it is let go.
    if key.kind is DistributionKind.DELEGATORS and paid and not distribution.is_imported:
        await _announce(tx, distribution, at=at)
    told = await hooks.at_point(tx, key.baker_id, HookPoint.PAID)
    held = await payouts.in_state(tx, distribution, PayoutState.HELD)
    if told:
        signed = await operations.of_distribution(tx, distribution.id)
        document = {
            "plan": figures_document(distribution.figures),
            "paid": {"payouts": paid, "total": str(total)},
            "held": {"payouts": len(held), "total": str(sum(row.net for row in held))},
            "operations": [each.hash for each in signed],
        }
        # A payout that is released later has the distribution paid, and told of, once more.
        subject = f"{key}@{at.isoformat()}"
        for hook in told:
            await _tell(tx, hook, distribution, HookPoint.PAID, subject, document, at)
    await _note_held(tx, distribution, held, at=at)


async def tell_hooks_of_held(payer: Payer, distribution: Distribution) -> None:
    """Have hooks told which payouts are held, once for each set of them; not of simulated ones."""
    if distribution.key.mode is not Mode.ON:
        return
    async with payer.ledger.read() as tx:
        if not await hooks.at_point(tx, distribution.key.baker_id, HookPoint.HELD):
            return
    async with payer.ledger.write() as tx:
        held = await payouts.in_state(tx, distribution, PayoutState.HELD)
        await _note_held(tx, distribution, held, at=payer.clock())


async def _announce(tx: AsyncConnection, distribution: Distribution, *, at: datetime) -> None:
    key = distribution.key
    settings = await announcement_settings.get(tx, key.baker_id)
    # Whatever became of it, and wherever it was: a cycle that is reopened is not announced again.
    if not settings.enabled or await announcements.is_entered(tx, key.baker_id, key.cycle):
        return
    for channel in await alert_channels.everyone(tx):
        if channel.settings.hears_announcements_of(key.baker_id):
            name = channel.settings.name
            await announcements.enter(tx, distribution, channel.id, name, at=at)


async def _note_held(
    tx: AsyncConnection, distribution: Distribution, held: list[Payout], *, at: datetime
) -> None:
    if not held:
        return
    told = await hooks.at_point(tx, distribution.key.baker_id, HookPoint.HELD)
    document = {
        "held": {
            "payouts": [{**payout_document(row), "reason": row.reason} for row in held][
                :_NAMED_MAX
            ],
            "count": len(held),
            "total": str(sum(row.net for row in held)),
        }
    }
    for hook in told:
        await _tell(tx, hook, distribution, HookPoint.HELD, _name_of(held), document, at)


async def _tell(  # noqa: PLR0913, PLR0917 - facts of one event
    tx: AsyncConnection,
    hook: Hook,
    distribution: Distribution,
    point: HookPoint,
    subject: str,
    document: dict[str, Any],
    at: datetime,
) -> None:
    baker = await bakers.get(tx, distribution.key.baker_id)
    head = question.header(point, distribution, baker.alias, hook=hook.name)
    await hook_deliveries.enter(
        tx,
        hook.id,
        distribution.id,
        point=point,
        subject=subject,
        document={**head, "at": at.isoformat(), **document},
        at=at,
    )


def _name_of(held: list[Payout]) -> str:
    """Name a set of held payouts: one that is released and held again makes another."""
    rows = sorted((row.id, str(row.released_at)) for row in held)
    return hashlib.sha256(repr(rows).encode()).hexdigest()
