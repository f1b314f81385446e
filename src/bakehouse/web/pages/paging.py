"""Where the other pages of a long list are: addresses, so that a view is a bookmark."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """One page of a list: where it begins, how many rows it shows, and of how many."""

    path: str
    offset: int
    shown: int
    limit: int
    #: Where the next page begins; None on the last.
    next_offset: int | None
    total: int | None = None
    #: What else the address says, such as what is searched for.
    query: Mapping[str, str] = field(default_factory=dict)
    #: The part of the page where the list is.
    anchor: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether there is any other page."""
        return bool(self.offset) or self.next_offset is not None

    @property
    def previous_path(self) -> str | None:
        """Give the page before; None on the first."""
        return self._at(max(0, self.offset - self.limit)) if self.offset else None

    @property
    def next_path(self) -> str | None:
        """Give the page after; None on the last."""
        return None if self.next_offset is None else self._at(self.next_offset)

    def _at(self, offset: int) -> str:
        query = {**self.query, **({"offset": str(offset)} if offset else {})}
        return f"{self.path}{'?' if query else ''}{urlencode(query)}{self.anchor}"
