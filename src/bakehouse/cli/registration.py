"""Entering a baker in the ledger, and what is asked before it pays for real. No commands here."""

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import typer

from bakehouse.app import open_payer, utc_now
from bakehouse.cli.ledger_access import actor
from bakehouse.config import Config, load_config, require_sources
from bakehouse.errors import RefusalError, SettingError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.logs import configure_logs
from bakehouse.payments.baker_settings import setting_document
from bakehouse.payments.due import final_cycle
from bakehouse.tezos.address import Address
from bakehouse.tezos.key_file import read_key_address


async def register(ledger: Ledger, address: Address, settings: Mapping[str, Any]) -> Baker:
    """Enter a baker with typed settings.

    Without payout_address it pays from its own address; without first_cycle the node is asked for
    the cycle that runs now. Raises ConflictError for one that is there, SourceError when no node
    tells the cycle.
    """
    require_funding_key(load_config(), settings)
    chosen = {"payout_address": address, **settings}
    if "first_cycle" not in chosen:
        chosen["first_cycle"] = await _current_cycle()
    new = Baker(baker_id=address, network=load_config().chain_id, **chosen)
    async with ledger.write() as tx:
        await bakers.add(tx, new, actor=actor(), at=utc_now())
    return new


def require_funding_key(config: Config, settings: Mapping[str, Any]) -> None:
    """Raise SettingError when no key file or signer could sign for the funding wallet.

    A file that tells its address only to its passphrase, and a remote signer, may well have it.
    """
    address = settings.get("funding_address")
    if address is None or config.remote_signer_url is not None:
        return
    known = {read_key_address(path) for path in config.wallet_files}
    if address not in known and None not in known:
        raise SettingError(
            f"funding_address: there is no key for {address}: keep its key file in "
            f"{config.keys_dir}, or name a remote signer"
        )


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
    return {"baker_id": baker.baker_id, "network": baker.network, **setting_document(baker)}


async def _current_cycle() -> int:
    config = load_config()
    require_sources(config)
    # What goes wrong is told once, by the error; logs that nobody set up would go to the output.
    configure_logs(config.log_format, "error")
    async with AsyncExitStack() as stack:
        return await final_cycle(await open_payer(stack, config, with_keys=False))
