"""JSON from outside, decoded and read field by field; nothing missing or mistyped is ever guessed.

Every function raises SourceMalformedError with a clause that names the field; whoever knows where
the document came from puts that in front.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn

from bakehouse.errors import EncodingError, SourceMalformedError
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.base58check import decode as decode_base58check

#: Amounts, counters and levels are 63-bit in the protocol; nothing true is larger.
NATURAL_MAX: Final = 2**63 - 1

_NATURAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MISSING: Final = object()
_SHOWN_LENGTH_MAX: Final = 60


def decode(data: bytes) -> Any:
    """Decode one JSON document; a repeated key keeps its last value, as everywhere."""
    return _decode(data, None)


def decode_unique(data: bytes) -> Any:
    """Decode one JSON document in which no object names a key twice."""
    return _decode(data, _refuse_repeated_keys)


def read_natural(value: Any, path: str) -> int:
    """Read a whole number of 0 or more, given as a JSON integer or a string of decimal digits."""
    # `type`, not `isinstance`: to Python, true is an int.
    if type(value) is str and _NATURAL.fullmatch(value):
        value = int(value)
    if type(value) is int and 0 <= value <= NATURAL_MAX:
        return value
    raise SourceMalformedError(f"{path} must be a whole number of 0 or more, not {_shown(value)}")


def read_text(value: Any, path: str) -> str:
    """Read a string that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise SourceMalformedError(f"{path} must be a text, not {_shown(value)}")


def read_encoded(value: Any, path: str, *allowed: Prefix) -> str:
    """Read a text in base58check of one of the `allowed` kinds, accepted by its checksum."""
    text = read_text(value, path)
    try:
        decode_base58check(text, *allowed)
    except EncodingError as error:
        raise SourceMalformedError(
            f"{path} is not what it should be, {_shown(text)}: {error.message}"
        ) from error
    return text


def read_list(value: Any, path: str) -> list[Any]:
    """Read a list."""
    if isinstance(value, list):
        return value
    raise SourceMalformedError(f"{path} must be a list, not {_shown(value)}")


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object, and the path by which messages name it ('' for the whole document)."""

    values: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, value: Any, path: str = "") -> "Fields":
        """Accept a value that is an object."""
        if isinstance(value, dict):
            return cls(value, path)
        raise SourceMalformedError(f"{path or 'it'} must be an object, not {_shown(value)}")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def value(self, name: str) -> Any:
        """Give whatever stands there; only its absence is an error."""
        value = self.values.get(name, _MISSING)
        if value is _MISSING:
            raise SourceMalformedError(f"{self.path_to(name)} is missing")
        return value

    def path_to(self, name: str) -> str:
        """Name a field from the document's root, as in `delegators[17].address`."""
        return f"{self.path}.{name}" if self.path else name

    def natural(self, name: str) -> int:
        """Read a field as `read_natural` does."""
        value = self.values.get(name)
        # Read a hundred thousand times in a large split: the path is built only for the others.
        if type(value) is int and 0 <= value <= NATURAL_MAX:
            return value
        return read_natural(self.value(name), self.path_to(name))

    def positive(self, name: str) -> int:
        """Read a whole number above 0."""
        value = self.natural(name)
        if value:
            return value
        raise SourceMalformedError(f"{self.path_to(name)} must be more than 0")

    def text(self, name: str) -> str:
        """Read a string that is not empty."""
        value = self.value(name)
        return value if type(value) is str and value else read_text(value, self.path_to(name))

    def encoded(self, name: str, *allowed: Prefix) -> str:
        """Read a text in base58check of one of the `allowed` kinds."""
        return read_encoded(self.value(name), self.path_to(name), *allowed)

    def boolean(self, name: str) -> bool:
        """Read true or false."""
        value = self.value(name)
        if isinstance(value, bool):
            return value
        raise SourceMalformedError(
            f"{self.path_to(name)} must be true or false, not {_shown(value)}"
        )

    def time(self, name: str) -> datetime:
        """Read a moment in ISO 8601 that says its offset from UTC."""
        text = self.text(name)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise SourceMalformedError(
                f"{self.path_to(name)} must be a time with its offset, not {_shown(text)}"
            )
        return moment

    def object(self, name: str) -> "Fields":
        """Read a field that is an object itself."""
        return Fields.of(self.value(name), self.path_to(name))

    def objects(self, name: str) -> list["Fields"]:
        """Read a list of objects."""
        return read_objects(self.value(name), self.path_to(name))


def read_objects(value: Any, path: str = "", *, first: int = 0) -> list[Fields]:
    """Read a list of objects; messages count its entries from `first`."""
    entries = read_list(value, path or "it")
    return [Fields.of(entry, f"{path}[{index}]") for index, entry in enumerate(entries, first)]


def _decode(data: bytes, build: Callable[[list[tuple[str, Any]]], Any] | None) -> Any:
    if data.lstrip()[:1] == b"<":
        raise SourceMalformedError("it is an HTML or XML page, not JSON")
    if not data.strip():
        raise SourceMalformedError("it is empty")
    try:
        return json.loads(
            data,
            object_pairs_hook=build,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise SourceMalformedError(
            f"it is not JSON, or JSON cut short: {error.msg.lower()} at character {error.pos + 1}"
        ) from error
    except (ValueError, RecursionError) as error:
        # Bytes that are no text, a number of thousands of digits, brackets nested without end.
        raise SourceMalformedError("it is not JSON that can be read") from error


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    raise SourceMalformedError(f"it names {_shown(twice)} twice in one object")


def _refuse_constant(name: str) -> NoReturn:
    raise SourceMalformedError(f"it holds {name}, which is not JSON")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= _SHOWN_LENGTH_MAX else f"{text[:_SHOWN_LENGTH_MAX]}…"
