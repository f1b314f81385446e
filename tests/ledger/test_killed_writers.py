"""Killed with -9 in the middle of a transaction: nothing of it is there. After it: everything."""

from collections.abc import Iterator

import pytest

from bakehouse.ledger import audit, operations, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.ledger.transfers import transfers_of
from tests.ledger.bakery import Bakery
from tests.ledger.conftest import MakePlace
from tests.ledger.contents import schema_of
from tests.ledger.killed_writer import AFTER_COMMIT, BEFORE_COMMIT, Killer
from tests.ledger.places import POSTGRESQL, SQLITE

LOCKED = {SQLITE: "BEGIN IMMEDIATE", POSTGRESQL: "SELECT pg_advisory_xact_lock"}
SIGN_POINTS = [
    "INSERT INTO operations",
    "INSERT INTO transfers",
    "UPDATE payouts",
    "INSERT INTO audit_events",
    BEFORE_COMMIT,
]
SETTLE_POINTS = ["UPDATE operations", "UPDATE payouts", BEFORE_COMMIT]
OPEN_POINTS = [
    "CREATE TABLE alerts",
    "CREATE TABLE payouts",
    "CREATE TRIGGER payouts_legal_moves",
    "CREATE TRIGGER attempts_no_delete",
    "INSERT INTO alembic_version",
    BEFORE_COMMIT,
]


@pytest.fixture
def killer(ledger_url: str) -> Iterator[Killer]:
    hired = Killer(ledger_url)
    yield hired
    hired.dismiss()


@pytest.fixture
async def distribution(bakery: Bakery) -> Distribution:
    return await bakery.plan({"tz1-a": 900, "tz1-b": 90})


async def test_a_group_is_stored_whole_or_not_at_all(
    bakery: Bakery, distribution: Distribution, killer: Killer, kind: str
) -> None:
    for point in (LOCKED[kind], *SIGN_POINTS):
        await killer.kill("sign", point)
        async with bakery.ledger.read() as tx:
            assert await operations.of_distribution(tx, distribution.id) == [], point
            assert await payouts.count_by_state(tx, distribution) == {PayoutState.OWED: (2, 990)}
            assert await audit.first_broken_link(tx) is None

    await killer.kill("sign", AFTER_COMMIT)
    async with bakery.ledger.read() as tx:
        (operation,) = await operations.of_distribution(tx, distribution.id)
        transfers = await transfers_of(tx, operation.id)
        assert await payouts.count_by_state(tx, distribution) == {PayoutState.ASSIGNED: (2, 990)}
        assert await audit.first_broken_link(tx) is None
    assert (operation.state, operation.signed_bytes) == (OperationState.SIGNED, b"group 7")
    assert [transfer.amount for transfer in transfers] == [900, 90]


async def test_a_final_group_is_settled_whole_or_not_at_all(
    bakery: Bakery, distribution: Distribution, killer: Killer
) -> None:
    operation = await bakery.sign(distribution, counter=7)
    await bakery.lead(operation, OperationState.INJECTED)
    for point in SETTLE_POINTS:
        await killer.kill("settle", point)
        assert await outcome(bakery, distribution) == (OperationState.INJECTED, {"assigned"})

    await killer.kill("settle", AFTER_COMMIT)
    assert await outcome(bakery, distribution) == (OperationState.FINAL, {"paid"})


async def outcome(
    bakery: Bakery, distribution: Distribution
) -> tuple[OperationState, set[PayoutState]]:
    async with bakery.ledger.read() as tx:
        (operation,) = await operations.of_distribution(tx, distribution.id)
        return operation.state, set(await payouts.count_by_state(tx, distribution))


async def test_a_killed_migration_leaves_an_empty_database_that_the_next_start_fills(
    empty_url: str, killer: Killer, make_place: MakePlace
) -> None:
    for point in OPEN_POINTS:
        await killer.kill("open", point)
        assert schema_of(empty_url) == [], point

    await killer.kill("open", AFTER_COMMIT)
    unhurt = make_place()
    unhurt.be_empty()
    await (await Ledger.open(unhurt.url)).close()
    assert schema_of(empty_url) == schema_of(unhurt.url) != []
    unhurt.clear()
