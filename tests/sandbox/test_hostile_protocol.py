from typing import Any

import pytest

from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.base58check import Prefix, decode, encode
from bakehouse.tezos.operation import group_to_json
from tests.sandbox.hostile_world import HEAD, PAYMENT, PENDING, HostileWorld
from tests.sandbox.sandbox_wallet import with_each

PROTOCOLS = HEAD + "/protocols"
CONSTANTS = "/context/constants"


async def protocols(world: HostileWorld, level: int) -> tuple[str, str]:
    block = await world.get(f"/chains/main/blocks/{level}")
    answer = await world.get(f"/chains/main/blocks/{level}/protocols")
    assert block["protocol"] == answer["protocol"]
    assert block["metadata"]["next_protocol"] == answer["next_protocol"]
    return answer["protocol"], answer["next_protocol"]


async def simulate(world: HostileWorld, **changes: Any) -> Any:
    group = with_each(world.payer.group(PAYMENT), **changes)
    answer = await world.client.post(
        f"http://node-0{HEAD}/helpers/scripts/simulate_operation",
        json={"operation": group_to_json(group), "chain_id": world.chain.chain_id},
    )
    return answer.json()


async def test_a_protocol_change_leaves_the_new_protocol_in_force_after_its_last_block(
    world: HostileWorld,
) -> None:
    old = (await world.get(PROTOCOLS))["protocol"]
    last = world.chain.head.level + 1
    world.sandbox.inflict(Fault.PROTOCOL_CHANGE, block_delay_seconds=4)
    assert await protocols(world, last - 1) == (old, old)

    world.bake(2)

    _, new = await protocols(world, last)
    assert decode(new)[0] is Prefix.PROTOCOL_HASH
    assert await protocols(world, last) == (old, new)
    assert await protocols(world, last + 1) == (new, new)
    before = await world.get(f"/chains/main/blocks/{last - 1}{CONSTANTS}")
    after = await world.get(f"/chains/main/blocks/{last}{CONSTANTS}")
    assert (before["minimal_block_delay"], after["minimal_block_delay"]) == ("1", "4")
    assert world.chain.head.timestamp - world.chain.block_at(last).timestamp == 4
    state = await world.get("/v1/head", "indexer")
    assert (state["protocol"], state["nextProtocol"]) == (new, new)
    assert (await world.get("/v1/protocols/current", "indexer"))["firstLevel"] == last + 1
    assert world.sandbox.struck == {Fault.PROTOCOL_CHANGE: 1}


@pytest.mark.parametrize(
    ("operations_ttl", "expected"),
    [(120, [600, 120, 120, 120]), (900, [600, 601, 602, 603]), (602, [600, 601, 602, 602])],
)
async def test_the_lifetime_of_operations_falls_at_once_and_grows_by_one_a_block(
    world: HostileWorld, operations_ttl: int, expected: list[int]
) -> None:
    first = world.chain.head.level
    world.sandbox.inflict(Fault.PROTOCOL_CHANGE, operations_ttl=operations_ttl)
    world.bake(3)

    for level, ttl in enumerate(expected, first):
        block = f"/chains/main/blocks/{level}"
        assert (await world.get(block + "/metadata"))["max_operations_ttl"] == ttl
        assert len(await world.get(block + "/live_blocks")) == ttl + 1
    constants = await world.get(HEAD + CONSTANTS)
    assert constants["max_operations_time_to_live"] == operations_ttl


async def test_an_operation_expires_early_when_the_new_protocol_allows_less(
    world: HostileWorld,
) -> None:
    group = world.payer.group(PAYMENT)
    branch = world.chain.block_at(world.chain.head.level - 300).hash
    signed = world.payer.sign(type(group)(branch, group.contents))
    world.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    await world.inject(signed)

    world.sandbox.inflict(Fault.PROTOCOL_CHANGE, operations_ttl=120)
    world.bake()

    assert await world.waiting() == []
    assert "121 blocks in the past" in (await world.inject(signed)).json()[0]["msg"]


async def test_errors_are_named_by_the_new_protocol(world: HostileWorld) -> None:
    counter = world.payer.next_counter - 1
    (error,) = await simulate(world, counter=counter)
    assert error["id"] == "proto.025-PsUshuai.contract.counter_in_the_past"
    world.sandbox.inflict(Fault.PROTOCOL_CHANGE)
    world.bake()
    name = (await world.get(PROTOCOLS))["next_protocol"]

    (error,) = await simulate(world, counter=counter)
    (failed,) = (await simulate(world, amount=10**15))["contents"]
    await world.pay(PAYMENT)
    world.sandbox.inflict(Fault.FOREIGN_COUNTER)
    world.bake()

    prefix = f"proto.026-{name[:8]}."
    assert error["id"] == prefix + "contract.counter_in_the_past"
    result = failed["metadata"]["operation_result"]
    assert result["errors"][0]["id"] == prefix + "contract.balance_too_low"
    (refused,) = (await world.get(PENDING))["branch_refused"]
    assert refused["error"][0]["id"] == prefix + "contract.counter_in_the_past"


async def test_an_operation_for_the_old_protocol_is_not_preapplied_after_it(
    world: HostileWorld,
) -> None:
    async def status(protocol: str) -> int:
        group = world.payer.group(PAYMENT)
        signature = encode(Prefix.SIG, world.payer.sign(group)[-64:])
        operation = {"protocol": protocol, **group_to_json(group), "signature": signature}
        answer = await world.client.post(
            f"http://node-0{HEAD}/helpers/preapply/operations", json=[operation]
        )
        return answer.status_code

    old = (await world.get(PROTOCOLS))["next_protocol"]
    assert await status(old) == 200
    world.sandbox.inflict(Fault.PROTOCOL_CHANGE)
    world.bake()

    assert await status(old) == 400
    assert await status((await world.get(PROTOCOLS))["next_protocol"]) == 200


async def test_gas_limits_are_those_of_the_protocol_in_force(world: HostileWorld) -> None:
    allowed = (await simulate(world, gas_limit=800_000))["contents"]
    assert allowed[0]["metadata"]["operation_result"]["status"] == "applied"

    world.sandbox.inflict(Fault.PROTOCOL_CHANGE, gas_limit_per_operation_max=700_000)
    world.bake()

    (error,) = await simulate(world, gas_limit=800_000)
    assert error["id"].endswith("gas_limit_too_high")


async def test_a_reorg_changes_the_protocol_at_the_same_level_again(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.PROTOCOL_CHANGE, operations_ttl=120)
    world.bake()
    level = world.chain.head.level
    expected = await protocols(world, level)

    world.sandbox.inflict(Fault.REORG, depth=1)

    assert await protocols(world, level) == expected
    assert world.chain.head.operations_ttl == 120
