"""How commands reach ledger and chain, and under whose name they write. No commands here."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, TypeVar

import typer

from bakehouse.config import load_config, require_sources
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.logs import configure_logs
from bakehouse.opening import open_payer
from bakehouse.payments.payer import Payer
from bakehouse.tezos.address import parse_implicit

Result = TypeVar("Result")

BakerArgument = Annotated[str, typer.Argument(metavar="BAKER", help="The baker's address.")]


OneBaker = Annotated[
    str | None,
    typer.Option("--baker", metavar="BAKER", help="Whose; not needed where there is only one."),
]


#: For what can be changed back: `--why` may be left out.
OptionalWhy = Annotated[
    str | None, typer.Option("--why", help="The reason, if any; it is kept in the audit trail.")
]


async def one_baker(ledger: Ledger, named: str | None) -> str:
    """Give the baker that is named, or the only one there is; raises InputError, NotFoundError."""
    async with ledger.read() as tx:
        if named is not None:
            return (await bakers.get(tx, parse_implicit(named))).baker_id
        everyone = await bakers.everyone(tx)
    if len(everyone) != 1:
        raise InputError(f"{len(everyone)} bakers are registered: say whose, with --baker")
    return everyone[0].baker_id


def with_ledger(work: Callable[[Ledger], Awaitable[Result]]) -> Result:
    """Open the configured ledger, which a running Bakehouse may have open too, for some work."""

    async def opened() -> Result:
        ledger = await Ledger.open(load_config().ledger_url)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(opened())


def with_payer(
    work: Callable[[Payer], Awaitable[Result]],
    *,
    with_keys: bool = False,
    passphrase: str | None = None,
) -> Result:
    """Open ledger, nodes and indexers for some work, and keys if it signs.

    Raises SettingError when no node or indexer is set.
    """
    config = load_config()
    require_sources(config)
    # What goes wrong is told once, by the error.
    configure_logs(config.log_format, "error")

    async def opened() -> Result:
        async with AsyncExitStack() as stack:
            return await work(
                await open_payer(stack, config, with_keys=with_keys, passphrase=passphrase)
            )

    return asyncio.run(opened())


def actor() -> str:
    """Name who runs the command, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # In a container people run as users without a name.
        return f"cli:{os.getuid()}"
