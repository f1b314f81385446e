"""Secret keys at rest: a file that holds one key, encrypted as octez-client encrypts it.

The format is octez's edesk, spesk and p2esk: the key of an XSalsa20-Poly1305 box is derived from
the passphrase by PBKDF2-HMAC-SHA512. Decrypted keys exist in memory only.
"""

import os
import stat
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from bakehouse.errors import EncodingError, SignerError
from bakehouse.tezos.base58check import Prefix, decode, encode
from bakehouse.tezos.keys import Curve, SecretKey

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
_ENCRYPTED_SCHEME: Final = "encrypted:"
_UNENCRYPTED: Final = ("unencrypted:", Prefix.EDSK_SEED.text, Prefix.SPSK.text, Prefix.P2SK.text)

_FILE_SIZE_MAX: Final = 4096
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


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

    The file holds the text alone, or `encrypted:` before it as octez-client writes it.
    """
    text = _read_private(path).removeprefix(_ENCRYPTED_SCHEME)
    try:
        return decrypt_secret_key(text, passphrase)
    except SignerError as error:
        raise SignerError(f"{path}: {error.message}") from None


def read_passphrase(path: Path) -> str:
    """Read a passphrase from a file that only its owner can read; raises SignerError."""
    return _read_private(path)


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_FILE_SIZE_MAX)
    except OSError as error:
        raise SignerError(f"the secret file {path} cannot be read: {error.strerror}") from error
    if mode & _OTHERS:
        raise SignerError(
            f"the secret file {path} is open to others than its owner: run chmod 600 {path}"
        )
    return content.decode(errors="replace").strip()


def _box(passphrase: str, salt: bytes) -> SecretBox:
    return SecretBox(
        pbkdf2_hmac("sha512", passphrase.encode(), salt, _ITERATIONS, dklen=SecretBox.KEY_SIZE)
    )
