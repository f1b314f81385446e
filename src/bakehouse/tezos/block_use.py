"""How much of a block its operations take: gas limits, and bytes at most. No requests.

What that leaves for others, and what follows from it, is decided by payments.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bakehouse.tezos.strict_json import Fields, read_objects

#: Bytes that no content accounts for: a branch, a signature (a tz4's is the longest), a tag or two.
_ENVELOPE_SIZE: Final = 32 + 96 + 8
#: A length in front, or the tags of a small number.
_LENGTH_SIZE: Final = 4

_HEXADECIMAL: Final = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class OperationUse:
    """What one manager operation takes of its block; a block counts gas limits, not gas used."""

    source: str
    gas_limit: int
    #: An upper bound: JSON does not tell the length of what it stands for.
    size_bytes: int


def parse_operation_uses(document: Any) -> tuple[OperationUse, ...]:
    """Read `blocks/{id}/operations/3`, receipts or none; raises SourceMalformedError."""
    return tuple(_use(operation) for operation in read_objects(document))


def _use(operation: Fields) -> OperationUse:
    contents = operation.objects("contents")
    return OperationUse(
        source=contents[0].text("source") if contents else "",
        gas_limit=sum(content.natural("gas_limit") for content in contents),
        size_bytes=_ENVELOPE_SIZE + sum(_size_at_most(_signed(each.values)) for each in contents),
    )


def _signed(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in content.items() if name != "metadata"}


def _size_at_most(value: Any) -> int:
    # The protocol's encoding never takes more: names are tags there, hexadecimal digits and decimal
    # ones half a byte or less, and base58 is longer than what it encodes.
    match value:
        case str():
            is_digits = _HEXADECIMAL.fullmatch(value) is not None or value.isdecimal()
            return _LENGTH_SIZE + (-(-len(value) // 2) if is_digits else len(value))
        case Mapping():
            return sum(len(name) + _size_at_most(each) for name, each in value.items())
        case list():
            return _LENGTH_SIZE + sum(map(_size_at_most, value))
        case _:
            return 1
