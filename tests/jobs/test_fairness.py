"""A baker with very many delegators, or with a wallet nobody filled, keeps no other waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest

from bakehouse.jobs import job_requests
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.processors.distribute import distribute, mark_failed
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import SETTLED_DISTRIBUTIONS, DistributionKind, Mode
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource
from bakehouse.tezos.tzkt import TzktClient
from tests.e2e.many_bakers import ManyBakers, OneOfMany, many_bakers
from tests.fault_scale import FAULT_SCALE
from tests.jobs.clock_and_cable import utc_now

SMALL = 3
#: 60,000 in the largest size: FAULT_SCALE=1000.
LARGE = min(60_000, 60 * FAULT_SCALE)
_PATIENCE_SECONDS = 50 * FAULT_SCALE
#: So few that the large one takes many groups.
LIMITS = PaymentLimits(transfers_max=max(20, LARGE // 20))


@dataclass
class Place:
    many: ManyBakers
    workshop: Workshop

    def key(self, baker: OneOfMany) -> DistributionKey:
        chain_id, kind = self.many.chain.chain_id, DistributionKind.DELEGATORS
        return DistributionKey(chain_id, baker.baker_id, self.many.cycle, kind, Mode.ON)

    async def settled(self) -> list[str]:
        """Who is settled, in the order of that."""
        async with self.workshop.payer.ledger.read() as tx:
            found = [await distributions.get(tx, self.key(each)) for each in self.many.bakers]
        done = [each for each in found if each.state in SETTLED_DISTRIBUTIONS]
        return [each.key.baker_id for each in sorted(done, key=lambda each: each.updated_at)]


@asynccontextmanager
async def place_of(many: ManyBakers, engine: JobEngine, ledger: Ledger) -> AsyncIterator[Place]:
    async with httpx2.AsyncClient() as client, RedisCache(engine.address) as cache:
        chain_id = many.chain.chain_id
        payer = Payer(
            ledger=ledger,
            node=NodeClient(
                [JsonSource(many.url, client)],
                chain_id=chain_id,
                now=utc_now,
                head_age_seconds_max=60,
                is_shared=True,
            ),
            indexer=TzktClient([JsonSource(many.url, client)], chain_id=chain_id),
            signers=Keyring([LocalSigner(each.payout_key) for each in many.bakers]),
            clock=utc_now,
            limits=LIMITS,
        )
        yield Place(many, Workshop(payer, engine, cache, 1))


@pytest.mark.timeout(2 * _PATIENCE_SECONDS)
@pytest.mark.parametrize("queue_server", ["valkey"], indirect=True)
async def test_with_one_worker_for_all_the_small_are_paid_before_the_large_one_ends(
    engine: JobEngine, empty_ledger_copy: Ledger
) -> None:
    async with (
        many_bakers(SMALL + 1, large=LARGE, small=3) as many,
        place_of(many, engine, empty_ledger_copy) as place,
    ):
        payer = place.workshop.payer
        large = many.bakers[0]
        async with payer.ledger.write() as tx:
            for each in many.bakers:
                await bakers.add(tx, many.registered(each), actor="test", at=utc_now())
        for _ in range(6):
            many.bake()
        # The large one is first in the queue.
        for each in many.bakers:
            await note_due_cycles(payer, each.baker_id)
            request = job_requests.distribute(place.key(each), many.registered(each), 1)
            await engine.add(request)
        engine.run_worker(
            QueueName.REWARD_DISTRIBUTION,
            distribute(place.workshop),
            concurrency=1,
            on_failed_for_good=mark_failed(place.workshop),
        )
        baking = asyncio.create_task(many.bake_by_the_clock(0.3))

        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(await place.settled()) <= SMALL:  # noqa: ASYNC110 - it is in the ledger
                await asyncio.sleep(0.2)
        baking.cancel()
        # Before what its jobs work with.
        await engine.close(grace_seconds=5)
        assert (await place.settled())[-1] == large.baker_id
        assert set(many.splits_asked().values()) == {1}, "each split is read once"
