"""The audit trail: every change leaves an event, and a changed event is found."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta, timezone

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from bakehouse.ledger import audit, distributions
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import DistributionState, OperationState
from tests.ledger.bakery import BAKER, CYCLE, NOW, Bakery, enter, key_of
from tests.ledger.places import POSTGRESQL, SQLITE, FilePlace, Place

EVENTS = 6

#: What somebody with the database in hand may write into an event.
LIES = {
    "at": ["'2020-01-01 00:00:00.000000'", "'2026-11-24 12:30:15.250001'"],
    "actor": ["'eve'", "''"],
    "action": ["'operation.dead'"],
    "subject": ["'somebody else'"],
    "detail": ["'{}'", "'not json'", "'{\"n\": 3}'"],
    "previous_hash": [f"'{audit.GENESIS}'", "'0'"],
    "hash": ["'0'", f"'{'ab' * 32}'"],
}

#: What only one kind of database lets be written.
STRANGE_LIES = [
    (SQLITE, "at", "'yesterday'"),
    (SQLITE, "at", "7"),
    (SQLITE, "actor", "x'00ff'"),
    (SQLITE, "action", "x'00'"),
    (SQLITE, "detail", "x'ff'"),
    (POSTGRESQL, "at", "'infinity'"),
    (POSTGRESQL, "at", "'2026-11-24 12:30:15.25+00 BC'"),
    (POSTGRESQL, "at", "'9999-12-31 23:59:59.999999-12'"),
]


async def write_events(ledger: Ledger, count: int = EVENTS) -> None:
    async with ledger.write() as tx:
        for number in range(count):
            event = AuditEvent(NOW, "alice", "number.said", f"subject {number}", {"n": number})
            await audit.record(tx, event)


async def broken_link(ledger: Ledger) -> int | None:
    async with ledger.read() as tx:
        return await audit.first_broken_link(tx)


@pytest.fixture
async def chained(ledger: Ledger) -> Ledger:
    await write_events(ledger)
    return ledger


Forge = Callable[[str], None]


@pytest.fixture
def forge(chained: Ledger, place: Place) -> Iterator[Forge]:
    """Have statements run with the database in hand: the guarding triggers are dropped."""
    if isinstance(place, FilePlace):
        with closing(sqlite3.connect(place.path, isolation_level=None)) as file:
            file.execute("DROP TRIGGER audit_events_no_update")
            file.execute("DROP TRIGGER audit_events_no_delete")
            yield lambda statement: void(file.execute(statement))
    else:
        with psycopg.connect(place.url, autocommit=True) as session:
            session.execute("DROP TRIGGER audit_events_no_update ON audit_events")
            session.execute("DROP TRIGGER audit_events_no_delete ON audit_events")
            session.execute("SET TimeZone = 'UTC'")
            yield lambda statement: void(session.execute(statement.encode()))


def void(_cursor: object) -> None:
    """Nothing is read from it."""


async def test_an_untouched_chain_holds(ledger: Ledger) -> None:
    assert await broken_link(ledger) is None
    await write_events(ledger)
    assert await broken_link(ledger) is None


async def test_events_are_read_newest_first(chained: Ledger) -> None:
    async with chained.read() as tx:
        events = await audit.latest(tx, limit=2)

    assert events == [
        AuditEvent(NOW, "alice", "number.said", f"subject {number}", {"n": number})
        for number in (EVENTS - 1, EVENTS - 2)
    ]


@pytest.mark.parametrize(
    ("row_id", "column", "lie"),
    [(3, column, lie) for column, lies in LIES.items() for lie in lies]
    + [(row_id, "detail", "'{}'") for row_id in (1, EVENTS)],
)
async def test_a_changed_event_is_found(
    chained: Ledger, forge: Forge, row_id: int, column: str, lie: str
) -> None:
    forge(f"UPDATE audit_events SET {column} = {lie} WHERE id = {row_id}")  # noqa: S608 - from LIES

    assert await broken_link(chained) == row_id


@pytest.mark.parametrize(("kind", "column", "lie"), STRANGE_LIES, indirect=["kind"])
async def test_an_event_that_is_none_any_more_is_found(
    chained: Ledger, forge: Forge, column: str, lie: str
) -> None:
    forge(f"UPDATE audit_events SET {column} = {lie} WHERE id = 3")  # noqa: S608 - from STRANGE_LIES

    assert await broken_link(chained) == 3


async def test_a_removed_event_is_found(chained: Ledger, forge: Forge) -> None:
    forge("DELETE FROM audit_events WHERE id = 3")

    assert await broken_link(chained) == 4


async def test_events_in_another_order_are_found(chained: Ledger, forge: Forge) -> None:
    forge("UPDATE audit_events SET id = -4 WHERE id = 4")
    forge("UPDATE audit_events SET id = 4 WHERE id = 3")
    forge("UPDATE audit_events SET id = 3 WHERE id = -4")

    assert await broken_link(chained) == 3


async def test_an_event_slipped_in_is_found(chained: Ledger, forge: Forge) -> None:
    forge("UPDATE audit_events SET id = id + 10 WHERE id > 3")
    forge(
        "INSERT INTO audit_events SELECT 4, at, 'eve', action, subject, detail, hash, 'made up' "
        "FROM audit_events WHERE id = 3"
    )

    assert await broken_link(chained) == 4


async def test_the_hour_of_another_zone_is_no_forgery(ledger: Ledger) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))
    async with ledger.write() as tx:
        await audit.record(tx, AuditEvent(elsewhere, "alice", "said", "it", {}))

    assert await broken_link(ledger) is None
    async with ledger.read() as tx:
        assert [event.at for event in await audit.latest(tx)] == [NOW]


async def test_an_hour_of_no_zone_is_refused(ledger: Ledger) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="a time without a zone"):
        async with ledger.write() as tx:
            await audit.record(tx, AuditEvent(naive, "alice", "said", "it", {}))


@given(st.lists(st.tuples(st.text(), st.text(), st.dictionaries(st.text(), st.integers()))))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_is_said_can_be_proven(
    ledger: Ledger, events: list[tuple[str, str, dict[str, int]]]
) -> None:
    # One chain for all examples: it only grows.
    async with ledger.write() as tx:
        for actor, subject, detail in events:
            await audit.record(tx, AuditEvent(NOW, actor, "said", subject, detail))

    assert await broken_link(ledger) is None


async def test_what_a_database_cannot_keep_is_marked(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await audit.record(tx, AuditEvent(NOW, "ali\0ce", "said", "half \ud83e", {"n": "\0\ud83e"}))

    assert await broken_link(ledger) is None
    async with ledger.read() as tx:
        assert await audit.latest(tx) == [
            AuditEvent(NOW, "ali\ufffdce", "said", "half ?", {"n": "\0\ud83e"})
        ]


async def test_a_deed_undone_leaves_no_event(chained: Ledger) -> None:
    async def stumble() -> None:
        async with chained.write() as tx:
            await audit.record(tx, AuditEvent(NOW, "alice", "stumbled", "on the way", {}))
            raise LookupError

    with pytest.raises(LookupError):
        await stumble()

    async with chained.read() as tx:
        assert len(await audit.latest(tx)) == EVENTS
    assert await broken_link(chained) is None


async def test_each_change_says_what_was_left_and_entered(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    operation = await bakery.sign(distribution, counter=7)
    async with bakery.ledger.write() as tx:
        # With one reading of the operation, and in one transaction: the events still tell the way.
        await enter(tx, operation, OperationState.INJECTED)
        await enter(tx, operation, OperationState.INCLUDED)
        await distributions.enter_state(
            tx, distribution, DistributionState.FAILED, at=NOW, message="no tez", actor="alice"
        )

    async with bakery.ledger.read() as tx:
        told = [(event.action, event.detail.get("from")) for event in await audit.latest(tx)]
        failed = (await audit.latest(tx, limit=1))[0]
    assert told[::-1] == [
        ("baker.added", None),
        ("distribution.seen", None),
        ("distribution.plan", None),
        ("distribution.rewards_pending", "seen"),
        ("distribution.planned", "rewards_pending"),
        ("distribution.paying", "planned"),
        ("operation.signed", None),
        ("operation.injected", "signed"),
        ("operation.included", "injected"),
        ("distribution.failed", "paying"),
    ]
    assert failed == AuditEvent(
        NOW,
        "alice",
        "distribution.failed",
        f"{BAKER}/{CYCLE}/delegators/on",
        {"from": "paying", "message": "no tez"},
    )
    assert str(key_of()) == failed.subject


async def test_signing_is_told_with_the_sum_that_leaves(bakery: Bakery) -> None:
    await bakery.sign(await bakery.plan({"tz1-a": 900, "tz1-b": 90}), counter=7)

    async with bakery.ledger.read() as tx:
        (signed,) = await audit.latest(tx, limit=1)
    assert (signed.actor, signed.action, signed.subject) == (
        "bakehouse",
        "operation.signed",
        "oo-7",
    )
    assert signed.detail == {
        "kind": "payout",
        "lease": 1,
        "distribution": f"{BAKER}/{CYCLE}/delegators/on",
        "source": "tz1-payout",
        "counter": 7,
        "transfers": 2,
        "mutez": 990,
        "fee": 800,
    }
