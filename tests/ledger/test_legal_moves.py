"""Every pair of states, of everything that has states: code and database allow the same moves."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Table, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import IllegalTransitionError
from bakehouse.ledger import announcement_tables, by_hand_tables, payouts, schema
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.migrations import announcement_guards, by_hand_guards
from bakehouse.ledger.states import (
    ANNOUNCEMENT_MOVES,
    DISTRIBUTION_MOVES,
    IN_FLIGHT,
    MANUAL_MOVES,
    MOVES,
    OPERATION_MOVES,
    PAYOUT_MOVES,
    AnnouncementState,
    Death,
    DistributionState,
    ManualState,
    OperationState,
    PayoutState,
)
from bakehouse.ledger.transition import move, state_of
from bakehouse.rewards.money import NO_MUTEZ
from tests.ledger.bakery import BAKER, NETWORK, NOW, Bakery, plan, undone
from tests.ledger.places import SQLITE

#: What has states, whichever modules were imported before.
TABLES: Mapping[str, Table] = {
    each.name: each
    for each in (
        schema.distributions,
        schema.payouts,
        schema.operations,
        by_hand_tables.manual_transfers,
        announcement_tables.announcements,
    )
}

# One database for the module: each test works in a transaction that is rolled back.
pytestmark = pytest.mark.asyncio(loop_scope="module")

LEFT = [
    pytest.param(name, left, id=f"{name}-{left}") for name, moves in MOVES.items() for left in moves
]


# What the rows point to: the first distribution, and the first transfer.
FIRST = 1

ROWS: Mapping[str, Mapping[str, Any]] = {
    "distributions": {
        "network": NETWORK,
        "baker_id": BAKER,
        "cycle": 2,
        "kind": "delegators",
        "mode": "on",
        "created_at": NOW,
        "updated_at": NOW,
    },
    "payouts": {
        "distribution_id": FIRST,
        "paid_with_id": FIRST,
        "network": NETWORK,
        "baker_id": BAKER,
        "cycle": 2,
        "mode": "on",
        "kind": "delegator",
        "owed_to": "tz1-second",
        "address": "tz1-second",
        "delegated_balance": 1,
        "gross": 1,
        "fee_basis_points": 0,
        "fee": 0,
        "net": 1,
    },
    "operations": {
        "network": NETWORK,
        "baker_id": BAKER,
        "distribution_id": FIRST,
        "source": "tz1-other",
        "kind": "payout",
        "hash": "oo-2",
        "signed_bytes": b"2",
        "protocol": "P",
        "branch": "B",
        "branch_level": 1,
        "last_includable_level": 2,
        "counter_first": 2,
        "content_count": 1,
        "total_fee": 1,
        "gas_limit": 1,
        "born_level": 1,
        "born_block": "B",
        "lease_token": 1,
        "scanned_level": 1,
        "created_at": NOW,
        "updated_at": NOW,
    },
    "manual_transfers": {
        "network": NETWORK,
        "baker_id": BAKER,
        "origin": "transfer",
        "idempotence_key": "second",
        "source": "tz1-payout",
        "destination": "tz1-friend",
        "amount": 1,
        "spends_owed": False,
        "actor": "test",
        "why": "test",
        "ordered_level": 1,
        "ordered_at": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    },
    "announcements": {
        "baker_id": BAKER,
        "cycle": 2,
        "distribution_id": FIRST,
        "channel": "public",
        "attempts": 0,
        "created_at": NOW,
        "next_at": NOW,
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def first(shared_ledger: Ledger) -> Ledger:
    """A ledger with a distribution and a transfer, which the rows of the tests point to."""
    bakery = await Bakery.found(shared_ledger)
    await bakery.sign(await bakery.plan({"tz1-first": 90}, cycle=1), counter=1)
    return shared_ledger


@pytest_asyncio.fixture(loop_scope="module")
async def tx(first: Ledger) -> AsyncIterator[AsyncConnection]:
    async with undone(first) as connection:
        yield connection


async def row_in(tx: AsyncConnection, table: Table, state: str) -> int:
    """Enter a row in this very state; gives its id."""
    values = {**ROWS[table.name], **belongings(table.name, state)}
    entry = insert(table).values(state=state, **values).returning(table.c.id)
    return int((await tx.execute(entry)).scalar_one())


def belongings(table: str, state: str) -> dict[str, Any]:
    """What the table's checks want beside a state, so that only the move itself is in question."""
    if table == "payouts":
        has_transfer = state in {PayoutState.ASSIGNED, PayoutState.PAID}
        return {"transfer_id": FIRST if has_transfer else None}
    if table == "operations":
        is_in_block = state in {OperationState.INCLUDED, OperationState.FINAL}
        death = Death.EXPIRED if state == OperationState.DEAD else None
        return {"included_level": 7 if is_in_block else None, "death": death}
    if table == "manual_transfers":
        is_bound = state in {ManualState.ASSIGNED, ManualState.DONE}
        return {"operation_id": FIRST if is_bound else None, "signed_at": NOW if is_bound else None}
    if table == "announcements":
        return {
            "claimed_at": NOW if state == AnnouncementState.SENDING else None,
            "sent_at": NOW if state == AnnouncementState.SENT else None,
        }
    return {}


@pytest.mark.parametrize(("name", "left"), LEFT)
async def test_code_refuses_exactly_the_illegal_moves(
    tx: AsyncConnection, name: str, left: str
) -> None:
    table, refused = TABLES[name], {}
    for entered in MOVES[name]:
        async with tx.begin_nested() as each:
            row_id = await row_in(tx, table, left)
            try:
                await move(tx, table, [row_id], entered, **belongings(name, entered))
            except IllegalTransitionError as error:
                refused[entered] = str(error)
            assert await state_of(tx, table, row_id) == (left if entered in refused else entered)
            await each.rollback()

    assert MOVES[name].keys() - refused.keys() == MOVES[name][left]
    assert all(f"1 of 1 {name} could not become" in said for said in refused.values())


@pytest.mark.parametrize(("name", "left"), LEFT)
async def test_the_database_refuses_exactly_the_illegal_moves(
    tx: AsyncConnection, name: str, left: str
) -> None:
    table, refused = TABLES[name], {}
    others = MOVES[name].keys() - {left}
    for entered in others:
        async with tx.begin_nested() as each:
            row_id = await row_in(tx, table, left)
            row = update(table).where(table.c.id == row_id)
            try:
                # PostgreSQL goes on after an error only from a point set before.
                async with tx.begin_nested():
                    await tx.execute(row.values(state=entered, **belongings(name, entered)))
            except IntegrityError as error:
                refused[entered] = str(error)
            assert await state_of(tx, table, row_id) == (left if entered in refused else entered)
            await each.rollback()

    assert others - refused.keys() == MOVES[name][left]
    assert all(f"illegal move of {name}" in said for said in refused.values())


@pytest.mark.parametrize("name", MOVES)
async def test_the_database_knows_no_other_states(tx: AsyncConnection, name: str) -> None:
    table = TABLES[name]

    with pytest.raises(IntegrityError, match="state_known"):
        await row_in(tx, table, "lost")


async def test_a_row_named_twice_is_refused(tx: AsyncConnection) -> None:
    row_id = await row_in(tx, TABLES["payouts"], PayoutState.OWED)

    with pytest.raises(IllegalTransitionError, match=r"1 of 2 payouts could not become 'assigned'"):
        await payouts.assign(tx, [(row_id, FIRST, NO_MUTEZ), (row_id, FIRST, NO_MUTEZ)])


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_more_rows_move_at_once_than_one_statement_can_name(tx: AsyncConnection) -> None:
    distribution = await plan(tx, {f"tz1-{number}": 1 for number in range(10_003)})
    ids = [row.id for row in await payouts.in_state(tx, distribution, PayoutState.OWED)]

    await payouts.hold(tx, ids, "a person looks at all of them")

    counts = await payouts.count_by_state(tx, distribution)
    assert counts == {PayoutState.HELD: (10_003, 10_003)}


async def test_a_state_that_nothing_enters_is_refused_in_a_full_sentence(
    tx: AsyncConnection,
) -> None:
    with pytest.raises(IllegalTransitionError, match="become 'seen': only nothing may"):
        await move(tx, TABLES["distributions"], [FIRST], DistributionState.SEEN)


async def test_a_move_that_would_set_what_is_no_column_is_refused(tx: AsyncConnection) -> None:
    row_id = await row_in(tx, TABLES["payouts"], PayoutState.OWED)

    with pytest.raises(ValueError, match="payouts has no column resaon"):
        await move(tx, TABLES["payouts"], [row_id], PayoutState.HELD, resaon="misspelt")

    assert await state_of(tx, TABLES["payouts"], row_id) == PayoutState.OWED


async def test_the_migration_spells_out_the_moves_the_code_allows() -> None:
    spelled_out = {
        table: {left: frozenset(entered) for left, entered in moves.items()}
        for table, moves in {**by_hand_guards.MOVES, **announcement_guards.MOVES}.items()
    }
    allowed = {
        table: {left: entered for left, entered in moves.items() if entered}
        for table, moves in MOVES.items()
    }
    assert spelled_out == allowed


async def test_the_moves_speak_of_every_state_and_of_no_other() -> None:
    assert set(DISTRIBUTION_MOVES) == set(DistributionState)
    assert set(PAYOUT_MOVES) == set(PayoutState)
    assert set(OPERATION_MOVES) == set(OperationState)
    assert set(MANUAL_MOVES) == set(ManualState)
    assert set(ANNOUNCEMENT_MOVES) == set(AnnouncementState)
    for moves in MOVES.values():
        assert {entered for all_entered in moves.values() for entered in all_entered} <= set(moves)


async def test_what_is_paid_final_or_dead_stays_so() -> None:
    ends = {
        table: {state for state, entered in moves.items() if not entered}
        for table, moves in MOVES.items()
    }
    assert ends == {
        # What is paid may only go back to paying, for payouts that were held until then.
        "distributions": {DistributionState.SIMULATED},
        "payouts": {PayoutState.PAID, PayoutState.DROPPED, PayoutState.SIMULATED},
        "operations": {OperationState.FINAL, OperationState.DEAD},
        "manual_transfers": {ManualState.DONE},
        "announcements": {AnnouncementState.SENT},
    }
    assert DISTRIBUTION_MOVES[DistributionState.PAID] == {DistributionState.PAYING}


async def test_an_operation_in_a_block_dies_only_after_it_was_taken_out() -> None:
    dying = {left for left, entered in OPERATION_MOVES.items() if OperationState.DEAD in entered}
    assert dying == IN_FLIGHT
