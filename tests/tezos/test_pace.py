"""How fast a host is asked, and for how long it is left alone; the event loop's clock is ours."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from bakehouse.errors import SourceBusyError
from bakehouse.tezos.pace import (
    AT_ONCE_MAX,
    REST_SECONDS_MAX,
    Pace,
    Paces,
    TooLongError,
    rest_wanted,
)
from bakehouse.tezos.transport import JsonSource

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock leaps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = 0.0

    def time(self) -> float:
        return self._ahead

    def _run_once(self) -> None:
        # What asyncio's own loops are made of; there is no public way to a clock that leaps.
        loop: Any = self
        if not loop._ready and loop._scheduled:
            self._ahead = max(self._ahead, loop._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def lived(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run some work in no time."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work())  # type: ignore[arg-type]


def test_after_a_burst_turns_come_evenly_and_in_order() -> None:
    async def work() -> list[tuple[float, int]]:
        pace, at = Pace(10), []
        loop = asyncio.get_running_loop()

        async def ask(number: int) -> None:
            async with pace.turn(60):
                at.append((loop.time(), number))

        await asyncio.sleep(100)
        await asyncio.gather(*(ask(number) for number in range(41)))
        return [(round(moment - 100, 6), number) for moment, number in at]

    turns = lived(work)
    assert [number for _, number in turns] == list(range(41))
    assert [moment for moment, _ in turns[:11]] == [0.0] * 11
    assert [moment for moment, _ in turns[11:]] == [round(n / 10, 6) for n in range(1, 31)]


def test_so_many_are_on_their_way_at_a_time_and_no_more() -> None:
    async def work() -> int:
        pace, under_way, most = Pace(10_000, 3), 0, 0

        async def ask() -> None:
            nonlocal under_way, most
            async with pace.turn(60):
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(1)
                under_way -= 1

        await asyncio.gather(*(ask() for _ in range(20)))
        return most

    assert lived(work) == 3


def test_who_would_wait_too_long_is_told_at_once_and_takes_no_turn() -> None:
    async def work() -> None:
        pace = Pace(1)
        for _ in range(4):
            async with pace.turn(60):
                pass
        for _ in range(3):
            with pytest.raises(TooLongError):
                async with pace.turn(0.5):
                    pass
        before = asyncio.get_running_loop().time()
        async with pace.turn(60):
            pass
        assert asyncio.get_running_loop().time() - before == pytest.approx(1)

    lived(work)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30),
        ("Sun, 01 Nov 2026 12:00:10 GMT", 10),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("", 0),
        ("-5", 0),
        ("9" * 400, 999_999),
    ],
)
def test_a_wish_to_be_left_alone_is_read_in_both_its_forms(said: str, seconds: float) -> None:
    assert rest_wanted({"retry-after": said}, lambda: NOW) == seconds


def test_a_host_that_says_when_to_come_again_is_asked_by_nobody_before() -> None:
    asked: list[float] = []

    async def work() -> tuple[int, float]:
        loop = asyncio.get_running_loop()

        def answer(request: httpx2.Request) -> httpx2.Response:
            asked.append(loop.time())
            if len(asked) == 1:
                return httpx2.Response(429, headers={"Retry-After": "12"}, text="<html>")
            return httpx2.Response(200, json=7)

        async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
            pace = Pace()
            node, indexer = (
                JsonSource(f"https://one.example/{path}", client, pace=pace) for path in "ab"
            )
            first = await node.get("/x", lambda document: document)
            pace.rest(30)
            with pytest.raises(SourceBusyError, match=r"next turn comes in \d+ seconds"):
                await indexer.post_once("/y", {}, lambda document: document)
            return first, asked[1] - asked[0]

    first, waited = lived(work)
    assert first == 7
    assert waited >= 12
    assert len(asked) == 2


def test_no_host_is_left_alone_for_ever() -> None:
    async def work() -> float:
        pace = Pace()
        pace.rest(10**6)
        async with pace.turn(10**6):
            return asyncio.get_running_loop().time()

    assert lived(work) == REST_SECONDS_MAX


async def test_hosts_elsewhere_are_limited_each_by_itself_and_this_machine_is_not() -> None:
    paces = Paces(20)
    assert paces.of("https://a.example/x") is paces.of("https://a.example:8443/y")
    assert paces.of("https://a.example") is not paces.of("https://b.example")
    for own in ("http://localhost:8732", "http://127.0.0.5", "http://[::1]:1"):
        assert paces.of(own)._interval == 0
    assert paces.of("https://a.example")._interval == 1 / 20
    assert Paces(0).of("https://a.example")._interval == 0
    assert AT_ONCE_MAX < 20
