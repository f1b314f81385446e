"""`bakehouse token …`: tokens of programs that use the API. A token is printed once."""

import json
from datetime import timedelta
from typing import Annotated, Final

import typer

from bakehouse.cli.grant_options import BakersOption, RoleOption, grant_of, grant_words
from bakehouse.cli.ledger_access import actor, with_ledger
from bakehouse.ledger import api_tokens
from bakehouse.ledger.api_tokens import ApiToken
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.roles import Role
from bakehouse.opening import utc_now

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Tokens for programs that use the API."
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What it is for, such as grafana.")],
    *,
    role: RoleOption = Role.VIEWER,
    bakers: BakersOption = "all",
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it lives; without end if not set.")
    ] = None,
) -> None:
    """Make a token, and print it alone on a line, this once."""

    async def work(ledger: Ledger) -> str:
        now = utc_now()
        async with ledger.write() as tx:
            return await api_tokens.add(
                tx,
                name,
                grant_of(role, bakers),
                actor=actor(),
                at=now,
                expires_at=now + timedelta(days=days) if days else None,
            )

    typer.echo(with_ledger(work))


@app.command()
def revoke(token_id: Annotated[int, typer.Argument(help="Its number in `token list`.")]) -> None:
    """End a token at once."""

    async def work(ledger: Ledger) -> ApiToken:
        async with ledger.write() as tx:
            return await api_tokens.revoke(tx, token_id, actor=actor(), at=utc_now())

    typer.echo(f"the token {with_ledger(work).name} opens nothing any more")


@app.command(name="list")
def list_(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the tokens, never what they are."""

    async def read(ledger: Ledger) -> list[ApiToken]:
        async with ledger.read() as tx:
            return await api_tokens.everyone(tx)

    found = with_ledger(read)
    if as_json:
        typer.echo(json.dumps([_document(token) for token in found], indent=2))
        return
    for token in found:
        state = "revoked" if token.revoked_at else ""
        typer.echo(f"{token.id}  {token.name}  {grant_words(token.grant)}  {state}".rstrip())


def _document(token: ApiToken) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.grant.role,
        "bakers": "all" if token.grant.bakers is None else sorted(token.grant.bakers),
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "revoked": token.revoked_at is not None,
    }
