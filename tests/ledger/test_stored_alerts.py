"""Alerts as stored: one open row for each cause, however often it is told."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import alerts
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.schema import metadata
from tests.ledger.bakery import BAKER, NOW

LATER = NOW + timedelta(minutes=5)


async def tell(
    ledger: Ledger, message: str, *, code: str = "wallet-empty", subject: str = "tz1-payout"
) -> bool:
    async with ledger.write() as tx:
        return await alerts.raise_alert(
            tx, code=code, subject=subject, message=message, at=NOW, baker_id=BAKER
        )


async def close(ledger: Ledger, code: str = "wallet-empty", subject: str = "tz1-payout") -> None:
    async with ledger.write() as tx:
        await alerts.close(tx, code=code, subject=subject, at=LATER)


async def messages(ledger: Ledger, baker_id: str | None = None) -> list[str]:
    async with ledger.read() as tx:
        return [alert.message for alert in await alerts.unacknowledged(tx, baker_id)]


async def test_an_alert_is_told_once_and_then_counted(ledger: Ledger) -> None:
    assert await tell(ledger, "5 tez left")
    assert not await tell(ledger, "4 tez left")
    assert not await tell(ledger, "3 tez left")

    async with ledger.read() as tx:
        assert await alerts.unacknowledged(tx) == [
            Alert(
                id=1,
                baker_id=BAKER,
                code="wallet-empty",
                subject="tz1-payout",
                message="3 tez left",
                raised_at=NOW,
                times=3,
                acknowledged_at=None,
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
        again, _ = await alerts.unacknowledged(tx)
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
