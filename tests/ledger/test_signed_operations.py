"""What is asked about signed operations: which are ours, whose are undecided, which have paid."""

from dataclasses import replace

import pytest

from bakehouse.ledger import bakers, operations, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.ledger.transfers import settled_transfers, transfers_of
from tests.ledger.bakery import (
    BAKER,
    NETWORK,
    NOW,
    Bakery,
    enter,
    new_operation,
    operation_of,
    sign,
    store,
)

INJECTED, INCLUDED = OperationState.INJECTED, OperationState.INCLUDED
FINAL, DEAD = OperationState.FINAL, OperationState.DEAD
QUARANTINED = OperationState.QUARANTINED

WAYS = {
    OperationState.SIGNED: (),
    INJECTED: (INJECTED,),
    INCLUDED: (INJECTED, INCLUDED),
    QUARANTINED: (INJECTED, QUARANTINED),
    FINAL: (INJECTED, INCLUDED, FINAL),
    DEAD: (INJECTED, DEAD),
}
DECIDED = {FINAL, DEAD}


@pytest.fixture
async def distribution(bakery: Bakery) -> Distribution:
    return await bakery.plan({"tz1-a": 900, "tz1-b": 90})


async def test_our_living_hashes_are_told_from_any_number_of_strangers(
    bakery: Bakery, distribution: Distribution
) -> None:
    strangers = [f"oo-strange-{number}" for number in range(10_003)]
    async with bakery.ledger.write() as tx:
        for counter, (state, way) in enumerate(WAYS.items()):
            # What is in flight lets nothing be signed from the same address.
            new = replace(
                new_operation(counter, operation_hash=f"oo-{state}"), source=f"tz1-{state}"
            )
            signed = await operation_of(tx, distribution, await store(tx, distribution, new))
            for entered in way:
                await enter(tx, signed, entered)

        asked = [*strangers, *(f"oo-{state}" for state in WAYS), "oo-final"]
        living = await operations.living(tx, asked)
        assert living == {f"oo-{state}" for state in WAYS if state is not DEAD}
        assert await operations.living(tx, strangers) == set()
        assert await operations.living(tx, []) == set()


async def test_an_operation_is_found_by_its_hash(
    bakery: Bakery, distribution: Distribution
) -> None:
    signed = await bakery.sign(distribution, counter=7)

    async with bakery.ledger.read() as tx:
        assert await operations.find(tx, signed.hash) == signed
        assert await operations.find(tx, "oo-stranger") is None


@pytest.mark.parametrize("state", WAYS)
async def test_an_address_is_watched_until_all_it_signed_is_decided(
    bakery: Bakery, distribution: Distribution, state: OperationState
) -> None:
    await bakery.lead(await bakery.sign(distribution, counter=7), *WAYS[state])

    async with bakery.ledger.read() as tx:
        watched = await operations.unfinished_sources(tx, BAKER)
        assert await operations.unfinished_sources(tx, "tz1-stranger") == []
    assert watched == ([] if state in DECIDED else ["tz1-payout"])


async def test_an_address_of_which_much_is_undecided_is_given_once(
    bakery: Bakery, distribution: Distribution
) -> None:
    """A baker may change its payout address while the old one has something in flight."""
    async with bakery.ledger.write() as tx:
        for counter in (7, 8):
            signed = await sign(tx, distribution, new_operation(counter))
            await enter(tx, signed, INJECTED)
            await enter(tx, signed, INCLUDED)
        elsewhere = replace(new_operation(7, operation_hash="oo-other"), source="tz1-another")
        await store(tx, distribution, elsewhere)

        assert await operations.unfinished_sources(tx, BAKER) == ["tz1-another", "tz1-payout"]


@pytest.mark.parametrize("state", WAYS)
async def test_a_baker_has_paid_when_a_group_is_final(
    bakery: Bakery, distribution: Distribution, state: OperationState
) -> None:
    await bakery.lead(await bakery.sign(distribution, counter=7), *WAYS[state])

    async with bakery.ledger.read() as tx:
        assert await operations.has_paid(tx, BAKER) is (state is FINAL)
        assert not await operations.has_paid(tx, "tz1-stranger")


async def test_a_group_that_failed_in_its_block_has_paid_nobody(
    bakery: Bakery, distribution: Distribution
) -> None:
    signed = await bakery.sign(distribution, counter=7)
    await fail(bakery, signed)

    async with bakery.ledger.read() as tx:
        moved = await transfers_of(tx, signed.id)
        assert not await operations.has_paid(tx, BAKER)
        assert await settled_transfers(tx, [each.id for each in moved]) == set()


async def fail(bakery: Bakery, signed: Operation) -> None:
    """Have a group be in a final block, and none of it applied."""
    async with bakery.ledger.write() as tx:
        await enter(tx, signed, INJECTED)
        await operations.enter_state(
            tx,
            signed,
            INCLUDED,
            at=NOW,
            included_level=1_010,
            included_block="BL",
            applied=False,
        )
        await enter(tx, signed, FINAL)


async def test_another_bakers_payment_is_none_of_ours(bakery: Bakery) -> None:
    novice = Baker(baker_id="tz1-new", network=NETWORK, payout_address="tz1-pay", first_cycle=700)
    async with bakery.ledger.write() as tx:
        await bakers.add(tx, novice, actor="test", at=NOW)
    distribution = await bakery.plan({"tz1-a": 900})
    await bakery.lead(await bakery.sign(distribution, counter=7), *WAYS[FINAL])

    async with bakery.ledger.read() as tx:
        assert await operations.has_paid(tx, BAKER)
        assert not await operations.has_paid(tx, "tz1-new")


@pytest.mark.parametrize("state", WAYS)
async def test_transfers_are_settled_when_their_group_is_final(
    bakery: Bakery, distribution: Distribution, state: OperationState
) -> None:
    signed = await bakery.sign(distribution, counter=7)
    await bakery.lead(signed, *WAYS[state])

    async with bakery.ledger.read() as tx:
        moved = {each.id for each in await transfers_of(tx, signed.id)}
        assert len(moved) == 2
        expected = moved if state is FINAL else set()
        asked = [*moved, *moved, *range(1_000_000, 1_010_003)]
        assert await settled_transfers(tx, asked) == expected
        assert await settled_transfers(tx, []) == set()


async def test_transfers_of_others_are_not_asked_for(
    bakery: Bakery, distribution: Distribution
) -> None:
    signed = await bakery.sign(distribution, counter=7)
    await bakery.lead(signed, *WAYS[FINAL])
    async with bakery.ledger.read() as tx:
        first, second = await transfers_of(tx, signed.id)

        assert await settled_transfers(tx, [second.id]) == {second.id}
        assert await settled_transfers(tx, [first.id]) == {first.id}


async def test_a_quarantined_group_keeps_its_payouts(
    bakery: Bakery, distribution: Distribution
) -> None:
    signed = await bakery.sign(distribution, counter=7)
    await bakery.lead(signed, *WAYS[QUARANTINED])

    async with bakery.ledger.read() as tx:
        assert await payouts.count_by_state(tx, distribution) == {PayoutState.ASSIGNED: (2, 990)}
    # Proof may still turn up, either way.
    await bakery.lead(signed, INCLUDED, FINAL)
