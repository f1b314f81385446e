"""Secret keys at rest: a file that holds one key, encrypted as Bakehouse or octez-client does it.

Octez' format is edesk, spesk and p2esk: the key of an XSalsa20-Poly1305 box is derived from the
passphrase by PBKDF2-HMAC-SHA512. Ours is in `sealed_key`. Decrypted keys exist in memory only.
"""

import os
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from bakehouse.errors import EncodingError, SignerError
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, decode, encode
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.private_file import read_private
from bakehouse.tezos.sealed_key import SealedKey

_PREFIXES: Final = {
    Curve.ED25519: Prefix.EDESK,
    Curve.SECP256K1: Prefix.SPESK,
    Curve.P256: Prefix.P2ESK,
}
_CURVES: Final = {prefix: curve for curve, prefix in _PREFIXES.items()}

_SALT_SIZE: Final = 8
_ITERATIONS: Final = 32_768
#: Constant, because the salt makes a new box key each time.
_NONCE: Final = bytes(SecretBox.NONCE_SIZE)

#: How octez-client's own files mark a key.
ENCRYPTED_SCHEME: Final = "encrypted:"
_UNENCRYPTED: Final = ("unencrypted:", Prefix.EDSK_SEED.text, Prefix.SPSK.text, Prefix.P2SK.text)


def encrypt_secret_key(key: SecretKey, passphrase: str) -> str:
    """Give the key as edesk, spesk or p2esk text; SignerError for an empty passphrase.

    Takes tens of milliseconds of processor time, on purpose: keep it off an event loop.
    """
    if not passphrase:
        raise SignerError("a secret key needs a passphrase that is not empty")
    salt = os.urandom(_SALT_SIZE)
    box = _box(passphrase, salt).encrypt(key.seed, _NONCE)
    return encode(_PREFIXES[key.public_key.curve], salt + box.ciphertext)


def decrypt_secret_key(text: str, passphrase: str) -> SecretKey:
    """Open an edesk, spesk or p2esk text; SignerError when it is none or the passphrase is wrong.

    As slow as encryption, on purpose: keep it off an event loop.
    """
    if text.startswith(_UNENCRYPTED):
        raise SignerError(
            "this secret key is not encrypted: replace it by what"
            " `octez-client encrypt secret key` makes of it"
        )
    try:
        prefix, payload = decode(text, *_CURVES)
    except EncodingError as error:
        raise SignerError(f"this is not an encrypted secret key: {error.message}") from None
    salt, box = payload[:_SALT_SIZE], payload[_SALT_SIZE:]
    try:
        seed = _box(passphrase, salt).decrypt(box, _NONCE)
    except CryptoError:
        raise SignerError("the passphrase does not open this secret key") from None
    return SecretKey.from_seed(_CURVES[prefix], seed)


def read_key_file(path: Path, passphrase: str) -> SecretKey:
    """Open the encrypted key in a file that only its owner can read; raises SignerError.

    The file holds what Bakehouse writes, or an octez text alone, or `encrypted:` before that as
    octez-client writes it.
    """
    text = read_private(path)
    try:
        if _is_sealed(text):
            return SealedKey.parse(text).open(passphrase)
        return decrypt_secret_key(text.removeprefix(ENCRYPTED_SCHEME), passphrase)
    except SignerError as error:
        raise SignerError(f"{path}: {error.message}") from None


def read_key_address(path: Path) -> Address | None:
    """Give the address that a key file names, or None for octez' form: that names none.

    Needs no passphrase, so it is only what the file says. Raises SignerError as `read_key_file`.
    """
    text = read_private(path)
    try:
        return SealedKey.parse(text).address if _is_sealed(text) else None
    except SignerError as error:
        raise SignerError(f"{path}: {error.message}") from None


def _is_sealed(text: str) -> bool:
    return text.startswith("{")


def _box(passphrase: str, salt: bytes) -> SecretBox:
    return SecretBox(
        pbkdf2_hmac("sha512", passphrase.encode(), salt, _ITERATIONS, dklen=SecretBox.KEY_SIZE)
    )
