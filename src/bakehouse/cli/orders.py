"""`bakehouse orders …`: transfers by hand, reveals and top-ups, and what became of each."""

from typing import Annotated, Final

import typer

from bakehouse.app import utc_now
from bakehouse.cli.ledger_access import OneBaker, actor, one_baker, with_ledger
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.pay_text import order_document, order_line
from bakehouse.errors import NotFoundError
from bakehouse.ledger import manual_transfers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.page import Slice
from bakehouse.payments.by_hand import OrderStep
from bakehouse.payments.controls import Decision

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Transfers by hand: what became of them."
)


@app.command(name="list")
def list_(
    *,
    baker: OneBaker = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="The newest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List orders outside any cycle, the newest first."""

    async def read(ledger: Ledger) -> list[ManualTransfer]:
        baker_id = await one_baker(ledger, baker)
        async with ledger.read() as tx:
            page = await manual_transfers.listed(tx, baker_id, Slice(limit=limit))
        return list(page.rows)

    found = with_ledger(read)
    if as_json:
        print_json({"orders": [order_document(each) for each in found]})
        return
    for each in found:
        typer.echo(f"{each.created_at:%Y-%m-%d %H:%M} {order_line(OrderStep(each, None))}")
    if not found:
        typer.echo("nothing was ordered yet")


@app.command(name="give-up")
def give_up(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key of the order.")],
    *,
    why: Annotated[str, typer.Option("--why", help="The reason; it is kept.")],
    baker: OneBaker = None,
    as_json: AsJson = False,
) -> None:
    """Give up an order that is not signed yet; what is signed can be cancelled instead."""
    by = Decision(actor(), why, utc_now())

    async def decide(ledger: Ledger) -> ManualTransfer:
        baker_id = await one_baker(ledger, baker)
        async with ledger.write() as tx:
            found = await manual_transfers.find(tx, baker_id, key)
            if found is None:
                raise NotFoundError(f"{baker_id} has no order with the key {key!r}")
            reason = f"given up: {by.why} ({by.actor})"
            await manual_transfers.give_up(tx, found, reason, actor=by.actor, at=by.at)
            return await manual_transfers.by_id(tx, found.id)

    given_up = with_ledger(decide)
    tell(f"{key} is given up", order_document(given_up), as_json=as_json)
