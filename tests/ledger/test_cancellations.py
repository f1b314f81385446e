"""Cancellations: signed beside the group whose counter they take, and beside nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import audit, operations, payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.new_operations import NewOperation
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import IN_FLIGHT, Death, OperationKind, OperationState, PayoutState
from bakehouse.ledger.table_parts import metadata
from tests.ledger.bakery import (
    NETWORK,
    NOW,
    SOURCE,
    Bakery,
    enter,
    new_operation,
    operation_of,
    sign,
    states_of,
    store,
)

SIGNED, INJECTED = OperationState.SIGNED, OperationState.INJECTED
INCLUDED, FINAL = OperationState.INCLUDED, OperationState.FINAL
QUARANTINED, DEAD = OperationState.QUARANTINED, OperationState.DEAD

WAYS_IN_FLIGHT = {SIGNED: (), INJECTED: (INJECTED,), QUARANTINED: (INJECTED, QUARANTINED)}
WAYS_DECIDED = {
    INCLUDED: (INJECTED, INCLUDED),
    FINAL: (INJECTED, INCLUDED, FINAL),
    DEAD: (INJECTED, DEAD),
}

IN_FLIGHT_ALREADY = "an operation of this source is in flight"
TAKES_A_COUNTER = "a cancellation takes the counter of a payout group in flight"


def cancellation(target: Operation, name: str = "oo-cancel") -> NewOperation:
    new = new_operation(target.counter_first, operation_hash=name)
    return replace(new, kind=OperationKind.CANCEL, replaces_id=target.id)


@pytest.fixture
async def distribution(bakery: Bakery) -> Distribution:
    return await bakery.plan({"tz1-a": 900})


@pytest.fixture
async def target(bakery: Bakery, distribution: Distribution) -> Operation:
    return await bakery.sign(distribution, counter=7)


@pytest.mark.parametrize("state", WAYS_IN_FLIGHT)
async def test_a_cancellation_is_signed_beside_its_target(
    bakery: Bakery, distribution: Distribution, target: Operation, state: OperationState
) -> None:
    await bakery.lead(target, *WAYS_IN_FLIGHT[state])
    async with bakery.ledger.write() as tx:
        signed = await sign(tx, distribution, cancellation(target))
        in_flight = await operations.in_states(tx, NETWORK, SOURCE, IN_FLIGHT)

    assert (signed.kind, signed.replaces_id, signed.state) == (
        OperationKind.CANCEL,
        target.id,
        SIGNED,
    )
    assert {each.id for each in in_flight} == {target.id, signed.id}
    assert {each.counter_first for each in in_flight} == {7}
    # Its target keeps what it was to pay, until one of the two is decided.
    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.ASSIGNED}


async def test_what_is_in_flight_is_all_that_counts_as_such() -> None:
    assert set(WAYS_IN_FLIGHT) == IN_FLIGHT


async def test_of_a_cancelled_group_no_second_is_in_flight(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    async with bakery.ledger.write() as tx:
        await sign(tx, distribution, cancellation(target))

    for new in (cancellation(target, "oo-second"), new_operation(8), new_operation(7, (), "oo-7b")):
        with pytest.raises(IntegrityError, match=IN_FLIGHT_ALREADY):
            async with bakery.ledger.write() as tx:
                await store(tx, distribution, new)


@pytest.mark.parametrize("state", WAYS_DECIDED)
async def test_nothing_decided_is_cancelled(
    bakery: Bakery, distribution: Distribution, target: Operation, state: OperationState
) -> None:
    await bakery.lead(target, *WAYS_DECIDED[state])

    with pytest.raises(IntegrityError, match=TAKES_A_COUNTER):
        async with bakery.ledger.write() as tx:
            await store(tx, distribution, cancellation(target))


@pytest.mark.parametrize("counter", [6, 8])
async def test_a_cancellation_takes_the_very_counter(
    bakery: Bakery, distribution: Distribution, target: Operation, counter: int
) -> None:
    # With another counter both could be included, one after the other.
    with pytest.raises(IntegrityError, match=TAKES_A_COUNTER):
        async with bakery.ledger.write() as tx:
            await store(tx, distribution, replace(cancellation(target), counter_first=counter))


async def test_a_cancellation_comes_from_the_same_address(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    with pytest.raises(IntegrityError, match=TAKES_A_COUNTER):
        async with bakery.ledger.write() as tx:
            await store(tx, distribution, replace(cancellation(target), source="tz1-other"))


async def test_a_cancellation_is_not_cancelled(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    async with bakery.ledger.write() as tx:
        first = await sign(tx, distribution, cancellation(target))
        await enter(tx, target, DEAD)

    with pytest.raises(IntegrityError, match=TAKES_A_COUNTER):
        async with bakery.ledger.write() as tx:
            await store(tx, distribution, cancellation(first, "oo-second"))


async def test_a_cancellation_does_not_let_another_group_pass(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    # After a reorganisation two are in flight: what takes one's counter leaves the other's.
    await bakery.lead(target, INJECTED, INCLUDED)
    async with bakery.ledger.write() as tx:
        second = await sign(tx, distribution, new_operation(8))
    await bakery.lead(target, INJECTED)

    for doomed in (target, second):
        with pytest.raises(IntegrityError, match=IN_FLIGHT_ALREADY):
            async with bakery.ledger.write() as tx:
                await store(tx, distribution, cancellation(doomed))


async def test_a_cancellation_replaces_something(
    bakery: Bakery, distribution: Distribution
) -> None:
    with pytest.raises(IntegrityError, match="cancel_replaces"):
        async with bakery.ledger.write() as tx:
            await store(tx, distribution, replace(new_operation(7), kind=OperationKind.CANCEL))


async def test_what_replaces_something_is_a_cancellation(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    # Else two groups that pay would be in flight.
    new = replace(cancellation(target), kind=OperationKind.PAYOUT)
    with pytest.raises(IntegrityError, match="cancel_replaces"):
        async with bakery.ledger.write() as tx:
            await store(tx, distribution, new)


async def test_of_the_two_one_is_included_and_the_other_dies(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    await bakery.lead(target, INJECTED)
    async with bakery.ledger.write() as tx:
        cancel = await sign(tx, distribution, cancellation(target))
        for state in (INJECTED, INCLUDED, FINAL):
            await enter(tx, cancel, state)
        await operations.enter_state(tx, target, DEAD, at=NOW, death=Death.SUPERSEDED)
        await payouts.release_operation(tx, target.id, held=[])
        assert not await operations.has_paid(tx, distribution.key.baker_id)
        owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
        # The counter is used up: only the next one is free.
        anew = await sign(tx, distribution, new_operation(8, owed))

    assert anew.counter_first == 8
    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.ASSIGNED}


async def test_a_cancelled_group_that_was_included_is_paid(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    await bakery.lead(target, INJECTED)
    async with bakery.ledger.write() as tx:
        cancel = await sign(tx, distribution, cancellation(target))
        for state in (INCLUDED, FINAL):
            await enter(tx, target, state)
        await payouts.settle_operation(tx, target.id)
        await operations.enter_state(tx, cancel, DEAD, at=NOW, death=Death.SUPERSEDED)
        assert await operations.in_states(tx, NETWORK, SOURCE, IN_FLIGHT) == []
        assert await operations.has_paid(tx, distribution.key.baker_id)

    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.PAID}


async def test_what_a_cancellation_replaces_is_fixed(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    async with bakery.ledger.write() as tx:
        signed = await sign(tx, distribution, cancellation(target))
    table = metadata.tables["operations"]
    for changed in ({"replaces_id": signed.id}, {"kind": "payout"}):
        with pytest.raises(IntegrityError, match="what operations say may not change"):
            async with bakery.ledger.write() as tx:
                await tx.execute(update(table).where(table.c.id == signed.id).values(changed))


async def test_a_person_asks_for_it_once_and_that_is_kept(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    assert target.cancel_requested_at is None
    at = NOW + timedelta(minutes=1)
    async with bakery.ledger.write() as tx:
        await operations.request_cancel(tx, target, at=at)
        asked = await operation_of(tx, distribution, target.id)

    assert asked == replace(target, cancel_requested_at=at)


async def test_a_cancellation_is_told_as_such(
    bakery: Bakery, distribution: Distribution, target: Operation
) -> None:
    async with bakery.ledger.write() as tx:
        await store(tx, distribution, cancellation(target))
        (told,) = await audit.latest(tx, limit=1)

    assert (told.action, told.subject) == ("operation.signed", "oo-cancel")
    assert told.detail == {
        "kind": "cancel",
        "distribution": str(distribution.key),
        "source": SOURCE,
        "lease": 2,
        "counter": 7,
        "transfers": 0,
        "mutez": 0,
        "fee": 0,
    }
