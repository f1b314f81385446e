"""`bakehouse key …`: encrypted key files for payout addresses. A secret is never an argument."""

import os
import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.config import load_config
from bakehouse.errors import InputError
from bakehouse.tezos.key_file import encrypt_secret_key, read_passphrase
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Make encrypted key files."
)

NewFile = Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")]


@app.command()
def new(file: NewFile) -> None:
    """Make a new tz1 key, encrypt it, and write it; move funds to its address to pay from it."""
    _write(file, SecretKey.from_seed(Curve.ED25519, secrets.token_bytes(SEED_SIZE)))


@app.command(name="import")
def import_(file: NewFile) -> None:
    """Ask for an unencrypted secret key (edsk, spsk or p2sk), encrypt it, and write it."""
    _write(file, SecretKey.parse(typer.prompt("Secret key", hide_input=True).strip()))


def _write(file: Path, key: SecretKey) -> None:
    encrypted = encrypt_secret_key(key, _passphrase())
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error
    with os.fdopen(handle, "w") as written:
        written.write(encrypted + "\n")
    typer.echo(f"{file} holds the key of {key.public_key.address}, encrypted")


def _passphrase() -> str:
    configured = load_config().key_passphrase_file
    if configured is not None:
        return read_passphrase(configured)
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True))
