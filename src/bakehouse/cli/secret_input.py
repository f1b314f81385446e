"""A secret that a person brings along: a key in any usual form, or the words of a wallet.

It is typed unseen, or read from a file or a file descriptor: an argument would stand in the list
of processes and in the shell's history.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from bakehouse.errors import InputError
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.key_file import ENCRYPTED_SCHEME, decrypt_secret_key
from bakehouse.tezos.keys import SecretKey
from bakehouse.tezos.mnemonic_key import WALLET_PATH, DerivationPath, key_of_words
from bakehouse.tezos.private_file import read_descriptor, read_private

#: How `--path` names octez-client's way: the first half of the seed, as it is.
NO_PATH: Final = "none"

PROMPT: Final = "Secret key or words"

_UNENCRYPTED_SCHEME: Final = "unencrypted:"
_ENCRYPTED: Final = (Prefix.EDESK.text, Prefix.SPESK.text, Prefix.P2ESK.text)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is read from; a person is asked when neither is named."""

    file: Path | None = None
    descriptor: int | None = None

    def __post_init__(self) -> None:
        if self.file is not None and self.descriptor is not None:
            raise InputError("name a file or a file descriptor, not both")

    def read(self, prompt: str) -> str:
        """Give the secret; raises SignerError when it cannot be read."""
        if self.file is not None:
            return read_private(self.file)
        if self.descriptor is not None:
            return read_descriptor(self.descriptor)
        return str(typer.prompt(prompt, hide_input=True, err=True)).strip()


def ask_for_passphrase(prompt: str) -> str:
    """Ask a person for what opens a secret; nothing, where there is none or nobody to ask."""
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt(prompt, hide_input=True, default="", show_default=False, err=True))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that a secret may mean, and how it was derived, in words."""

    key: SecretKey
    derivation: str


def candidates_of(
    secret: str, path: str | None, *, passphrase_of: Callable[[str], str]
) -> list[Candidate]:
    """Give the key that a secret means, or the two that words can mean when no path is named.

    `passphrase_of` is asked, with a prompt, for what opens an encrypted key or stands beside the
    words. Raises SignerError for what is no secret, without repeating it.
    """
    text = secret.removeprefix(_UNENCRYPTED_SCHEME).removeprefix(ENCRYPTED_SCHEME)
    if len(text.split()) > 1:
        passphrase = passphrase_of("Passphrase of the words, empty if there is none")
        return [_from_words(text, each, passphrase) for each in _paths(path)]
    if path is not None:
        raise InputError("--path is for the words of a wallet: a key is not derived")
    if text.startswith(_ENCRYPTED):
        key = decrypt_secret_key(text, passphrase_of("Passphrase of the encrypted key"))
        return [Candidate(key, "decrypted")]
    return [Candidate(SecretKey.parse(text), "as given")]


def _paths(path: str | None) -> list[DerivationPath | None]:
    if path is None:
        return [DerivationPath.parse(WALLET_PATH), None]
    return [None if path == NO_PATH else DerivationPath.parse(path)]


def _from_words(words: str, path: DerivationPath | None, passphrase: str) -> Candidate:
    key = key_of_words(words, path=path, passphrase=passphrase)
    if path is None:
        return Candidate(key, "without a path, as octez-client does")
    return Candidate(key, f"along {path}, as wallets do")
