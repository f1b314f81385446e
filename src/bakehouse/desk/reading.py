"""Payouts, operations and the audit trail as people look through them. Read only."""

from dataclasses import dataclass

from bakehouse.desk.decisions import CycleOf, find_cycle
from bakehouse.errors import NotFoundError
from bakehouse.ledger import (
    audit_search,
    bakers,
    distribution_lists,
    operation_search,
    payout_search,
)
from bakehouse.ledger.audit_search import AuditFilter, AuditPage
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operation_search import Attempt, FoundOperation, OperationFilter
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.payout_search import FoundPayout, PayoutFilter, PayoutSums
from bakehouse.ledger.states import Mode
from bakehouse.payments.standing import Progress, progress_of


@dataclass(frozen=True, slots=True)
class FoundPayouts:
    """A page of payouts, and the sums of all that fit."""

    page: Page[FoundPayout]
    sums: PayoutSums


async def search_payouts(ledger: Ledger, wanted: PayoutFilter, part: Slice) -> FoundPayouts:
    """Look through a baker's payouts; raises NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        return FoundPayouts(
            await payout_search.page(tx, wanted, part), await payout_search.sums(tx, wanted)
        )


async def list_cycles(
    ledger: Ledger, baker_id: str, part: Slice, *, mode: Mode | None = None
) -> Page[Distribution]:
    """Give a page of a baker's distributions, newest cycle first; raises NotFoundError."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        return await distribution_lists.page_of_baker(tx, baker_id, part, mode=mode)


async def get_cycle(ledger: Ledger, which: CycleOf) -> Progress:
    """Give one distribution and how far it has come; raises NotFoundError."""
    async with ledger.read() as tx:
        return await progress_of(tx, await find_cycle(tx, which))


async def list_operations(
    ledger: Ledger, wanted: OperationFilter, part: Slice
) -> Page[FoundOperation]:
    """Give a page of a baker's operations, newest first; raises NotFoundError."""
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        return await operation_search.page(tx, wanted, part)


async def get_operation(
    ledger: Ledger, baker_id: str, operation_hash: str
) -> tuple[FoundOperation, list[Attempt]]:
    """Give an operation of a baker, and what nodes answered to it; raises NotFoundError."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        found = await operation_search.find(tx, baker_id, operation_hash)
        if found is None:
            raise NotFoundError(f"no operation {operation_hash!r} was signed here for {baker_id}")
        return found, await operation_search.attempts_of(tx, found.operation.id)


async def read_audit(
    ledger: Ledger, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> AuditPage:
    """Give a page of the audit trail, newest first."""
    async with ledger.read() as tx:
        return await audit_search.page(tx, wanted, limit=limit, before=before)
