"""What enters the ledger of money: once, in whole mutez, and only what adds up."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import distributions, payouts
from bakehouse.ledger.states import DistributionKind, Mode, OperationState, PayoutState
from bakehouse.ledger.table_parts import metadata
from bakehouse.ledger.transfers import transfers_of
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import NOW, Bakery, key_of, new_operation, new_payout, sign, states_of

# The words of SQLite, and those of PostgreSQL.
PAYOUT_IS_THERE = r"UNIQUE constraint failed: payouts|uq_payouts_identity"
DISTRIBUTION_IS_THERE = r'UNIQUE constraint failed: distributions|unique constraint "identity"'
HASH_IS_THERE = r"UNIQUE constraint failed: operations\.hash|uq_operations_hash"
NO_SUCH_BAKER = r"FOREIGN KEY constraint failed|fk_distributions_baker_id"


async def test_the_same_payout_is_not_owed_twice(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})

    with pytest.raises(IntegrityError, match=PAYOUT_IS_THERE):
        async with bakery.ledger.write() as tx:
            await payouts.add(tx, distribution, [new_payout("tz1-b", 5), new_payout("tz1-a", 1)])

    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.OWED}


async def test_a_payout_sent_elsewhere_is_the_same_payout(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    table = metadata.tables["payouts"]
    async with bakery.ledger.write() as tx:
        await tx.execute(update(table).values(address="tz1-cold-wallet"))

    with pytest.raises(IntegrityError, match=PAYOUT_IS_THERE):
        async with bakery.ledger.write() as tx:
            await payouts.add(tx, distribution, [new_payout("tz1-a", 900)])
    async with bakery.ledger.read() as tx:
        (redirected,) = await payouts.in_state(tx, distribution, PayoutState.OWED)
    assert (redirected.owed_to, redirected.address) == ("tz1-a", "tz1-cold-wallet")


async def test_one_person_is_owed_for_each_cycle_kind_and_mode(bakery: Bakery) -> None:
    keys = [
        key_of(cycle, kind, mode)
        for cycle in (1, 2)
        for kind in DistributionKind
        for mode in (Mode.SIMULATION, Mode.ON)
    ]
    async with bakery.ledger.write() as tx:
        for key in keys:
            distribution = await distributions.ensure(tx, key, at=NOW)
            row = replace(new_payout("tz1-a", 5), kind=str(key.kind))
            await payouts.add(tx, distribution, [row])
            assert await payouts.total_of_cycle(tx, distribution) == 5


async def test_a_distribution_is_entered_once(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        first = await distributions.ensure(tx, key_of(), at=NOW)
        again = await distributions.ensure(tx, key_of(), at=NOW)
    assert first == again

    table = metadata.tables["distributions"]
    copied = [column for column in table.c if column.name != "id"]
    with pytest.raises(IntegrityError, match=DISTRIBUTION_IS_THERE):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(table).from_select(copied, select(*copied)))


async def test_a_signed_hash_is_stored_once(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    signed = await bakery.sign(distribution, counter=7)
    await bakery.lead(signed, OperationState.DEAD)

    with pytest.raises(IntegrityError, match=HASH_IS_THERE):
        async with bakery.ledger.write() as tx:
            await sign(tx, distribution, new_operation(8, operation_hash=signed.hash))


@pytest.mark.parametrize("amount", [1, 10**15, 2**63 - 1])
async def test_amounts_survive_to_the_mutez(bakery: Bakery, amount: int) -> None:
    row = replace(
        new_payout("tz1-whale", amount // 3 + 1),
        gross=Mutez(amount),
        delegated_balance=Mutez(amount),
    )
    async with bakery.ledger.write() as tx:
        distribution = await distributions.ensure(tx, key_of(), at=NOW)
        await payouts.add(tx, distribution, [row])
        (owed,) = await payouts.in_state(tx, distribution, PayoutState.OWED)
        operation = await sign(tx, distribution, new_operation(amount, [owed]))
        (transfer,) = await transfers_of(tx, operation.id)

    assert (owed.gross, owed.delegated_balance) == (amount, amount)
    assert operation.counter_first == amount
    assert transfer.amount == owed.net == amount // 3 + 1


@pytest.mark.parametrize("net", [0, -1])
async def test_a_payout_of_nothing_is_refused(bakery: Bakery, net: int) -> None:
    with pytest.raises(IntegrityError, match="net_positive"):
        await bakery.plan({"tz1-a": net})


@pytest.mark.parametrize("excess", [-1, 1])
async def test_a_plan_that_does_not_add_up_is_refused(bakery: Bakery, excess: int) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    figures = replace(distribution.figures, pool=Mutez(distribution.figures.pool + excess))

    with pytest.raises(IntegrityError, match="adds_up"):
        async with bakery.ledger.write() as tx:
            await distributions.store_plan(
                tx, distribution, figures, snapshot="{}", snapshot_sha256="", at=NOW
            )


async def test_a_payout_is_assigned_only_with_a_transfer(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    for state in (PayoutState.ASSIGNED, PayoutState.PAID):
        with pytest.raises(IntegrityError, match="assigned_has_transfer"):
            async with bakery.ledger.write() as tx:
                await payouts.add(tx, distribution, [new_payout("tz1-b", 5, state)])


async def test_a_payout_of_an_unknown_baker_is_refused(bakery: Bakery) -> None:
    key = replace(key_of(), baker_id="tz1-stranger")

    with pytest.raises(IntegrityError, match=NO_SUCH_BAKER):
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key, at=NOW)
