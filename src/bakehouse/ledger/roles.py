"""What people and programs may do: roles, and the bakers they hold for. Pure; no tables here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """How much a caller may do; each includes the ones before."""

    VIEWER = "viewer"  # sees
    OPERATOR = "operator"  # triggers, retries, holds, releases, pauses, acknowledges
    ADMINISTRATOR = "administrator"  # settings, fees, money going live, users and tokens

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        return _RANKS[self] >= _RANKS[other]


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for some bakers (by id) or, with None, for all there are and will be."""

    role: Role
    bakers: frozenset[str] | None = None

    @property
    def covers_all(self) -> bool:
        """Whether it holds for every baker."""
        return self.bakers is None

    def covers(self, baker_id: str) -> bool:
        """Whether it holds for a baker."""
        return self.bakers is None or baker_id in self.bakers
