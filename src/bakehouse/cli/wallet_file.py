"""Choosing which key a secret means, and keeping it in a file of its own. No commands here."""

import sys
from pathlib import Path

import typer

from bakehouse.cli.passphrase import passphrase_for_new_key
from bakehouse.cli.secret_input import PROMPT, Candidate, Place, ask_for_passphrase, candidates_of
from bakehouse.config import Config
from bakehouse.errors import InputError, RefusalError
from bakehouse.tezos.keys import SecretKey
from bakehouse.tezos.mnemonic_key import WALLET_PATH
from bakehouse.tezos.private_file import write_private
from bakehouse.tezos.sealed_key import COST, SealedKey


def ask_for_key() -> SecretKey:
    """Have a person type a key or words, unseen, and confirm the address."""
    secret = Place().read(PROMPT)
    return choose_key(candidates_of(secret, None, passphrase_of=ask_for_passphrase), expected=None)


def choose_key(
    candidates: list[Candidate], *, expected: str | None, yes: bool = False
) -> SecretKey:
    """Give the key that a person, or `expected`, confirms; raises RefusalError otherwise."""
    if expected is not None:
        for each in candidates:
            if each.key.public_key.address == expected:
                return each.key
        found = " or ".join(each.key.public_key.address for each in candidates)
        raise RefusalError(f"this is not the key of {expected}, but of {found}: nothing is stored")
    if yes and len(candidates) == 1:
        return candidates[0].key
    if yes or not sys.stdin.isatty():
        raise InputError(
            "say which address it must be, with --expect ADDRESS"
            + (f", or how words are derived, with --path {WALLET_PATH!r}" if yes else "")
        )
    for number, each in enumerate(candidates, 1):
        typer.echo(f"{number}  {each.key.public_key.address}  {each.derivation}", err=True)
    if len(candidates) == 1:
        typer.confirm("Is this your address?", abort=True, err=True)
        return candidates[0].key
    chosen: int = typer.prompt("Which of these is your address?", type=int, err=True)
    if not 1 <= chosen <= len(candidates):
        raise InputError(f"{chosen} is none of them: nothing is stored")
    return candidates[chosen - 1].key


def keep_key(config: Config, file: Path | None, key: SecretKey) -> Path:
    """Write a key to a new file, encrypted, in the data directory if none is named; gives it."""
    wallet = key.public_key.address
    if file is None:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        config.keys_dir.mkdir(exist_ok=True, mode=0o700)
        file = config.keys_dir / f"{wallet}.key"
    if file.exists():
        # Told before anybody types a passphrase; writing refuses it again.
        raise InputError(f"cannot write {file}: File exists")
    write_private(file, SealedKey.seal(key, passphrase_for_new_key(config), COST).text())
    return file
