"""The process dies at every call it makes to the world: everybody is paid once all the same."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from tests.fault_scale import FAULT_SCALE, some_of
from tests.payments.mortal_payer import ONE_GROUP, Crash, Fate, MortalWorld, cancel

MakeWorld = Callable[[], Awaitable[MortalWorld]]

#: The sweep over all calls is done in so many parts, side by side where there are cores. The
#: small size does one part each: to die after a call or before the next is much the same.
PARTS = 6 if FAULT_SCALE == 1 else 3
PARTS_RUN = [(0, False), (3, True)]
if FAULT_SCALE > 1:
    PARTS_RUN = [(part, after) for part in range(PARTS) for after in (False, True)]

#: More calls than a run makes: a sweep that gets here never came to an end.
CALLS_MAX = 400


@pytest.fixture
def make_world(tmp_path: Path, empty_ledger: Path) -> MakeWorld:
    made = 0

    async def make() -> MortalWorld:
        nonlocal made
        made += 1
        return await MortalWorld.make(tmp_path / f"ledger-{made}.db", empty_ledger)

    return make


def key_of(world: MortalWorld) -> DistributionKey:
    chain = world.surroundings.chain
    return DistributionKey(
        chain.chain_id,
        chain.world.baker,
        chain.settings.starting_cycle,
        DistributionKind.DELEGATORS,
        Mode.ON,
    )


async def crash_once(world: MortalWorld, fate: Fate) -> None:
    """Let a process die, if its fate strikes, and another one go on."""
    try:
        await world.live(fate)
    except Crash:
        if fate.calls % 2:
            world.bake()
        await world.live(Fate())
    await world.check(key_of(world))


@pytest.mark.parametrize(("part", "strikes_after"), PARTS_RUN)
async def test_a_crash_at_any_call_pays_everybody_once(
    make_world: MakeWorld, part: int, *, strikes_after: bool
) -> None:
    for deadly_call in range(1 + part, CALLS_MAX, PARTS):
        fate = Fate(deadly_call, strikes_after)
        try:
            await crash_once(await make_world(), fate)
        except Exception as error:
            error.add_note(f"{fate} in part {part} of {PARTS}")
            raise
        if not fate.has_struck:
            return
    pytest.fail(f"a run makes more than {CALLS_MAX} calls")


@pytest.mark.parametrize("seed", range(5))
async def test_crashes_one_after_another_pay_everybody_once(
    make_world: MakeWorld, seed: int
) -> None:
    world = await make_world()
    chance = random.Random(seed)  # noqa: S311 - which call is the last one is no secret
    for _ in range(40):
        fate = Fate(chance.randint(1, 60), strikes_after=chance.random() < 0.5, counts_reads=True)
        try:
            await world.live(fate)
        except Crash:
            if chance.random() < 0.5:
                world.bake()
        else:
            break
    await world.live(Fate())
    await world.check(key_of(world))


async def test_a_job_cancelled_at_any_call_is_taken_up_by_the_same_process(
    make_world: MakeWorld,
) -> None:
    for deadly_call in some_of(range(1, CALLS_MAX), 4):
        world = await make_world()
        fate = Fate(deadly_call, strike=cancel)
        try:
            async with world.life(fate, ONE_GROUP) as payer:
                job = asyncio.create_task(world.work(payer))
                await asyncio.wait({job})
                if job.cancelled():
                    await world.work(payer)
                else:
                    job.result()
            await world.check(key_of(world))
        except Exception as error:
            error.add_note(str(fate))
            raise
        if not fate.has_struck:
            return
    pytest.fail(f"a run makes more than {CALLS_MAX} calls")
