"""The one place where everything is wired together. No logic of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from bakehouse import __version__
from bakehouse.alerts.codes import AlertCode
from bakehouse.asgi_server import serving
from bakehouse.config import Config
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.jobs.alert_post import post_alerts_forever
from bakehouse.jobs.alert_watch import watch_forever
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_requests import balance_poll_id, cycle_monitor_id
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.last_run import noting_last_run
from bakehouse.jobs.processors.check_cycle import check_cycle
from bakehouse.jobs.processors.deliver import deliver_what_is_told
from bakehouse.jobs.processors.distribute import distribute, mark_failed
from bakehouse.jobs.processors.poll_balance import poll_balance
from bakehouse.jobs.reconciler import look_at_once, reconcile, reconcile_forever
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.workshop import MINUTE_SECONDS, Workshop
from bakehouse.observability.instruments import Instruments
from bakehouse.observability.source_metrics import SourceKind
from bakehouse.observability.tracing import traced, tracing
from bakehouse.opening import open_payer, utc_now
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.signer import LocalSigner
from bakehouse.web.app import create_app
from bakehouse.web.services import WebServices

#: How many jobs of one queue run side by side: they mostly wait for the chain.
_CONCURRENCY = {
    QueueName.CYCLE_MONITORING: 4,
    QueueName.REWARD_DISTRIBUTION: 16,
    QueueName.BLOCKCHAIN_POLLING: 4,
    QueueName.BOND_POOL: 16,
    QueueName.ALERT_DELIVERY: 4,
}


@dataclass(frozen=True, slots=True)
class Bakehouse:
    """A running Bakehouse."""

    url: str
    workshop: Workshop
    scheduler: Scheduler


@asynccontextmanager
async def running(  # noqa: PLR0913 - each has a default
    config: Config,
    *,
    passphrase: str | None = None,
    signers: tuple[LocalSigner, ...] = (),
    minute_seconds: int = MINUTE_SECONDS,
    pages_are_open: bool = False,
    limits: PaymentLimits | None = None,
) -> AsyncIterator[Bakehouse]:
    """Run all of Bakehouse while the block runs: queue, ledger, workers, schedules, web.

    `passphrase` of the key files is what a person typed; without it, settings say where it is.
    Raises SettingError for what cannot work, before any job is run.
    """
    async with AsyncExitStack() as stack:
        stack.callback(failpoint, Failpoint.SHUTDOWN)
        failpoint(Failpoint.BOOT)
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        tracer = stack.enter_context(tracing(config.otlp_endpoint, __version__))
        instruments = Instruments(__version__, utc_now)
        payer = await open_payer(
            stack,
            config,
            signers,
            limits,
            passphrase=passphrase,
            node_observer=instruments.sources.of(SourceKind.NODE),
            indexer_observer=instruments.sources.of(SourceKind.INDEXER),
        )
        workshop = await _open_workshop(stack, config, payer, minute_seconds)
        scheduler = Scheduler(workshop)
        services = WebServices(
            workshop=workshop,
            scheduler=scheduler,
            api_token=config.api_token.get_secret_value() if config.api_token else None,
            pages_are_open=pages_are_open,
            explorer_url=config.explorer_url or None,
            network=config.network_name,
            version=__version__,
            secret_key=config.secret_key,
            instruments=instruments,
            metrics_are_open=config.metrics_open,
            tracer=tracer,
        )
        app = create_app(services)
        url = await stack.enter_async_context(serving(app, host=config.host, port=config.port))
        # Else the server would wait for those who listen.
        stack.callback(app.state.changes.close)
        # Only now: whoever cannot have the port must not begin to pay.
        _start_workers(
            workshop,
            config.secret_key,
            lambda run: traced(instruments.jobs.measured(run), tracer),
        )
        await reconcile(workshop, scheduler)
        instruments.reconciled()
        await look_at_once(workshop)
        for work in (
            reconcile_forever(workshop, scheduler, instruments.reconciled),
            watch_forever(workshop),
            post_alerts_forever(workshop, config.secret_key),
        ):
            await _in_background(stack, work)
        yield Bakehouse(url, workshop, scheduler)


async def _open_workshop(
    stack: AsyncExitStack, config: Config, payer: Payer, minute_seconds: int
) -> Workshop:
    address = await _redis(stack, config)
    cache = await stack.enter_async_context(RedisCache(address))
    engine = JobEngine(address)
    await engine.connect()
    stack.push_async_callback(engine.close)
    return Workshop(payer, engine, cache, minute_seconds, config.pages_url)


async def _redis(stack: AsyncExitStack, config: Config) -> RedisAddress:
    if config.redis_host is not None:
        return RedisAddress(config.redis_host, config.redis_port)
    valkey = EmbeddedValkey(config.data_dir / "valkey")
    await valkey.start()
    stack.push_async_callback(valkey.stop)
    return valkey.address


def _start_workers(
    workshop: Workshop, secret_key: SecretKeyFile, observed: Callable[[Processor], Processor]
) -> None:
    processors = {
        QueueName.CYCLE_MONITORING: noting_last_run(
            workshop, cycle_monitor_id, AlertCode.CYCLE_CHECK_FAILED, check_cycle(workshop)
        ),
        QueueName.BLOCKCHAIN_POLLING: noting_last_run(
            workshop, balance_poll_id, AlertCode.BALANCE_UNKNOWN, poll_balance(workshop)
        ),
        QueueName.REWARD_DISTRIBUTION: distribute(workshop),
        QueueName.BOND_POOL: distribute(workshop),
        QueueName.ALERT_DELIVERY: deliver_what_is_told(workshop, secret_key),
    }
    for queue, processor in processors.items():
        workshop.engine.run_worker(
            queue,
            observed(processor),
            concurrency=_CONCURRENCY[queue],
            on_failed_for_good=mark_failed(workshop),
        )


async def _in_background(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
