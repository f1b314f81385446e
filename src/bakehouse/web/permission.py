"""What a route needs of its caller, said at the route; a route that says nothing is not served."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from bakehouse.errors import ForbiddenError
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import Caller, caller_of

#: The parameter of a path that names a baker.
BAKER_PARAMETER: Final = "baker_id"


@dataclass(frozen=True, slots=True)
class Need:
    """At least a role; for the baker in the path, or for all bakers."""

    role: Role | None
    all_bakers: bool = False

    def __call__(self, request: Request) -> Caller:
        """Give the caller, or raise ForbiddenError or NotFoundError."""
        caller = caller_of(request)
        if self.role is None:
            return caller
        caller.require(self.role, request.path_params.get(BAKER_PARAMETER))
        if self.all_bakers and not caller.sees_all:
            raise ForbiddenError("this is about every baker, and you may see only some")
        return caller


def needs(role: Role, *, all_bakers: bool = False) -> Any:
    """Say what a route, or every route of a router, needs: a dependency."""
    return Depends(Need(role, all_bakers))


def open_to_all() -> Any:
    """Say that a route says nothing about any baker: anybody may ask. A dependency."""
    return Depends(Need(None))


@dataclass(frozen=True, slots=True)
class ServedRoute:
    """A route as it is served, under its whole path, and what it says it needs."""

    path: str
    methods: frozenset[str]
    needs: tuple[Need, ...]


def served_routes(routes: Sequence[BaseRoute]) -> list[ServedRoute]:
    """Give every route of an application, those of included routers too."""
    return [
        ServedRoute(
            path=context.path or "",
            methods=frozenset(context.methods or ()),
            needs=tuple(_needs_of(context)),
        )
        # An application lists the routers it includes, not their routes.
        for context in iter_route_contexts(routes)
        if isinstance(context.original_route, APIRoute)
    ]


def refuse_silent_routes(routes: Iterable[ServedRoute]) -> None:
    """Raise RuntimeError, naming it, for a route that does not say what it needs."""
    for route in routes:
        if not route.needs:
            raise RuntimeError(f"{route.path} says nothing about who may ask for it")


def _needs_of(context: RouteContext) -> Iterator[Need]:
    for each in context.dependant.dependencies:
        if isinstance(each.call, Need):
            yield each.call
