"""Who a request is from, and what that one may do. Nothing is looked up here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import Depends, Request

from bakehouse.errors import ForbiddenError, NotFoundError
from bakehouse.ledger.roles import Grant, Role


class CallerKind(StrEnum):
    """How a request shows who it is from."""

    NOBODY = "nobody"
    PROGRAM = "program"  # by a token
    PERSON = "person"  # by a cookie, which a browser also adds to what others make it send
    DEMO = "demo"  # by being on the machine of a demo


class NotTheirsError(NotFoundError):
    """A baker that the caller may not see."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request; `actor` is how the audit trail names them."""

    kind: CallerKind
    actor: str = "nobody"
    #: What they may do; None for nothing.
    grant: Grant | None = None
    #: Of a person with an account.
    user_id: int | None = None
    name: str = ""

    @property
    def role(self) -> Role | None:
        """How much the caller may do."""
        return self.grant.role if self.grant else None

    @property
    def sees_all(self) -> bool:
        """Whether no baker is hidden from the caller."""
        return self.grant is not None and self.grant.covers_all

    @property
    def has_cookie(self) -> bool:
        """Whether another site's page could make a browser send this in the caller's name."""
        return self.kind in {CallerKind.PERSON, CallerKind.DEMO}

    @property
    def visible_bakers(self) -> frozenset[str] | None:
        """Give the bakers the caller may see; None for all there are."""
        return self.grant.bakers if self.grant else frozenset()

    def has(self, role: Role) -> bool:
        """Whether the caller has at least this role."""
        return self.grant is not None and self.grant.role.includes(role)

    def may_see(self, baker_id: str | None) -> bool:
        """Whether what is about this baker (or, with None, about all) is shown to the caller."""
        if self.grant is None:
            return False
        return self.grant.covers_all if baker_id is None else self.grant.covers(baker_id)

    def require(self, role: Role, baker_id: str | None = None) -> None:
        """Raise ForbiddenError without the role, NotFoundError for a baker of others."""
        if not self.has(role):
            raise ForbiddenError(f"this needs the role {role}: ask an administrator for it")
        if baker_id is not None and not self.may_see(baker_id):
            # In the words of a baker that is not there: what others have is not told.
            raise NotTheirsError(f"no baker {baker_id!r} is registered here")


NOBODY: Final = Caller(CallerKind.NOBODY)


def caller_of(request: Request) -> Caller:
    """Give who a request is from, as found out before it got to its route."""
    caller: Caller = getattr(request.state, "caller", NOBODY)
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]
