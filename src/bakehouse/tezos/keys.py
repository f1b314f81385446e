"""Public and secret keys of the three curves that can pay: ed25519, secp256k1 and p256.

What is signed is always the BLAKE2b-256 digest of the given bytes. Keys at rest are in `key_file`.
BLS keys (tz4) are not supported as payout keys.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from typing import Final, Self

import coincurve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from bakehouse.errors import EncodingError, SignerError
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, decode, encode

#: Put before a forged operation when it is signed, so that its signature fits nothing else.
OPERATION_WATERMARK: Final = b"\x03"

SIGNATURE_SIZE: Final = 64
SEED_SIZE: Final = 32
_SCALAR_SIZE: Final = 32
_KEY_HASH_SIZE: Final = 20

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
#: The digest is made before, by BLAKE2b; SHA-256 here gives its size and drives RFC 6979 nonces.
_P256_SIGNING: Final = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)
_P256_VERIFYING: Final = ec.ECDSA(Prehashed(SHA256()))


class Curve(Enum):
    """A signature scheme."""

    ED25519 = "ed25519"
    SECP256K1 = "secp256k1"
    P256 = "p256"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; ECDSA keys are held compressed."""

    curve: Curve
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an edpk, sppk or p2pk text; raises EncodingError."""
        prefix, raw = decode(text, *_CURVE_OF_PUBLIC_KEY)
        curve = _CURVE_OF_PUBLIC_KEY[prefix]
        try:
            _SCHEMES[curve].check_public_key(raw)
        except ValueError:
            raise EncodingError(f"{text} is not a point on the curve {curve.value}") from None
        return cls(curve, raw)

    def encode(self) -> str:
        """Write the key as text."""
        return encode(_SCHEMES[self.curve].public_key_prefix, self.raw)

    @property
    def address(self) -> Address:
        """The account that this key controls."""
        key_hash = blake2b(self.raw, digest_size=_KEY_HASH_SIZE).digest()
        return Address(encode(_SCHEMES[self.curve].address_prefix, key_hash))

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the 64 raw bytes of `signature` are this key's for `message`.

        As the chain does, p256 takes both values of s that ECDSA allows, secp256k1 the lower only.
        So anybody can give a tz3 account's operation a second hash, which matters to those who
        look for it by hash.
        """
        if len(signature) != SIGNATURE_SIZE:
            return False
        return _SCHEMES[self.curve].verify(self.raw, signature, _digest(message))

    def encode_signature(self, signature: bytes) -> str:
        """Write 64 raw bytes as the text of this curve's signatures (edsig, spsig, p2sig)."""
        return encode(_SCHEMES[self.curve].signature_prefix, signature)

    def decode_signature(self, text: str) -> bytes:
        """Read a signature of this curve, or a generic `sig`, as 64 raw bytes; or EncodingError."""
        _, signature = decode(text, _SCHEMES[self.curve].signature_prefix, Prefix.SIG)
        return signature

    def __repr__(self) -> str:
        return f"PublicKey({self.encode()})"


@dataclass(frozen=True, slots=True, eq=False)
class SecretKey:
    """A secret key, which shows itself only by its public key."""

    public_key: PublicKey
    seed: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an unencrypted edsk, spsk or p2sk text; raises SignerError without repeating it."""
        try:
            prefix, payload = decode(text, *_CURVE_OF_SECRET_KEY)
        except EncodingError as error:
            raise SignerError(f"this is not an unencrypted secret key: {error.message}") from None
        key = cls.from_seed(_CURVE_OF_SECRET_KEY[prefix], payload[:SEED_SIZE])
        if prefix is Prefix.EDSK_SECRET and payload[SEED_SIZE:] != key.public_key.raw:
            raise SignerError("this secret key carries a public key that is not its own")
        return key

    @classmethod
    def from_seed(cls, curve: Curve, seed: bytes) -> Self:
        """Make a key of 32 secret bytes; SignerError if the curve has no such key."""
        if len(seed) != SEED_SIZE:
            raise SignerError(f"a secret key is made of {SEED_SIZE} bytes, not {len(seed)}")
        try:
            raw = _SCHEMES[curve].public_key_of(seed)
        except ValueError:
            raise SignerError(f"these bytes are not a secret key of {curve.value}") from None
        return cls(PublicKey(curve, raw), seed)

    def sign(self, message: bytes) -> bytes:
        """Sign `message`, deterministically: 64 raw bytes, and for ECDSA the lower of the two s."""
        return _SCHEMES[self.public_key.curve].sign(self.seed, _digest(message))


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How one curve spells and does things; a wrong key is a ValueError."""

    address_prefix: Prefix
    public_key_prefix: Prefix
    secret_key_prefix: Prefix
    signature_prefix: Prefix
    check_public_key: Callable[[bytes], object]
    public_key_of: Callable[[bytes], bytes]
    sign: Callable[[bytes, bytes], bytes]
    verify: Callable[[bytes, bytes, bytes], bool]


def _digest(message: bytes) -> bytes:
    return blake2b(message, digest_size=32).digest()


def _ed25519_public_key_of(seed: bytes) -> bytes:
    return bytes(SigningKey(seed).verify_key)


def _ed25519_sign(seed: bytes, digest: bytes) -> bytes:
    return SigningKey(seed).sign(digest).signature


def _ed25519_verify(public_key: bytes, signature: bytes, digest: bytes) -> bool:
    try:
        VerifyKey(public_key).verify(digest, signature)
    except BadSignatureError:
        return False
    return True


def _secp256k1_public_key_of(seed: bytes) -> bytes:
    return coincurve.PrivateKey(seed).public_key.format()


def _secp256k1_sign(seed: bytes, digest: bytes) -> bytes:
    # The recoverable form is r, s and one byte more, which spares a round through DER.
    return coincurve.PrivateKey(seed).sign_recoverable(digest, hasher=None)[:SIGNATURE_SIZE]


def _secp256k1_verify(public_key: bytes, signature: bytes, digest: bytes) -> bool:
    return coincurve.PublicKey(public_key).verify(_to_der(signature), digest, hasher=None)


def _p256_secret(seed: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(seed), ec.SECP256R1())


def _p256_point(public_key: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)


def _p256_public_key_of(seed: bytes) -> bytes:
    public_key = _p256_secret(seed).public_key()
    return public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _p256_sign(seed: bytes, digest: bytes) -> bytes:
    r, s = decode_dss_signature(_p256_secret(seed).sign(digest, _P256_SIGNING))
    return r.to_bytes(_SCALAR_SIZE) + min(s, _P256_ORDER - s).to_bytes(_SCALAR_SIZE)


def _p256_verify(public_key: bytes, signature: bytes, digest: bytes) -> bool:
    try:
        _p256_point(public_key).verify(_to_der(signature), digest, _P256_VERIFYING)
    except InvalidSignature:
        return False
    return True


def _to_der(signature: bytes) -> bytes:
    r, s = signature[:_SCALAR_SIZE], signature[_SCALAR_SIZE:]
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


_SCHEMES: Final = {
    Curve.ED25519: _Scheme(
        Prefix.TZ1,
        Prefix.EDPK,
        Prefix.EDSK_SEED,
        Prefix.EDSIG,
        VerifyKey,
        _ed25519_public_key_of,
        _ed25519_sign,
        _ed25519_verify,
    ),
    Curve.SECP256K1: _Scheme(
        Prefix.TZ2,
        Prefix.SPPK,
        Prefix.SPSK,
        Prefix.SPSIG,
        coincurve.PublicKey,
        _secp256k1_public_key_of,
        _secp256k1_sign,
        _secp256k1_verify,
    ),
    Curve.P256: _Scheme(
        Prefix.TZ3,
        Prefix.P2PK,
        Prefix.P2SK,
        Prefix.P2SIG,
        _p256_point,
        _p256_public_key_of,
        _p256_sign,
        _p256_verify,
    ),
}
_CURVE_OF_PUBLIC_KEY: Final = {
    scheme.public_key_prefix: curve for curve, scheme in _SCHEMES.items()
}
_CURVE_OF_SECRET_KEY: Final = {
    Prefix.EDSK_SECRET: Curve.ED25519,
    **{scheme.secret_key_prefix: curve for curve, scheme in _SCHEMES.items()},
}
