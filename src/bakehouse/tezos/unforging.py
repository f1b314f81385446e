"""Forged bytes read back as operations, strictly, so that one reading has one spelling.

Independent of the writing side but for the table of tags: it is the check on it.
"""

from typing import Final, TypedDict, TypeVar

from bakehouse.errors import EncodingError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.forging import (
    ABSENT,
    CONTINUES,
    IMPLICIT_TAG,
    KEY_HASH_TAGS,
    PADDED_TAGS,
    PADDING,
    PRESENT,
    PROOF_LENGTH_SIZE,
    PUBLIC_KEY_TAGS,
    ContentTag,
)
from bakehouse.tezos.operation import (
    NUMBER_MAX,
    Content,
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
)

_KEY_HASHES: Final = {tag: prefix for prefix, tag in KEY_HASH_TAGS.items()}
_PUBLIC_KEYS: Final = {tag: prefix for prefix, tag in PUBLIC_KEY_TAGS.items()}
_DESTINATIONS: Final = {
    IMPLICIT_TAG: None,  # a key hash with its own tag follows
    **{tag: prefix for prefix, tag in PADDED_TAGS.items()},
}
_CONTENTS: Final = {tag.value: tag for tag in ContentTag}
_PRESENCE: Final = {ABSENT[0]: False, PRESENT[0]: True}
_NUMBER_SIZE_MAX: Final = (NUMBER_MAX.bit_length() + 6) // 7

_Choice = TypeVar("_Choice")


class _ManagerFields(TypedDict):
    """What the three kinds of operation begin with."""

    source: Address
    fee: Mutez
    counter: int
    gas_limit: int
    storage_limit: int


def unforge(data: bytes) -> OperationGroup:
    """Read the bytes of an unsigned group; raises EncodingError.

    Refused are unknown kinds and tags, entrypoint calls, numbers written longer than needed,
    and bytes too many or too few: whatever is read forges back to the same bytes.
    """
    reader = _Reader(data)
    branch = encode(Prefix.BLOCK_HASH, reader.take(Prefix.BLOCK_HASH.size))
    contents = []
    while reader.has_more():
        contents.append(_content(reader))
    if not contents:
        raise EncodingError("these bytes hold an operation group without contents")
    return OperationGroup(branch=branch, contents=tuple(contents))


class _Reader:
    """The bytes and how far they have been read."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def has_more(self) -> bool:
        return self._position < len(self._data)

    def take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise EncodingError(f"an operation is cut off at byte {len(self._data)}")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def choice(self, choices: dict[int, _Choice], meaning: str) -> _Choice:
        tag = self.take(1)[0]
        if tag not in choices:
            raise EncodingError(f"0x{tag:02x} before byte {self._position} does not say {meaning}")
        return choices[tag]

    def presence(self) -> bool:
        return self.choice(_PRESENCE, "presence")

    def number(self) -> int:
        number = 0
        for index in range(_NUMBER_SIZE_MAX):
            byte = self.take(1)[0]
            number |= byte % CONTINUES << 7 * index
            if byte < CONTINUES:
                break
        else:
            raise EncodingError(f"a number in an operation is above {NUMBER_MAX}")
        if byte == 0 and index > 0:
            raise EncodingError("a number in an operation is written longer than needed")
        return number

    def key_hash(self) -> Address:
        prefix = self.choice(_KEY_HASHES, "a key hash")
        return Address(encode(prefix, self.take(prefix.size)))


def _content(reader: _Reader) -> Content:
    tag = reader.choice(_CONTENTS, "an operation that is supported")
    manager_fields: _ManagerFields = {
        "source": reader.key_hash(),
        "fee": Mutez(reader.number()),
        "counter": reader.number(),
        "gas_limit": reader.number(),
        "storage_limit": reader.number(),
    }
    match tag:
        case ContentTag.TRANSACTION:
            return _transaction(reader, manager_fields)
        case ContentTag.REVEAL:
            return _reveal(reader, manager_fields)
        case ContentTag.DELEGATION:
            return _delegation(reader, manager_fields)


def _transaction(reader: _Reader, manager_fields: _ManagerFields) -> Transaction:
    amount = Mutez(reader.number())
    destination = _destination(reader)
    if reader.presence():
        raise EncodingError("a transaction that calls an entrypoint is not supported")
    return Transaction(**manager_fields, amount=amount, destination=destination)


def _reveal(reader: _Reader, manager_fields: _ManagerFields) -> Reveal:
    prefix = reader.choice(_PUBLIC_KEYS, "a public key")
    public_key = encode(prefix, reader.take(prefix.size))
    proof = _proof(reader) if reader.presence() else None
    return Reveal(**manager_fields, public_key=public_key, proof=proof)


def _delegation(reader: _Reader, manager_fields: _ManagerFields) -> Delegation:
    delegate = reader.key_hash() if reader.presence() else None
    return Delegation(**manager_fields, delegate=delegate)


def _destination(reader: _Reader) -> Address:
    prefix = reader.choice(_DESTINATIONS, "a destination")
    if prefix is None:
        return reader.key_hash()
    address = Address(encode(prefix, reader.take(prefix.size)))
    if reader.take(len(PADDING)) != PADDING:
        raise EncodingError("a destination's padding is not zero")
    return address


def _proof(reader: _Reader) -> str:
    size = int.from_bytes(reader.take(PROOF_LENGTH_SIZE))
    if size != Prefix.BLSIG.size:
        raise EncodingError(f"a proof of possession has {size} bytes, not {Prefix.BLSIG.size}")
    return encode(Prefix.BLSIG, reader.take(size))
