"""How commands reach the ledger, and under whose name they write to it. No commands here."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from bakehouse.config import load_config
from bakehouse.ledger.database import Ledger

Result = TypeVar("Result")

BakerArgument = Annotated[str, typer.Argument(metavar="BAKER", help="The baker's address.")]


def with_ledger(work: Callable[[Ledger], Awaitable[Result]]) -> Result:
    """Open the configured ledger, which a running Bakehouse may have open too, for some work."""

    async def opened() -> Result:
        ledger = await Ledger.open(load_config().ledger_url)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(opened())


def actor() -> str:
    """Name who runs the command, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # In a container people run as users without a name.
        return f"cli:{os.getuid()}"
