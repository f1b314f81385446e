"""Books as documents to read, to print and to hand to somebody: what stands in which column.

Amounts are in tez. How a page looks is `pdf_table`'s business, what a row says `payments.export`'s.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bakehouse.desk.pdf_table import PdfColumn, PdfTable
from bakehouse.errors import InputError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.payments.export import Export, Row
from bakehouse.rewards.money import BasisPoints, Mutez, format_percentage, format_tez

Write = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Shown:
    """How one name of a row is shown."""

    name: str
    column: PdfColumn
    write: Write = str


def _tez(cell: str) -> str:
    return format_tez(Mutez(int(cell))) if cell else ""


def _percent(cell: str) -> str:
    return f"{format_percentage(BasisPoints(int(cell)))} %"


def _minute(cell: str) -> str:
    return f"{datetime.fromisoformat(cell):%Y-%m-%d %H:%M}" if cell else ""


def _money(name: str, title: str, width: int = 17) -> Shown:
    return Shown(name, PdfColumn(title, width, is_number=True), _tez)


#: More would be a file that nobody reads and that fills the memory.
ROWS_MAX: Final = 200_000

_CYCLE: Final = Shown("cycle", PdfColumn("Cycle", 6, is_number=True))
_OPERATION: Final = Shown("operation", PdfColumn("Operation", 51))


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of report: its columns, and which of them are summed, for each value of a name."""

    title: str
    shown: Sequence[Shown]
    #: Rows are counted and summed by what stands under this name.
    summed_by: str
    sums: Sequence[tuple[str, str]]


PAYOUTS: Final = Layout(
    "Payouts",
    (
        _CYCLE,
        Shown("kind", PdfColumn("For", 14)),
        Shown("owed_to", PdfColumn("Owed to", 36)),
        _money("gross", "Gross, tez"),
        Shown("fee_basis_points", PdfColumn("Fee", 8, is_number=True), _percent),
        _money("net", "Net, tez"),
        Shown("state", PdfColumn("State", 9)),
        Shown("signed_at", PdfColumn("Signed, UTC", 16), _minute),
        _OPERATION,
    ),
    "state",
    (("gross", "gross"), ("fee", "in fees"), ("net", "net"), ("received", "arriving")),
)

CYCLES: Final = Layout(
    "Cycles",
    (
        _CYCLE,
        Shown("kind", PdfColumn("For", 10)),
        Shown("state", PdfColumn("State", 15)),
        _money("pool", "Pool, tez"),
        _money("own_part", "Own part"),
        _money("total_fees", "Fees"),
        _money("total_net", "For recipients"),
        _money("dust", "Rounding", 10),
        _money("operation_fees", "Chain's fees", 13),
        _money("burned", "Burned", 13),
        Shown("updated_at", PdfColumn("Changed, UTC", 16), _minute),
    ),
    "kind",
    (
        ("pool", "shared"),
        ("total_net", "for recipients"),
        ("total_fees", "in fees"),
        ("operation_fees", "the chain's fees"),
        ("burned", "burned"),
    ),
)

STATEMENT: Final = Layout(
    "Statement",
    (
        Shown("date", PdfColumn("Date, UTC", 16), _minute),
        _CYCLE,
        Shown("kind", PdfColumn("For", 14)),
        _money("amount", "Amount, tez"),
        Shown("fee_basis_points", PdfColumn("Fee", 8, is_number=True), _percent),
        Shown("address", PdfColumn("Paid to", 36)),
        _OPERATION,
        Shown("block_level", PdfColumn("Block", 10, is_number=True)),
    ),
    "kind",
    (("amount", "paid"),),
)


async def document_of(
    layout: Layout, baker: Baker, wanted: Export, rows: AsyncGenerator[Row, None], *facts: str
) -> bytes:
    """Write rows, and their sums under them, as a document; facts stand above them.

    Raises InputError for more than ROWS_MAX rows.
    """
    title = f"{layout.title} of {baker.alias or baker.baker_id}"
    columns = [each.column for each in layout.shown]
    table = PdfTable(title, [*_facts(baker, wanted), *facts, ""], columns)
    sums: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    async with aclosing(rows) as open_rows:
        async for row in open_rows:
            table.add([each.write(row[each.name]) for each in layout.shown])
            under = row[layout.summed_by]
            counts[under] += 1
            _refuse_too_many(counts.total())
            of_group = sums.setdefault(under, Counter())
            for name, _ in layout.sums:
                of_group[name] += int(row[name])
    table.add_bold("")
    for under, of_group in sums.items():
        table.add_bold(_sum_line(layout, under, counts[under], of_group))
    if not sums:
        table.add_bold("Nothing.")
    return table.finish()


def _refuse_too_many(count: int) -> None:
    if count > ROWS_MAX:
        raise InputError(
            f"that is more than {ROWS_MAX:,} rows for a PDF: take CSV, or fewer cycles"
        )


def _facts(baker: Baker, wanted: Export) -> list[str]:
    name = f"{baker.alias}, " if baker.alias else ""
    is_simulated = wanted.mode is Mode.SIMULATION
    return [
        f"Baker: {name}{baker.baker_id}",
        f"{_span_text(wanted.span)} Amounts in tez.",
        "Simulated: nothing of it was paid."
        if is_simulated
        else "Every operation can be looked up on the chain.",
    ]


def _sum_line(layout: Layout, under: str, count: int, sums: Mapping[str, int]) -> str:
    told = ", ".join(f"{format_tez(Mutez(sums[name]))} tez {words}" for name, words in layout.sums)
    return f"{under}: {count:,} rows, {told}"


def _span_text(span: Span) -> str:
    parts = [
        f"settled in {span.year} (UTC)" if span.year is not None else "",
        f"cycles from {span.first_cycle}" if span.first_cycle is not None else "",
        f"cycles up to {span.last_cycle}" if span.last_cycle is not None else "",
    ]
    told = ", ".join(part for part in parts if part) or "everything there is"
    return f"{told[0].upper()}{told[1:]}."
