"""Transactions: reading leaves nothing behind, writing is all or nothing."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError
from bakehouse.ledger import alerts, audit, bakers, distributions, operations, payouts
from bakehouse.ledger.alert_tables import alerts as table
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import DistributionState, PayoutState
from tests.ledger.bakery import (
    BAKER,
    NETWORK,
    NOW,
    SOURCE,
    Bakery,
    key_of,
    new_operation,
    plan,
    sign,
    states_of,
    store,
)
from tests.ledger.places import SQLITE


async def test_writing_while_reading_is_refused(bakery: Bakery) -> None:
    with pytest.raises(DBAPIError, match=r"readonly database|read-only transaction"):
        async with bakery.ledger.read() as tx:
            await distributions.ensure(tx, key_of(), at=NOW)

    async with bakery.ledger.read() as tx:
        assert await distributions.find(tx, key_of()) is None
        (latest,) = await audit.latest(tx)
    assert latest.action == "baker.added"


async def test_a_ledger_writes_and_reads_in_turn(bakery: Bakery) -> None:
    for cycle in range(3):
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key_of(cycle), at=NOW)
        async with bakery.ledger.read() as tx:
            assert await distributions.find(tx, key_of(cycle))


async def test_what_was_only_tried_is_taken_back_and_the_next_may_write(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        await bakers.change(tx, BAKER, {"update_freq": 77}, actor="test", at=NOW)
        assert (await bakers.get(tx, BAKER)).update_freq == 77
        await tx.rollback()

    async with bakery.ledger.write() as tx:
        baker = await bakers.change(tx, BAKER, {"payment_retries": 9}, actor="test", at=NOW)
        changed, added = await audit.latest(tx)
    assert (baker.update_freq, baker.payment_retries) == (10, 9)
    assert (changed.action, added.action) == ("baker.changed", "baker.added")


async def test_an_error_that_was_passed_over_undoes_nothing_in_silence(bakery: Bakery) -> None:
    async def pass_over_an_error() -> None:
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key_of(1), at=NOW)
            with pytest.raises(IntegrityError, match="net_positive"):
                await plan(tx, {"tz1-a": 0})

    # SQLite keeps what was right, PostgreSQL nothing: but then it must say so.
    with contextlib.suppress(ConflictError):
        await pass_over_an_error()
        async with bakery.ledger.read() as tx:
            assert await distributions.find(tx, key_of(1))
        return
    async with bakery.ledger.read() as tx:
        assert await distributions.find(tx, key_of(1)) is None


async def test_a_reader_sees_one_moment(bakery: Bakery, other: Ledger) -> None:
    async with bakery.ledger.read() as early:
        assert await distributions.find(early, key_of()) is None
        async with other.write() as tx:
            await distributions.ensure(tx, key_of(), at=NOW)
        assert await distributions.find(early, key_of()) is None

    async with bakery.ledger.read() as late:
        assert await distributions.find(late, key_of())


async def test_a_ledger_answers_while_somebody_writes(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        await distributions.ensure(tx, key_of(), at=NOW)
        await bakery.ledger.ping()


async def test_a_failure_undoes_all_that_was_written(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})

    async def sign_a_group_that_names_a_payout_twice() -> None:
        async with bakery.ledger.write() as tx:
            owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
            await sign(tx, distribution, new_operation(7, [*owed, *owed]))

    with pytest.raises(Exception, match="1 of 2 payouts could not become 'assigned'"):
        await sign_a_group_that_names_a_payout_twice()

    assert await states_of(bakery, distribution) == {"tz1-a": PayoutState.OWED}
    async with bakery.ledger.read() as tx:
        assert await operations.of_distribution(tx, distribution.id) == []
    # The counter is free again.
    await bakery.sign(distribution, counter=7)


async def test_a_cancelled_writer_leaves_nothing_and_frees_the_lock(
    bakery: Bakery, other: Ledger
) -> None:
    wrote = asyncio.Event()

    async def write_and_wait() -> None:
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key_of(1), at=NOW)
            wrote.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write_and_wait())
    await wrote.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    async with other.write() as tx:
        assert await distributions.find(tx, key_of(1)) is None
        await distributions.ensure(tx, key_of(2), at=NOW)


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_a_copy_taken_while_a_group_is_stored_is_whole(
    bakery: Bakery, ledger_file: Path, tmp_path: Path
) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    backup = tmp_path / "backup.db"
    async with bakery.ledger.write() as tx:
        owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
        await sign(tx, distribution, new_operation(7, owed))
        with (
            closing(sqlite3.connect(ledger_file)) as source,
            closing(sqlite3.connect(backup)) as to,
        ):
            source.backup(to)

    restored = await Ledger.open(f"sqlite:///{backup}")
    async with restored.read() as tx:
        assert await audit.first_broken_link(tx) is None
        assert await operations.of_distribution(tx, distribution.id) == []
        assert await payouts.count_by_state(tx, distribution) == {PayoutState.OWED: (1, 900)}
    await restored.close()


NAIVE = datetime(2026, 11, 24, 12, 30)  # noqa: DTZ001 - what must be refused

Deed = Callable[[AsyncConnection, datetime], Awaitable[Any]]


def entered_by(name: str) -> Baker:
    return Baker(baker_id=name, network=NETWORK, payout_address=SOURCE, first_cycle=0)


async def fail_the_cycle(tx: AsyncConnection, at: datetime) -> None:
    seen = await distributions.ensure(tx, key_of(), at=NOW)
    await distributions.enter_state(tx, seen, DistributionState.FAILED, at=at)


async def sign_nothing(tx: AsyncConnection, at: datetime) -> None:
    seen = await distributions.ensure(tx, key_of(), at=NOW)
    await store(tx, seen, new_operation(7), at=at)


DEEDS: dict[str, Deed] = {
    "bakers.add": lambda tx, at: bakers.add(tx, entered_by("tz1-new"), actor="test", at=at),
    "bakers.change": lambda tx, at: bakers.change(
        tx, BAKER, {"update_freq": 3}, actor="test", at=at
    ),
    "bakers.replace_fees": lambda tx, at: bakers.replace_fees(tx, BAKER, {}, actor="test", at=at),
    "bakers.replace_bond_pool": lambda tx, at: bakers.replace_bond_pool(
        tx, BAKER, [], actor="test", at=at
    ),
    "distributions.ensure": lambda tx, at: distributions.ensure(tx, key_of(), at=at),
    "distributions.enter_state": fail_the_cycle,
    "new_operations.store_signed": sign_nothing,
    "alerts.raise_alert": lambda tx, at: alerts.raise_alert(
        tx, code="c", subject="s", message="m", at=at
    ),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
async def test_a_time_without_a_zone_is_refused(bakery: Bakery, deed: Deed) -> None:
    with pytest.raises(StatementError, match="a time without a zone does not enter the ledger"):
        async with bakery.ledger.write() as tx:
            await deed(tx, NAIVE)


async def test_times_come_back_in_utc_to_the_microsecond(bakery: Bakery) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-3, minutes=-30)))
    async with bakery.ledger.write() as tx:
        entered = await distributions.ensure(tx, key_of(), at=there)

    assert (entered.created_at, entered.created_at.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_a_name_that_is_no_column_is_seen_by_these_tests(bakery: Bakery) -> None:
    with pytest.raises(AssertionError, match="alerts has no column mesage"):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(table), {"code": "c", "mesage": "misspelt"})
