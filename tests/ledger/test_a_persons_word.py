"""What a person decides of payouts and cycles, and which cycles wait to be verified."""

from datetime import timedelta

import pytest

from bakehouse.errors import IllegalTransitionError
from bakehouse.ledger import distributions, payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionState, Mode, OperationState, PayoutState
from tests.ledger.bakery import (
    BAKER,
    NOW,
    Bakery,
    enter,
    key_of,
    new_operation,
    new_payout,
    payout_called,
    sign,
    states_of,
)

OWED, HELD, DROPPED = PayoutState.OWED, PayoutState.HELD, PayoutState.DROPPED
LATER = NOW + timedelta(hours=1)
LEVEL = 4_200_000


@pytest.fixture
async def distribution(bakery: Bakery) -> Distribution:
    return await bakery.plan({"tz1-a": 900, "tz1-b": 90})


async def hold(bakery: Bakery, owed_to: str, *, looked_back_level: int | None = None) -> Payout:
    async with bakery.ledger.write() as tx:
        payout = await payout_called(tx, 750, owed_to)
        await payouts.hold(tx, [payout.id], "looks paid", looked_back_level=looked_back_level)
        return await payout_called(tx, 750, owed_to)


async def test_what_was_held_can_be_released_and_is_paid_after_all(
    bakery: Bakery, distribution: Distribution
) -> None:
    held = await hold(bakery, "tz1-a")
    assert (held.state, held.reason, held.released_at) == (HELD, "looks paid", None)
    async with bakery.ledger.write() as tx:
        await payouts.release(tx, [held.id], at=LATER)
        released = await payout_called(tx, 750, "tz1-a")
        await sign(tx, distribution, new_operation(7, [released]))

    assert (released.state, released.reason, released.released_at) == (OWED, None, LATER)
    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.ASSIGNED, "tz1-b": OWED}


async def test_how_far_was_looked_back_is_kept_beyond_the_release(
    bakery: Bakery, distribution: Distribution
) -> None:
    held = await hold(bakery, "tz1-a", looked_back_level=LEVEL)
    async with bakery.ledger.write() as tx:
        await payouts.release(tx, [held.id], at=LATER)
        released = await payout_called(tx, 750, "tz1-a")
        # Held again for another reason: what was looked through stays looked through.
        await payouts.hold(tx, [held.id], "a person thought again")
        again = await payout_called(tx, 750, "tz1-a")

    assert [each.looked_back_level for each in (held, released, again)] == [LEVEL] * 3
    assert (again.state, again.reason, again.released_at) == (
        HELD,
        "a person thought again",
        LATER,
    )


async def test_nothing_was_looked_through_for_who_is_held_otherwise(
    bakery: Bakery, distribution: Distribution
) -> None:
    assert (await hold(bakery, "tz1-a")).looked_back_level is None
    async with bakery.ledger.read() as tx:
        other = await payout_called(tx, 750, "tz1-b")
    assert (other.looked_back_level, other.released_at) == (None, None)


async def test_what_was_dropped_is_never_paid(bakery: Bakery, distribution: Distribution) -> None:
    held = await hold(bakery, "tz1-a")
    async with bakery.ledger.write() as tx:
        await payouts.drop(tx, [held.id], "paid by hand (alice)")
        dropped = await payout_called(tx, 750, "tz1-a")
    assert (dropped.state, dropped.reason) == (DROPPED, "paid by hand (alice)")

    with pytest.raises(IllegalTransitionError, match="could not become 'owed'"):
        async with bakery.ledger.write() as tx:
            await payouts.release(tx, [held.id], at=LATER)
    with pytest.raises(IllegalTransitionError, match="could not become 'assigned'"):
        async with bakery.ledger.write() as tx:
            await sign(tx, distribution, new_operation(7, [dropped]))


async def test_only_what_is_held_can_be_dropped(bakery: Bakery, distribution: Distribution) -> None:
    async with bakery.ledger.read() as tx:
        owed = await payout_called(tx, 750, "tz1-a")

    with pytest.raises(IllegalTransitionError, match="could not become 'dropped': only held may"):
        async with bakery.ledger.write() as tx:
            await payouts.drop(tx, [owed.id], "never mind")


async def test_only_what_is_held_can_be_released(
    bakery: Bakery, distribution: Distribution
) -> None:
    async with bakery.ledger.read() as tx:
        owed = await payout_called(tx, 750, "tz1-a")

    with pytest.raises(IllegalTransitionError, match="could not become 'owed'"):
        async with bakery.ledger.write() as tx:
            await payouts.release(tx, [owed.id], at=LATER)


async def test_payouts_of_a_cycle_are_those_planned_for_it_and_those_paid_with_it(
    bakery: Bakery,
) -> None:
    async with bakery.ledger.write() as tx:
        early = await distributions.ensure(tx, key_of(749), at=NOW)
        await payouts.add(tx, early, [new_payout("tz1-a", 5, PayoutState.CARRIED)])
        waiting = (await payouts.carried(tx, BAKER, Mode.ON))["tz1-a"]
    late = await bakery.plan({"tz1-a": 900, "tz1-b": 90})
    async with bakery.ledger.write() as tx:
        await payouts.release_carried(tx, late, waiting, OWED)

        async def found(of: Distribution, owed_to: str | None = None) -> list[tuple[int, str]]:
            rows = await payouts.of_cycle(tx, of, OWED, owed_to)
            return [(row.cycle, row.owed_to) for row in rows]

        assert await found(late) == [(749, "tz1-a"), (750, "tz1-a"), (750, "tz1-b")]
        assert await found(late, "tz1-a") == [(749, "tz1-a"), (750, "tz1-a")]
        assert await found(early) == [(749, "tz1-a")]
        assert await found(early, "tz1-stranger") == []
        assert await payouts.of_cycle(tx, late, HELD) == []


async def test_what_is_held_of_a_baker_is_given_oldest_cycle_first(bakery: Bakery) -> None:
    for cycle in (752, 750, 751):
        await bakery.plan({"tz1-a": 5, "tz1-b": 6}, cycle=cycle)
    async with bakery.ledger.write() as tx:
        for cycle in (752, 750):
            payout = await payout_called(tx, cycle, "tz1-a")
            await payouts.hold(tx, [payout.id], "looks odd")
        simulated = await distributions.ensure(tx, key_of(1, mode=Mode.SIMULATION), at=NOW)
        await payouts.add(tx, simulated, [new_payout("tz1-a", 5, HELD)])

        held = await payouts.of_baker(tx, BAKER, HELD)
        assert [(row.cycle, row.owed_to) for row in held] == [(750, "tz1-a"), (752, "tz1-a")]
        assert await payouts.of_baker(tx, "tz1-stranger", HELD) == []


# Distributions.


async def test_a_person_lets_a_cycle_go_once_and_for_all(
    bakery: Bakery, distribution: Distribution
) -> None:
    assert distribution.approved_at is None
    async with bakery.ledger.write() as tx:
        await distributions.approve(tx, distribution, at=LATER)
        await distributions.enter_state(tx, distribution, DistributionState.FAILED, at=LATER)
        failed = await distributions.get(tx, key_of())

    assert failed.approved_at == LATER


async def pay(bakery: Bakery, cycle: int, *, minute: int) -> Distribution:
    planned = await bakery.plan({"tz1-a": 900}, cycle)
    async with bakery.ledger.write() as tx:
        owed = await payouts.in_state(tx, planned, OWED)
        signed = await sign(tx, planned, new_operation(cycle, owed))
        for state in (OperationState.INJECTED, OperationState.INCLUDED, OperationState.FINAL):
            await enter(tx, signed, state)
        await payouts.settle_operation(tx, signed.id)
        await distributions.enter_state(
            tx, planned, DistributionState.PAID, at=NOW + timedelta(minutes=minute)
        )
        return await distributions.get(tx, key_of(cycle))


async def unverified(bakery: Bakery, limit: int = 10) -> list[int]:
    async with bakery.ledger.read() as tx:
        return [each.key.cycle for each in await distributions.unverified(tx, limit)]


async def test_what_is_paid_waits_to_be_verified_oldest_first(bakery: Bakery) -> None:
    await bakery.plan({"tz1-a": 900}, cycle=700)
    for cycle, minute in ((701, 3), (702, 1), (703, 2)):
        await pay(bakery, cycle, minute=minute)

    assert await unverified(bakery) == [702, 703, 701]
    assert await unverified(bakery, limit=2) == [702, 703]


async def test_what_is_verified_is_so_until_it_goes_on(bakery: Bakery) -> None:
    paid = await pay(bakery, 701, minute=1)
    async with bakery.ledger.write() as tx:
        await distributions.mark_verified(tx, paid, at=LATER)
        assert (await distributions.get(tx, paid.key)).verified_at == LATER
    assert await unverified(bakery) == []

    async with bakery.ledger.write() as tx:
        # A payout that was held is released: what is paid then was not read yet.
        await distributions.enter_state(tx, paid, DistributionState.PAYING, at=LATER)
        assert (await distributions.get(tx, paid.key)).verified_at is None
    assert await unverified(bakery) == []
    async with bakery.ledger.write() as tx:
        await distributions.enter_state(tx, paid, DistributionState.PAID, at=LATER)
    assert await unverified(bakery) == [701]
