"""Two writers on one database: they take turns, and the database refuses whoever comes too late."""

import asyncio
import re

from sqlalchemy.exc import IntegrityError

from bakehouse.ledger import audit, distributions, operations, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import IN_FLIGHT, OperationState, PayoutState
from tests.ledger.bakery import (
    BAKER,
    NETWORK,
    NOW,
    SOURCE,
    Bakery,
    enter,
    key_of,
    new_operation,
    sign,
)


async def test_a_writer_sees_what_was_written_until_its_turn(bakery: Bakery, other: Ledger) -> None:
    holds_the_lock, may_end = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key_of(1), at=NOW)
            holds_the_lock.set()
            await may_end.wait()

    async def second() -> bool:
        await holds_the_lock.wait()
        may_end.set()
        async with other.write() as tx:
            return await distributions.find(tx, key_of(1)) is not None

    assert (await asyncio.gather(first(), second()))[1]


async def test_no_update_is_lost_between_two_writers(bakery: Bakery, other: Ledger) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    await bakery.sign(distribution, counter=7)

    async def one_level_further(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            (operation,) = await operations.of_distribution(tx, distribution.id)
            await operations.mark_scanned(tx, operation, operation.scanned_level + 1)

    await asyncio.gather(*(one_level_further(who) for who in (bakery.ledger, other) * 10))

    async with other.read() as tx:
        (operation,) = await operations.of_distribution(tx, distribution.id)
    assert operation.scanned_level == 1_500 + 20


async def test_two_writers_make_one_audit_chain(bakery: Bakery, other: Ledger) -> None:
    async def tell(ledger: Ledger, number: int) -> None:
        async with ledger.write() as tx:
            await audit.record(tx, AuditEvent(NOW, "alice", "said", str(number), {}))

    writers = [bakery.ledger, other]
    await asyncio.gather(*(tell(writers[number % 2], number) for number in range(20)))

    async with other.read() as tx:
        assert await audit.first_broken_link(tx) is None
        told = {event.subject for event in await audit.latest(tx)}
    assert told == {BAKER, *map(str, range(20))}


async def test_of_two_signers_one_is_refused(bakery: Bakery, other: Ledger) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    both_read = asyncio.Barrier(2)

    async def sign_what_is_owed(ledger: Ledger, counter: int) -> Operation:
        async with ledger.read() as tx:
            assert await operations.in_states(tx, NETWORK, SOURCE, IN_FLIGHT) == []
            owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
        await both_read.wait()
        async with ledger.write() as tx:
            return await sign(tx, distribution, new_operation(counter, owed))

    ended = await asyncio.gather(
        sign_what_is_owed(bakery.ledger, 7), sign_what_is_owed(other, 8), return_exceptions=True
    )

    (signed,) = [result for result in ended if isinstance(result, Operation)]
    (refused,) = [result for result in ended if isinstance(result, IntegrityError)]
    assert "an operation of this source is in flight" in str(refused)
    async with other.read() as tx:
        assert await operations.of_distribution(tx, distribution.id) == [signed]


async def test_of_two_groups_with_one_counter_one_is_refused(bakery: Bakery, other: Ledger) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    both_ready = asyncio.Barrier(2)

    async def sign_and_see_it_in_a_block(ledger: Ledger, name: str) -> str:
        await both_ready.wait()
        async with ledger.write() as tx:
            operation = await sign(tx, distribution, new_operation(7, operation_hash=name))
            await enter(tx, operation, OperationState.INJECTED)
            await enter(tx, operation, OperationState.INCLUDED)
        return name

    ended = await asyncio.gather(
        sign_and_see_it_in_a_block(bakery.ledger, "oo-x"),
        sign_and_see_it_in_a_block(other, "oo-y"),
        return_exceptions=True,
    )

    (name,) = [result for result in ended if isinstance(result, str)]
    (refused,) = [result for result in ended if isinstance(result, IntegrityError)]
    assert re.search(r"operations\.counter_first|uq_operations_counter", str(refused))
    async with other.read() as tx:
        stored = await operations.of_distribution(tx, distribution.id)
    assert [operation.hash for operation in stored] == [name]


async def test_a_cycle_found_by_two_at_once_is_entered_once(bakery: Bakery, other: Ledger) -> None:
    async def find_it(ledger: Ledger) -> int:
        async with ledger.write() as tx:
            return (await distributions.ensure(tx, key_of(), at=NOW)).id

    found = await asyncio.gather(*(find_it(who) for who in (bakery.ledger, other) * 4))

    assert len(set(found)) == 1
