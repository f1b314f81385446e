import json

import httpx2

from bakehouse.sandbox.hostile.fault import Fault
from tests.sandbox.hostile_world import HEAD, PAYMENT, HostileWorld, served

CONTRACTS = HEAD + "/context/contracts/"


async def test_a_lagging_node_ends_some_blocks_below_the_head_in_all_it_says(
    world: HostileWorld,
) -> None:
    await world.pay(PAYMENT)
    world.bake(3)
    world.sandbox.inflict(Fault.LAGGING_NODE, node=1, blocks=3)
    payer = CONTRACTS + world.payer.address

    behind = await world.get(HEAD + "/header", "node-1")
    counters = [int(await world.get(payer + "/counter", node)) for node in ("node-0", "node-1")]
    balances = [int(await world.get(payer + "/balance", node)) for node in ("node-0", "node-1")]
    live = await world.get(HEAD + "/live_blocks", "node-1")

    assert behind["hash"] == world.chain.block_at(world.chain.head.level - 3).hash
    assert counters[0] == counters[1] + 1
    assert balances[0] < balances[1]
    assert live[0] == behind["hash"]
    assert len(live) == 601
    unknown = await world.client.get(
        f"http://node-1/chains/main/blocks/{world.chain.head.hash}/header"
    )
    assert unknown.status_code == 404
    assert world.sandbox.struck[Fault.LAGGING_NODE] == 5


async def test_a_lagging_node_follows_at_its_distance_and_through_reorgs(
    world: HostileWorld,
) -> None:
    world.sandbox.inflict(Fault.LAGGING_NODE, node=0, blocks=1)
    world.bake(4)
    world.sandbox.inflict(Fault.REORG, depth=2)

    kept = await world.get(HEAD + "/hash")
    world.bake(2)

    # It has not heard of the new branch yet, only that its own head is on none.
    assert kept == world.chain.block_at(world.chain.head.level - 3).hash
    assert await world.get(HEAD + "/hash") == world.chain.block_at(world.chain.head.level - 1).hash


async def test_a_lagging_node_hands_on_what_it_takes_in_and_keeps_what_the_rest_has_included(
    world: HostileWorld,
) -> None:
    world.sandbox.inflict(Fault.LAGGING_NODE, node=1, blocks=2)
    sent = await world.pay(PAYMENT, source="node-1")

    assert await world.waiting("node-0") == [sent]
    world.bake()
    assert world.included() == [sent]
    assert (await world.waiting("node-0"), await world.waiting("node-1")) == ([], [sent])
    world.bake(2)
    assert await world.waiting("node-1") == []


async def test_a_lagging_node_refuses_a_counter_that_it_has_not_reached(
    world: HostileWorld,
) -> None:
    await world.pay(PAYMENT)
    world.bake()
    world.sandbox.inflict(Fault.LAGGING_NODE, node=1, blocks=1)
    signed = world.payer.sign(world.group(PAYMENT))

    refused = await world.inject(signed, "node-1")

    assert "not yet reached" in refused.json()[0]["msg"]
    assert (await world.inject(signed, "node-0")).status_code == 200


async def test_a_node_on_a_minority_fork_grows_on_blocks_that_nobody_else_has(
    world: HostileWorld,
) -> None:
    world.sandbox.inflict(Fault.MINORITY_FORK, node=1, depth=2)
    world.bake(3)

    level = world.chain.head.level
    forked = await world.get(HEAD + "/header", "node-1")
    for back in range(5):
        theirs = await world.get(f"/chains/main/blocks/{level - back}/hash", "node-1")
        assert theirs != world.chain.block_at(level - back).hash
    parted = level - 5
    theirs = await world.get(f"/chains/main/blocks/{parted}/hash", "node-1")

    assert theirs == world.chain.block_at(parted).hash
    assert (forked["level"], forked["hash"]) != (level, world.chain.head.hash)
    assert await world.get(HEAD + "/hash", "node-0") == world.chain.head.hash
    assert world.sandbox.struck[Fault.MINORITY_FORK] == 7


async def test_an_injection_to_a_forked_node_is_heard_by_nobody_until_all_is_healed(
    world: HostileWorld,
) -> None:
    for included in (False, True):
        world.bake(2)
        world.sandbox.inflict(Fault.MINORITY_FORK, node=1, depth=1, includes=included)
        sent = await world.pay(PAYMENT, source="node-1")
        world.bake(2)

        assert world.included() == []
        assert await world.waiting("node-0") == []
        in_fork = await world.get("/chains/main/blocks/head~1/operation_hashes/3", "node-1")
        assert in_fork == ([sent] if included else [])

        world.sandbox.heal()
        world.bake()
        assert world.included() == [sent]


async def test_a_reorg_takes_an_operation_out_of_its_block_and_it_waits_again(
    world: HostileWorld,
) -> None:
    sent = await world.pay(PAYMENT)
    world.bake()
    replaced = world.chain.head

    world.sandbox.inflict(Fault.REORG, depth=1)

    assert world.chain.head.level == replaced.level
    assert world.chain.head.hash != replaced.hash
    assert await world.waiting() == [sent]
    world.bake()
    assert world.included() == [sent]
    assert world.sandbox.struck == {Fault.REORG: 1}


async def test_a_lagging_indexer_says_how_far_it_is_and_knows_no_more(world: HostileWorld) -> None:
    sent = await world.pay(PAYMENT)
    world.bake()
    world.sandbox.inflict(Fault.INDEXER_LAG, blocks=1)
    head = world.chain.head

    state = await world.get("/v1/head", "indexer")
    status = await world.client.get(f"http://indexer/v1/operations/transactions/{sent}/status")
    account = await world.get(f"/v1/accounts/{world.payer.address}", "indexer")
    listed = await world.get(f"/v1/operations/transactions?sender={world.payer.address}", "indexer")

    assert (state["level"], state["knownLevel"], state["synced"]) == (
        head.level - 1,
        head.level,
        False,
    )
    assert state["hash"] == head.predecessor
    assert status.status_code == 204
    assert status.headers["tzkt-known-level"] == str(head.level)
    assert account["counter"] == world.payer.next_counter - 2
    assert listed == []
    assert world.sandbox.struck[Fault.INDEXER_LAG] == 4


async def test_healed_nodes_and_indexer_agree_with_the_chain(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.LAGGING_NODE, node=0)
    world.sandbox.inflict(Fault.MINORITY_FORK, node=1)
    world.sandbox.inflict(Fault.INDEXER_LAG)
    world.bake(3)

    world.sandbox.heal()

    for node in ("node-0", "node-1"):
        assert await world.get(HEAD + "/hash", node) == world.chain.head.hash
    state = await world.get("/v1/head", "indexer")
    assert (state["hash"], state["synced"]) == (world.chain.head.hash, True)


async def test_views_are_served_over_http_and_heads_are_streamed(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.LAGGING_NODE, node=0, blocks=2)
    world.sandbox.inflict(Fault.INDEXER_LAG, blocks=2)
    behind = world.chain.block_at(world.chain.head.level - 2)

    async with (
        served(world.sandbox.node_app(0)) as node,
        served(world.sandbox.indexer_app()) as indexer,
        httpx2.AsyncClient() as client,
    ):
        header = (await client.get(f"{node}{HEAD}/header")).json()
        state = (await client.get(f"{indexer}/v1/head")).json()
        async with client.stream("GET", f"{node}/monitor/heads/main") as heads:
            lines = heads.aiter_lines()
            first = json.loads(await anext(lines))
            world.bake()
            second = json.loads(await anext(lines))
        world.sandbox.close()

    assert header["hash"] == state["hash"] == first["hash"] == behind.hash
    assert second["predecessor"] == behind.hash
