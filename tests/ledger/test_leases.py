"""Leases: one holder at a time for each address, and whoever was overtaken stores nothing."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bakehouse.errors import OvertakenError
from bakehouse.ledger import audit, leases, new_operations, operations, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.schema import source_leases
from bakehouse.ledger.states import PayoutState
from tests.ledger.bakery import NETWORK, NOW, SOURCE, Bakery, new_operation

SECONDS = 60
ROUNDS = 12


def later(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def acquire(
    ledger: Ledger, holder: str, at: datetime = NOW, source: str = SOURCE
) -> Lease | None:
    async with ledger.write() as tx:
        return await leases.acquire(tx, NETWORK, source, holder=holder, at=at, seconds=SECONDS)


async def acquired(ledger: Ledger, holder: str, at: datetime = NOW) -> Lease:
    lease = await acquire(ledger, holder, at)
    assert lease is not None
    return lease


async def holder_and_end(ledger: Ledger) -> tuple[str, int, datetime]:
    async with ledger.read() as tx:
        row = (await tx.execute(select(source_leases))).one()
    return row.holder, row.token, row.expires_at


async def test_the_first_who_asks_holds_the_lease(ledger: Ledger) -> None:
    assert await acquire(ledger, "a") == Lease(NETWORK, SOURCE, "a", 1)
    assert await holder_and_end(ledger) == ("a", 1, later(SECONDS))


@pytest.mark.parametrize("seconds", [0, SECONDS - 1])
async def test_a_lease_that_is_held_is_refused(ledger: Ledger, seconds: int) -> None:
    await acquired(ledger, "a")

    assert await acquire(ledger, "b", later(seconds)) is None
    assert await holder_and_end(ledger) == ("a", 1, later(SECONDS))


@pytest.mark.parametrize("seconds", [SECONDS, SECONDS + 1, 10**6])
async def test_a_lease_that_has_run_out_is_taken_over(ledger: Ledger, seconds: int) -> None:
    await acquired(ledger, "a")

    assert await acquire(ledger, "b", later(seconds)) == Lease(NETWORK, SOURCE, "b", 2)


async def test_whoever_holds_it_may_take_it_again_with_a_higher_token(ledger: Ledger) -> None:
    # The same name after a restart: what the process before it signed must not pass any more.
    assert [(await acquired(ledger, "a")).token for _ in range(3)] == [1, 2, 3]


async def test_a_lease_from_a_clock_gone_wrong_holds_nobody_up(ledger: Ledger) -> None:
    await acquired(ledger, "a", later(10**8))

    assert await acquire(ledger, "b") == Lease(NETWORK, SOURCE, "b", 2)


async def test_each_address_and_network_has_a_lease_of_its_own(ledger: Ledger) -> None:
    await acquired(ledger, "a")
    async with ledger.write() as tx:
        elsewhere = await leases.acquire(
            tx, "NetXnHfVqm9iesp", SOURCE, holder="b", at=NOW, seconds=SECONDS
        )

    assert elsewhere == Lease("NetXnHfVqm9iesp", SOURCE, "b", 1)
    assert await acquire(ledger, "b", source="tz1-other") == Lease(NETWORK, "tz1-other", "b", 1)


async def test_a_token_always_grows_whoever_comes_and_goes(ledger: Ledger) -> None:
    tokens = []
    for number in range(9):
        at = later(number * 2 * SECONDS)
        lease = await acquired(ledger, f"holder {number % 3}", at)
        tokens.append(lease.token)
        async with ledger.write() as tx:
            if number % 2:
                await leases.release(tx, lease, at=at)
            else:
                assert await leases.renew(tx, lease, at=at, seconds=SECONDS)

    assert tokens == list(range(1, 10))


async def test_a_renewed_lease_lasts_longer(ledger: Ledger) -> None:
    lease = await acquired(ledger, "a")
    async with ledger.write() as tx:
        assert await leases.renew(tx, lease, at=later(50), seconds=SECONDS)

    assert await acquire(ledger, "b", later(50 + SECONDS - 1)) is None
    assert await acquire(ledger, "b", later(50 + SECONDS)) == Lease(NETWORK, SOURCE, "b", 2)


async def test_a_released_lease_is_free_at_once(ledger: Ledger) -> None:
    lease = await acquired(ledger, "a")
    async with ledger.write() as tx:
        await leases.release(tx, lease, at=later(1))

    assert await acquire(ledger, "b", later(1)) == Lease(NETWORK, SOURCE, "b", 2)


async def test_whoever_was_overtaken_neither_renews_nor_releases(ledger: Ledger) -> None:
    overtaken = await acquired(ledger, "a")
    await acquired(ledger, "b", later(SECONDS))
    before = await holder_and_end(ledger)

    async with ledger.write() as tx:
        assert not await leases.renew(tx, overtaken, at=later(SECONDS), seconds=10**6)
        await leases.release(tx, overtaken, at=later(SECONDS))

    assert await holder_and_end(ledger) == before


async def test_only_the_newest_token_may_sign(ledger: Ledger) -> None:
    overtaken = await acquired(ledger, "a")
    current = await acquired(ledger, "a")

    async with ledger.read() as tx:
        await leases.require_current(tx, current)
        with pytest.raises(OvertakenError) as refused:
            await leases.require_current(tx, overtaken)
    assert str(refused.value) == (
        f"another process signs for {SOURCE} now (lease 2, ours was 1): "
        "what this one signed is thrown away unsent"
    )


async def test_a_lease_that_nobody_gave_may_not_sign(ledger: Ledger) -> None:
    async with ledger.read() as tx:
        with pytest.raises(OvertakenError, match="lease None, ours was 1"):
            await leases.require_current(tx, Lease(NETWORK, SOURCE, "a", 1))


async def test_a_lease_that_has_run_out_signs_as_long_as_nobody_took_it(bakery: Bakery) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    lease = await acquired(bakery.ledger, "a")
    async with bakery.ledger.write() as tx:
        await new_operations.store_signed(
            tx, distribution, new_operation(7), lease, at=later(2 * SECONDS)
        )
        (stored,) = await operations.of_distribution(tx, distribution.id)

    assert stored.lease_token == lease.token


async def test_what_an_overtaken_holder_signed_is_not_stored(bakery: Bakery, other: Ledger) -> None:
    distribution = await bakery.plan({"tz1-a": 900})
    overtaken = await acquired(bakery.ledger, "a")
    await acquired(other, "b", later(SECONDS))
    before = await events(other)
    async with bakery.ledger.read() as tx:
        new = new_operation(7, await payouts.in_state(tx, distribution, PayoutState.OWED))

    with pytest.raises(OvertakenError):
        async with bakery.ledger.write() as tx:
            await new_operations.store_signed(tx, distribution, new, overtaken, at=later(SECONDS))

    async with other.read() as tx:
        assert await operations.of_distribution(tx, distribution.id) == []
        assert await payouts.count_by_state(tx, distribution) == {PayoutState.OWED: (1, 900)}
    assert await events(other) == before


async def events(ledger: Ledger) -> int:
    async with ledger.read() as tx:
        return len(await audit.latest(tx))


async def test_of_a_signer_and_who_overtakes_it_one_is_first(bakery: Bakery, other: Ledger) -> None:
    """Either the signature is stored and the overtaker sees it, or it is refused."""
    distribution = await bakery.plan({"tz1-a": 900})
    lease = await acquired(bakery.ledger, "a")
    both_ready = asyncio.Barrier(2)

    async def sign() -> bool:
        await both_ready.wait()
        try:
            async with bakery.ledger.write() as tx:
                await new_operations.store_signed(tx, distribution, new_operation(7), lease, at=NOW)
        except OvertakenError:
            return False
        return True

    async def overtake() -> int:
        await both_ready.wait()
        async with other.write() as tx:
            taken = await leases.acquire(
                tx, NETWORK, SOURCE, holder="b", at=later(SECONDS), seconds=SECONDS
            )
            assert taken is not None
            return len(await operations.of_distribution(tx, distribution.id))

    signed, seen = await asyncio.gather(sign(), overtake())

    assert seen == int(signed)
    async with other.read() as tx:
        assert len(await operations.of_distribution(tx, distribution.id)) == seen


@pytest.fixture
def racers(bakery: Bakery, ledger_url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that have the ledger open."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - this Python
                    [sys.executable, "-m", "tests.ledger.racer", ledger_url, name],
                    cwd=Path(__file__).parents[2],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for name in ("a", "b")
        ]
        assert [answer_of(racer) for racer in started] == ["ready", "ready"]
        yield started
        # Each ends with its input; leaving the stack waits for that.


def answer_of(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout
    return racer.stdout.readline().strip()


async def test_of_two_processes_one_gets_the_lease_each_time(
    racers: list[subprocess.Popen[str]],
) -> None:
    for number in range(1, ROUNDS + 1):
        for racer in racers:
            assert racer.stdin
            print(number, file=racer.stdin, flush=True)
        got = [int(await asyncio.to_thread(answer_of, racer)) for racer in racers]
        assert sorted(got) == [0, number]
