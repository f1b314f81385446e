"""History of another tool in the ledger: closed, booked, explained, and opened by nobody."""

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import bakers, bookkeeping, distributions, imports, payout_search
from bakehouse.ledger.imports import ImportedPayout, NewImport
from bakehouse.ledger.leaving import QUERIES, leaving_rows
from bakehouse.ledger.page import Slice
from bakehouse.ledger.payout_search import PayoutFilter
from bakehouse.ledger.schema import distributions as table
from bakehouse.ledger.schema import payouts
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.ledger.bakery import BAKER, NETWORK, NOW, Bakery, key_of

PAID = ImportedPayout(
    kind="delegator",
    owed_to="tz1-a",
    address="tz1-a-elsewhere",
    delegated_balance=Mutez(5),
    fee_basis_points=BasisPoints(500),
    fee=Mutez(10),
    net=Mutez(190),
    said="applied",
    place="dump, line 7",
    operation_hash="oo-old",
    level=77,
    paid_at=NOW,
)
HELD = ImportedPayout(
    kind="delegator",
    owed_to="tz1-b",
    address="tz1-b",
    delegated_balance=Mutez(0),
    fee_basis_points=BasisPoints(0),
    fee=Mutez(0),
    net=Mutez(50),
    said="failed",
    place="dump, line 8",
    level=99,
    held_because="nobody knows",
)


async def import_both(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        new = NewImport(NETWORK, BAKER, "taps", {"dump": "ab"}, "cd", 99, "test", NOW)
        import_id = await imports.add(tx, new)
        closed = await imports.close_cycle(tx, key_of(1), import_id, "paid by TAPS", at=NOW)
        await imports.add_payouts(tx, closed, import_id, [PAID, HELD])


async def test_what_was_imported_is_booked_with_its_operation(bakery: Bakery) -> None:
    await import_both(bakery)

    async with bakery.ledger.read() as tx:
        closed = await distributions.get(tx, key_of(1))
        assert (closed.is_imported, closed.is_planned) == (True, True)
        figures = closed.figures
        assert (figures.pool, figures.total_fees, figures.total_net) == (250, 10, 240)
        (booked,) = await bookkeeping.paid_to(
            tx, await bakers.get(tx, BAKER), "tz1-a", Span(year=NOW.year)
        )
        assert (booked.operation, booked.block_level, booked.signed_at) == ("oo-old", 77, NOW)
        assert (booked.gross, booked.fee, booked.received) == (200, 10, 190)
        found = await payout_search.page(tx, PayoutFilter(baker_id=BAKER), Slice(0, 10))
        assert [each.operation_hash for each in found.rows] == ["oo-old", None]
        assert [each.payout.looked_back_level for each in found.rows] == [None, 99]
        assert await imports.transfers_paid(tx, NETWORK, {"oo-old", "oo-new"}) == {
            ("oo-old", "tz1-a-elsewhere")
        }
        for name, query in QUERIES.items():
            rows = [row async for row in leaving_rows(tx, query(BAKER))]
            assert len(rows) == (name == "imported")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"state": "planned"}, "an imported cycle enters the ledger closed"),
        ({"mode": "simulation"}, "an imported cycle enters the ledger closed"),
        ({"cycle": 1}, r'UNIQUE constraint failed|unique constraint "identity"'),
    ],
)
async def test_an_imported_cycle_enters_closed_live_and_once(
    bakery: Bakery, values: dict[str, object], complaint: str
) -> None:
    await import_both(bakery)
    row = {
        "network": NETWORK,
        "baker_id": BAKER,
        "cycle": 2,
        "kind": "delegators",
        "mode": "on",
        "state": "paid",
        "import_id": 1,
        "created_at": NOW,
        "updated_at": NOW,
        **values,
    }

    with pytest.raises(IntegrityError, match=complaint):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(table).values(row))


@pytest.mark.parametrize("state", ["owed", "carried", "simulated", "dropped"])
async def test_nothing_new_is_owed_of_an_imported_cycle(bakery: Bakery, state: str) -> None:
    await import_both(bakery)

    async with bakery.ledger.read() as tx:
        closed = await distributions.get(tx, key_of(1))
    with pytest.raises(IntegrityError, match="of an imported cycle only its history is entered"):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(payouts).values(row_of(closed.id, 1, state, None)))


async def test_only_an_imported_cycle_has_payouts_that_others_paid(bakery: Bakery) -> None:
    await import_both(bakery)
    ours = await bakery.plan({"tz1-a": 900})

    with pytest.raises(IntegrityError, match="of an imported cycle only its history is entered"):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(payouts).values(row_of(ours.id, ours.key.cycle, "paid", 1)))


def row_of(
    distribution_id: int, cycle: int, state: str, payment_id: int | None
) -> dict[str, object]:
    return {
        "distribution_id": distribution_id,
        "paid_with_id": distribution_id,
        "network": NETWORK,
        "baker_id": BAKER,
        "cycle": cycle,
        "mode": Mode.ON,
        "kind": "delegator",
        "owed_to": "tz1-new",
        "address": "tz1-new",
        "delegated_balance": 0,
        "gross": 1,
        "fee_basis_points": 0,
        "fee": 0,
        "net": 1,
        "state": state,
        "imported_payment_id": payment_id,
    }
