"""Books: every payout and cycle once, with the operation that paid it, in documented columns."""

import csv
from collections.abc import Mapping

import pytest

from bakehouse.errors import InputError, NotFoundError
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.payments.export import (
    CYCLE_COLUMNS,
    PAYOUT_COLUMNS,
    Export,
    csv_line,
    cycle_rows,
    payout_rows,
)
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker
from tests.payments.lives import SHORT_LIVES


@pytest.fixture
async def baker(open_hostile: OpenHostileBaker) -> HostileBaker:
    """One that has paid its first cycle, and has planned its second."""
    baker = await open_hostile(limits=SHORT_LIVES, node_count=1)
    await baker.pay()
    baker.finish_cycle()
    await baker.notice()
    await baker.change(mode=Mode.OFF)
    await baker.step(baker.key(baker.first_cycle + 1))
    return baker


async def payouts(baker: HostileBaker, **span: int) -> list[Mapping[str, str]]:
    wanted = Export(baker_id=baker.baker_id, span=Span(**span))
    return [row async for row in payout_rows(baker.payer.ledger, wanted)]


async def cycles(baker: HostileBaker, **span: int) -> list[Mapping[str, str]]:
    wanted = Export(baker_id=baker.baker_id, span=Span(**span))
    return await cycle_rows(baker.payer.ledger, wanted)


async def test_every_payout_is_there_once_with_what_paid_it(baker: HostileBaker) -> None:
    rows = await payouts(baker)

    first, second = baker.first_cycle, baker.first_cycle + 1
    planned = [*await baker.payouts(), *await baker.payouts(baker.key(second))]
    assert [row["cycle"] for row in rows] == sorted(row["cycle"] for row in rows)
    assert {(row["cycle"], row["owed_to"], row["net"]) for row in rows} == {
        (str(each.cycle), each.owed_to, str(each.net)) for each in planned
    }
    assert len(rows) == len(planned)
    assert all(tuple(row) == PAYOUT_COLUMNS for row in rows)
    hashes = {each.hash: each for each in await baker.operations()}
    for row in rows:
        if row["cycle"] == str(first):
            operation = hashes[row["operation"]]
            assert row["state"] == "paid"
            assert row["block_level"] == str(operation.included_level)
            assert row["signed_at"] == operation.created_at.isoformat()
        else:
            assert (row["state"], row["operation"], row["signed_at"]) == ("owed", "", "")


async def test_every_cycle_is_there_with_what_it_cost(baker: HostileBaker) -> None:
    paid, planned = await cycles(baker)

    signed = await baker.operations()
    assert tuple(paid) == CYCLE_COLUMNS
    assert (paid["cycle"], paid["state"]) == (str(baker.first_cycle), "paid")
    assert paid["operation_fees"] == str(sum(each.total_fee for each in signed))
    assert int(paid["pool"]) == sum(
        int(paid[part]) for part in ("own_part", "total_fees", "total_net", "dust")
    )
    assert planned["state"] != "paid"
    assert planned["operation_fees"] == "0"


async def test_cycles_are_chosen_with_both_ends_included(baker: HostileBaker) -> None:
    second = baker.first_cycle + 1

    for span in ({"first_cycle": second}, {"first_cycle": second, "last_cycle": second}):
        assert {row["cycle"] for row in await payouts(baker, **span)} == {str(second)}
        assert [row["cycle"] for row in await cycles(baker, **span)] == [str(second)]
    first = {row["cycle"] for row in await payouts(baker, last_cycle=baker.first_cycle)}
    assert first == {str(baker.first_cycle)}


async def test_a_year_takes_what_was_settled_in_it(baker: HostileBaker) -> None:
    (operation, *_) = await baker.operations()
    year = operation.created_at.year

    rows = await payouts(baker, year=year)
    assert {row["cycle"] for row in rows} == {str(baker.first_cycle)}
    assert len(await cycles(baker, year=year)) == 2
    for other in (year - 1, year + 1):
        assert await payouts(baker, year=other) == []
        assert await cycles(baker, year=other) == []


async def test_live_and_simulated_cycles_are_never_mixed(baker: HostileBaker) -> None:
    wanted = Export(baker_id=baker.baker_id, span=Span(), mode=Mode.SIMULATION)

    assert await cycle_rows(baker.payer.ledger, wanted) == []


async def test_an_unknown_baker_has_no_books(baker: HostileBaker) -> None:
    wanted = Export(baker_id=baker.payout_address, span=Span())

    with pytest.raises(NotFoundError):
        await cycle_rows(baker.payer.ledger, wanted)
    with pytest.raises(NotFoundError):
        _ = [row async for row in payout_rows(baker.payer.ledger, wanted)]


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ({"first_cycle": 2, "last_cycle": 1}, "cycles 2 to 1 run backwards"),
        ({"year": 0}, "0 is not a year"),
        ({"year": 10_000}, "10000 is not a year"),
    ],
)
def test_a_span_that_cannot_be_is_refused(span: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Span(**span)


def test_csv_survives_any_text_and_runs_no_formula() -> None:
    cells = ["=1+1", "+1", "-1", "@A", 'a "quoted"', "two\nlines", "comma, comma", "plain"]

    [read] = list(csv.reader([csv_line(cells)]))

    assert read == ["'=1+1", "'+1", "'-1", "'@A", *cells[4:]]
