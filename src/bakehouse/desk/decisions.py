"""What a person decides about payments, each with its reason; `payments.controls` does it.

Whoever pays sees a decision in the ledger at the next step, within a minute.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import bakers, distributions, operations
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import Payer

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CycleOf:
    """A baker's cycle as people name it: whom it pays, and in which mode."""

    baker_id: str
    cycle: int
    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON


async def find_cycle(tx: AsyncConnection, which: CycleOf) -> Distribution:
    """Give the distribution that is meant; NotFoundError for an unknown baker or cycle."""
    baker = await bakers.get(tx, which.baker_id)
    key = DistributionKey(baker.network, baker.baker_id, which.cycle, which.kind, which.mode)
    return await distributions.get(tx, key)


async def pause(payer: Payer, baker_id: str, *, actor: str, why: str) -> Baker:
    """Switch a baker off at once: nothing is signed or sent for it any more, neither again."""
    by = _decision(payer, actor, why)
    async with payer.ledger.write() as tx:
        return await controls.pause(tx, baker_id, by)


async def retry(payer: Payer, which: CycleOf, *, actor: str, why: str) -> None:
    """Have a failed cycle taken up again; only what is not paid yet will be paid."""
    await _about(payer, which, _decision(payer, actor, why), controls.retry)


async def hold(payer: Payer, which: CycleOf, *, owed_to: str, actor: str, why: str) -> int:
    """Keep back what a cycle owes one person; ConflictError for what is signed or paid."""
    decide = partial(controls.hold, owed_to=owed_to)
    return await _about(payer, which, _decision(payer, actor, why), decide)


async def release(
    payer: Payer, which: CycleOf, *, actor: str, why: str, owed_to: str | None = None
) -> int:
    """Let held payouts be paid after all, one person's or all of the cycle; gives how many."""
    decide = partial(controls.release, owed_to=owed_to)
    return await _about(payer, which, _decision(payer, actor, why), decide)


async def drop(
    payer: Payer, which: CycleOf, *, actor: str, why: str, owed_to: str | None = None
) -> int:
    """Never pay held payouts, one person's or all of the cycle; gives how many."""
    decide = partial(controls.drop, owed_to=owed_to)
    return await _about(payer, which, _decision(payer, actor, why), decide)


async def cancel(payer: Payer, baker_id: str, operation_hash: str, *, actor: str, why: str) -> None:
    """Ask for an operation that is in no block yet to be made impossible."""
    by = _decision(payer, actor, why)
    async with payer.ledger.write() as tx:
        await _require_own(tx, baker_id, operation_hash)
        await controls.request_cancel(tx, operation_hash, by)


async def declare_dead(
    payer: Payer, baker_id: str, operation_hash: str, *, actor: str, why: str
) -> int:
    """Take it on oneself that a quarantined operation is in no block; gives the payouts held."""
    by = _decision(payer, actor, why)
    async with payer.ledger.write() as tx:
        await _require_own(tx, baker_id, operation_hash)
        return await controls.declare_dead(tx, operation_hash, by)


async def _about(
    payer: Payer,
    which: CycleOf,
    by: Decision,
    decide: Callable[[AsyncConnection, DistributionKey, Decision], Awaitable[Result]],
) -> Result:
    async with payer.ledger.write() as tx:
        found = await find_cycle(tx, which)
        return await decide(tx, found.key, by)


async def _require_own(tx: AsyncConnection, baker_id: str, operation_hash: str) -> None:
    operation = await operations.find(tx, operation_hash)
    if operation is None or operation.baker_id != baker_id:
        raise NotFoundError(f"no operation {operation_hash!r} was signed here for {baker_id}")


def _decision(payer: Payer, actor: str, why: str) -> Decision:
    return Decision(actor, why.strip(), payer.clock())
