"""Distributions: what is known of each cycle, and which of them wait for work."""

from dataclasses import replace

import pytest

from bakehouse.errors import IllegalTransitionError, NotFoundError
from bakehouse.ledger import distributions
from bakehouse.ledger.distributions import Distribution, DistributionKey, PlanFigures
from bakehouse.ledger.snapshots import snapshot_of
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import BAKER, NOW, Bakery, key_of, last_event

SEEN, PENDING = DistributionState.SEEN, DistributionState.REWARDS_PENDING
PLANNED, PAYING, PAID = (
    DistributionState.PLANNED,
    DistributionState.PAYING,
    DistributionState.PAID,
)
SIMULATED, FAILED = DistributionState.SIMULATED, DistributionState.FAILED

WAYS = {
    SEEN: (),
    PENDING: (PENDING,),
    PLANNED: (PENDING, PLANNED),
    PAYING: (PENDING, PLANNED, PAYING),
    PAID: (PENDING, PLANNED, PAYING, PAID),
    SIMULATED: (PENDING, PLANNED, SIMULATED),
    FAILED: (FAILED,),
}

NOTHING = PlanFigures(Mutez(0), Mutez(0), Mutez(0), Mutez(0), Mutez(0), 0)


async def lead(bakery: Bakery, key: DistributionKey, to: DistributionState) -> Distribution:
    async with bakery.ledger.write() as tx:
        entered = await distributions.ensure(tx, key, at=NOW)
        for state in WAYS[to]:
            await distributions.enter_state(tx, entered, state, at=NOW, message=f"to {state}")
        return await distributions.get(tx, key)


async def test_a_cycle_is_entered_as_seen(bakery: Bakery) -> None:
    assert await lead(bakery, key_of(), SEEN) == Distribution(
        id=1,
        key=key_of(),
        state=SEEN,
        message=None,
        snapshot_sha256=None,
        figures=NOTHING,
        created_at=NOW,
        updated_at=NOW,
        approved_at=None,
        verified_at=None,
    )
    event = await last_event(bakery)
    assert (event.action, event.subject) == ("distribution.seen", str(key_of()))


async def test_an_unknown_cycle_is_not_found(bakery: Bakery) -> None:
    async with bakery.ledger.read() as tx:
        assert await distributions.find(tx, key_of()) is None
        with pytest.raises(NotFoundError, match="no distribution tz1-baker/750/delegators/on"):
            await distributions.get(tx, key_of())
        assert await snapshot_of(tx, 1) is None


@pytest.mark.parametrize("to", DistributionState)
async def test_each_state_can_be_reached_and_keeps_its_message(
    bakery: Bakery, to: DistributionState
) -> None:
    reached = await lead(bakery, key_of(), to)

    assert reached.state is to
    assert reached.message == (None if to is SEEN else f"to {to}")


async def test_a_message_goes_with_the_state_it_told_of(bakery: Bakery) -> None:
    failed = await lead(bakery, key_of(), FAILED)
    async with bakery.ledger.write() as tx:
        await distributions.enter_state(tx, failed, PENDING, at=NOW)
        assert (await distributions.get(tx, key_of())).message is None


async def test_of_two_who_close_a_cycle_one_is_refused(bakery: Bakery) -> None:
    paying = await lead(bakery, key_of(), PAYING)
    async with bakery.ledger.write() as tx:
        await distributions.enter_state(tx, paying, PAID, at=NOW)

    with pytest.raises(IllegalTransitionError, match="1 of 1 distributions could not become"):
        async with bakery.ledger.write() as tx:
            await distributions.enter_state(tx, paying, PAID, at=NOW)


async def test_a_plan_is_kept_with_what_it_was_computed_from(bakery: Bakery) -> None:
    seen = await lead(bakery, key_of(), SEEN)
    figures = PlanFigures(
        Mutez(10**15), Mutez(10**15 - 60), Mutez(10), Mutez(49), Mutez(1), zero_payouts=12
    )
    received = '{"cycle": 750, "alias": "Bäcker 🥖"}'
    async with bakery.ledger.write() as tx:
        await distributions.store_plan(
            tx, seen, figures, snapshot=received, snapshot_sha256="abc", at=NOW
        )
        planned = await distributions.get(tx, key_of())
        assert await snapshot_of(tx, seen.id) == received

    assert (planned.figures, planned.snapshot_sha256) == (figures, "abc")
    assert (seen.is_planned, planned.is_planned) == (False, True)
    event = await last_event(bakery)
    assert event.action == "distribution.plan"
    assert event.detail == {
        "pool": 10**15,
        "own_part": 10**15 - 60,
        "total_fees": 10,
        "total_net": 49,
        "dust": 1,
        "excluded_kept": 0,
        "zero_payouts": 12,
        "snapshot_sha256": "abc",
    }


async def test_what_waits_for_work_is_given_oldest_cycle_first(bakery: Bakery) -> None:
    for cycle, state in enumerate(DistributionState):
        await lead(bakery, key_of(100 - cycle), state)

    async with bakery.ledger.read() as tx:
        waiting = await distributions.unsettled(tx)
        assert await distributions.unsettled(tx, BAKER) == waiting
        assert await distributions.unsettled(tx, "tz1-stranger") == []
    assert [(found.key.cycle, found.state) for found in waiting] == [
        (97, PAYING),
        (98, PLANNED),
        (99, PENDING),
        (100, SEEN),
    ]


async def test_a_baker_is_shown_its_newest_cycles(bakery: Bakery) -> None:
    for cycle in (1, 3, 2):
        await lead(bakery, key_of(cycle), SEEN)

    async with bakery.ledger.read() as tx:
        newest = await distributions.of_baker(tx, BAKER, limit=2)
        assert await distributions.of_baker(tx, "tz1-stranger") == []
    assert [found.key.cycle for found in newest] == [3, 2]


async def test_a_simulation_says_nothing_of_what_was_paid(bakery: Bakery) -> None:
    await lead(bakery, key_of(1, mode=Mode.SIMULATION), SIMULATED)
    await lead(bakery, key_of(1), FAILED)
    await lead(bakery, key_of(2), PAID)
    await lead(bakery, key_of(2, DistributionKind.BOND_POOL), SEEN)

    async def known(kind: DistributionKind, mode: Mode) -> dict[int, DistributionState]:
        async with bakery.ledger.read() as tx:
            return await distributions.states_by_cycle(tx, BAKER, kind, mode)

    delegators, bond_pool = DistributionKind.DELEGATORS, DistributionKind.BOND_POOL
    assert await known(delegators, Mode.ON) == {1: FAILED, 2: PAID}
    assert await known(delegators, Mode.SIMULATION) == {1: SIMULATED}
    assert await known(bond_pool, Mode.ON) == {2: SEEN}
    assert await known(bond_pool, Mode.SIMULATION) == {}


@pytest.mark.parametrize(
    ("earlier", "waits"),
    [
        (key_of(749), True),
        (key_of(750), False),
        (key_of(751), False),
        (key_of(749, DistributionKind.BOND_POOL), False),
        (key_of(749, mode=Mode.SIMULATION), False),
        (replace(key_of(749), network="NetXnHfVqm9iesp"), False),
    ],
    ids=str,
)
async def test_a_cycle_waits_only_for_earlier_ones_of_its_kind_mode_and_network(
    bakery: Bakery, earlier: DistributionKey, *, waits: bool
) -> None:
    await lead(bakery, earlier, PENDING)
    async with bakery.ledger.write() as tx:
        present = await distributions.ensure(tx, key_of(750), at=NOW)

    async with bakery.ledger.read() as tx:
        found = await distributions.has_earlier_unsettled(tx, present, {SEEN, PENDING})
        assert found is waits
        assert not await distributions.has_earlier_unsettled(tx, present, {FAILED})
