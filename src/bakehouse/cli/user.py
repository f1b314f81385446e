"""`bakehouse user …`: people who sign in to the pages, managed from the machine itself."""

import json
from typing import Annotated, Final

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.cli.grant_options import BakersOption, RoleOption, grant_of, grant_words
from bakehouse.cli.ledger_access import actor, with_ledger
from bakehouse.errors import NotFoundError
from bakehouse.ledger import users
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.roles import Role
from bakehouse.ledger.users import User
from bakehouse.opening import utc_now
from bakehouse.web.access import WELCOME_PATH

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Users of the pages, and their roles."
)

Name = Annotated[str, typer.Argument(help="The user's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[
    str, typer.Option("--url", help="Where the pages are reached, for the link that is printed.")
]
_LOCAL: Final = "http://localhost:3000"


@app.command()
def add(
    name: Name,
    *,
    role: RoleOption = Role.VIEWER,
    bakers: BakersOption = "all",
    url: Url = _LOCAL,
) -> None:
    """Enter a user; prints a link, good once and for a day, to choose a password."""

    async def work(ledger: Ledger) -> str:
        async with ledger.write() as tx:
            user = await users.add(tx, name, grant_of(role, bakers), actor=actor(), at=utc_now())
            return await users.new_link(tx, user.id, at=utc_now())

    typer.echo(_link(url, with_ledger(work)))


@app.command()
def link(name: Name, *, url: Url = _LOCAL) -> None:
    """Print a link to choose a new password, good once and for a day."""

    async def work(ledger: Ledger) -> str:
        async with ledger.write() as tx:
            return await users.new_link(tx, (await _user(tx, name)).id, at=utc_now())

    typer.echo(_link(url, with_ledger(work)))


@app.command(name="set")
def set_(name: Name, *, role: RoleOption, bakers: BakersOption = "all") -> None:
    """Give a user another role or other bakers."""

    async def work(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            user = await _user(tx, name)
            await users.change_grant(
                tx, user.id, grant_of(role, bakers), actor=actor(), at=utc_now()
            )

    with_ledger(work)
    typer.echo(f"{name} is {grant_words(grant_of(role, bakers))}")


@app.command()
def disable(name: Name) -> None:
    """Shut a user out for good; every session ends."""

    async def work(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            user = await _user(tx, name)
            await users.disable(tx, user.id, actor=actor(), at=utc_now())

    with_ledger(work)
    typer.echo(f"{name} is shut out")


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """List the users."""

    async def read(ledger: Ledger) -> list[User]:
        async with ledger.read() as tx:
            return await users.everyone(tx)

    found = with_ledger(read)
    if as_json:
        typer.echo(json.dumps([_document(user) for user in found], indent=2))
        return
    for user in found:
        state = "shut out" if user.disabled_at else "" if user.has_password else "no password yet"
        typer.echo(f"{user.name}  {grant_words(user.grant)}  {state}".rstrip())


def _document(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.grant.role,
        "bakers": "all" if user.grant.bakers is None else sorted(user.grant.bakers),
        "has_password": user.has_password,
        "disabled": user.disabled_at is not None,
    }


async def _user(tx: AsyncConnection, name: str) -> User:
    user = await users.find(tx, name)
    if user is None:
        raise NotFoundError(f"there is no user {name!r}")
    return user


def _link(url: str, code: str) -> str:
    return f"{url.rstrip('/')}{WELCOME_PATH}?code={code}"
