"""`bakehouse transfer` and `reveal`: by hand, through the ledger, guards and lease of payouts."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer

from bakehouse.app import utc_now
from bakehouse.cli.exit_codes import BUSY, DONE, REFUSED, WAITS
from bakehouse.cli.ledger_access import OneBaker, actor, one_baker, with_ledger, with_payer
from bakehouse.cli.output import AsJson, paying, tell
from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.cli.pay_run import Outcome, PayRun, outcome_of_order
from bakehouse.cli.pay_text import order_document, order_line
from bakehouse.config import load_config
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.states import ManualOrigin
from bakehouse.payments.by_hand import OrderStep
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import checked_key, order_reveal, order_transfer
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import Mutez, format_tez, parse_tez
from bakehouse.tezos.address import parse_recipient

app: Final = typer.Typer(add_completion=False)
reveal_app: Final = typer.Typer(add_completion=False)

_CODES: Final = {
    Outcome.PAID: DONE,
    Outcome.BUSY: BUSY,
    Outcome.HELD: WAITS,
    Outcome.FAILED: REFUSED,
    Outcome.REFUSED: REFUSED,
}

Recipient = Annotated[str, typer.Argument(metavar="TO", help="Whom the tez are for.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In tez, such as 12.5.")]
Key = Annotated[
    str | None,
    typer.Option(help="Your name for this order: given again, it is not done again."),
]
ForWhat = Annotated[str, typer.Option("--why", help="What it is for; it is kept.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")]
Patience = Annotated[
    int,
    typer.Option(min=0, metavar="SECONDS", help="How long to wait for another process, or source."),
]


@app.command()
def transfer(  # noqa: PLR0913 - a parameter is an option of the command
    to: Recipient,
    amount: Amount,
    *,
    baker: OneBaker = None,
    key: Key = None,
    why: ForWhat = "by hand",
    spend_owed: Annotated[
        bool, typer.Option("--spend-owed", help="Even if what is owed to delegators is touched.")
    ] = False,
    patience: Patience = 600,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send tez from a payout wallet, and wait until the block is final.

    The wallet keeps what it owes. With the same --key, the same order is done once, however often
    it is given; without one, each call is an order of its own.
    """
    give_order(
        parse_recipient(to),
        parse_tez(amount),
        baker=baker,
        key=key,
        why=why,
        spends_owed=spend_owed,
        patience=patience,
        yes=yes,
        as_json=as_json,
    )


def give_order(  # noqa: PLR0913 - keyword-only facts of one order
    destination: str,
    amount: Mutez,
    *,
    baker: str | None,
    key: str | None,
    why: str,
    spends_owed: bool = False,
    origin: ManualOrigin = ManualOrigin.TRANSFER,
    patience: int,
    yes: bool,
    as_json: bool,
) -> None:
    """Order a transfer after asking, follow it to its end, tell, and exit by what came of it."""
    baker_id = with_ledger(lambda ledger: one_baker(ledger, baker))
    by, named = Decision(actor(), why, utc_now()), checked_key(key)
    if not yes and sys.stdin.isatty():
        question = f"Send {format_tez(amount)} tez from the payout wallet of {baker_id} to"
        typer.confirm(f"{question} {destination}?", abort=True, err=True)

    async def order(payer: Payer) -> ManualTransfer:
        return await order_transfer(
            payer,
            baker_id,
            destination,
            amount,
            by,
            key=named,
            origin=origin,
            spends_owed=spends_owed,
        )

    _follow(order, patience, as_json=as_json)


@reveal_app.command()
def reveal(
    *,
    baker: OneBaker = None,
    key: Key = None,
    patience: Patience = 600,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Reveal the key of a payout wallet; the first payout does it too."""
    baker_id = with_ledger(lambda ledger: one_baker(ledger, baker))
    by = Decision(actor(), "reveal", utc_now())
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Reveal the key of the payout wallet of {baker_id}?", abort=True, err=True)
    _follow(lambda payer: order_reveal(payer, baker_id, by, key=key), patience, as_json=as_json)


def _follow(
    order: Callable[[Payer], Awaitable[ManualTransfer | None]], patience: int, *, as_json: bool
) -> None:
    async def work(payer: Payer) -> OrderStep | None:
        ordered = await order(payer)
        if ordered is None:
            return None
        with paying() as progress:
            return await PayRun(payer, progress, patience).finish_order(ordered.id)

    step = with_payer(work, with_keys=True, passphrase=passphrase_for_keys(load_config()))
    if step is None:
        tell("it is revealed already", {"state": "revealed"}, as_json=as_json)
        return
    tell(order_line(step), order_document(step.transfer, step), as_json=as_json)
    raise typer.Exit(_CODES[outcome_of_order(step)])
