"""What becomes of payouts: bound to a transfer, paid, free again, held, or carried to later."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import IllegalTransitionError
from bakehouse.ledger import distributions, operations, payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.schema import attempts
from bakehouse.ledger.states import Mode, OperationState, PayoutState
from bakehouse.ledger.transfers import (
    Transfer,
    TransferSums,
    record_receipts,
    total_burn,
    transfer_sums,
    transfers_of,
)
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import (
    BAKER,
    CYCLE,
    NOW,
    Bakery,
    enter,
    key_of,
    new_operation,
    new_payout,
    sign,
    states_of,
    undone,
)

OWED, ASSIGNED, PAID = PayoutState.OWED, PayoutState.ASSIGNED, PayoutState.PAID
CARRIED, HELD, SIMULATED = PayoutState.CARRIED, PayoutState.HELD, PayoutState.SIMULATED


@pytest.fixture
async def distribution(bakery: Bakery) -> Distribution:
    return await bakery.plan({"tz1-a": 900, "tz1-b": 90, "tz1-c": 9})


@pytest.fixture
async def operation(bakery: Bakery, distribution: Distribution) -> Operation:
    """A group that pays all three, seen in a block."""
    signed = await bakery.sign(distribution, counter=7)
    await bakery.lead(signed, OperationState.INJECTED, OperationState.INCLUDED)
    return signed


async def transfers_by_destination(tx: AsyncConnection, operation: Operation) -> dict[str, int]:
    stored = await transfers_of(tx, operation.id)
    return {transfer.destination: transfer.id for transfer in stored}


@pytest.fixture
async def paid(bakery: Bakery, operation: Operation) -> Operation:
    """The same group in a final block, and its payouts booked."""
    async with bakery.ledger.write() as tx:
        await enter(tx, operation, OperationState.FINAL)
        assert await payouts.settle_operation(tx, operation.id) == 3
    return operation


async def test_signing_binds_each_payout_to_its_transfer(
    bakery: Bakery, distribution: Distribution, operation: Operation
) -> None:
    async with bakery.ledger.read() as tx:
        stored = await transfers_of(tx, operation.id)
        settled = {
            transfer.destination: await payouts.of_transfer(tx, transfer.id) for transfer in stored
        }

    assert stored == [
        Transfer(1, 0, "tz1-a", Mutez(900), Mutez(400), None, Mutez(0)),
        Transfer(2, 1, "tz1-b", Mutez(90), Mutez(400), None, Mutez(0)),
        Transfer(3, 2, "tz1-c", Mutez(9), Mutez(400), None, Mutez(0)),
    ]
    for address, rows in settled.items():
        assert [(row.owed_to, row.state) for row in rows] == [(address, ASSIGNED)]


async def test_what_is_assigned_is_not_assigned_again(
    bakery: Bakery, distribution: Distribution, operation: Operation
) -> None:
    async with undone(bakery.ledger) as tx:
        assigned = await payouts.in_state(tx, distribution, ASSIGNED)
        with pytest.raises(IllegalTransitionError, match="could not become 'assigned': only owed"):
            await sign(tx, distribution, new_operation(8, assigned))


async def test_a_final_operation_pays_everything_it_holds(
    bakery: Bakery, distribution: Distribution, paid: Operation
) -> None:
    async with bakery.ledger.read() as tx:
        assert await payouts.count_by_state(tx, distribution) == {PAID: (3, 999)}


async def test_nothing_is_settled_twice(bakery: Bakery, paid: Operation) -> None:
    with pytest.raises(IllegalTransitionError, match="could not become 'paid'"):
        async with bakery.ledger.write() as tx:
            await payouts.settle_operation(tx, paid.id)


async def test_what_was_paid_is_never_released(
    bakery: Bakery, distribution: Distribution, paid: Operation
) -> None:
    with pytest.raises(IllegalTransitionError, match="could not become 'owed'"):
        async with bakery.ledger.write() as tx:
            await payouts.release_operation(tx, paid.id, held=[])
    assert set((await states_of(bakery, distribution)).values()) == {PAID}


async def test_a_dead_operation_frees_its_payouts_to_be_signed_anew(
    bakery: Bakery, distribution: Distribution
) -> None:
    dead = await bakery.sign(distribution, counter=7)
    async with bakery.ledger.write() as tx:
        await enter(tx, dead, OperationState.DEAD)
        await payouts.release_operation(tx, dead.id, held=[])
        again = await payouts.in_state(tx, distribution, OWED)
        assert [(row.owed_to, row.transfer_id) for row in again] == [
            ("tz1-a", None),
            ("tz1-b", None),
            ("tz1-c", None),
        ]
        await sign(tx, distribution, new_operation(7, again, "oo-anew"))

    assert set((await states_of(bakery, distribution)).values()) == {ASSIGNED}


async def test_a_failed_transfer_is_held_and_the_others_are_owed_again(
    bakery: Bakery, distribution: Distribution, operation: Operation
) -> None:
    async with bakery.ledger.write() as tx:
        await enter(tx, operation, OperationState.FINAL)
        failed = (await transfers_by_destination(tx, operation))["tz1-b"]
        held = [(failed, "the transfer failed on chain: empty_transaction")]
        await payouts.release_operation(tx, operation.id, held=held)
        (kept,) = await payouts.in_state(tx, distribution, HELD)

    assert await states_of(bakery, distribution) == {"tz1-a": OWED, "tz1-b": HELD, "tz1-c": OWED}
    assert (kept.reason, kept.transfer_id) == (held[0][1], None)


async def test_an_owed_payout_can_be_held_with_a_reason(
    bakery: Bakery, distribution: Distribution
) -> None:
    async with bakery.ledger.write() as tx:
        first, *_ = await payouts.in_state(tx, distribution, OWED)
        await payouts.hold(tx, [first.id], "the recipient is a contract")
        (kept,) = await payouts.in_state(tx, distribution, HELD)

    assert (kept.owed_to, kept.reason) == ("tz1-a", "the recipient is a contract")


async def test_what_is_bound_to_a_transfer_cannot_be_held_meanwhile(
    bakery: Bakery, distribution: Distribution, operation: Operation
) -> None:
    async with bakery.ledger.read() as tx:
        assigned = await payouts.in_state(tx, distribution, ASSIGNED)

    with pytest.raises(IntegrityError, match="assigned_has_transfer"):
        async with bakery.ledger.write() as tx:
            await payouts.hold(tx, [assigned[0].id], "a person changed their mind")


async def test_cycles_of_one_person_are_paid_by_one_transfer(bakery: Bakery) -> None:
    early = await bakery.plan({"tz1-a": 5}, cycle=1)
    late = await bakery.plan({"tz1-a": 6}, cycle=2)
    async with bakery.ledger.write() as tx:
        owed = [row for cycle in (early, late) for row in await payouts.in_state(tx, cycle, OWED)]
        signed = await sign(tx, late, new_operation(7, owed))
        (transfer,) = await transfers_of(tx, signed.id)
        assert transfer.amount == 11
        assert [row.cycle for row in await payouts.of_transfer(tx, transfer.id)] == [1, 2]
        for state in (OperationState.INJECTED, OperationState.INCLUDED, OperationState.FINAL):
            await enter(tx, signed, state)
        assert await payouts.settle_operation(tx, signed.id) == 2

    assert await states_of(bakery, early) == await states_of(bakery, late) == {"tz1-a": PAID}


async def carry(bakery: Bakery, net: int, cycle: int, mode: Mode = Mode.ON) -> Distribution:
    async with bakery.ledger.write() as tx:
        distribution = await distributions.ensure(tx, key_of(cycle, mode=mode), at=NOW)
        await payouts.add(tx, distribution, [new_payout("tz1-small", net, CARRIED)])
        return distribution


async def carried_rows(bakery: Bakery, mode: Mode = Mode.ON) -> list[Payout]:
    async with bakery.ledger.read() as tx:
        return (await payouts.carried(tx, BAKER, mode)).get("tz1-small", [])


async def test_carried_payouts_are_paid_with_the_cycle_that_lifts_them(bakery: Bakery) -> None:
    first, second = await carry(bakery, 3, cycle=1), await carry(bakery, 4, cycle=2)
    lifting = await bakery.plan({"tz1-small": 50}, cycle=3)
    async with bakery.ledger.write() as tx:
        await payouts.release_carried(tx, lifting, await carried_rows(bakery), OWED)

        owed = await payouts.in_state(tx, lifting, OWED)
        assert sorted((row.cycle, row.net) for row in owed) == [(1, 3), (2, 4), (3, 50)]
        assert await payouts.count_by_state(tx, lifting) == {OWED: (3, 57)}
        assert await payouts.count_by_state(tx, first) == {}
        # Whose rewards they are does not change with who pays them.
        assert [await payouts.total_of_cycle(tx, it) for it in (first, second, lifting)] == [
            3,
            4,
            50,
        ]
    assert await carried_rows(bakery) == []


async def test_nothing_carried_is_lifted_twice(bakery: Bakery) -> None:
    await carry(bakery, 3, cycle=1)
    carried = await carried_rows(bakery)
    lifting = await bakery.plan({"tz1-small": 50}, cycle=3)
    async with bakery.ledger.write() as tx:
        await payouts.release_carried(tx, lifting, carried, OWED)

    with pytest.raises(IllegalTransitionError, match="only carried"):
        async with bakery.ledger.write() as tx:
            await payouts.release_carried(tx, lifting, carried, SIMULATED)


async def test_what_a_simulation_carries_stays_in_the_simulation(bakery: Bakery) -> None:
    await carry(bakery, 3, cycle=1, mode=Mode.SIMULATION)
    await carry(bakery, 4, cycle=1, mode=Mode.ON)

    assert [row.net for row in await carried_rows(bakery, Mode.SIMULATION)] == [3]
    assert [row.net for row in await carried_rows(bakery, Mode.ON)] == [4]
    lifting = await carry(bakery, 5, cycle=2, mode=Mode.SIMULATION)
    async with bakery.ledger.write() as tx:
        rows = (await payouts.carried(tx, BAKER, Mode.SIMULATION))["tz1-small"]
        await payouts.release_carried(tx, lifting, rows, SIMULATED)
        assert await payouts.count_by_state(tx, lifting) == {SIMULATED: (2, 8)}


async def test_payouts_are_counted_and_summed_by_state(
    bakery: Bakery, distribution: Distribution
) -> None:
    async with bakery.ledger.write() as tx:
        largest, *_ = await payouts.of_distribution(tx, distribution)
        await payouts.hold(tx, [largest.id], "why not")
        assert await payouts.count_by_state(tx, distribution) == {HELD: (1, 900), OWED: (2, 99)}


async def test_payouts_come_in_an_order_that_never_changes(
    bakery: Bakery, distribution: Distribution
) -> None:
    async with bakery.ledger.write() as tx:
        await payouts.add(tx, distribution, [new_payout("tz1-aa", 90), new_payout("tz1-0", 2)])
        to_pay = await payouts.in_state(tx, distribution, OWED)
        to_show = await payouts.of_distribution(tx, distribution)
        assert await payouts.in_state(tx, distribution, OWED, limit=2) == to_pay[:2]
        page = await payouts.of_distribution(tx, distribution, offset=1, limit=3)

    assert [row.address for row in to_pay] == ["tz1-0", "tz1-a", "tz1-aa", "tz1-b", "tz1-c"]
    assert [row.address for row in to_show] == ["tz1-a", "tz1-aa", "tz1-b", "tz1-c", "tz1-0"]
    assert {row.cycle for row in to_show} == {CYCLE}
    assert page == to_show[1:4]


async def test_receipts_say_what_became_of_each_transfer_and_what_it_burned(
    bakery: Bakery, distribution: Distribution, operation: Operation
) -> None:
    async with bakery.ledger.write() as tx:
        # Position 9 is no transfer of ours, as a reveal is none.
        receipts = [(0, "applied", Mutez(0)), (2, "applied", Mutez(64_250)), (9, "x", Mutez(5))]
        await record_receipts(tx, operation, receipts)
        stored = await transfers_of(tx, operation.id)
        assert await total_burn(tx, distribution.id) == 64_250
        assert await transfer_sums(tx, distribution.id) == {
            operation.id: TransferSums(count=3, amount=Mutez(999), burn=Mutez(64_250))
        }

    assert [(transfer.status, transfer.burn) for transfer in stored] == [
        ("applied", 0),
        (None, 0),
        ("applied", 64_250),
    ]


async def test_a_cycle_without_operations_burned_nothing_and_owes_nothing(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        empty = await distributions.ensure(tx, key_of(), at=NOW)
        await payouts.add(tx, empty, [])
        assert await total_burn(tx, empty.id) == 0
        assert await transfer_sums(tx, empty.id) == {}
        assert await payouts.total_of_cycle(tx, empty) == 0
        assert await payouts.count_by_state(tx, empty) == {}


async def test_what_nodes_answered_is_kept(bakery: Bakery, operation: Operation) -> None:
    async with bakery.ledger.write() as tx:
        for answer in ("accepted", "already in the mempool"):
            await operations.record_attempt(tx, operation, at=NOW, node="node-1", answer=answer)
        kept = await tx.execute(select(attempts).order_by(attempts.c.id))

    assert [(row.operation_id, row.at, row.node, row.answer) for row in kept] == [
        (operation.id, NOW, "node-1", "accepted"),
        (operation.id, NOW, "node-1", "already in the mempool"),
    ]
