"""Operations as the bytes that are signed: the protocol's binary layout, written.

The layout is that of the protocol's `operation.unsigned` encoding since Seoul. Reading is in
`unforging`; signing is elsewhere.
"""

from enum import IntEnum
from typing import Final

from bakehouse.errors import EncodingError
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, decode
from bakehouse.tezos.operation import (
    NUMBER_MAX,
    Content,
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
)


class ContentTag(IntEnum):
    """The byte that says which kind of operation follows."""

    REVEAL = 0x6B
    TRANSACTION = 0x6C
    DELEGATION = 0x6E


ABSENT: Final = b"\x00"
PRESENT: Final = b"\xff"

KEY_HASH_TAGS: Final = {Prefix.TZ1: 0, Prefix.TZ2: 1, Prefix.TZ3: 2, Prefix.TZ4: 3}
PUBLIC_KEY_TAGS: Final = {Prefix.EDPK: 0, Prefix.SPPK: 1, Prefix.P2PK: 2, Prefix.BLPK: 3}

#: Destinations are padded to the size of an implicit account's tag and key hash.
IMPLICIT_TAG: Final = 0
PADDED_TAGS: Final = {Prefix.KT1: 1, Prefix.SR1: 3}
PADDING: Final = b"\x00"

PROOF_LENGTH_SIZE: Final = 4

#: The bit of a number's byte that says that another byte follows.
CONTINUES: Final = 0x80


def forge(group: OperationGroup) -> bytes:
    """Write a group as the bytes to sign, without watermark; raises EncodingError.

    Each address, key and hash passes its checksum on the way.
    """
    if not group.contents:
        raise EncodingError("an operation group without contents cannot be forged")
    _, branch = decode(group.branch, Prefix.BLOCK_HASH)
    return b"".join((branch, *map(forge_content, group.contents)))


def forge_content(content: Content) -> bytes:
    """Write one content of a group; raises EncodingError."""
    match content:
        case Transaction():
            return (
                _forge_manager_fields(ContentTag.TRANSACTION, content)
                + _forge_number(content.amount)
                + _forge_destination(content.destination)
                + ABSENT  # no parameters
            )
        case Reveal():
            return (
                _forge_manager_fields(ContentTag.REVEAL, content)
                + _forge_public_key(content.public_key)
                + _forge_proof(content.proof)
            )
        case Delegation():
            return _forge_manager_fields(ContentTag.DELEGATION, content) + _forge_delegate(
                content.delegate
            )


def content_size(content: Content) -> int:
    """Count the bytes that one content adds to a group."""
    return len(forge_content(content))


def forge_key_hash(address: Address) -> bytes:
    """Write the address of an implicit account as the tag of its curve and its key hash."""
    prefix, key_hash = decode(address, *KEY_HASH_TAGS)
    return bytes((KEY_HASH_TAGS[prefix],)) + key_hash


def _forge_manager_fields(tag: ContentTag, content: Content) -> bytes:
    return b"".join(
        (
            bytes((tag,)),
            forge_key_hash(content.source),
            _forge_number(content.fee),
            _forge_number(content.counter),
            _forge_number(content.gas_limit),
            _forge_number(content.storage_limit),
        )
    )


def _forge_number(number: int) -> bytes:
    if not 0 <= number <= NUMBER_MAX:
        raise EncodingError(f"{number} cannot stand in an operation: 0 to {NUMBER_MAX} can")
    # Seven bits a byte, lowest first.
    written = bytearray()
    while number >= CONTINUES:
        written.append(number % CONTINUES | CONTINUES)
        number >>= 7
    written.append(number)
    return bytes(written)


def _forge_destination(address: Address) -> bytes:
    prefix, payload = decode(address, *KEY_HASH_TAGS, *PADDED_TAGS)
    if prefix in PADDED_TAGS:
        return bytes((PADDED_TAGS[prefix],)) + payload + PADDING
    return bytes((IMPLICIT_TAG, KEY_HASH_TAGS[prefix])) + payload


def _forge_public_key(text: str) -> bytes:
    prefix, key = decode(text, *PUBLIC_KEY_TAGS)
    return bytes((PUBLIC_KEY_TAGS[prefix],)) + key


def _forge_proof(text: str | None) -> bytes:
    if text is None:
        return ABSENT
    _, proof = decode(text, Prefix.BLSIG)
    return PRESENT + len(proof).to_bytes(PROOF_LENGTH_SIZE) + proof


def _forge_delegate(address: Address | None) -> bytes:
    return ABSENT if address is None else PRESENT + forge_key_hash(address)
