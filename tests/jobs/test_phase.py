"""When schedules run: spread over their interval, each always at the same place of it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.jobs.phase import first_run_at

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ids = st.text(min_size=1, max_size=40)
intervals = st.integers(1, 86_400)
moments = st.timedeltas(timedelta(), timedelta(days=400)).map(lambda past: NOW + past)


@given(ids, intervals, moments)
def test_the_first_run_is_half_to_one_and_a_half_interval_away(
    schedule_id: str, every: int, now: datetime
) -> None:
    ahead = first_run_at(schedule_id, every, now) - now
    # A millisecond is the least that the queue tells apart.
    assert timedelta(seconds=every / 2) - timedelta(milliseconds=1) <= ahead
    assert ahead < timedelta(seconds=1.5 * every)


@given(ids, intervals, moments, moments)
def test_whenever_it_is_made_it_runs_at_the_same_place_of_its_interval(
    schedule_id: str, every: int, one: datetime, other: datetime
) -> None:
    apart = first_run_at(schedule_id, every, one) - first_run_at(schedule_id, every, other)
    assert apart % timedelta(seconds=every) == timedelta()


def test_a_thousand_are_spread_evenly() -> None:
    runs = [first_run_at(f"cycle-monitor-tz1{number}", 600, NOW) for number in range(1_000)]
    by_minute = [0] * 10
    for run in runs:
        by_minute[int((run - NOW).total_seconds() // 60 - 5)] += 1

    assert all(70 <= count <= 130 for count in by_minute), by_minute
    assert len(set(runs)) > 990
