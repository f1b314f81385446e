"""What the database itself refuses of orders outside any cycle, and of deductions."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import ConflictError, IllegalTransitionError
from bakehouse.ledger import deductions, leases, manual_transfers
from bakehouse.ledger.by_hand_tables import manual_transfers as table
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.states import ManualState, OperationKind, OperationState
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import NETWORK, NOW, SOURCE, Bakery, new_operation
from tests.ledger.orders import FUNDING, new_deduction, new_order, new_top_up

#: Whoever signed at NOW has let go of the wallet.
LATER = NOW + timedelta(hours=1)


async def ordered(bakery: Bakery, key: str = "rent") -> ManualTransfer:
    async with bakery.ledger.write() as tx:
        return await manual_transfers.order(tx, new_order(key), at=NOW)


async def lease_of(bakery: Bakery, source: str = SOURCE) -> Lease:
    async with bakery.ledger.write() as tx:
        lease = await leases.acquire(tx, NETWORK, source, holder="us", at=LATER, seconds=9)
    assert lease is not None
    return lease


async def sign(bakery: Bakery, transfer: ManualTransfer, counter: int, *, late: int = 0) -> int:
    lease = await lease_of(bakery, transfer.source)
    new = replace(
        new_operation(counter, operation_hash=f"oo-{transfer.id}-{counter}"),
        kind=OperationKind.MANUAL,
        source=transfer.source,
    )
    async with bakery.ledger.write() as tx:
        at = NOW + timedelta(days=late)
        return await manual_transfers.store_signed(tx, transfer, new, lease, at=at)


async def test_an_order_is_signed_by_one_group_only(bakery: Bakery) -> None:
    transfer = await ordered(bakery)
    await sign(bakery, transfer, 7)

    with pytest.raises((IntegrityError, IllegalTransitionError)):
        await sign(bakery, transfer, 8)
    async with bakery.ledger.read() as tx:
        signed = await manual_transfers.by_id(tx, transfer.id)
    assert (signed.state, signed.signed_at) == (ManualState.ASSIGNED, NOW)


async def test_a_payout_and_an_order_never_live_with_one_counter(bakery: Bakery) -> None:
    paying = await bakery.sign(await bakery.plan({"tz1-a": 90}), counter=7)
    await bakery.lead(paying, OperationState.INJECTED, OperationState.INCLUDED)
    transfer = await ordered(bakery)

    with pytest.raises(IntegrityError, match=r"counter_first|uq_operations_paying_counter"):
        await sign(bakery, transfer, 7)


async def test_a_payout_group_without_a_distribution_is_refused(bakery: Bakery) -> None:
    transfer = await ordered(bakery)
    lease = await lease_of(bakery)

    with pytest.raises(IntegrityError, match="payout_of_a_distribution"):
        async with bakery.ledger.write() as tx:
            await manual_transfers.store_signed(tx, transfer, new_operation(7), lease, at=NOW)


async def test_an_order_that_is_signed_cannot_be_given_up(bakery: Bakery) -> None:
    transfer = await ordered(bakery)
    await sign(bakery, transfer, 7)

    with pytest.raises(ConflictError, match="is signed already"):
        async with bakery.ledger.write() as tx:
            await manual_transfers.give_up(tx, transfer, "no", actor="test", at=NOW)


async def test_an_order_cannot_be_called_done_without_an_operation(bakery: Bakery) -> None:
    await ordered(bakery)

    with pytest.raises(IntegrityError, match="illegal move of manual_transfers"):
        async with bakery.ledger.write() as tx:
            await tx.execute(update(table).values(state=ManualState.DONE))


async def test_one_top_up_of_a_baker_is_under_way_at_a_time(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        first = await manual_transfers.order(tx, new_top_up("first"), at=NOW)

    with pytest.raises(IntegrityError):
        async with bakery.ledger.write() as tx:
            await manual_transfers.order(tx, new_top_up("second"), at=NOW)

    async with bakery.ledger.write() as tx:
        await manual_transfers.give_up(tx, first, "no", actor="test", at=NOW)
        await manual_transfers.order(tx, new_top_up("third"), at=NOW)


async def test_a_day_counts_what_is_signed_and_not_what_is_wanted_dead_or_of_another_day(
    bakery: Bakery,
) -> None:
    async def spent(days: int = 0) -> int:
        async with bakery.ledger.read() as tx:
            at = NOW + timedelta(days=days)
            return await manual_transfers.topped_up_since_midnight(tx, "tz1-baker", at)

    async with bakery.ledger.write() as tx:
        transfer = await manual_transfers.order(tx, new_top_up(amount=500), at=NOW)
    assert await spent() == 0
    operation_id = await sign(bakery, transfer, 7)
    assert (await spent(), await spent(days=1)) == (500, 0)
    async with bakery.ledger.write() as tx:
        await manual_transfers.release_operation(tx, operation_id, at=NOW, failed=None)
    assert await spent() == 0
    assert transfer.source == FUNDING


async def test_no_more_is_deducted_than_was_agreed_to(bakery: Bakery) -> None:
    first = await bakery.plan({"tz1-a": 90})
    second = await bakery.plan({"tz1-a": 90}, cycle=751)
    async with bakery.ledger.write() as tx:
        agreed = await deductions.agree(tx, new_deduction(100), at=NOW)
        await deductions.take(tx, agreed.id, first.id, Mutez(60))

    with pytest.raises(IntegrityError, match="more would be deducted than is left"):
        async with bakery.ledger.write() as tx:
            await deductions.take(tx, agreed.id, second.id, Mutez(41))

    async with bakery.ledger.write() as tx:
        await deductions.take(tx, agreed.id, second.id, Mutez(40))
        (seen,) = await deductions.of_baker(tx, "tz1-baker")
    assert (seen.taken, seen.left) == (100, 0)


async def test_of_a_waived_deduction_nothing_more_is_taken(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 90})
    async with bakery.ledger.write() as tx:
        agreed = await deductions.agree(tx, new_deduction(100), at=NOW)
        await deductions.waive(tx, agreed, actor="test", why="let it be", at=NOW)
        assert await deductions.open_ones(tx, "tz1-baker") == []

    with pytest.raises(IntegrityError, match="more would be deducted than is left"):
        async with bakery.ledger.write() as tx:
            await deductions.take(tx, agreed.id, distribution.id, Mutez(1))


async def test_a_deduction_needs_a_consent_and_a_key_of_its_own(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        agreed = await deductions.agree(tx, new_deduction(100), at=NOW)
        assert await deductions.agree(tx, new_deduction(100), at=NOW) == agreed
        with pytest.raises(ConflictError, match="is taken by a deduction"):
            await deductions.agree(tx, new_deduction(101), at=NOW)


async def test_operations_of_an_order_are_found_like_others(bakery: Bakery) -> None:
    transfer = await ordered(bakery)
    operation_id = await sign(bakery, transfer, 7)
    async with bakery.ledger.write() as tx:
        (found,) = await manual_transfers.of_operations(tx, [operation_id])
    assert found.id == transfer.id
