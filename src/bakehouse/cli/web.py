"""`bakehouse web`: the pages and the API, for a house of several processes."""

import asyncio
import sys
from typing import Final

import typer

from bakehouse.cli.until_stopped import stop_signal, until
from bakehouse.cli.welcome import welcome
from bakehouse.config import Config, load_config, require_sources
from bakehouse.logs import configure_logs
from bakehouse.roles.pages import web as serving_pages

app: Final = typer.Typer(add_completion=False)


@app.command()
def web() -> None:
    """Serve the pages and the API; any number may run. Stop with Ctrl-C or SIGTERM."""
    config = load_config()
    require_sources(config)
    configure_logs(config.log_format, config.log_level)
    asyncio.run(_web(config))


async def _web(config: Config) -> None:
    async with stop_signal() as stop, serving_pages(config) as (foundation, url):
        payer = foundation.workshop.payer
        sys.stderr.write(f"Bakehouse's pages are at {url}\n{await welcome(payer, url)}")
        await until(stop, payer.ledger)
