"""One read for all who ask at the same time, or a moment later."""

import asyncio

import pytest

from bakehouse.tezos.shared_reads import SharedReads


class Source:
    """Answers with how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def read(self) -> int:
        self.asked += 1
        asked = self.asked
        await self.may_answer.wait()
        if asked == 1:
            return asked
        raise ValueError("it failed")


async def test_all_who_ask_at_once_get_one_answer_though_the_first_is_cancelled() -> None:
    source, shared = Source(), SharedReads()
    askers = [
        asyncio.create_task(shared.get("head", source.read, lambda _: 0)) for _ in range(1_000)
    ]
    await asyncio.sleep(0)
    askers[0].cancel()
    source.may_answer.set()

    assert await asyncio.gather(*askers[1:]) == [1] * 999
    assert source.asked == 1


async def test_an_answer_is_kept_as_long_as_is_said_and_for_its_key_alone() -> None:
    source, shared = Source(), SharedReads()
    source.may_answer.set()

    assert await shared.get("head", source.read, lambda _: 3_600) == 1
    assert await shared.get("head", source.read, lambda _: 3_600) == 1
    with pytest.raises(ValueError, match="it failed"):
        await shared.get("other", source.read, lambda _: 3_600)


async def test_a_failure_is_told_to_those_who_waited_and_to_nobody_after_them() -> None:
    source, shared = Source(), SharedReads()
    source.asked = 1
    waiting = [asyncio.create_task(shared.get("head", source.read, lambda _: 60)) for _ in range(3)]
    await asyncio.sleep(0)
    source.may_answer.set()

    failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(each) for each in failures] == ["it failed"] * 3
    source.asked = 0
    assert await shared.get("head", source.read, lambda _: 0) == 1


async def test_an_answer_that_is_not_kept_is_read_again() -> None:
    source, shared = Source(), SharedReads()
    source.may_answer.set()
    await shared.get("head", source.read, lambda _: 0)

    with pytest.raises(ValueError, match="it failed"):
        await shared.get("head", source.read, lambda _: 0)
