"""Hashes of operations as other tools write them. No lookups."""

from typing import Final

from bakehouse.errors import EncodingError, InputError
from bakehouse.tezos.base58check import Prefix, decode, encode

#: What TezPay writes before it knows a hash.
ZERO: Final = encode(Prefix.OPERATION_HASH, bytes(32))

_SHOWN_LENGTH_MAX: Final = 64


def parse_operation_hash(text: str) -> str:
    """Accept the hash of an operation by its checksum; raises InputError."""
    try:
        decode(text, Prefix.OPERATION_HASH)
    except EncodingError as error:
        raise InputError(
            f"{text[:_SHOWN_LENGTH_MAX]!r} is no hash of an operation: {error.message}"
        ) from error
    return text
