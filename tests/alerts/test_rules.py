"""When there is cause for an alert, and in what words."""

from datetime import UTC, datetime, timedelta

import pytest

from bakehouse.alerts.rules import queue_failing, schedule_silent, wallet_low
from bakehouse.rewards.money import Mutez

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PERIOD = timedelta(minutes=10)


@pytest.mark.parametrize(("balance", "need"), [(5, 5), (6, 5), (0, None), (0, 0)])
def test_a_wallet_that_covers_the_next_cycle_is_no_cause(balance: int, need: int | None) -> None:
    assert wallet_low("tz1", Mutez(balance), None if need is None else Mutez(need)) is None


def test_a_wallet_that_lacks_one_mutez_is_told_with_what_is_missing() -> None:
    message = wallet_low("tz1", Mutez(1_499_999), Mutez(1_500_000))

    assert message is not None
    for amount in ("1.499999 tez", "1.5 tez", "0.000001 tez are missing"):
        assert amount in message.replace("1.500000", "1.5")


def test_silence_is_told_after_two_periods_and_not_before() -> None:
    assert schedule_silent(NOW - 2 * PERIOD, PERIOD, NOW) is None

    message = schedule_silent(NOW - 2 * PERIOD - timedelta(seconds=1), PERIOD, NOW)

    assert message is not None
    assert "for 20 minutes" in message
    assert "every 10" in message


def test_a_demo_with_short_minutes_calls_nobody_silent_at_once() -> None:
    second = timedelta(seconds=1)
    assert schedule_silent(NOW - 120 * second, second, NOW) is None
    assert schedule_silent(NOW - 121 * second, second, NOW) is not None


def test_jobs_that_failed_for_good_are_counted_and_the_latest_reason_told() -> None:
    assert queue_failing("bond-pool", []) is None
    assert queue_failing("bond-pool", ["no answer"]) == (
        "1 job of the queue bond-pool failed for good; the latest: no answer"
    )
    several = queue_failing("bond-pool", ["no answer", "older"])
    assert several is not None
    assert several.startswith("2 jobs ")
    assert "older" not in several
