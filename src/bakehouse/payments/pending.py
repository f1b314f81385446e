"""Choosing what to pay by hand or from cron: what is due, what failed, a month. No paying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from bakehouse.errors import InputError
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.payments.due import final_cycle, note_due_cycles
from bakehouse.payments.payer import Payer

_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Pending:
    """What a baker has to pay, each oldest first."""

    due: tuple[DistributionKey, ...] = ()
    #: What failed, and is taken up only when a person says so.
    failed: tuple[DistributionKey, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02d}"


def parse_month(text: str) -> Month:
    """Read a month as `2026-10`; raises InputError."""
    year, _, month = text.partition("-")
    if not (len(year) == 4 and len(month) == 2 and (year + month).isascii()):  # noqa: PLR2004
        raise InputError(f"{text!r} is not a month: write it as 2026-10")
    if not ((year + month).isdigit() and 1 <= int(month) <= _MONTHS):
        raise InputError(f"{text!r} is not a month: write it as 2026-10")
    return Month(int(year), int(month))


async def pending(payer: Payer, baker_id: str) -> Pending:
    """Look for finished cycles, enter them, and give what is still to be paid of all kinds.

    Of a baker that is not on, nothing is. Raises like `note_due_cycles`.
    """
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    if baker.mode is not Mode.ON:
        return Pending()
    found = await note_due_cycles(payer, baker_id)
    bond_pool = DistributionKind.BOND_POOL
    async with payer.ledger.read() as tx:
        pools = [
            each.key
            for each in await distributions.unsettled(tx, baker_id)
            if each.key.kind is bond_pool and each.key.mode is Mode.ON
        ]
        failed = [each.key for each in await distributions.failed(tx, baker_id, Mode.ON)]
    # Of one cycle the delegators come before the bond pool, which waits for them.
    due = sorted([*pools, *found.due], key=lambda key: (key.cycle, key.kind is bond_pool))
    return Pending(tuple(due), tuple(failed))


async def take_up_failed(
    payer: Payer, failed: Sequence[DistributionKey], by: Decision
) -> tuple[DistributionKey, ...]:
    """Have what failed taken up again, by a person's word; what is not paid yet will be."""
    async with payer.ledger.write() as tx:
        for key in failed:
            await controls.retry(tx, key, by)
    return tuple(failed)


async def cycles_in_month(payer: Payer, baker_id: str, month: Month) -> list[int]:
    """Give the due cycles of a baker whose last block was made in a month (UTC), oldest first.

    Raises SourceError when the chain cannot be read.
    """
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    current = await final_cycle(payer)
    first = baker.first_cycle
    cycles = range(first, max(first, current - baker.payout_delay_cycles))
    begin = await _first_ended(payer, cycles, lambda ended: ended >= month)
    end = await _first_ended(payer, cycles, lambda ended: ended > month)
    return list(cycles[begin:end])


async def _first_ended(payer: Payer, cycles: range, is_there: Callable[[Month], bool]) -> int:
    """Give the index of the first cycle whose end is there: a search by halves, not by years."""
    low, high = 0, len(cycles)
    while low < high:
        middle = (low + high) // 2
        at = (await payer.indexer.cycle_end(cycles[middle])).astimezone(UTC)
        if is_there(Month(at.year, at.month)):
            high = middle
        else:
            low = middle + 1
    return low
