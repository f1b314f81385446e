"""What a row says of money: nothing is owed twice, nothing is edited, nothing is deleted."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import UpdateBase, delete, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import distributions, operations, payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.migrations.versions import v0001_first
from bakehouse.ledger.schema import metadata
from bakehouse.ledger.states import DistributionKind, Mode, OperationState, PayoutState
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import NOW, Bakery, key_of, new_operation, new_payout, sign, states_of

MONEY = ("distributions", "operations", "transfers", "payouts", "attempts", "audit_events")
FIXED = [(table, column) for table, columns in v0001_first.FIXED.items() for column in columns]

#: What may change of a row once it is written: how far it came, and what was heard of it.
CHANGING = {
    "payouts": {"id", "address", "paid_with_id", "state", "transfer_id", "reason"},
    "operations": {
        *("id", "baker_id", "distribution_id", "protocol", "state", "scanned_level"),
        *("included_level", "included_block", "applied", "created_at", "updated_at"),
    },
    "transfers": {"id", "gas_limit", "storage_limit", "status", "burn"},
}


@pytest.fixture
async def full(bakery: Bakery) -> Distribution:
    """A cycle with rows in every table of money, and nothing in flight."""
    distribution = await bakery.plan({"tz1-a": 900, "tz1-b": 90})
    operation = await bakery.sign(distribution, counter=7)
    await bakery.lead(operation, OperationState.INJECTED, OperationState.INCLUDED)
    async with bakery.ledger.write() as tx:
        await operations.record_attempt(tx, operation, at=NOW, node="n", answer="accepted")
    return distribution


async def test_the_same_payout_is_not_owed_twice(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})

    with pytest.raises(IntegrityError, match="UNIQUE constraint failed: payouts"):
        async with bakery.ledger.write() as tx:
            await payouts.add(tx, distribution, [new_payout("tz1-b", 5), new_payout("tz1-a", 1)])

    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.OWED}


async def test_a_payout_sent_elsewhere_is_the_same_payout(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    table = metadata.tables["payouts"]
    async with bakery.ledger.write() as tx:
        await tx.execute(update(table).values(address="tz1-cold-wallet"))

    with pytest.raises(IntegrityError, match="UNIQUE constraint failed: payouts"):
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
    with pytest.raises(IntegrityError, match="UNIQUE constraint failed: distributions"):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(table).from_select(copied, select(*copied)))


async def test_a_signed_hash_is_stored_once(bakery: Bakery, full: Distribution) -> None:
    async with bakery.ledger.read() as tx:
        (signed,) = await operations.of_distribution(tx, full.id)

    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: operations\.hash"):
        async with bakery.ledger.write() as tx:
            await sign(tx, full, new_operation(8, operation_hash=signed.hash))


@pytest.mark.parametrize(("table", "column"), FIXED)
async def test_what_a_row_says_of_money_cannot_be_edited(
    bakery: Bakery, full: Distribution, table: str, column: str
) -> None:
    # Another integer, or another text: either way not what was written.
    edited = update(metadata.tables[table]).values({column: literal_column(f"{column} || '1'")})

    await refuses(bakery, edited, f"what {table} say may not change")


@pytest.mark.parametrize("table", CHANGING)
def test_every_other_column_is_fixed(table: str) -> None:
    others = set(metadata.tables[table].c.keys()) - CHANGING[table]

    assert others <= set(v0001_first.FIXED[table])


@pytest.mark.parametrize("table", MONEY)
async def test_no_row_of_money_is_deleted(bakery: Bakery, full: Distribution, table: str) -> None:
    await refuses(bakery, delete(metadata.tables[table]), "kept for ever|append-only")


@pytest.mark.parametrize("table", MONEY)
async def test_no_row_of_money_is_replaced(bakery: Bakery, full: Distribution, table: str) -> None:
    # REPLACE deletes first: without recursive triggers nobody would be asked.
    rows = metadata.tables[table]
    replaced = insert(rows).prefix_with("OR REPLACE").from_select(list(rows.c), select(rows))

    await refuses(bakery, replaced, "kept for ever|append-only")


@pytest.mark.parametrize("table", ["attempts", "audit_events"])
async def test_evidence_is_only_ever_added(bakery: Bakery, full: Distribution, table: str) -> None:
    evidence = metadata.tables[table]

    await refuses(bakery, update(evidence).values(at=evidence.c.at), f"{table} is append-only")


async def refuses(bakery: Bakery, statement: UpdateBase, complaint: str) -> None:
    """Prove that the database stops a statement, which would have met at least one row."""
    before = await everything_in(bakery)
    with pytest.raises(IntegrityError, match=complaint):
        async with bakery.ledger.write() as tx:
            await tx.execute(statement)
    assert await everything_in(bakery) == before


async def everything_in(bakery: Bakery) -> dict[str, list[Any]]:
    async with bakery.ledger.read() as tx:
        return {
            table: [tuple(row) for row in await tx.execute(select(metadata.tables[table]))]
            for table in MONEY
        }


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
        (transfer,) = await operations.transfers_of(tx, operation.id)

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

    with pytest.raises(IntegrityError, match="FOREIGN KEY constraint failed"):
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key, at=NOW)
