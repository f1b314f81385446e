"""A document of settings of another tool as a tree in which every value knows its line.

Values stay the texts they are: no float ever stands for an amount. Nothing is shown of them but
what a reader asks for, since there may be secrets beside.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bakehouse.importers.place import Place

Value = TypeVar("Value")

_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})
_NOTHING: Final = frozenset({"", "null", "~"})


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a text, a list or a table; of the three, what it is not is None."""

    place: Place
    text: str | None = field(default=None, repr=False)
    is_quoted: bool = False
    items: Sequence["Node"] | None = field(default=None, repr=False)
    entries: Mapping[str, "Node"] | None = field(default=None, repr=False)

    @property
    def is_nothing(self) -> bool:
        """Whether it says nothing: null, or not there."""
        return self.text is not None and not self.is_quoted and self.text.lower() in _NOTHING

    def get(self, name: str) -> "Node | None":
        """Give an entry of a table, or None where it is not there, or is null."""
        found = self.table().get(name)
        return None if found is None or found.is_nothing else found

    def table(self) -> Mapping[str, "Node"]:
        """Give its entries; raises InputError for what is no table."""
        if self.entries is None:
            raise self.place.mistake("this must be a table of names and values")
        return self.entries

    def list_of(self, parse: Callable[[str], Value]) -> Iterator[tuple[Place, Value]]:
        """Give what each of its items says; raises InputError for what is no list of texts."""
        if self.items is None:
            raise self.place.mistake("this must be a list")
        for item in self.items:
            yield item.place, item.read(parse)

    def read(self, parse: Callable[[str], Value]) -> Value:
        """Make something of its text; raises InputError with its place."""
        if self.text is None:
            raise self.place.mistake("this must be a single value")
        return self.place.read(parse, self.text.strip())

    def is_yes(self) -> bool:
        """Tell yes from no; raises InputError for what is neither."""
        text = (self.text or "").strip().lower()
        if text not in _TRUE | _FALSE:
            raise self.place.mistake("this must be true or false")
        return text in _TRUE
