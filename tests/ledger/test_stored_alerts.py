"""Alerts as stored: one open row for each cause, however often it is told."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import alerts, audit
from bakehouse.ledger.alerts import Alert, AlertFilter
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.table_parts import metadata
from tests.ledger.bakery import BAKER, NOW

LATER = NOW + timedelta(minutes=5)


async def tell(
    ledger: Ledger, message: str, *, code: str = "wallet-empty", subject: str = "tz1-payout"
) -> int | None:
    async with ledger.write() as tx:
        return await alerts.raise_alert(
            tx, code=code, subject=subject, message=message, at=NOW, baker_id=BAKER
        )


async def close(ledger: Ledger, code: str = "wallet-empty", subject: str = "tz1-payout") -> None:
    async with ledger.write() as tx:
        await alerts.close(tx, code=code, subject=subject, at=LATER)


async def messages(ledger: Ledger, baker_id: str | None = None) -> list[str]:
    async with ledger.read() as tx:
        return [alert.message for alert in await alerts.still_open(tx, baker_id)]


async def test_an_alert_is_told_once_and_then_counted(ledger: Ledger) -> None:
    assert await tell(ledger, "5 tez left")
    assert not await tell(ledger, "4 tez left")
    assert not await tell(ledger, "3 tez left")

    async with ledger.read() as tx:
        assert await alerts.still_open(tx) == [
            Alert(
                id=1,
                baker_id=BAKER,
                code="wallet-empty",
                subject="tz1-payout",
                message="3 tez left",
                raised_at=NOW,
                repeated_at=NOW,
                times=3,
            )
        ]


async def test_another_code_or_subject_is_another_alert(ledger: Ledger) -> None:
    assert await tell(ledger, "first")
    assert await tell(ledger, "second", code="node-behind")
    assert await tell(ledger, "third", subject="tz1-other")

    assert sorted(await messages(ledger)) == ["first", "second", "third"]


async def test_a_closed_alert_is_gone_and_may_come_again(ledger: Ledger) -> None:
    await tell(ledger, "5 tez left")
    await tell(ledger, "another subject", subject="tz1-other")
    await close(ledger)
    assert await messages(ledger) == ["another subject"]

    assert await tell(ledger, "empty again")
    async with ledger.read() as tx:
        again, _ = await alerts.still_open(tx)
    assert (again.message, again.times) == ("empty again", 1)


async def test_closing_what_is_not_open_is_harmless(ledger: Ledger) -> None:
    await close(ledger)
    await tell(ledger, "5 tez left")
    await close(ledger)
    await close(ledger)

    assert await messages(ledger) == []


async def test_the_alert_told_last_comes_first(ledger: Ledger) -> None:
    await tell(ledger, "old", subject="a")
    await tell(ledger, "new", subject="b")
    assert await messages(ledger) == ["new", "old"]

    async with ledger.write() as tx:
        await alerts.raise_alert(tx, code="wallet-empty", subject="a", message="older", at=LATER)
    assert await messages(ledger) == ["older", "new"]


async def test_alerts_are_given_for_one_baker(ledger: Ledger) -> None:
    await tell(ledger, "of the baker")
    async with ledger.write() as tx:
        await alerts.raise_alert(tx, code="disk-full", subject="disk", message="of all", at=NOW)

    assert await messages(ledger, BAKER) == ["of the baker"]
    assert await messages(ledger, "tz1-stranger") == []
    assert await messages(ledger) == ["of all", "of the baker"]


async def test_the_database_itself_knows_one_open_alert_of_a_cause(ledger: Ledger) -> None:
    await tell(ledger, "5 tez left")
    twin = {
        "code": "wallet-empty",
        "subject": "tz1-payout",
        "message": "twin",
        "raised_at": NOW,
        "repeated_at": NOW,
        "times": 1,
    }
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: alerts|uq_alerts_open"):
        async with ledger.write() as tx:
            await tx.execute(insert(metadata.tables["alerts"]).values(twin))


async def test_what_a_person_saw_stays_open_with_their_name_and_is_in_the_audit_trail(
    ledger: Ledger,
) -> None:
    await tell(ledger, "5 tez left")

    async with ledger.write() as tx:
        seen = await alerts.acknowledge(tx, 1, actor="user:ann", at=LATER)
        again = await alerts.acknowledge(tx, 1, actor="user:bob", at=LATER)

    assert (seen.acknowledged_at, seen.acknowledged_by) == (LATER, "user:ann")
    assert again == seen
    assert seen.is_open
    # It only counts: whoever saw it need not be told again.
    assert not await tell(ledger, "4 tez left")
    assert await messages(ledger) == ["4 tez left"]
    async with ledger.read() as tx:
        [event] = await audit.latest(tx)
    assert (event.actor, event.action) == ("user:ann", "alert.acknowledged")
    assert event.subject == "wallet-empty tz1-payout"


async def test_an_acknowledged_alert_is_closed_with_its_cause_and_comes_back_as_a_new_one(
    ledger: Ledger,
) -> None:
    await tell(ledger, "5 tez left")
    async with ledger.write() as tx:
        await alerts.acknowledge(tx, 1, actor="user:ann", at=NOW)
    await close(ledger)

    assert await tell(ledger, "empty again")
    async with ledger.read() as tx:
        old, [new] = await alerts.get(tx, 1), await alerts.still_open(tx)
    assert (old.closed_at, old.acknowledged_by) == (LATER, "user:ann")
    assert (new.acknowledged_at, new.times) == (None, 1)


async def test_only_an_open_alert_that_is_there_can_be_acknowledged(ledger: Ledger) -> None:
    await tell(ledger, "5 tez left")
    await close(ledger)

    for alert_id, error in ((1, ConflictError), (7, NotFoundError)):
        with pytest.raises(error):
            async with ledger.write() as tx:
                await alerts.acknowledge(tx, alert_id, actor="user:ann", at=NOW)


async def test_an_event_is_entered_once_for_ever_and_waits_for_nobody(ledger: Ledger) -> None:
    async def note() -> int | None:
        async with ledger.write() as tx:
            return await alerts.note_event(
                tx, code="cycle-paid", subject="750", message="paid", at=NOW
            )

    assert await note() == 1
    assert await note() is None
    assert await messages(ledger) == []
    async with ledger.read() as tx:
        assert [each.closed_at for each in await alerts.listed(tx, AlertFilter())] == [NOW]


async def test_alerts_are_listed_by_what_is_wanted_page_by_page(ledger: Ledger) -> None:
    for number in range(5):
        await tell(ledger, f"number {number}", subject=f"s{number}")
    await close(ledger, subject="s0")
    async with ledger.write() as tx:
        await alerts.acknowledge(tx, 2, actor="user:ann", at=NOW)
        await alerts.raise_alert(tx, code="disk-full", subject="disk", message="house", at=LATER)

    async def listed(wanted: AlertFilter, offset: int = 0, limit: int = 99) -> list[int]:
        async with ledger.read() as tx:
            found = await alerts.listed(tx, wanted, offset=offset, limit=limit)
            return [each.id for each in found]

    assert await listed(AlertFilter()) == [6, 5, 4, 3, 2, 1]
    assert await listed(AlertFilter(), offset=1, limit=2) == [5, 4]
    assert await listed(AlertFilter(is_open=False)) == [1]
    assert await listed(AlertFilter(is_open=True, is_acknowledged=False)) == [6, 5, 4, 3]
    assert await listed(AlertFilter(is_acknowledged=True)) == [2]
    assert await listed(AlertFilter(codes=["disk-full"])) == [6]
    assert await listed(AlertFilter(baker_ids=[BAKER], is_open=True)) == [5, 4, 3, 2]
    assert await listed(AlertFilter(baker_ids=[])) == []


async def test_what_was_told_long_ago_and_nobody_saw_is_to_be_repeated(ledger: Ledger) -> None:
    for subject in ("seen", "closed", "open", "told-again"):
        await tell(ledger, subject, subject=subject)
    await tell(ledger, "another code", code="node-behind")
    await close(ledger, subject="closed")
    async with ledger.write() as tx:
        await alerts.acknowledge(tx, 1, actor="user:ann", at=NOW)
        await alerts.mark_told(tx, 4, at=LATER)

        assert await alerts.to_repeat(tx, ["wallet-empty"], NOW) == []
        [due] = await alerts.to_repeat(tx, ["wallet-empty"], LATER)
    assert due.message == "open"
