"""One signed group in flight for each source, and one living group for each counter."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import operations
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import UNFINISHED, Operation
from bakehouse.ledger.states import IN_FLIGHT, Death, OperationKind, OperationState
from tests.ledger.bakery import (
    NETWORK,
    NOW,
    SOURCE,
    Bakery,
    enter,
    key_of,
    new_operation,
    operation_of,
    sign,
    store,
)

SIGNED, INJECTED = OperationState.SIGNED, OperationState.INJECTED
INCLUDED, FINAL, DEAD = OperationState.INCLUDED, OperationState.FINAL, OperationState.DEAD
QUARANTINED = OperationState.QUARANTINED

WAYS = {
    SIGNED: (),
    INJECTED: (INJECTED,),
    INCLUDED: (INJECTED, INCLUDED),
    QUARANTINED: (INJECTED, QUARANTINED),
    FINAL: (INJECTED, INCLUDED, FINAL),
    DEAD: (INJECTED, DEAD),
}


@pytest.fixture
async def distribution(bakery: Bakery) -> Distribution:
    return await bakery.plan({"tz1-a": 900})


async def stored_after(
    bakery: Bakery, distribution: Distribution, first: OperationState, counter: int
) -> Operation:
    """Store a group with counter 7, take it to a state, and store another."""
    async with bakery.ledger.write() as tx:
        before = await sign(tx, distribution, new_operation(7, operation_hash="oo-before"))
        for state in WAYS[first]:
            await enter(tx, before, state)
        return await sign(tx, distribution, new_operation(counter))


@pytest.mark.parametrize("first", sorted(IN_FLIGHT))
async def test_nothing_is_signed_while_a_group_is_in_flight(
    bakery: Bakery, distribution: Distribution, first: OperationState
) -> None:
    with pytest.raises(IntegrityError, match="an operation of this source is in flight"):
        await stored_after(bakery, distribution, first, counter=8)


@pytest.mark.parametrize("first", [INCLUDED, FINAL, DEAD])
async def test_the_next_group_may_be_signed_when_the_one_before_is_in_a_block_or_dead(
    bakery: Bakery, distribution: Distribution, first: OperationState
) -> None:
    second = await stored_after(bakery, distribution, first, counter=8)

    assert (second.counter_first, second.state) == (8, SIGNED)


@pytest.mark.parametrize("first", [INCLUDED, FINAL])
async def test_a_counter_is_used_once(
    bakery: Bakery, distribution: Distribution, first: OperationState
) -> None:
    with pytest.raises(IntegrityError, match=r"operations\.counter_first|uq_operations_counter"):
        await stored_after(bakery, distribution, first, counter=7)


async def test_the_counter_of_a_dead_group_is_free_again(
    bakery: Bakery, distribution: Distribution
) -> None:
    second = await stored_after(bakery, distribution, DEAD, counter=7)

    assert second.counter_first == 7


async def test_each_source_has_its_own_flight_and_counters(
    bakery: Bakery, distribution: Distribution
) -> None:
    elsewhere = replace(distribution, key=replace(key_of(), network="NetXnHfVqm9iesp"))
    async with bakery.ledger.write() as tx:
        await sign(tx, distribution, new_operation(7, operation_hash="oo-1"))
        other_source = replace(new_operation(7, operation_hash="oo-2"), source="tz1-other")
        await sign(tx, distribution, other_source)
        await store(tx, elsewhere, new_operation(7, (), "oo-3"))

        here = await operations.in_states(tx, NETWORK, SOURCE, IN_FLIGHT)
    assert [operation.hash for operation in here] == ["oo-1"]


async def test_after_a_reorganisation_two_are_in_flight_and_nothing_new_is_signed(
    bakery: Bakery, distribution: Distribution
) -> None:
    async with bakery.ledger.write() as tx:
        first = await sign(tx, distribution, new_operation(7))
        await enter(tx, first, INJECTED)
        await enter(tx, first, INCLUDED)
        second = await sign(tx, distribution, new_operation(8))
        await enter(tx, second, INJECTED)
        await enter(tx, first, INJECTED)
        in_flight = await operations.in_states(tx, NETWORK, SOURCE, IN_FLIGHT)
        assert [(found.counter_first, found.included_level) for found in in_flight] == [
            (7, None),
            (8, None),
        ]

    await bakery.lead(first, INCLUDED)
    with pytest.raises(IntegrityError, match="in flight"):
        async with bakery.ledger.write() as tx:
            await sign(tx, distribution, new_operation(9))


async def test_what_is_unfinished_is_given_in_counter_order(
    bakery: Bakery, distribution: Distribution
) -> None:
    async with bakery.ledger.write() as tx:
        for counter, way in ((9, INCLUDED), (3, FINAL), (8, INCLUDED), (5, DEAD), (7, INJECTED)):
            operation = await sign(tx, distribution, new_operation(counter))
            for state in WAYS[way]:
                await enter(tx, operation, state)
        unfinished = await operations.in_states(tx, NETWORK, SOURCE, UNFINISHED)
        everything = await operations.of_distribution(tx, distribution.id)

    assert [operation.counter_first for operation in unfinished] == [7, 8, 9]
    assert [operation.counter_first for operation in everything] == [3, 5, 7, 8, 9]


async def test_a_stored_group_comes_back_as_it_was_signed(
    bakery: Bakery, distribution: Distribution
) -> None:
    signed_bytes = bytes(range(256)) * 40
    new = replace(new_operation(2**53 + 1), signed_bytes=signed_bytes)
    async with bakery.ledger.write() as tx:
        row_id = await store(tx, distribution, new)
        stored = await operation_of(tx, distribution, row_id)

    assert stored == Operation(
        id=row_id,
        network=NETWORK,
        baker_id=distribution.key.baker_id,
        distribution_id=distribution.id,
        source=SOURCE,
        kind=OperationKind.PAYOUT,
        replaces_id=None,
        state=SIGNED,
        hash=new.hash,
        signed_bytes=signed_bytes,
        protocol=new.protocol,
        branch=new.branch,
        branch_level=1_000,
        last_includable_level=1_601,
        counter_first=2**53 + 1,
        content_count=1,
        total_fee=new.total_fee,
        gas_limit=new.gas_limit,
        born_level=1_500,
        born_block="BLborn",
        lease_token=1,
        # No block since it was signed was read yet.
        scanned_level=1_500,
        included_level=None,
        included_block=None,
        applied=None,
        death=None,
        evidence=None,
        cancel_requested_at=None,
        created_at=NOW,
    )


@pytest.mark.parametrize(("state", "level"), [(INCLUDED, None), (INJECTED, 7), (DEAD, 7)])
async def test_a_level_goes_with_a_block_and_with_nothing_else(
    bakery: Bakery, distribution: Distribution, state: OperationState, level: int | None
) -> None:
    operation = await bakery.sign(distribution, counter=7)
    if state is INCLUDED:
        await bakery.lead(operation, INJECTED)
    values: dict[str, Any] = {
        "included_level": level,
        "death": Death.EXPIRED if state is DEAD else None,
    }

    with pytest.raises(IntegrityError, match="inclusion_has_level"):
        async with bakery.ledger.write() as tx:
            await operations.enter_state(tx, operation, state, at=NOW, **values)


@pytest.mark.parametrize(("state", "death"), [(DEAD, None), (INJECTED, Death.EXPIRED)])
async def test_a_death_has_a_cause_and_a_cause_has_a_death(
    bakery: Bakery, distribution: Distribution, state: OperationState, death: Death | None
) -> None:
    operation = await bakery.sign(distribution, counter=7)

    with pytest.raises(IntegrityError, match="death_has_a_cause"):
        async with bakery.ledger.write() as tx:
            await operations.enter_state(tx, operation, state, at=NOW, death=death)


async def test_no_other_cause_of_death_is_known(bakery: Bakery, distribution: Distribution) -> None:
    operation = await bakery.sign(distribution, counter=7)

    with pytest.raises(IntegrityError, match="death_known"):
        async with bakery.ledger.write() as tx:
            await operations.enter_state(tx, operation, DEAD, at=NOW, death="of boredom")


@pytest.mark.parametrize("death", Death)
async def test_a_death_is_kept_with_its_cause_and_its_evidence(
    bakery: Bakery, distribution: Distribution, death: Death
) -> None:
    operation = await bakery.sign(distribution, counter=7)
    async with bakery.ledger.write() as tx:
        await operations.enter_state(tx, operation, DEAD, at=NOW, death=death, evidence="{}")
        buried = await operation_of(tx, distribution, operation.id)

    assert (buried.state, buried.death, buried.evidence) == (DEAD, death, "{}")


async def test_what_was_read_of_the_chain_is_remembered(
    bakery: Bakery, distribution: Distribution
) -> None:
    operation = await bakery.sign(distribution, counter=7)

    async with bakery.ledger.write() as tx:
        # A look that was contradicted begins anew, so that it may also go back.
        for level in (1_501, 1_601, 1_500):
            await operations.mark_scanned(tx, operation, level)
            read = await operation_of(tx, distribution, operation.id)
            assert read.scanned_level == level
    assert read == operation
