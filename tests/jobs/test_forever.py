"""Work done again and again ends when it is told to."""

import asyncio

from bakehouse.jobs.forever import forever

PATIENCE_SECONDS = 10


async def test_it_ends_though_the_work_swallowed_that_it_was_told_to() -> None:
    """As `asyncio.wait_for` may do before Python 3.12: the house could not be stopped."""
    works = asyncio.Event()
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        works.set()
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
        except asyncio.CancelledError:
            return

    task = asyncio.create_task(forever(work, 0.001, "work-failed"))
    await works.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS / 2)

    assert done == {task}
    assert times == 1


async def test_a_failure_does_not_end_it() -> None:
    again = asyncio.Event()
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise RuntimeError("not this time")
        again.set()

    task = asyncio.create_task(forever(work, 0.001, "work-failed"))
    await asyncio.wait_for(again.wait(), PATIENCE_SECONDS)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
