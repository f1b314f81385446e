"""When a signed operation is dead: in the very block, and not one too early."""

import json

from bakehouse.ledger.states import Death, OperationState, PayoutState
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.hostile_baker import HostileBaker, assert_paid_once
from tests.payments.lives import assert_buried, expire, live_until, stuck
from tests.payments.surroundings import owed


async def test_the_last_block_of_its_life_pays(hostile: HostileBaker) -> None:
    operation = await stuck(hostile)
    await live_until(hostile, operation.last_includable_level - 1)
    hostile.sandbox.heal()

    hostile.bake()
    await hostile.step()

    included, *_ = await hostile.operations()
    assert (included.state, included.included_level) == (
        OperationState.INCLUDED,
        operation.last_includable_level,
    )
    await assert_paid_once(hostile)
    first, *_ = await hostile.operations()
    assert (first.hash, first.state) == (operation.hash, OperationState.FINAL)


async def test_one_block_before_its_end_is_final_nothing_is_signed(hostile: HostileBaker) -> None:
    operation = await stuck(hostile)
    await live_until(hostile, operation.last_includable_level + FINALITY_BLOCKS - 1)

    (living,) = await hostile.operations()
    assert living.state is OperationState.INJECTED
    assigned = [row for row in await hostile.payouts() if row.state is PayoutState.ASSIGNED]
    assert len(assigned) == 3
    await assert_paid_once(hostile)


async def test_once_its_end_is_final_it_is_buried_and_its_payouts_are_signed_anew(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    await expire(hostile, operation)

    assert (await hostile.step()).waiting_for == "a block"

    await assert_buried(hostile, operation, Death.EXPIRED)
    actions = await hostile.audit_actions(operation.hash)
    assert actions == ["operation.signed", "operation.injected", "operation.dead"]
    await assert_paid_once(hostile)


async def test_the_evidence_of_a_death_names_each_source_and_what_it_said(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    await expire(hostile, operation)
    final = hostile.chain.block_at(hostile.chain.head.level - FINALITY_BLOCKS)
    await hostile.step()

    dead, *_ = await hostile.operations()
    assert dead.evidence is not None
    evidence = json.loads(dead.evidence)
    assert evidence["cause"] == "expired"
    assert (evidence["final_level"], evidence["final_block"]) == (final.level, final.hash)
    told = {each["source"]: each for each in evidence["testimonies"]}
    assert set(told) == {"node-0", "node-1", "indexer"}
    assert all(each["confirms"] for each in told.values())
    span = f"absent from blocks {operation.born_level + 1} to {final.level}"
    assert told["node-0"]["words"].startswith(span)
    assert told["indexer"]["words"] == f"unknown, with all blocks read to {final.level}"


async def test_a_protocol_that_lets_operations_live_longer_lets_this_one_live_longer(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    lifetime = hostile.chain.protocol.operations_ttl
    hostile.sandbox.inflict(Fault.PROTOCOL_CHANGE, in_blocks=2, operations_ttl=lifetime + 50)
    beyond = operation.last_includable_level + FINALITY_BLOCKS + 3
    await live_until(hostile, beyond)
    assert hostile.chain.is_live(operation.branch)
    hostile.sandbox.heal()

    hostile.bake()
    await hostile.step()

    included, *_ = await hostile.operations()
    assert included.hash == operation.hash
    assert included.included_level == beyond + 1
    await assert_paid_once(hostile)


async def test_a_protocol_that_lets_operations_live_shorter_buries_nothing_early(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    lifetime = hostile.chain.protocol.operations_ttl
    hostile.sandbox.inflict(Fault.PROTOCOL_CHANGE, in_blocks=1, operations_ttl=lifetime - 50)
    await expire(hostile, operation)

    await hostile.step()

    await assert_buried(hostile, operation, Death.EXPIRED)
    await assert_paid_once(hostile)


async def test_a_counter_used_by_somebody_else_buries_it_long_before_it_expires(
    hostile: HostileBaker,
) -> None:
    await hostile.step()
    (operation,) = await hostile.operations()
    hostile.sandbox.inflict(Fault.FOREIGN_COUNTER)
    await live_until(hostile, hostile.chain.head.level + FINALITY_BLOCKS)
    hostile.bake()
    assert hostile.sandbox.struck[Fault.FOREIGN_COUNTER] == 1

    await hostile.step()

    await assert_buried(hostile, operation, Death.SUPERSEDED)
    assert hostile.chain.head.level < operation.last_includable_level
    hostile.heal()
    assert (await hostile.pay()).is_settled
    paid = hostile.paid_on_chain()
    assert paid.pop(hostile.baker_id) == 1
    assert paid == owed(await hostile.payouts())


async def test_whoever_was_paid_by_the_one_that_used_the_counter_is_held_and_the_rest_paid(
    hostile: HostileBaker,
) -> None:
    await hostile.step()
    (operation,) = await hostile.operations()
    first, *_ = await hostile.transfers_of(operation)
    hostile.sandbox.inflict(Fault.FOREIGN_COUNTER, destination=first.destination, amount=5)
    (foreign,) = hostile.sandbox.foreign

    step = await hostile.pay()

    assert (step.held, step.paid) == (1, step.total - 1)
    (held,) = [row for row in await hostile.payouts() if row.state is PayoutState.HELD]
    assert held.address == first.destination
    assert held.reason is not None
    assert held.reason.startswith("not-paid-elsewhere: ")
    assert foreign in held.reason
    assert hostile.paid_on_chain()[first.destination] == 5
