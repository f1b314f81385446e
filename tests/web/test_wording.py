"""How times, ids and JSON are written on the pages."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.web.pages.wording import ago, brief, clock, cut, cycle_path, iso, plain, short, span

NOON = datetime(2026, 11, 24, 12, 0, 0, 999_999, tzinfo=UTC)


def test_a_time_is_written_in_utc_to_the_second() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert iso(elsewhere) == "2026-11-24T12:00:00Z"
    assert clock(elsewhere) == "2026-11-24 12:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 d"),
        (8_640_000, "100 d"),
    ],
)
def test_a_length_of_time_is_written_in_its_largest_unit(seconds: float, written: str) -> None:
    assert span(seconds) == written


def test_a_time_is_told_from_now() -> None:
    assert ago(NOON - timedelta(seconds=90), NOON) == "1 min ago"
    assert ago(NOON + timedelta(hours=3), NOON) == "in 3 h"
    assert ago(NOON + timedelta(milliseconds=900), NOON) == "now"


def test_names_are_written_as_words() -> None:
    assert plain("rewards_pending") == "rewards pending"
    assert plain("payout-held") == "payout held"


def test_a_long_id_keeps_its_ends() -> None:
    assert short("tz1fwnfJNgiDACshK9avfRfFbMaXrs3ghoJa") == "tz1fwnf…ghoJa"
    assert short("short-enough!") == "short-enough!"
    assert short("one-letter-more")[7] == "…"


def test_a_text_is_cut_off_beyond_its_length() -> None:
    assert cut("12345", 5) == "12345"
    assert cut("123456", 5) == "12345…"
    assert brief({"a": ["ü", None]}, 100) == '{"a": ["ü", null]}'
    assert brief("x" * 10, 4) == '"xxx…'


def test_the_page_of_a_distribution_names_all_of_it() -> None:
    key = DistributionKey("Net", "tz1", 7, DistributionKind.BOND_POOL, Mode.SIMULATION)

    assert cycle_path(key) == "/bakers/tz1/cycles/7?kind=bond_pool&mode=simulation"
    assert cycle_path(key, cycle=8).startswith("/bakers/tz1/cycles/8?")
    assert cycle_path(key, offset=500).endswith("&offset=500")
