"""All of Bakehouse but its pages, on a chain that is baked by hand; for tests of jobs."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from bakehouse.alerts.codes import AlertCode
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_requests import balance_poll_id, cycle_monitor_id
from bakehouse.jobs.job_requests import check_cycle as cycle_check
from bakehouse.jobs.job_types import AddedJob, JobRequest, JobState, JobView, QueueName
from bakehouse.jobs.last_run import noting_last_run
from bakehouse.jobs.processors.check_cycle import check_cycle
from bakehouse.jobs.processors.deliver import deliver_what_is_told
from bakehouse.jobs.processors.distribute import distribute, mark_failed
from bakehouse.jobs.processors.poll_balance import poll_balance
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import alerts, bakers, distributions, operations, payouts
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey
from bakehouse.tezos.node import FINALITY_BLOCKS, NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.jobs.clock_and_cable import Cable, Clock, utc_now

#: A minute of these tests, in seconds.
MINUTE_SECONDS = 1

#: Nothing here is slow but the machine; a source that is gone is given up at once.
SOURCE_LIMITS = SourceLimits(
    attempts=2, wait_initial_seconds=0.01, wait_seconds_max=0.01, wait_jitter_seconds=0.0
)

BLOCKS_PER_CYCLE = 40

#: A wallet with a key here and without a mutez on the chain.
EMPTY_WALLET = SecretKey.from_seed(Curve.ED25519, bytes(range(SEED_SIZE)))

_DEADLINE_SECONDS = 30
_LOOK_SECONDS = 0.05
#: Slow enough for a cycle to last longer than what pays the one before.
_BLOCK_SECONDS = 0.3
_FINISHED = {JobState.COMPLETED, JobState.FAILED}


def by_hand(delegator_count: int = 12) -> SandboxSettings:
    """A chain that stands three blocks before the end of its first cycle until told to go on."""
    return SandboxSettings(
        delegator_count=delegator_count,
        blocks_per_cycle=BLOCKS_PER_CYCLE,
        blocks_before_first_turn=3,
        block_seconds=None,
    )


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the processors work with, and what came of it."""

    chain: SandboxServer
    workshop: Workshop
    scheduler: Scheduler
    cable: Cable
    clock: Clock
    secret_key: SecretKeyFile

    @property
    def engine(self) -> JobEngine:
        return self.workshop.engine

    @property
    def baker_id(self) -> str:
        return self.chain.baker_address

    @property
    def first_cycle(self) -> int:
        return self.chain.chain.settings.starting_cycle

    def key(
        self,
        cycle: int | None = None,
        kind: DistributionKind = DistributionKind.DELEGATORS,
        mode: Mode = Mode.ON,
    ) -> DistributionKey:
        wanted = self.first_cycle if cycle is None else cycle
        return DistributionKey(self.chain.chain_id, self.baker_id, wanted, kind, mode)

    # What happens

    async def register(self, **settings: Any) -> Baker:
        """Register the chain's baker, on and paying finished cycles at once unless told."""
        defaults = {
            "baker_id": self.baker_id,
            "network": self.chain.chain_id,
            "payout_address": self.chain.payout_address,
            "first_cycle": self.first_cycle,
            "mode": Mode.ON,
            "payout_delay_cycles": 0,
            "confirm_first_cycle": False,
        }
        baker = Baker(**{**defaults, **settings})
        payer = self.workshop.payer
        async with payer.ledger.write() as tx:
            await bakers.add(tx, baker, actor="test", at=payer.clock())
        return baker

    async def change(self, **settings: Any) -> None:
        payer = self.workshop.payer
        async with payer.ledger.write() as tx:
            await bakers.change(tx, self.baker_id, settings, actor="test", at=payer.clock())

    def finish_cycles(self, count: int = 1) -> None:
        """Bake until so many further cycles are over, for good."""
        chain = self.chain.chain
        last = chain.cycle_length.cycle_of(chain.head.level) + count - 1
        while chain.head.level <= chain.cycle_length.last_level(last) + FINALITY_BLOCKS:
            self.chain.bake()

    def work(self, *queues: QueueName) -> None:
        """Run the jobs of these queues, or of all, as the application does."""
        workshop = self.workshop
        processors = {
            QueueName.CYCLE_MONITORING: noting_last_run(
                workshop,
                cycle_monitor_id,
                AlertCode.CYCLE_CHECK_FAILED,
                check_cycle(workshop),
            ),
            QueueName.BLOCKCHAIN_POLLING: noting_last_run(
                workshop,
                balance_poll_id,
                AlertCode.BALANCE_UNKNOWN,
                poll_balance(workshop),
            ),
            QueueName.REWARD_DISTRIBUTION: distribute(workshop),
            QueueName.BOND_POOL: distribute(workshop),
            QueueName.ALERT_DELIVERY: deliver_what_is_told(workshop, self.secret_key),
        }
        for queue in queues or tuple(QueueName):
            handler = mark_failed(workshop)
            self.engine.run_worker(
                queue, processors[queue], concurrency=4, on_failed_for_good=handler
            )

    async def run(self, request: JobRequest) -> JobView:
        """Add a job and wait until it has completed, or failed for good."""
        return await self.end_of(request.queue, await self.engine.add(request))

    async def check(self, *, retry_failed: bool = False) -> JobView:
        """Look for finished cycles, as a schedule does or (with `retry_failed`) a person."""
        return await self.run(cycle_check(self.baker_id, retry_failed=retry_failed))

    async def end_of(self, queue: QueueName, added: AddedJob) -> JobView:
        async def has_ended() -> bool:
            return (await self.engine.job(queue, added.id)).state in _FINISHED

        await eventually(has_ended)
        return await self.engine.job(queue, added.id)

    async def bake_until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Bake block after block, as fast as is sensible, until a condition holds."""
        baking = asyncio.create_task(self._bake_on())
        try:
            await eventually(condition)
        finally:
            baking.cancel()

    async def forget_everything(self) -> None:
        """Have the queue's server lose all it has."""
        await self.workshop.cache._redis.flushall()

    async def _bake_on(self) -> None:
        while True:
            self.chain.bake()
            await asyncio.sleep(_BLOCK_SECONDS)

    # What the queue says

    async def jobs(self, queue: QueueName, *states: JobState) -> list[JobView]:
        """Jobs in these states, or in all, the oldest first."""
        listed = await self.engine.jobs(queue, states or tuple(JobState))
        return sorted(listed, key=lambda job: job.created_at)

    async def unfinished(self, queue: QueueName) -> list[JobView]:
        return await self.jobs(queue, *(state for state in JobState if state not in _FINISHED))

    # What the ledger says

    async def state(self, key: DistributionKey | None = None) -> DistributionState | None:
        found = await self.find(key or self.key())
        return found.state if found else None

    async def find(self, key: DistributionKey) -> Distribution | None:
        async with self.workshop.payer.ledger.read() as tx:
            return await distributions.find(tx, key)

    async def noted_cycles(self) -> list[int]:
        """Cycles in the ledger, in the order in which they were entered."""
        async with self.workshop.payer.ledger.read() as tx:
            found = await distributions.of_baker(tx, self.baker_id)
        return [each.key.cycle for each in sorted(found, key=lambda each: each.id)]

    async def payouts(self, key: DistributionKey | None = None) -> list[Payout]:
        async with self.workshop.payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key or self.key())
            return await payouts.of_distribution(tx, distribution)

    async def operations(self, key: DistributionKey | None = None) -> list[Operation]:
        async with self.workshop.payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key or self.key())
            return await operations.of_distribution(tx, distribution.id)

    async def alerts(self) -> list[Alert]:
        """Open ones, the newest first."""
        async with self.workshop.payer.ledger.read() as tx:
            return await alerts.still_open(tx)

    # What the chain says

    def received(self) -> Counter[str]:
        """What each address got from the payout address, in mutez, by the chain's own blocks."""
        totals: Counter[str] = Counter()
        for transfer in self.chain.transfers_from(self.chain.payout_address):
            if transfer.status == "applied":
                totals[transfer.destination] += transfer.amount
        return totals


def owed(*several: list[Payout]) -> Counter[str]:
    """What these payouts come to for each address, in mutez."""
    totals: Counter[str] = Counter()
    for payout in (payout for listed in several for payout in listed):
        totals[payout.address] += payout.net
    return totals


@asynccontextmanager
async def open_workplace(
    engine: JobEngine, folder: Path, settings: SandboxSettings | None = None
) -> AsyncIterator[Workplace]:
    """A chain, a ledger and the queue of `engine`, wired together; nobody works yet."""
    # Nothing here speaks TLS, and loading certificates would take most of a test's time.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    try:
        cable, clock = Cable(trust_env=False, verify=no_certificates), Clock()
        async with (
            await SandboxServer.start(settings or by_hand()) as chain,
            httpx2.AsyncClient(transport=cable) as client,
            RedisCache(engine.address) as cache,
        ):
            payer = _payer(chain, ledger, client, clock)
            workshop = Workshop(payer, engine, cache, MINUTE_SECONDS)
            secret_key = SecretKeyFile(folder / "secret.key", made_when_missing=True)
            yield Workplace(chain, workshop, Scheduler(workshop), cable, clock, secret_key)

            async def all_work() -> bool:
                return engine.is_healthy

            # A worker that is closed while it starts leaves connections open.
            await eventually(all_work)
            # Whoever works must let go before the chain and the ledger are gone.
            await engine.close(grace_seconds=0)
    finally:
        await ledger.close()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - what is awaited is in Redis or SQLite
            await asyncio.sleep(_LOOK_SECONDS)


def _payer(chain: SandboxServer, ledger: Ledger, client: httpx2.AsyncClient, clock: Clock) -> Payer:
    source = JsonSource(chain.node_url, client, limits=SOURCE_LIMITS)
    node = NodeClient([source], chain_id=chain.chain_id, now=utc_now, head_age_seconds_max=3_600)
    keys = (chain.payout_secret_key, EMPTY_WALLET)
    return Payer(
        ledger,
        node,
        TzktClient([source], chain_id=chain.chain_id),
        Keyring([LocalSigner(key) for key in keys]),
        clock,
        PaymentLimits(source_patience_seconds=1),
    )
