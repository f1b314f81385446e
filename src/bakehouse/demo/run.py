"""The demo from start to end: a simulated chain, a whole Bakehouse against it, and a view."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from bakehouse.app import Bakehouse, running
from bakehouse.config import Config
from bakehouse.demo.options import DemoOptions
from bakehouse.demo.outcome import outcome_of
from bakehouse.demo.progress import DemoProgress, read_progress
from bakehouse.demo.view import Show, line_view, live_view
from bakehouse.errors import RefusalError, SourceError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.secrets_at_rest import new_secret
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.logs import configure_logs
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.signer import LocalSigner

#: A demo's minute, in seconds: schedules made for minutes must be seen to run.
_MINUTE_SECONDS = 2
_LOOK_SECONDS = 0.25


async def run_demo(config: Config, options: DemoOptions) -> dict[str, Any] | None:
    """Run until stopped, or until the first cycle is paid in full; then give its outcome.

    Raises RefusalError when that cycle fails, or the chain does not show what the ledger says.
    """
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        (config.data_dir / "demo.log").open("w") as log,
        TemporaryDirectory(prefix="demo-", dir=config.data_dir) as folder,
    ):
        configure_logs(config.log_format, config.log_level, log)
        is_short = options.exit_when_paid
        settings = SandboxSettings(
            delegator_count=options.delegator_count,
            block_seconds=options.block_seconds,
            replay=options.replay,
        )
        async with await SandboxServer.start(settings) as chain:
            demo_config = _demo_config(config, options, chain, Path(folder))
            first = DistributionKey(
                chain.chain_id,
                chain.baker_address,
                settings.starting_cycle,
                DistributionKind.DELEGATORS,
                Mode.ON,
            )
            async with _paying(demo_config, options, chain, first.cycle) as bakehouse:
                # Before anybody is greeted: who reads the greeting may stop it at once.
                stopped = _stop_signal()
                with _view(options, _greeting(bakehouse.url, demo_config)) as show:
                    show_until = first if is_short else None
                    return await _follow(bakehouse, chain, show, stopped, show_until)


@asynccontextmanager
async def _paying(
    config: Config, options: DemoOptions, chain: SandboxServer, first_cycle: int
) -> AsyncIterator[Bakehouse]:
    signer = LocalSigner(chain.payout_secret_key)
    async with running(
        config, signers=(signer,), minute_seconds=_MINUTE_SECONDS, pages_are_open=True
    ) as bakehouse:
        payer = bakehouse.workshop.payer
        baker = Baker(
            baker_id=chain.baker_address,
            network=chain.chain_id,
            payout_address=chain.payout_address,
            first_cycle=first_cycle,
            alias="the demo's baker",
            mode=Mode.ON,
            default_fee=options.default_fee,
            update_freq=1,
            payout_delay_cycles=0,
            confirm_first_cycle=False,
        )
        async with payer.ledger.write() as tx:
            await bakers.add(tx, baker, actor="demo", at=payer.clock())
        await bakehouse.scheduler.initialize_schedules(baker.baker_id)
        yield bakehouse


async def _follow(
    bakehouse: Bakehouse,
    chain: SandboxServer,
    show: Show,
    stopped: asyncio.Event,
    until: DistributionKey | None,
) -> dict[str, Any] | None:
    """Show how it goes, until it is stopped or a distribution is paid; then give its outcome."""
    payer = bakehouse.workshop.payer
    while not stopped.is_set():
        try:
            progress = await read_progress(payer, chain.baker_address)
        except SourceError as error:
            raise RefusalError(f"the simulated chain stopped: {error.message}") from error
        show(progress)
        if until is not None and _is_paid(progress, until):
            return await outcome_of(payer, until, chain.transfers_from(chain.payout_address))
        await asyncio.sleep(_LOOK_SECONDS)
    return None


def _is_paid(progress: DemoProgress, first: DistributionKey) -> bool:
    for each in progress.cycles:
        if each.distribution.key == first:
            if each.distribution.state is DistributionState.FAILED:
                raise RefusalError(f"cycle {first.cycle} failed: {each.distribution.message}")
            return each.distribution.state is DistributionState.PAID
    return False


def _demo_config(
    config: Config, options: DemoOptions, chain: SandboxServer, folder: Path
) -> Config:
    return config.model_copy(
        update={
            "data_dir": folder,
            "network": chain.chain_id,
            "node_urls": (chain.node_url,),
            "indexer_urls": (chain.indexer_url,),
            "port": options.port,
            "explorer_url": f"{chain.indexer_url}/v1/operations/",
            "database_url": None,
            "redis_host": None,
            "redis_url": None,
            "redis_ca_file": None,
            "api_token": SecretStr(new_secret()),
            "key_files": (),
            "remote_signer_url": None,
        }
    )


def _greeting(url: str, config: Config) -> str:
    token = config.api_token.get_secret_value() if config.api_token else ""
    return (
        f"dashboard  {url}\n"
        f"queues     {url}/admin/queues\n"
        f"API docs   {url}/docs\n"
        f"API token  {token}"
    )


def _view(options: DemoOptions, greeting: str) -> AbstractContextManager[Show]:
    if not options.is_quiet:
        return live_view(greeting)
    return line_view(lambda line: sys.stderr.write(f"{line}\n"), greeting)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
