"""What pages and the API say of bakers, cycles and people is what the rows come to."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, costs, distributions, overview, payouts, traced_payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.costs import ChainCost
from bakehouse.ledger.cycle_costs import expected_costs
from bakehouse.ledger.page import Slice
from bakehouse.ledger.schema import transfers
from bakehouse.ledger.snapshots import keep_snapshot, snapshot_of
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.ledger.traced_payouts import OwedSums
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import BAKER, NETWORK, NOW, Bakery, key_of, plan

NETS = {"tz1-ann": 30, "tz1-bob": 20, "tz1-cyd": 10}
INJECTED, INCLUDED, FINAL = OperationState.INJECTED, OperationState.INCLUDED, OperationState.FINAL


async def add_bakers(tx: AsyncConnection, *baker_ids: str) -> None:
    for each in baker_ids:
        baker = Baker(
            baker_id=each, network=NETWORK, payout_address=each, first_cycle=1, mode=Mode.ON
        )
        await bakers.add(tx, baker, actor="test", at=NOW)


async def test_those_that_need_a_person_are_called_first(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        await add_bakers(tx, "tz1-a", "tz1-z")
        assert [each.baker_id for each in await overview.roll_call(tx)] == ["tz1-a", BAKER, "tz1-z"]

        failed = await distributions.ensure(tx, key_of(750), at=NOW)
        await distributions.enter_state(tx, failed, DistributionState.FAILED, at=NOW, message="odd")
        called = await overview.roll_call(tx)
        glances = await overview.overview(tx, ["tz1-z", BAKER, "tz1-nobody"])

    assert [(each.baker_id, each.needs_a_person) for each in called] == [
        (BAKER, True),
        ("tz1-a", False),
        ("tz1-z", False),
    ]
    assert [(each.baker.baker_id, each.failed) for each in glances] == [("tz1-z", 0), (BAKER, 1)]


async def test_nobody_is_asked_for_and_nobody_is_shown(bakery: Bakery) -> None:
    async with bakery.ledger.read() as tx:
        assert await overview.overview(tx, []) == []
        assert await bakers.named(tx, []) == []


async def test_payouts_are_counted_by_state_for_whoever_pays_them(bakery: Bakery) -> None:
    first = await bakery.plan(NETS, 750)
    await bakery.sign(first, 1)
    second = await bakery.plan({"tz1-ann": 3}, 751)

    async with bakery.ledger.write() as tx:
        [owed] = await payouts.in_state(tx, second, PayoutState.OWED)
        await payouts.hold(tx, [owed.id], "odd")
        counts = await overview.payout_counts(tx, [first.id, second.id])
        held = await overview.overview(tx, [BAKER])

    assert counts == {first.id: {PayoutState.ASSIGNED: 3}, second.id: {PayoutState.HELD: 1}}
    assert [each.held for each in held] == [1]


async def test_what_the_chain_took_counts_every_transfer_and_sums_every_burn(
    bakery: Bakery,
) -> None:
    paid, signed = await bakery.plan(NETS, 750), await bakery.plan({"tz1-ann": 3}, 751)
    operation = await bakery.sign(paid, 1)
    await bakery.lead(operation, INJECTED, INCLUDED, FINAL)
    await bakery.sign(signed, 9)

    async with bakery.ledger.write() as tx:
        burns = update(transfers).where(transfers.c.destination != "tz1-cyd").values(burn=64_250)
        await tx.execute(burns)
        taken = await costs.chain_costs(tx, [paid.id, signed.id])
        # Nothing is settled yet: what a cycle takes is not known.
        assert await expected_costs(tx, BAKER, "tz1-nobody") == {}

    assert taken == {paid.id: ChainCost(1, 3, Mutez(1_200), Mutez(2 * 64_250))}


async def test_a_page_of_payouts_names_the_operations_of_its_own_cycle(bakery: Bakery) -> None:
    paid = await bakery.plan(NETS, 750)
    await bakery.sign(paid, 1)

    async with bakery.ledger.read() as tx:
        page = await traced_payouts.with_own_hashes(tx, paid, Slice(1, 1))
        last = await traced_payouts.with_own_hashes(tx, paid, Slice(2, 1))

    assert [(payout.owed_to, signed) for payout, signed in page.rows] == [("tz1-bob", "oo-1")]
    assert (page.next_offset, last.next_offset) == (2, None)


async def test_a_person_is_owed_what_its_payouts_come_to_by_state(bakery: Bakery) -> None:
    await bakery.sign(await bakery.plan(NETS, 750), 1)
    await bakery.plan({"tz1-ann": 3, "tz1-bob": 1}, 751)
    await bakery.plan({"tz1-ann": 4}, 752)

    async with bakery.ledger.read() as tx:
        sums = await traced_payouts.sums_of_person(
            tx, NETWORK, BAKER, "tz1-ann", [750, 751, 752, 753]
        )

    assert sums == {
        PayoutState.ASSIGNED: OwedSums(Mutez(30), Mutez(0)),
        PayoutState.OWED: OwedSums(Mutez(7), Mutez(0)),
    }


async def test_of_a_cycle_the_live_ones_come_first_and_delegators_before_bond_pools(
    bakery: Bakery,
) -> None:
    async with bakery.ledger.write() as tx:
        wanted = [
            await distributions.ensure(tx, key_of(750, kind, mode), at=NOW)
            for mode in (Mode.ON, Mode.SIMULATION)
            for kind in DistributionKind
        ]
        await plan(tx, NETS, 751)
        found = await distributions.of_cycle(tx, NETWORK, BAKER, 750)

    assert found == wanted


async def test_of_a_plan_made_again_only_the_last_snapshot_is_kept(bakery: Bakery) -> None:
    planned = await bakery.plan(NETS)
    async with bakery.ledger.write() as tx:
        await keep_snapshot(tx, planned.id, "what came later")
        assert await snapshot_of(tx, planned.id) == "what came later"
