"""`bakehouse worker`: the jobs of some queues or all, for a house of several processes."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.cli.until_stopped import stop_signal, until
from bakehouse.config import Config, load_config, require_sources
from bakehouse.jobs.job_types import QueueName
from bakehouse.logs import configure_logs
from bakehouse.roles.foundation import Hands
from bakehouse.roles.work import worker as running_jobs

app: Final = typer.Typer(add_completion=False)


@app.command()
def worker(
    queue: Annotated[
        list[QueueName] | None,
        typer.Option(help="Run the jobs of this queue; may be given several times. All without."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="How many jobs of each queue run side by side."),
    ] = None,
) -> None:
    """Run jobs; any number may run. Stop with Ctrl-C or SIGTERM: jobs end, or are put back."""
    config = load_config()
    require_sources(config)
    configure_logs(config.log_format, config.log_level)
    hands = Hands(passphrase=passphrase_for_keys(config))
    asyncio.run(work(config, hands, queue or (), concurrency))


async def work(
    config: Config,
    hands: Hands,
    queues: Sequence[QueueName] = (),
    concurrency: int | None = None,
) -> None:
    """Run jobs until told to stop."""
    async with (
        stop_signal() as stop,
        running_jobs(config, queues, concurrency, hands) as foundation,
    ):
        named = ", ".join(queues) or "all queues"
        sys.stderr.write(f"Bakehouse works on {named} of {foundation.workshop.engine.address}\n")
        await until(stop, foundation.workshop.payer.ledger)
