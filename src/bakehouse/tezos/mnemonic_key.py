"""Secret keys from the words that wallets show (BIP39), derived as octez-client or as wallets do.

Wallets (Temple, Kukai, Umami, Ledger) derive along a path by SLIP-10; octez-client takes the first
half of the seed as it is. The words never appear in a message.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha512
from typing import Final, Self

from mnemonic import Mnemonic

from bakehouse.errors import InputError, SignerError
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey

#: The path of the first account in wallets; the third number is the account's.
WALLET_PATH: Final = "44'/1729'/0'/0'"

_CURVE_NAME: Final = b"ed25519 seed"
_HARDENED: Final = 0x8000_0000
_PATH: Final = re.compile(r"(?:m/)?((?:\d{1,10}['hH]/)*\d{1,10}['hH])", re.ASCII)
_WORD_COUNTS: Final = (12, 15, 18, 21, 24)


@dataclass(frozen=True, slots=True)
class DerivationPath:
    """The numbers of a path, each of them hardened: ed25519 knows no others."""

    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a path such as 44'/1729'/0'/0'; raises InputError."""
        match = _PATH.fullmatch(text.strip())
        numbers = tuple(int(part[:-1]) for part in match[1].split("/")) if match else ()
        if not numbers or max(numbers) >= _HARDENED:
            raise InputError(
                f"{text!r} is not a derivation path: write numbers with a ' after each, "
                f"such as {WALLET_PATH}"
            )
        return cls(numbers)

    def __str__(self) -> str:
        return "/".join(f"{number}'" for number in self.numbers)


def key_of_words(words: str, *, path: DerivationPath | None, passphrase: str = "") -> SecretKey:
    """Derive the ed25519 key of English BIP39 words; without a path, as octez-client does.

    `passphrase` is the wallet's own, most often none. Raises SignerError for words that are none,
    or whose checksum is wrong.
    """
    text = " ".join(words.split()).lower()
    count = len(text.split())
    if count not in _WORD_COUNTS:
        raise SignerError(
            f"these are {count} words: a mnemonic has {', '.join(map(str, _WORD_COUNTS))}"
        )
    if not Mnemonic("english").check(text):
        raise SignerError(
            "these words are not a mnemonic: one is misspelt, missing, or in the wrong place"
        )
    seed = Mnemonic.to_seed(text, passphrase)
    return SecretKey.from_seed(
        Curve.ED25519, seed[:SEED_SIZE] if path is None else derive(seed, path)
    )


def derive(seed: bytes, path: DerivationPath) -> bytes:
    """Derive 32 secret bytes from a seed along a path (SLIP-10 for ed25519)."""
    node = hmac.digest(_CURVE_NAME, seed, sha512)
    for number in path.numbers:
        key, chain_code = node[:SEED_SIZE], node[SEED_SIZE:]
        index = (_HARDENED + number).to_bytes(4)
        node = hmac.digest(chain_code, b"\0" + key + index, sha512)
    return node[:SEED_SIZE]
