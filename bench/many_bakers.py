"""What a minute of a house with a thousand bakers takes: rounds, and the pages people open."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from bakehouse.jobs.alert_watch import SignsOfLife, look_for_trouble
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.reconciler import follow_everyone, keep_in_step
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.opening import utc_now
from bakehouse.payments.payer import Payer
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.transport import JsonSource
from bakehouse.tezos.tzkt import TzktClient
from bakehouse.web.app import create_app
from bakehouse.web.services import WebServices

BAKERS = 1_000
CHAIN = "NetXdQprcVkpaWU"

#: Seconds, at most, on one core.
LIMITS = {
    "rounds, all schedules missing": 20.0,
    "rounds, nothing to do": 3.0,
    "alert watch": 2.0,
    "following": 1.0,
    "GET /": 2.0,
    "GET /schedules": 3.0,
    "GET /api/bakers": 1.0,
}


async def fill(ledger: Ledger) -> None:
    """Register the bakers, each with a cycle that is to be paid."""
    now = utc_now()
    async with ledger.write() as tx:
        for number in range(BAKERS):
            seed = number.to_bytes(4).ljust(SEED_SIZE, b"\1")
            address = SecretKey.from_seed(Curve.ED25519, seed).public_key.address
            baker = Baker(
                baker_id=address,
                network=CHAIN,
                payout_address=address,
                first_cycle=1_000,
                mode=Mode.ON,
            )
            await bakers.add(tx, baker, actor="bench", at=now)
            key = DistributionKey(CHAIN, address, 1_000, DistributionKind.DELEGATORS, Mode.ON)
            await distributions.ensure(tx, key, at=now)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[Workshop]:
    valkey = EmbeddedValkey(folder / "valkey")
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    await fill(ledger)
    async with httpx2.AsyncClient() as client, RedisCache(await valkey.start()) as cache:
        source = JsonSource("http://127.0.0.1:1", client)
        payer = Payer(
            ledger=ledger,
            node=NodeClient([source], chain_id=CHAIN, now=utc_now, head_age_seconds_max=60),
            indexer=TzktClient([source], chain_id=CHAIN),
            signers=Keyring(),
            clock=utc_now,
        )
        engine = JobEngine(valkey.address)
        await engine.connect()
        try:
            yield Workshop(payer, engine, cache)
        finally:
            await engine.close()
            await ledger.close()
            await valkey.stop()


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.process_time()
    await work()
    return time.process_time() - started


async def measured(folder: Path) -> dict[str, float]:
    async with house(folder) as workshop:
        scheduler = Scheduler(workshop)
        found = {
            "rounds, all schedules missing": await timed(lambda: keep_in_step(workshop, scheduler)),
            "rounds, nothing to do": await timed(lambda: keep_in_step(workshop, scheduler)),
        }
        signs: SignsOfLife = {}
        await look_for_trouble(workshop, signs)
        found["alert watch"] = await timed(lambda: look_for_trouble(workshop, signs))
        found["following"] = await timed(lambda: follow_everyone(workshop))
        services = WebServices(
            workshop=workshop,
            scheduler=scheduler,
            version="bench",
            secret_key=SecretKeyFile(folder / "secret.key", made_when_missing=True),
            api_token="bench",  # noqa: S106 - of this bench alone
            pages_are_open=True,
        )
        transport = httpx2.ASGITransport(create_app(services))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for path in ("/", "/schedules", "/api/bakers"):
                headers = {"Authorization": "Bearer bench"} if path.startswith("/api") else {}

                async def get(path: str = path, headers: dict[str, str] = headers) -> None:
                    (await client.get(path, headers=headers)).raise_for_status()

                await get()
                found[f"GET {path}"] = await timed(get)
    return found


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="bakehouse-bench-"))
    try:
        found = asyncio.run(measured(folder))
    finally:
        shutil.rmtree(folder)
    for name, seconds in found.items():
        print(f"{BAKERS} bakers: {name:32} {seconds:7.2f} s of CPU (limit {LIMITS[name]:.0f})")
    return int(any(seconds > LIMITS[name] for name, seconds in found.items()))


if __name__ == "__main__":
    raise SystemExit(main())
