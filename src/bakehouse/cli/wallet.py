"""`bakehouse wallet …` (and `key`, its older name): payout keys, encrypted in files of their own.

A secret is never an argument, and never shown.
"""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import segno
import typer

from bakehouse.cli.output import AsJson, print_json, tell, waiting
from bakehouse.cli.passphrase import passphrase_of_key
from bakehouse.cli.secret_input import (
    NO_PATH,
    PROMPT,
    Place,
    ask_for_passphrase,
    candidates_of,
)
from bakehouse.cli.wallet_file import choose_key, keep_key
from bakehouse.config import Config, load_config
from bakehouse.errors import InputError
from bakehouse.logs import configure_logs
from bakehouse.rewards.money import format_tez
from bakehouse.tezos.address import parse_implicit
from bakehouse.tezos.key_file import read_key_address, read_key_file
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey
from bakehouse.tezos.mnemonic_key import WALLET_PATH

if TYPE_CHECKING:
    from bakehouse.payments.standing import WalletStanding

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Make, import and fund payout wallets."
)

NewFile = Annotated[
    Path | None,
    typer.Argument(help="The file to write, a new one; in the data directory if not named."),
]
KeyFile = Annotated[Path, typer.Argument(help="A key file.")]
WalletAddress = Annotated[str, typer.Argument(metavar="ADDRESS", help="The wallet to fund.")]


@app.command()
def new(file: NewFile = None, *, as_json: AsJson = False) -> None:
    """Make a new tz1 key, encrypt it, and write it; move funds to its address to pay from it."""
    config = load_config()
    key = SecretKey.from_seed(Curve.ED25519, secrets.token_bytes(SEED_SIZE))
    _tell_kept(keep_key(config, file, key), key, as_json=as_json)


@app.command(name="import")
def import_(  # noqa: PLR0913 - a parameter is an option of the command
    file: NewFile = None,
    *,
    secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the secret from a private file.")
    ] = None,
    secret_fd: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Read it from a file descriptor.")
    ] = None,
    secret_passphrase_fd: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Read what opens the secret, likewise."),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(help=f"How words are derived: {WALLET_PATH}, or {NO_PATH} as octez-client."),
    ] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Store it only if it is this address.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Store it whatever its address.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a key (edsk, spsk, p2sk, edesk, spesk, p2esk) or a mnemonic, and write it encrypted.

    The secret is asked for unseen, or read as the options say. Its address is shown before it is
    stored.
    """
    config = load_config()
    secret = Place(secret_file, secret_fd).read(PROMPT)

    def passphrase_of(prompt: str) -> str:
        if secret_passphrase_fd is None:
            return ask_for_passphrase(prompt)
        return Place(descriptor=secret_passphrase_fd).read(prompt)

    candidates = candidates_of(secret, path, passphrase_of=passphrase_of)
    key = choose_key(candidates, expected=expect and parse_implicit(expect), yes=yes)
    _tell_kept(keep_key(config, file, key), key, as_json=as_json)


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """List the wallets of this machine: address, file, and what they hold if a node is set."""
    # Bringing in ledger and network takes longer than all that the other commands do.
    from bakehouse.cli.holdings import holdings_of  # noqa: PLC0415 - see above

    config = load_config()
    configure_logs(config.log_format, "error")
    addresses = {path: _address_of(config, path) for path in config.wallet_files}
    with waiting("asking the node"):
        held = holdings_of(config, [each for each in addresses.values() if each])
    documents = [_document(path, each, held.get(each)) for path, each in addresses.items()]
    if as_json:
        print_json({"wallets": documents, "remote_signer": config.remote_signer_url is not None})
        return
    for document in documents:
        typer.echo(f"{document['address'] or 'address unknown without its passphrase'}")
        typer.echo(f"  file     {document['file']}")
        if (standing := held.get(document["address"])) is not None:
            typer.echo(f"  balance  {format_tez(standing.balance)} tez")
            if not standing.is_revealed:
                typer.echo("  its key is not revealed yet: the first payout does that")
    if config.remote_signer_url is not None:
        typer.echo("other addresses are signed for by the remote signer")
    elif not documents:
        typer.echo(f"no wallet: name one in BAKEHOUSE_KEY_FILES, or keep it in {config.keys_dir}")


@app.command()
def address(file: KeyFile, *, as_json: AsJson = False) -> None:
    """Print the address of a key file; only octez' own form needs the passphrase for that."""
    config = load_config()
    found = _address_of(config, file)
    if found is None:
        found = read_key_file(file, passphrase_of_key(config)).public_key.address
    tell(found, {"address": found, "file": str(file)}, as_json=as_json)


@app.command(name="public-key")
def public_key(file: KeyFile, *, as_json: AsJson = False) -> None:
    """Print the public key of a key file, for a signer that is to know it; needs the passphrase."""
    key = read_key_file(file, passphrase_of_key(load_config())).public_key
    text = key.encode()
    tell(text, {"address": key.address, "public_key": text}, as_json=as_json)


@app.command()
def qr(
    wallet: WalletAddress,
    *,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the code to an SVG file instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print an address and its QR code, to send funds to it from a wallet on a phone."""
    code = segno.make(parse_implicit(wallet), micro=False)
    if svg is not None:
        try:
            code.save(str(svg), kind="svg", scale=8, light="white", xmldecl=False)
        except OSError as error:
            raise InputError(f"cannot write {svg}: {error.strerror}") from error
    if as_json:
        print_json({"address": wallet, "svg": None if svg is None else str(svg)})
        return
    typer.echo(wallet if svg is None else f"{wallet}: its code is in {svg}")
    if svg is None:
        code.terminal(compact=True)


def _tell_kept(file: Path, key: SecretKey, *, as_json: bool) -> None:
    wallet = key.public_key.address
    tell(
        f"{file} holds the key of {wallet}, encrypted",
        {"address": wallet, "file": str(file)},
        as_json=as_json,
    )


def _address_of(config: Config, file: Path) -> str | None:
    """Give the address of a key file; None where only a passphrase that is not set would tell."""
    named = read_key_address(file)
    if named is not None or config.key_passphrase_file is None:
        return named
    return read_key_file(file, config.passphrase_source.read() or "").public_key.address


def _document(file: Path, wallet: str | None, held: "WalletStanding | None") -> dict[str, Any]:
    return {
        "address": wallet,
        "file": str(file),
        "balance": None if held is None else str(held.balance),
        "is_revealed": None if held is None else held.is_revealed,
    }
