"""A signed operation group, whose hash is known before anybody else has seen it."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from bakehouse.errors import EncodingError, SignerError
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.forging import forge
from bakehouse.tezos.keys import OPERATION_WATERMARK, SIGNATURE_SIZE
from bakehouse.tezos.operation import OperationGroup, Reveal
from bakehouse.tezos.signer import Signer
from bakehouse.tezos.unforging import unforge

_HASH_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class SignedOperation:
    """A group with its bytes: `signed_bytes` is `forged` and the 64 raw bytes of `signature`."""

    group: OperationGroup
    forged: bytes
    signature: bytes
    signed_bytes: bytes
    hash: str


def operation_hash(signed_bytes: bytes) -> str:
    """Give the hash by which the chain will know these signed bytes."""
    return encode(Prefix.OPERATION_HASH, blake2b(signed_bytes, digest_size=_HASH_SIZE).digest())


async def seal(group: OperationGroup, signer: Signer) -> SignedOperation:
    """Forge a group, check that its bytes say what was meant, have it signed, check the signature.

    Nothing is sent. Raises EncodingError when the bytes read back as another group, SignerError
    when the group is not the signer's to sign or the signature is not its own.
    """
    _check_ownership(group, signer)
    forged = forge(group)
    if unforge(forged) != group:
        raise EncodingError("the forged bytes read back as another operation; nothing was signed")
    signature = await signer.sign(forged)
    if not signer.public_key.verify(signature, OPERATION_WATERMARK + forged):
        raise SignerError(
            f"the signer of {signer.address} returned a signature that does not fit this operation"
        )
    signed_bytes = forged + signature
    return SignedOperation(group, forged, signature, signed_bytes, operation_hash(signed_bytes))


def decode_signed(signed_bytes: bytes) -> tuple[OperationGroup, bytes]:
    """Split signed bytes into the group and its 64 raw bytes of signature; raises EncodingError.

    The signature is not verified. BLS-signed operations, which end otherwise, are refused.
    """
    return unforge(signed_bytes[:-SIGNATURE_SIZE]), signed_bytes[-SIGNATURE_SIZE:]


def _check_ownership(group: OperationGroup, signer: Signer) -> None:
    for content in group.contents:
        if content.source != signer.address:
            raise SignerError(f"the signer of {signer.address} cannot sign for {content.source}")
        if isinstance(content, Reveal) and content.public_key != signer.public_key.encode():
            raise SignerError(f"this would reveal another key than that of {signer.address}")
