import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from tests.sandbox.hostile_world import (
    HEAD,
    PAYMENT,
    PENDING,
    HostileWorld,
    hostile_world,
    small_chain,
)
from tests.sandbox.sandbox_wallet import UNUSED, total_mutez, with_each

ROUNDS = 3


async def told(world: HostileWorld, path: str, source: str) -> Any:
    try:
        answer = await world.client.get(f"http://{source}{path}")
    except httpx2.TransportError as error:
        return repr(error)
    return answer.status_code, answer.text


async def history(seed: int) -> tuple[list[Any], Counter[Fault]]:
    """Inflict everything, thrice, and keep all that is said and done."""
    sandbox = HostileSandbox(small_chain(seed), seed=seed)
    split = f"/v1/rewards/split/{sandbox.chain.world.baker}/{sandbox.chain.settings.starting_cycle}"
    kept: list[Any] = []
    async with httpx2.AsyncClient(transport=sandbox.transport()) as client:
        world = hostile_world(client, sandbox)
        payees = world.payees()
        for number, fault in enumerate([*Fault] * ROUNDS):
            sandbox.inflict(fault)
            payment = with_each(world.group((payees[number % len(payees)], 1_000)), storage_limit=0)
            signed = world.payer.sign(payment)
            for node in ("node-0", "node-1"):
                try:
                    kept.append((await world.inject(signed, node)).text)
                except httpx2.TransportError as error:
                    kept.append(repr(error))
                kept.append(await told(world, HEAD, node))
            kept.append(await told(world, split, "indexer"))
            kept.append(sandbox.now())
            sandbox.sleep(3)
            kept.append(sandbox.bake().hash)
            # In each round it is others that are left to last.
            if (number + number // len(Fault)) % ROUNDS:
                sandbox.heal()
                kept.append(sandbox.bake().hash)
    return kept, sandbox.struck


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_seed_gives_the_same_history(seed: int) -> None:
    assert await history(seed) == await history(seed)


async def test_another_seed_gives_another_history() -> None:
    first, second = await history(1), await history(2)

    assert first != second


async def test_every_fault_strikes_by_itself_sooner_or_later() -> None:
    struck: Counter[Fault] = Counter()
    for seed in range(6):
        struck += (await history(seed))[1]

    assert struck.keys() == set(Fault)


@pytest.mark.parametrize("seed", range(4))
async def test_after_healing_a_payment_goes_through_and_everybody_agrees(seed: int) -> None:
    sandbox = HostileSandbox(small_chain(seed), seed=seed)
    async with httpx2.AsyncClient(transport=sandbox.transport()) as client:
        world = hostile_world(client, sandbox)
        before = world.payer.balance
        for fault in Fault:
            sandbox.inflict(fault)
            world.bake()

        sandbox.heal()
        world.bake(3)

        spent = before - world.payer.balance
        assert 0 <= spent < 100_000
        sent = await world.pay(PAYMENT, source="node-1")
        world.bake()
        assert world.included() == [sent]
        assert set(world.statuses()) == {"applied"}
        heads = [await world.get(HEAD + "/hash", node) for node in ("node-0", "node-1")]
        assert heads == [world.chain.head.hash] * 2
        state = await world.get("/v1/head", "indexer")
        assert (state["hash"], state["synced"]) == (world.chain.head.hash, True)


async def play(world: HostileWorld, dice: Dice) -> None:
    """Pay, ask, wait and bake while things go wrong, now and then healed."""
    recipients = world.payees() + list(UNUSED)
    for _ in range(dice.between(5, 20)):
        if dice.below(2):
            world.sandbox.inflict(dice.pick(list(Fault)))
        if dice.below(6) == 0:
            world.sandbox.heal()
        group = world.group(*((dice.pick(recipients), dice.between(1, 10**6)) for _ in range(3)))
        node = dice.pick(["node-0", "node-1"])
        with contextlib.suppress(httpx2.TransportError):
            await world.inject(
                world.payer.sign(with_each(group, storage_limit=dice.pick([0, 257]))), node
            )
        await told(world, HEAD, node)
        await told(world, PENDING, node)
        await told(world, "/v1/operations/transactions?sort.desc=id", "indexer")
        world.sandbox.sleep(dice.below(20))
        if dice.below(4):
            world.bake()


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_no_mutez_is_lost_and_healing_lets_a_payment_through(
    seed: int,
) -> None:
    def world_mutez() -> int:
        return total_mutez(sandbox.chain) - sandbox.chain.head.issued + sandbox.chain.head.burned

    sandbox = HostileSandbox(small_chain(seed), seed=seed)
    async with httpx2.AsyncClient(transport=sandbox.transport()) as client:
        world = hostile_world(client, sandbox)
        before = world_mutez()

        await play(world, Dice(seed + 1_000))
        sandbox.heal()
        world.bake(3)

        assert world_mutez() == before
        sent = await world.pay((world.chain.world.network, 7), source="node-1")
        world.bake()
        assert world.included() == [sent]
        assert set(world.statuses()) == {"applied"}


def test_time_follows_the_chain_and_what_was_slept(world: HostileWorld) -> None:
    head = datetime.fromtimestamp(world.chain.head.timestamp, UTC)
    assert world.sandbox.now() == head

    world.sandbox.sleep(50)
    assert world.sandbox.now() == head + timedelta(seconds=50)
    world.bake()
    assert world.chain.head.timestamp == int(head.timestamp()) + 50
    world.bake()
    assert world.sandbox.now() == head + timedelta(seconds=51)


def test_a_skewed_clock_is_wrong_until_healed(world: HostileWorld) -> None:
    right = world.sandbox.now()

    world.sandbox.inflict(Fault.CLOCK_SKEW, seconds=-600)

    assert world.sandbox.now() == right - timedelta(seconds=600)
    assert world.sandbox.struck == {Fault.CLOCK_SKEW: 1}
    world.sandbox.heal()
    assert world.sandbox.now() == right
