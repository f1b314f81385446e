"""`bakehouse init`: a baker and its wallet, set up step by step, or at once by options."""

import secrets
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.ledger_access import with_ledger, with_payer
from bakehouse.cli.output import AsJson, tell, waiting
from bakehouse.cli.registration import baker_document, register
from bakehouse.cli.wallet_file import ask_for_key, keep_key
from bakehouse.config import Config, load_config, require_sources
from bakehouse.errors import ConflictError, InputError, RefusalError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.payments.baker_settings import parse_settings
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import format_percentage
from bakehouse.tezos.address import Address, parse_implicit
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey

app: Final = typer.Typer(add_completion=False)

_DEFAULT_FEE: Final = "10"
_DEFAULT_FREQUENCY: Final = "10"


@app.command()
def init(  # noqa: PLR0913 - a parameter is an option of the command
    *,
    baker: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The baker; asked for without it.")
    ] = None,
    alias: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    fee: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="The default fee; up to two decimals.")
    ] = None,
    update_freq: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="Between two looks at the chain.")
    ] = None,
    wallet: Annotated[
        str | None,
        typer.Option(
            metavar="new|import|ADDRESS", help="The wallet that pays: made, imported, or named."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set up a baker: check it on the chain, set fee and frequency, make or link its wallet.

    It ends in simulation: cycles are planned and shown, nothing is signed. What no option says is
    asked for at a terminal; elsewhere the usual values are taken.
    """
    config = load_config()
    require_sources(config)
    address = parse_implicit(baker or _ask("Your baker's address"))
    with waiting("asking the chain"):
        with_payer(lambda payer: _require_baker(payer, config, address))
    texts = {
        "default_fee": fee or _ask("Fee, in percent", _DEFAULT_FEE),
        "update_freq": update_freq
        or _ask("Minutes between two looks at the chain", _DEFAULT_FREQUENCY),
        "alias": alias or _ask("A name for people, or nothing", ""),
    }
    settings = parse_settings(texts)
    named = wallet or _ask("Wallet that pays: new, import, or its address", "new")
    payout_address, file = _wallet(config, named)
    settings["payout_address"] = payout_address
    new = with_ledger(lambda ledger: register(ledger, address, settings))
    document = {
        **baker_document(new),
        "key_file": None if file is None else str(file),
        "next": _next_steps(new),
    }
    tell(_told(new, file), document, as_json=as_json)


async def _require_baker(payer: Payer, config: Config, address: Address) -> None:
    async with payer.ledger.read() as tx:
        if await bakers.find(tx, address):
            raise ConflictError(
                f"the baker {address} is registered already: `bakehouse baker set` changes it"
            )
    if not await payer.node.is_baker(address):
        raise RefusalError(
            f"{address} is no registered baker on {config.network}: check address and network"
        )


def _wallet(config: Config, named: str) -> tuple[Address, Path | None]:
    match named:
        case "new":
            key = SecretKey.from_seed(Curve.ED25519, secrets.token_bytes(SEED_SIZE))
        case "import":
            if not sys.stdin.isatty():
                raise InputError(
                    "import it first with `bakehouse wallet import`, then name its address"
                )
            key = ask_for_key()
        case _:
            return parse_implicit(named), None
    return key.public_key.address, keep_key(config, None, key)


def _ask(question: str, default: str | None = None) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(question, default=default, err=True))
    if default is None:
        raise InputError("name the baker with --baker ADDRESS, or run this at a terminal")
    return default


def _told(baker: Baker, file: Path | None) -> str:
    fee = format_percentage(baker.default_fee)
    lines = [
        f"{baker.alias or baker.baker_id} is set up in mode {baker.mode}.",
        f"Fee {fee} %, from cycle {baker.first_cycle}, paid from {baker.payout_address}.",
    ]
    if file is not None:
        lines.append(f"The wallet's key is in {file}, encrypted: keep a copy of it.")
    lines.append("What comes next:")
    lines += [f"  {step}" for step in _next_steps(baker)]
    return "\n".join(lines)


def _next_steps(baker: Baker) -> list[str]:
    return [
        f"bakehouse wallet qr {baker.payout_address}",
        "bakehouse doctor",
        "bakehouse run",
        f"bakehouse simulate {baker.baker_id}",
        f"bakehouse baker set {baker.baker_id} mode=on",
    ]
