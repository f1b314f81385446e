"""Bakehouse's own form of a secret key at rest: JSON, argon2id and an XSalsa20-Poly1305 box.

The cost of opening it stands in the file, so that it can be raised later. Its address and curve
are there in the clear, and are checked against the key when it is opened.
"""

import json
import os
from dataclasses import dataclass, field
from typing import Final, Self

from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from bakehouse.errors import SignerError, SourceMalformedError
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.strict_json import Fields, decode_unique

FORMAT: Final = "bakehouse-key"
VERSION: Final = 1

_KDF: Final = "argon2id"
_CIPHER: Final = "xsalsa20-poly1305"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of the passphrase costs: passes over memory, and that memory in KiB."""

    passes: int
    memory_kib: int


#: Half a second and 256 MiB, once at every start (libsodium's "moderate").
COST: Final = Cost(pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE // 1024)
#: The least that the algorithm takes: for tests, and for nothing else.
COST_MIN: Final = Cost(pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN // 1024)
#: A file may not ask for more: it could take the machine down.
_COST_MAX: Final = Cost(32, 2 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key that needs its passphrase to be used; its address can be read without."""

    address: Address
    curve: Curve
    cost: Cost
    salt: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    box: bytes = field(repr=False)

    @classmethod
    def seal(cls, key: SecretKey, passphrase: str, cost: Cost = COST) -> Self:
        """Encrypt a key; SignerError for an empty passphrase. As slow as `open`."""
        if not passphrase:
            raise SignerError("a secret key needs a passphrase that is not empty")
        salt, nonce = os.urandom(pwhash.argon2id.SALTBYTES), os.urandom(SecretBox.NONCE_SIZE)
        box = _box(passphrase, salt, cost).encrypt(key.seed, nonce).ciphertext
        public = key.public_key
        return cls(public.address, public.curve, cost, salt, nonce, box)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a key file; raises SignerError naming what is wrong with it."""
        try:
            return cls._read(Fields.of(decode_unique(text.encode())))
        except SourceMalformedError as error:
            raise SignerError(f"this is not a key file of Bakehouse: {error.message}") from None

    def open(self, passphrase: str) -> SecretKey:
        """Decrypt the key; SignerError when the passphrase is wrong, or the file was changed.

        Takes half a second of processor time, on purpose: keep it off an event loop.
        """
        try:
            seed = _box(passphrase, self.salt, self.cost).decrypt(self.box, self.nonce)
        except CryptoError:
            raise SignerError("the passphrase does not open this secret key") from None
        key = SecretKey.from_seed(self.curve, seed)
        if key.public_key.address != self.address:
            raise SignerError(
                f"the file says {self.address}, but its key is that of {key.public_key.address}"
            )
        return key

    def text(self) -> str:
        """Write the key as the text of a key file."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "address": self.address,
            "curve": self.curve.value,
            "kdf": {
                "name": _KDF,
                "passes": self.cost.passes,
                "memory_kib": self.cost.memory_kib,
                "salt": self.salt.hex(),
            },
            "cipher": {"name": _CIPHER, "nonce": self.nonce.hex(), "box": self.box.hex()},
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def _read(cls, fields: Fields) -> Self:
        _require(fields, "format", FORMAT)
        if fields.natural("version") != VERSION:
            raise SourceMalformedError(
                f"its version is {fields.natural('version')}, this Bakehouse knows {VERSION}"
            )
        kdf, cipher = fields.object("kdf"), fields.object("cipher")
        _require(kdf, "name", _KDF)
        _require(cipher, "name", _CIPHER)
        return cls(
            address=Address(fields.encoded("address", Prefix.TZ1, Prefix.TZ2, Prefix.TZ3)),
            curve=_curve(fields),
            cost=Cost(
                _bounded(kdf, "passes", COST_MIN.passes, _COST_MAX.passes),
                _bounded(kdf, "memory_kib", COST_MIN.memory_kib, _COST_MAX.memory_kib),
            ),
            salt=_bytes(kdf, "salt", pwhash.argon2id.SALTBYTES),
            nonce=_bytes(cipher, "nonce", SecretBox.NONCE_SIZE),
            box=_bytes(cipher, "box", SecretBox.KEY_SIZE + SecretBox.MACBYTES),
        )


def _box(passphrase: str, salt: bytes, cost: Cost) -> SecretBox:
    key = pwhash.argon2id.kdf(
        SecretBox.KEY_SIZE,
        passphrase.encode(),
        salt,
        opslimit=cost.passes,
        memlimit=cost.memory_kib * 1024,
    )
    return SecretBox(key)


def _require(fields: Fields, name: str, value: str) -> None:
    if fields.text(name) != value:
        raise SourceMalformedError(f"{fields.path_to(name)} must be {value}")


def _curve(fields: Fields) -> Curve:
    try:
        return Curve(fields.text("curve"))
    except ValueError:
        raise SourceMalformedError(
            f"curve must be one of {', '.join(each.value for each in Curve)}"
        ) from None


def _bounded(fields: Fields, name: str, least: int, most: int) -> int:
    value = fields.natural(name)
    if not least <= value <= most:
        raise SourceMalformedError(f"{fields.path_to(name)} must be from {least} to {most}")
    return value


def _bytes(fields: Fields, name: str, size: int) -> bytes:
    try:
        value = bytes.fromhex(fields.text(name))
    except ValueError:
        value = b""
    if len(value) != size:
        raise SourceMalformedError(f"{fields.path_to(name)} must be {size} bytes in hexadecimal")
    return value
