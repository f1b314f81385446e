"""All that the ledger has of one baker, as files that others can read: the way out.

Documented in docs/moving-in.md. Secrets are in none of them.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from bakehouse.desk.bond_pool_text import COLUMNS as MEMBER_COLUMNS
from bakehouse.desk.income_text import SHARES, income_cells
from bakehouse.desk.rule_text import RULE_FIELDS, rule_cells
from bakehouse.desk.settings_file.state import BakerState, read_state
from bakehouse.desk.settings_file.writing import write_settings
from bakehouse.errors import NotFoundError
from bakehouse.ledger import audit_search
from bakehouse.ledger.audit_search import AuditFilter
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.leaving import QUERIES, leaving_rows
from bakehouse.ledger.span import Span
from bakehouse.payments.export import (
    ADJUSTMENT_COLUMNS,
    CYCLE_COLUMNS,
    EXCLUSION_COLUMNS,
    PAYOUT_COLUMNS,
    Export,
    adjustment_rows,
    csv_line,
    cycle_rows,
    exclusion_rows,
    payout_rows,
)
from bakehouse.rewards.money import format_percentage, format_tez

_EVENTS_AT_ONCE: Final = 1_000

#: A file's name, and its text part by part.
LeavingFile = tuple[str, AsyncIterator[str]]


async def leaving_files(
    ledger: Ledger, baker_id: str, network: str, *, as_json: bool
) -> AsyncGenerator[LeavingFile, None]:
    """Give every file, one after another, each to be read before the next.

    Tables are CSV, or with `as_json` one object a line. Raises NotFoundError for an unknown baker.
    """
    async with ledger.read() as tx:
        state = await read_state(tx, {baker_id})
    if baker_id not in state.bakers:
        raise NotFoundError(f"no baker {baker_id!r} is registered here")
    yield "settings.toml", _each(write_settings(state, network))
    for name, columns, rows in _settings_tables(state.bakers[baker_id]):
        yield _file(name, columns, _each(rows), as_json=as_json)
    wanted = Export(baker_id=baker_id, span=Span())
    yield _file("cycles", CYCLE_COLUMNS, _each(await cycle_rows(ledger, wanted)), as_json=as_json)
    yield _file("payouts", PAYOUT_COLUMNS, payout_rows(ledger, wanted), as_json=as_json)
    yield _file("exclusions", EXCLUSION_COLUMNS, exclusion_rows(ledger, wanted), as_json=as_json)
    adjusted = adjustment_rows(ledger, wanted)
    yield _file("adjustments", ADJUSTMENT_COLUMNS, adjusted, as_json=as_json)
    for name, query in QUERIES.items():
        columns = tuple(query(baker_id).selected_columns.keys())
        yield _file(name, columns, _stored(ledger, name, baker_id), as_json=as_json)
    yield "audit.jsonl", _audit(ledger, baker_id)


def _settings_tables(
    state: BakerState,
) -> Iterable[tuple[str, Sequence[str], list[dict[str, str]]]]:
    """Give what is set by address, as `fees import` and its sisters read it."""
    rules = state.rules
    yield (
        "fees",
        ("address", "fee"),
        [
            {"address": address, "fee": format_percentage(fee)}
            for address, fee in sorted(rules.fees.items())
        ],
    )
    yield (
        "rules",
        ("address", *RULE_FIELDS),
        [{"address": address, **rule_cells(rule)} for address, rule in rules.delegators.items()],
    )
    yield (
        "income",
        ("address", *SHARES),
        [{"address": each.address, **income_cells(each)} for each in rules.income],
    )
    yield (
        "bond-pool",
        (*MEMBER_COLUMNS, "name"),
        [
            {
                "address": each.address,
                "amount": format_tez(each.amount).replace(",", ""),
                "adm_charge": format_percentage(each.adm_charge),
                "is_manager": "yes" if each.is_manager else "no",
                "name": each.name,
            }
            for each in state.members
        ],
    )


def _file(
    name: str, columns: Sequence[str], rows: AsyncIterator[Any], *, as_json: bool
) -> LeavingFile:
    if as_json:
        return f"{name}.jsonl", _lines_of_json(rows)
    return f"{name}.csv", _lines_of_csv(columns, rows)


async def _lines_of_csv(columns: Sequence[str], rows: AsyncIterator[Any]) -> AsyncIterator[str]:
    yield csv_line(columns)
    async for row in rows:
        yield csv_line([_cell(row[name]) for name in columns])


async def _lines_of_json(rows: AsyncIterator[Any]) -> AsyncIterator[str]:
    async for row in rows:
        yield json.dumps({name: _cell(value) for name, value in row.items()}) + "\n"


async def _stored(ledger: Ledger, name: str, baker_id: str) -> AsyncIterator[Any]:
    async with ledger.read() as tx:
        async for row in leaving_rows(tx, QUERIES[name](baker_id)):
            yield row


async def _audit(ledger: Ledger, baker_id: str) -> AsyncIterator[str]:
    """Give every event about a baker, newest first, with its number in the trail."""
    before: int | None = None
    async with ledger.read() as tx:
        while True:
            page = await audit_search.page(
                tx, AuditFilter(bakers=[baker_id]), limit=_EVENTS_AT_ONCE, before=before
            )
            for each in page.events:
                event = each.event
                document = {
                    "id": each.id,
                    "at": event.at.isoformat(),
                    "actor": event.actor,
                    "action": event.action,
                    "subject": event.subject,
                    "detail": event.detail,
                }
                yield json.dumps(document) + "\n"
            before = page.next_before
            if before is None:
                return


async def _each(values: Iterable[Any]) -> AsyncIterator[Any]:
    for value in values:
        yield value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, datetime) else str(value)
