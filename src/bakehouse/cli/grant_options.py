"""The options of commands that give a role, and how a role is told. No commands here."""

from typing import Annotated

import typer

from bakehouse.ledger.roles import Grant, Role
from bakehouse.tezos.address import parse_implicit

RoleOption = Annotated[Role, typer.Option("--role", help="What they may do.")]
BakersOption = Annotated[
    str, typer.Option("--bakers", help="all, or addresses of bakers separated by commas.")
]


def grant_of(role: Role, bakers: str) -> Grant:
    """Read a grant; raises AddressError."""
    if bakers.strip() == "all":
        return Grant(role)
    named = bakers.replace(",", " ").split()
    return Grant(role, frozenset(parse_implicit(each) for each in named))


def grant_words(grant: Grant) -> str:
    """Tell a grant on one line."""
    whom = "all bakers" if grant.bakers is None else ", ".join(sorted(grant.bakers))
    return f"{grant.role} of {whom}"
