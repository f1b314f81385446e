"""A house of several processes turns a cycle for many bakers, whatever dies meanwhile."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

import httpx2
import pytest

from bakehouse.ledger import audit, bakers, distributions, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.opening import utc_now
from tests.e2e.house_of_processes import command, eventually, house
from tests.e2e.many_bakers import ManyBakers, OneOfMany, many_bakers
from tests.fault_scale import FAULT_SCALE
from tests.jobs.redis_server import free_port, redis_server
from tests.ledger.postgresql_server import running_server

#: With FAULT_SCALE=10 they are 200.
BAKERS = 8 if FAULT_SCALE == 1 else 20 * FAULT_SCALE
_LARGE = 200 if FAULT_SCALE == 1 else 400 * min(FAULT_SCALE, 10)
_BLOCK_SECONDS = 0.5
_PATIENCE_SECONDS = 180 + 60 * FAULT_SCALE
#: What happens, in an order that the seed decides; each of them at least once.
_HARM = (
    "worker killed",
    "worker ended",
    "scheduler killed",
    "redis killed",
    "redis loses everything",
)


@pytest.mark.timeout(2 * _PATIENCE_SECONDS)
async def test_whatever_is_killed_every_payout_of_every_baker_is_on_the_chain_once(
    tmp_path: Path,
) -> None:
    seed = Random().randrange(10**6)  # noqa: S311 - the dice of a game
    print(f"seed {seed}")  # noqa: T201 - for pytest
    chance = Random(seed)  # noqa: S311 - same
    harm = [*_HARM, *chance.choices(_HARM, k=3 * (FAULT_SCALE - 1))]
    chance.shuffle(harm)
    with running_server() as database:
        database.create("house", "ENCODING 'UTF8'")
        async with (
            many_bakers(BAKERS, large=_LARGE) as many,
            redis_server(tmp_path / "redis") as redis,
        ):
            environment = settings(many, database.url("house"), tmp_path)
            await command(environment, "migrate")
            ledger = await Ledger.join(database.url("house"))
            broken = many.bakers[-1]
            await register(ledger, many, broken)
            baking = asyncio.create_task(many.bake_by_the_clock(_BLOCK_SECONDS))
            try:
                async with house(redis, tmp_path, environment) as running:
                    for each in harm:
                        await asyncio.sleep(chance.uniform(0.5, 3))
                        await running.do_harm(chance, each)
                        print(running.done[-1])  # noqa: T201 - for pytest

                    async def is_paid() -> bool:
                        return await count_paid(ledger, many) == BAKERS - 1

                    await eventually(is_paid, "all are paid", _PATIENCE_SECONDS)
                    await everything_is_well(environment)
                await assert_paid_once(ledger, many)
                assert not many.transfers(broken), "whoever has no funds pays nobody"
            finally:
                baking.cancel()
                await ledger.close()


def settings(many: ManyBakers, database_url: str, folder: Path) -> dict[str, str]:
    key = folder / "secret.key"
    key.touch(mode=0o600)
    key.write_text("5e" * 32)
    return {
        "DATABASE_URL": database_url,
        "BAKEHOUSE_NETWORK": many.chain.chain_id,
        "BAKEHOUSE_NODE_URLS": many.url,
        "BAKEHOUSE_INDEXER_URLS": many.url,
        "BAKEHOUSE_REMOTE_SIGNER_URL": many.signer_url,
        "BAKEHOUSE_SECRET_KEY_FILE": str(key),
        "BAKEHOUSE_DATA_DIR": str(folder / "data"),
        "BAKEHOUSE_PORT": str(free_port()),
    }


async def register(ledger: Ledger, many: ManyBakers, broken: OneOfMany) -> None:
    """Register all, one of them with a wallet that holds nothing."""
    empty = many.chain.account(broken.payout_address, many.chain.head.level)
    assert empty is not None
    many.chain._ledger.record(many.chain.head.level, {broken.payout_address: None})
    async with ledger.write() as tx:
        for baker in many.bakers:
            await bakers.add(tx, many.registered(baker), actor="test", at=utc_now())


def key_of(many: ManyBakers, baker: OneOfMany) -> DistributionKey:
    chain_id, kind = many.chain.chain_id, DistributionKind.DELEGATORS
    return DistributionKey(chain_id, baker.baker_id, many.cycle, kind, Mode.ON)


async def count_paid(ledger: Ledger, many: ManyBakers) -> int:
    async with ledger.read() as tx:
        found = [await distributions.find(tx, key_of(many, each)) for each in many.bakers]
    return sum(each is not None and each.state is DistributionState.PAID for each in found)


async def assert_paid_once(ledger: Ledger, many: ManyBakers) -> None:
    """Match what each wallet has sent with what its baker owed, both ways."""
    async with ledger.read() as tx:
        assert await audit.first_broken_link(tx) is None
        for baker in many.bakers[:-1]:
            distribution = await distributions.get(tx, key_of(many, baker))
            rows = await payouts.of_distribution(tx, distribution)
            owed = Counter((each.address, each.net) for each in rows if each.net)
            sent = Counter(
                (each.destination, each.amount)
                for each in many.transfers(baker)
                if each.status == "applied"
            )
            assert {each.state for each in rows} == {PayoutState.PAID}
            assert sent == owed
            assert set(owed.values()) == {1}


async def everything_is_well(environment: dict[str, str]) -> None:
    """The pages answer, and say that what they depend on does."""
    url = f"http://127.0.0.1:{environment['BAKEHOUSE_PORT']}/health/ready"
    async with httpx2.AsyncClient() as client:

        async def are_ready() -> bool:
            try:
                return (await client.get(url)).is_success
            except httpx2.TransportError:
                # They may have ended for want of a Redis, and start again.
                return False

        await eventually(are_ready, "the pages are ready")
