"""Deductions as people decide them: agreed with whoever was paid too much, and waived."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import bakers, deductions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.deductions import Deduction, NewDeduction
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import checked_key
from bakehouse.rewards.money import Mutez


async def agree(  # noqa: PLR0913 - keyword-only facts of one deduction
    ledger: Ledger,
    baker_id: str,
    owed_to: str,
    amount: Mutez,
    by: Decision,
    *,
    consent: str,
    key: str | None = None,
) -> Deduction:
    """Enter a deduction; the same key and facts are the same deduction.

    Raises InputError without amount or consent, ConflictError for a key of another deduction,
    NotFoundError for an unknown baker.
    """
    new = NewDeduction(
        baker_id=baker_id,
        owed_to=owed_to,
        amount=amount,
        idempotence_key=checked_key(key),
        consent=consent,
        why=by.why,
        actor=by.actor,
    )
    async with ledger.write() as tx:
        await bakers.get(tx, baker_id)
        return await deductions.agree(tx, new, at=by.at)


async def list_deductions(ledger: Ledger, baker_id: str) -> list[Deduction]:
    """Give every deduction of a baker, the oldest first; NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        return await deductions.of_baker(tx, baker_id)


async def find_deduction(ledger: Ledger, baker_id: str, deduction_id: int) -> Deduction:
    """Give one deduction of a baker; NotFoundError for one that is not there, or is another's."""
    async with ledger.read() as tx:
        return await _own(tx, baker_id, deduction_id)


async def waive(ledger: Ledger, baker_id: str, deduction_id: int, by: Decision) -> Deduction:
    """Give up what is left of a baker's deduction; ConflictError when nothing is."""
    async with ledger.write() as tx:
        found = await _own(tx, baker_id, deduction_id)
        await deductions.waive(tx, found, actor=by.actor, why=by.why, at=by.at)
        return await deductions.by_id(tx, deduction_id)


async def _own(tx: AsyncConnection, baker_id: str, deduction_id: int) -> Deduction:
    found = await deductions.by_id(tx, deduction_id)
    if found.baker_id != baker_id:
        raise NotFoundError(f"{baker_id} has no deduction {deduction_id}")
    return found
