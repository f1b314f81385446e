"""Entering a baker in the ledger, and what is asked before it pays for real. No commands here."""

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any, Final

import typer

from bakehouse.cli.ledger_access import actor
from bakehouse.config import load_config, require_sources
from bakehouse.errors import RefusalError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.logs import configure_logs
from bakehouse.opening import open_payer, utc_now
from bakehouse.payments.due import final_cycle
from bakehouse.tezos.address import Address

#: Settings that are amounts; JSON has them as strings of mutez.
_AMOUNTS: Final = ("minimum_payout", "cycle_cap", "payout_cap")


async def register(ledger: Ledger, address: Address, settings: Mapping[str, Any]) -> Baker:
    """Enter a baker with typed settings.

    Without payout_address it pays from its own address; without first_cycle the node is asked for
    the cycle that runs now. Raises ConflictError for one that is there, SourceError when no node
    tells the cycle.
    """
    chosen = {"payout_address": address, **settings}
    if "first_cycle" not in chosen:
        chosen["first_cycle"] = await _current_cycle()
    new = Baker(baker_id=address, network=load_config().chain_id, **chosen)
    async with ledger.write() as tx:
        await bakers.add(tx, new, actor=actor(), at=utc_now())
    return new


def confirm_live(baker_id: str, alias: str | None, *, yes: bool) -> None:
    """Have a person at a terminal type whose money it is; raises RefusalError for anything else."""
    if yes or not sys.stdin.isatty():
        return
    name = alias or baker_id
    typed = typer.prompt(f"In mode on, it pays for real. Type {name} to switch it on", err=True)
    if str(typed).strip() not in {alias, baker_id}:
        raise RefusalError(f"that is not {name}: nothing is changed")


def baker_document(baker: Baker) -> dict[str, Any]:
    """Write a baker and its settings as JSON data."""
    document = asdict(baker)
    amounts = {name: None if document[name] is None else str(document[name]) for name in _AMOUNTS}
    fee = document.pop("default_fee")
    return {
        **document,
        **amounts,
        "mode": baker.mode.value,
        "default_fee_basis_points": fee,
    }


async def _current_cycle() -> int:
    config = load_config()
    require_sources(config)
    # What goes wrong is told once, by the error; logs that nobody set up would go to the output.
    configure_logs(config.log_format, "error")
    async with AsyncExitStack() as stack:
        return await final_cycle(await open_payer(stack, config, with_keys=False))
