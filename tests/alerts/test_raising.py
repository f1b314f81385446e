"""Alerts as the rest of the house raises them: stored once, said once, closed with their cause."""

from structlog.testing import capture_logs

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import (
    alert,
    chain_differs,
    close_alert,
    distribution_failed,
    go_needed,
    guard_refused,
    operation_quarantined,
    payouts_held,
    sources_troubled,
)
from bakehouse.ledger import alerts
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.payer import Payer
from tests.alerts.conftest import NOW

KEY = DistributionKey("NetX", "tz1-baker", 750, DistributionKind.DELEGATORS, Mode.ON)


async def open_alerts(payer: Payer) -> list[Alert]:
    async with payer.ledger.read() as tx:
        return await alerts.still_open(tx)


async def test_an_alert_is_stored_and_said(payer: Payer) -> None:
    with capture_logs() as said:
        await alert(payer, AlertCode.BALANCE_UNKNOWN, "tz1-baker", "no answer", baker_id="tz1-b")

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject, stored.message) == (
        "balance-unknown",
        "tz1-baker",
        "no answer",
    )
    assert (stored.baker_id, stored.raised_at, stored.times) == ("tz1-b", NOW, 1)
    assert said == [
        {
            "event": "alert",
            "log_level": "error",
            "code": "balance-unknown",
            "subject": "tz1-baker",
            "message": "no answer",
        }
    ]


async def test_an_alert_that_is_open_is_counted_and_not_said_again(payer: Payer) -> None:
    code = AlertCode.CYCLE_CHECK_FAILED
    await alert(payer, code, "tz1-baker", "no answer", baker_id="tz1-baker")

    with capture_logs() as said:
        await alert(payer, code, "tz1-baker", "still no answer", baker_id="tz1-baker")

    [stored] = await open_alerts(payer)
    assert (stored.times, stored.message) == (2, "still no answer")
    assert said == []


async def test_closing_takes_back_this_alert_and_no_other(payer: Payer) -> None:
    for subject in ("tz1-baker", "tz1-other"):
        await alert(payer, AlertCode.BALANCE_UNKNOWN, subject, "no answer", baker_id=subject)
    await alert(payer, AlertCode.CYCLE_CHECK_FAILED, "tz1-baker", "none", baker_id="tz1-baker")

    await close_alert(payer, AlertCode.BALANCE_UNKNOWN, "tz1-baker")

    left = {(each.code, each.subject) for each in await open_alerts(payer)}
    assert left == {("balance-unknown", "tz1-other"), ("cycle-check-failed", "tz1-baker")}


async def test_closing_what_was_never_raised_does_nothing(payer: Payer) -> None:
    await close_alert(payer, AlertCode.BALANCE_UNKNOWN, "tz1-baker")

    assert await open_alerts(payer) == []


async def test_an_alert_raised_after_it_was_closed_is_a_new_one(payer: Payer) -> None:
    code = AlertCode.BALANCE_UNKNOWN
    await alert(payer, code, "tz1-baker", "no answer", baker_id="tz1-baker")
    await close_alert(payer, code, "tz1-baker")

    with capture_logs() as said:
        await alert(payer, code, "tz1-baker", "gone again", baker_id="tz1-baker")

    [stored] = await open_alerts(payer)
    assert (stored.times, stored.message) == (1, "gone again")
    assert [each["event"] for each in said] == ["alert"]


async def test_a_failed_distribution_is_told_by_its_key_and_its_message(payer: Payer) -> None:
    await distribution_failed(payer, KEY, "the wallet is empty")

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject) == ("distribution-failed", str(KEY))
    assert (stored.message, stored.baker_id) == ("the wallet is empty", "tz1-baker")


async def test_held_payouts_are_told_with_their_count_and_cycle(payer: Payer) -> None:
    await payouts_held(payer, KEY, 3)

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject) == ("payout-held", str(KEY))
    assert stored.message == "3 payouts of cycle 750 are held back"
    assert stored.baker_id == "tz1-baker"


async def test_each_guard_that_refuses_a_cycle_has_an_alert_of_its_own(payer: Payer) -> None:
    for guard in ("cycle-cap", "balance-covers", "cycle-cap"):
        await guard_refused(payer, KEY, guard, f"{guard}: no")

    told = {
        each.subject: (each.code, each.message, each.times) for each in await open_alerts(payer)
    }
    assert told == {
        f"{KEY}/cycle-cap": ("guard-refused", "cycle-cap: no", 2),
        f"{KEY}/balance-covers": ("guard-refused", "balance-covers: no", 1),
    }


async def test_a_go_that_is_needed_is_told_with_the_command_that_gives_it(payer: Payer) -> None:
    await go_needed(payer, KEY)

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject, stored.baker_id) == ("go-needed", str(KEY), "tz1-baker")
    assert "`bakehouse go tz1-baker 750 --why" in stored.message


async def test_a_quarantined_operation_is_told_by_its_hash_and_what_to_do(payer: Payer) -> None:
    await operation_quarantined(payer, KEY, "oo-hash")

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject) == ("operation-quarantined", "oo-hash")
    assert "oo-hash of cycle 750" in stored.message
    assert "nothing new is signed" in stored.message
    assert "declare it dead" in stored.message


async def test_troubled_sources_are_told_once_for_a_baker_with_the_latest_trouble(
    payer: Payer,
) -> None:
    await sources_troubled(payer, "tz1-baker", "the node lags")
    await sources_troubled(payer, "tz1-baker", "the node is gone")

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject) == ("sources-troubled", "tz1-baker")
    assert (stored.message, stored.times) == ("the node is gone", 2)


async def test_a_chain_that_differs_is_told_by_the_distribution_and_in_what(payer: Payer) -> None:
    await chain_differs(payer, KEY, "7 mutez went to Ann, not 8")

    [stored] = await open_alerts(payer)
    assert (stored.code, stored.subject) == ("chain-differs", str(KEY))
    assert (stored.message, stored.baker_id) == ("7 mutez went to Ann, not 8", "tz1-baker")
