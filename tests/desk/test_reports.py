"""Statements, TezPay's columns and statistics: from the ledger, to the mutez, each payout once."""

import csv
import io
import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.desk import report
from bakehouse.desk.export import (
    ExportFormat,
    Parts,
    exported_cycles,
    exported_for_tezpay,
    exported_payouts,
    exported_statement,
)
from bakehouse.errors import InputError
from bakehouse.ledger import bakers, distribution_lists
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger, backend_of
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.schema import payouts
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.export import STATEMENT_COLUMNS, Export, csv_line
from bakehouse.payments.statistics import Statistics, statistics_of
from bakehouse.payments.tezpay_report import COLUMNS
from bakehouse.tezos.address import Address
from tests.web.scenes import BURN, DUST, FEE, LEVEL, OWN_PART, SOURCE_FEE, Scene, address

BAKER = address(900)
NETWORK = "NetXdQprcVkpaWU"
ANN, BOB, EVE = (Address(address(number)) for number in (1, 2, 3))
YEAR = 2026
NETS: dict[str, int] = {ANN: 1_000_000, BOB: 250_000}


@pytest.fixture
async def ledger(tmp_path: Path, empty_ledger: Path) -> AsyncIterator[Ledger]:
    """Two cycles paid, one in each of two years, one planned and one simulated."""
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    opened = Ledger(backend_of(f"sqlite:///{tmp_path / 'ledger.db'}").engine())
    baker = Baker(
        baker_id=BAKER, network=NETWORK, payout_address=BAKER, first_cycle=1, mode=Mode.ON
    )
    async with opened.write() as tx:
        await bakers.add(tx, baker, actor="test", at=datetime(YEAR - 1, 1, 1, tzinfo=UTC))
        for cycle, year in ((700, YEAR - 1), (701, YEAR)):
            await scene(tx, cycle, year).pay(NETS, counter=cycle)
        pool = scene(tx, 701, YEAR, DistributionKind.BOND_POOL)
        await pool.pay({ANN: 5}, counter=999)
        await scene(tx, 702, YEAR).plan({ANN: 7, EVE: 9})
        await scene(tx, 703, YEAR, mode=Mode.SIMULATION).simulate({ANN: 11})
    yield opened
    await opened.close()


def scene(
    tx: AsyncConnection,
    cycle: int,
    year: int,
    kind: DistributionKind = DistributionKind.DELEGATORS,
    mode: Mode = Mode.ON,
) -> Scene:
    key = DistributionKey(NETWORK, BAKER, cycle, kind, mode)
    return Scene(tx, key, datetime(year, 3, 1, 23, 59, tzinfo=UTC))


async def whole(parts: Parts) -> bytes:
    return b"".join([each if isinstance(each, bytes) else each.encode() async for each in parts])


def export(**span: int) -> Export:
    return Export(baker_id=BAKER, span=Span(**span))


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode())))


# Statements


async def test_a_statement_has_what_one_was_paid_and_nothing_of_anybody_else(
    ledger: Ledger,
) -> None:
    text = await whole(await exported_statement(ledger, export(), ANN, ExportFormat.CSV))

    rows = rows_of(text)
    assert [(row["cycle"], row["kind"], row["amount"], row["amount_tez"]) for row in rows] == [
        ("700", "delegator", "1000000", "1.000000"),
        ("701", "delegator", "1000000", "1.000000"),
        ("701", "bond-member", "5", "0.000005"),
    ]
    assert rows[0]["date"] == "2025-03-01T23:59:00+00:00"
    assert rows[0]["block_level"] == str(LEVEL + 700)
    assert rows[0]["operation"].startswith("o")
    assert (rows[0]["gross"], rows[0]["fee"]) == (str(1_000_000 + FEE), str(FEE))
    assert tuple(rows[0]) == STATEMENT_COLUMNS
    assert BOB not in text.decode()


async def test_a_statement_of_a_year_has_that_year_and_of_a_stranger_nothing(
    ledger: Ledger,
) -> None:
    form = ExportFormat.JSON
    of_year = await whole(await exported_statement(ledger, export(year=YEAR), ANN, form))
    of_cycle = await whole(await exported_statement(ledger, export(last_cycle=700), ANN, form))
    of_eve = await whole(await exported_statement(ledger, export(), EVE, form))

    assert [row["cycle"] for row in json.loads(of_year)] == ["701", "701"]
    assert [row["cycle"] for row in json.loads(of_cycle)] == ["700"]
    assert json.loads(of_eve) == []


async def test_a_statement_to_print_names_both_and_adds_up(ledger: Ledger) -> None:
    document = await whole(
        await exported_statement(ledger, export(year=YEAR), ANN, ExportFormat.PDF)
    )

    text = PdfReader(io.BytesIO(document)).pages[0].extract_text()
    assert f"Statement of {BAKER}" in text
    assert f"Recipient: {ANN}" in text
    assert "Settled in 2026 (UTC). Amounts in tez." in text
    assert "delegator: 1 rows, 1.000000 tez paid" in text
    assert "bond-member: 1 rows, 0.000005 tez paid" in text
    assert BOB not in text


# The baker's own


async def test_books_to_print_sum_what_is_paid_apart_from_what_is_owed(ledger: Ledger) -> None:
    paid = await whole(await exported_payouts(ledger, export(), ExportFormat.PDF))
    cycles = await whole(await exported_cycles(ledger, export(), ExportFormat.PDF))

    text = PdfReader(io.BytesIO(paid)).pages[0].extract_text()
    # Of two cycles and a member; the planned ones stand apart.
    assert "paid: 5 rows," in text
    assert "2.500005 tez net" in text
    assert "owed: 2 rows," in text
    assert "0.000016 tez net" in text
    of_cycles = PdfReader(io.BytesIO(cycles)).pages[0].extract_text()
    assert "delegators: 3 rows," in of_cycles
    assert "bond_pool: 1 rows," in of_cycles


async def test_the_same_ledger_gives_the_same_document(ledger: Ledger) -> None:
    one, other = [
        await whole(await exported_payouts(ledger, export(), ExportFormat.PDF)) for _ in range(2)
    ]

    assert one == other


async def test_a_document_that_nobody_could_read_is_refused_before_it_begins(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "ROWS_MAX", 7)
    assert await whole(await exported_payouts(ledger, export(), ExportFormat.PDF))
    monkeypatch.setattr(report, "ROWS_MAX", 6)

    with pytest.raises(InputError, match="more than 6 rows for a PDF: take CSV, or fewer cycles"):
        await exported_payouts(ledger, export(), ExportFormat.PDF)


@pytest.mark.parametrize("begin", list("=+-@\t\r\n＝＋－＠"))  # noqa: RUF001 - what it is about
def test_no_cell_is_a_formula_to_a_spreadsheet(begin: str) -> None:
    [[cell, plain]] = csv.reader(io.StringIO(csv_line([f"{begin}1+1", "1"]), newline=""))

    assert cell == f"'{begin}1+1"
    assert plain == "1"


# TezPay's


async def test_the_columns_are_those_that_tezpay_writes(ledger: Ledger) -> None:
    text = await whole(await exported_for_tezpay(ledger, export()))

    assert text.decode().split("\r\n")[0] == (
        "id,baker,timestamp,cycle,kind,op_kind,contract,token_id,fa_alias,fa_decimals,delegator,"
        "delegator_balance,staked_balance,recipient,amount,fee_rate,fee,tx_fee,op_hash,success,note"
    )
    rows = rows_of(text)
    assert len(rows) == 5
    first = rows[0]
    assert {name: first[name] for name in COLUMNS if name not in {"id", "op_hash"}} == {
        "baker": BAKER,
        "timestamp": "2025-03-01T23:59:00Z",
        "cycle": "700",
        "kind": "delegator reward",
        "op_kind": "tez",
        "contract": "",
        "token_id": "0",
        "fa_alias": "",
        "fa_decimals": "0",
        "delegator": ANN,
        "delegator_balance": first["delegator_balance"],
        "staked_balance": "0",
        "recipient": ANN,
        "amount": "1000000",
        "fee_rate": first["fee_rate"],
        "fee": str(FEE),
        "tx_fee": first["tx_fee"],
        "success": "true",
        "note": "",
    }
    # The same recipient has the same id in every cycle, in another role another.
    by_whom = {(row["delegator"], row["kind"]): row["id"] for row in rows}
    assert len(set(by_whom.values())) == len(by_whom) == 3
    assert all(row["id"] == by_whom[row["delegator"], row["kind"]] for row in rows)


async def test_a_transfer_that_settles_several_costs_once(ledger: Ledger) -> None:
    before = rows_of(await whole(await exported_for_tezpay(ledger, export(first_cycle=701))))
    async with ledger.write() as tx:
        await _drop_guards(tx)
        of_member = payouts.c.kind == "bond-member"
        shared = await tx.execute(
            payouts.select().where(payouts.c.owed_to == ANN, payouts.c.cycle == 701, ~of_member)
        )
        await tx.execute(
            update(payouts).where(of_member).values(transfer_id=shared.one().transfer_id)
        )

    after = rows_of(await whole(await exported_for_tezpay(ledger, export(first_cycle=701))))

    costs = [row["tx_fee"] for row in after if row["delegator"] == ANN]
    assert sorted(costs) == ["0", before[0]["tx_fee"]]


async def _drop_guards(tx: AsyncConnection) -> None:
    """Let a test write what only a payer may."""
    names = await tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in names.all():
        await tx.exec_driver_sql(f"DROP TRIGGER {name}")


# Statistics


async def statistics(ledger: Ledger, count: int = 10) -> Statistics:
    async with ledger.read() as tx:
        return await statistics_of(tx, await bakers.get(tx, BAKER), count)


async def test_cycles_are_counted_with_their_bond_pool_and_their_cost(ledger: Ledger) -> None:
    found = await statistics(ledger)

    assert [each.cycle for each in found.cycles] == [702, 701, 700]
    newest, paid, _ = (each.figures for each in found.cycles)
    net = sum(NETS.values())
    assert (paid.pool, paid.for_delegators) == (OWN_PART + 2 * FEE + net + DUST, net)
    assert paid.for_bond_pool == 5
    assert paid.kept == OWN_PART + 2 * FEE + DUST - 5
    assert (paid.settled, paid.payouts, paid.transfers, paid.operations) == (3, 3, 3, 2)
    assert (newest.settled, newest.payouts, newest.chain_cost) == (0, 2, 0)
    assert paid.burned == 2 * BURN
    assert paid.chain_fees >= 2 * SOURCE_FEE
    assert found.cost_per_transfer == found.total.chain_cost // found.total.transfers


async def test_a_sum_is_the_sum_of_its_cycles_and_only_those_asked_for_count(
    ledger: Ledger,
) -> None:
    found = await statistics(ledger, 2)

    assert [each.cycle for each in found.cycles] == [702, 701]
    for name in ("pool", "for_delegators", "kept", "burned", "payouts", "transfers"):
        parts = [getattr(each.figures, name) for each in found.cycles]
        assert getattr(found.total, name) == sum(parts)
    assert found.average_pool == found.total.pool // 2


async def test_without_cycles_there_is_nothing_to_divide(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        new = Baker(baker_id=EVE, network=NETWORK, payout_address=EVE, first_cycle=1)
        await bakers.add(tx, new, actor="test", at=datetime(YEAR, 1, 1, tzinfo=UTC))
        found = await statistics_of(tx, new, 5)
        years = await distribution_lists.years(tx, EVE, Mode.SIMULATION)
        of_baker = await distribution_lists.years(tx, BAKER, Mode.ON)

    assert (found.average_pool, found.cost_per_transfer, years) == (None, None, [])
    assert of_baker == [YEAR, YEAR - 1]
