from dataclasses import replace

import pytest

from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.operation import OperationGroup
from tests.sandbox.hostile_world import HEAD, PAYMENT, PENDING, HostileWorld
from tests.sandbox.sandbox_wallet import UNUSED, with_each

FILTER = "/chains/main/mempool/filter?include_default=true"


def expiring(world: HostileWorld, blocks: int) -> OperationGroup:
    """Make a group that may be in the next so many blocks, and in none after."""
    level = world.chain.head.level - world.chain.head.operations_ttl + blocks - 1
    return replace(world.payer.group(PAYMENT), branch=world.chain.block_at(level).hash)


async def test_a_dropped_operation_waits_nowhere_and_can_be_sent_again(
    world: HostileWorld,
) -> None:
    signed = world.payer.sign(world.payer.group(PAYMENT))
    sent = (await world.inject(signed)).json()

    world.sandbox.inflict(Fault.MEMPOOL_DROP)

    assert [await world.waiting(node) for node in ("node-0", "node-1")] == [[], []]
    world.bake()
    assert world.included() == []
    assert (await world.inject(signed, "node-1")).json() == sent
    world.bake()
    assert world.included() == [sent]
    assert world.sandbox.struck == {Fault.MEMPOOL_DROP: 1}


async def test_a_drop_waits_for_its_time_and_for_something_to_drop(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.MEMPOOL_DROP, after=1)
    world.bake(3)
    assert world.sandbox.struck == {}

    await world.pay(PAYMENT)
    world.bake()

    assert world.included() == []
    assert world.sandbox.struck == {Fault.MEMPOOL_DROP: 1}


async def test_a_stuck_operation_waits_until_it_has_expired_however_often_it_is_sent(
    world: HostileWorld,
) -> None:
    world.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    signed = world.payer.sign(expiring(world, blocks=4))
    sent = (await world.inject(signed)).json()
    for _ in range(3):
        world.bake()
        assert world.included() == []
        assert await world.waiting() == [sent]
        await world.inject(signed, "node-1")

    world.bake()

    assert await world.waiting() == []
    assert (await world.inject(signed)).status_code == 500
    assert world.sandbox.struck == {Fault.STUCK_UNTIL_EXPIRY: 4}
    following = await world.pay(PAYMENT)
    world.bake()
    assert world.included() == [following]


async def test_a_stuck_operation_is_included_once_healed(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    sent = await world.pay(PAYMENT)
    world.bake(3)

    world.sandbox.heal()
    world.bake()

    assert world.included() == [sent]


async def test_in_a_fee_spike_the_usual_fee_is_neither_let_in_nor_included(
    world: HostileWorld,
) -> None:
    waiting = await world.pay(PAYMENT)
    world.sandbox.inflict(Fault.FEE_SPIKE, factor=10)
    world.bake()

    assert world.included() == []
    assert await world.waiting() == [waiting]
    asked = await world.get(FILTER)
    assert (asked["minimal_fees"], asked["minimal_nanotez_per_byte"]) == ("1000", ["10000", "1"])
    better = with_each(world.payer.group(PAYMENT), fee=1_200)
    refused = await world.inject(world.payer.sign(better))
    assert "fees are too low" in refused.json()[0]["msg"]
    best = with_each(world.payer.group(PAYMENT), fee=7_000)
    replacing = (await world.inject(world.payer.sign(best))).json()
    world.bake()
    assert world.included() == [replacing]
    # One block passed it by, the filter told of it, and one injection was refused.
    assert world.sandbox.struck == {Fault.FEE_SPIKE: 3}


async def test_after_a_fee_spike_everything_is_taken(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.FEE_SPIKE, factor=10)
    signed = world.payer.sign(world.payer.group(PAYMENT))
    assert (await world.inject(signed)).status_code == 500

    world.sandbox.heal()

    sent = (await world.inject(signed)).json()
    world.bake()
    assert world.included() == [sent]


async def test_somebody_else_takes_the_next_counter(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.FOREIGN_COUNTER, destination=UNUSED[1], amount=77)
    signed = world.payer.sign(world.payer.group(PAYMENT))

    refused = await world.inject(signed)
    world.bake()
    outrun = await world.inject(signed)

    assert "conflicting operation" in refused.json()[0]["msg"]
    (foreign,) = world.included()
    assert foreign in world.sandbox.foreign
    assert "already used" in outrun.json()[0]["msg"]
    paid = world.chain.account(UNUSED[1], world.chain.head.level)
    assert paid is not None
    assert paid.balance == 77
    assert world.sandbox.struck == {Fault.FOREIGN_COUNTER: 1}


async def test_a_foreign_operation_goes_before_one_that_waits(world: HostileWorld) -> None:
    ours = await world.pay(PAYMENT)

    world.sandbox.inflict(Fault.FOREIGN_COUNTER)

    pending = await world.get(PENDING)
    assert [each["hash"] for each in pending["branch_delayed"]] == [ours]
    world.bake()
    assert world.included() == sorted(world.sandbox.foreign)
    pending = await world.get(PENDING)
    (judged,) = pending["branch_refused"]
    assert judged["hash"] == ours
    assert judged["error"][0]["id"].endswith("contract.counter_in_the_past")
    world.bake()
    assert world.included() == []


async def test_a_foreign_operation_reveals_the_key_if_nobody_has(world: HostileWorld) -> None:
    drained = {"left": 0}
    world.sandbox.inflict(Fault.BALANCE_DRAINED, **drained)
    world.bake()
    world.sandbox.heal()
    world.bake()

    world.sandbox.inflict(Fault.FOREIGN_COUNTER)
    world.bake()

    assert world.statuses() == ["applied", "applied"]
    key = await world.get(f"{HEAD}/context/contracts/{world.payer.address}/manager_key")
    assert key == world.payer.key.public_key.encode()


async def test_somebody_else_replaces_the_operation_by_a_better_fee(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.REPLACED_BY_FEE)
    assert world.sandbox.struck == {}
    ours = await world.pay(PAYMENT)
    counter = world.payer.next_counter

    world.bake()

    (foreign,) = world.chain.head.operations
    assert foreign.signed.hash in world.sandbox.foreign
    assert foreign.signed.group.contents[0].counter == counter
    pending = await world.get(PENDING)
    assert [each["hash"] for each in pending["outdated"]] == [ours]
    assert world.sandbox.struck == {Fault.REPLACED_BY_FEE: 1}


async def test_in_crowded_blocks_a_payment_waits_until_there_is_room(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.CROWDED_BLOCKS, gas_percent=100)
    sent = await world.pay(PAYMENT)
    world.bake(3)
    assert world.included() == []
    assert world.sandbox.struck == {Fault.CROWDED_BLOCKS: 3}

    world.sandbox.heal()
    world.bake()

    assert world.included() == [sent]


@pytest.mark.parametrize("at_once", [True, False])
async def test_two_groups_in_two_blocks_are_taken_out_together_and_come_back(
    world: HostileWorld, *, at_once: bool
) -> None:
    world.sandbox.inflict(Fault.REORG_OF_TWO_GROUPS, at_once=at_once)
    first = await world.pay(PAYMENT)
    world.bake()
    assert world.included() == [first]
    second = await world.pay(PAYMENT)
    world.bake()
    assert world.included() == ([] if at_once else [second])
    assert world.sandbox.struck == ({Fault.REORG_OF_TWO_GROUPS: 1} if at_once else {})

    world.bake()

    # The second has to wait until the first has used its counter.
    assert world.included() == [first]
    assert world.sandbox.struck == {Fault.REORG_OF_TWO_GROUPS: 1}
