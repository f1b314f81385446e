"""`bakehouse settle …`: make good what `verify` found, by an extra payment or by a deduction."""

from typing import Annotated, Any, Final

import typer

from bakehouse.app import utc_now
from bakehouse.cli.ledger_access import OneBaker, actor, one_baker, with_ledger
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.transfer import Amount, Key, Patience, Yes, give_order
from bakehouse.desk import deductions as desk
from bakehouse.ledger import deductions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.deductions import Deduction
from bakehouse.ledger.states import ManualOrigin
from bakehouse.payments.controls import Decision
from bakehouse.rewards.money import format_tez, parse_tez
from bakehouse.tezos.address import parse_recipient

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Make good a difference: pay extra, or deduct.",
)

Whom = Annotated[str, typer.Argument(metavar="ADDRESS", help="The delegator.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept.")]


@app.command()
def pay(  # noqa: PLR0913 - a parameter is an option of the command
    address: Whom,
    amount: Amount,
    *,
    why: Why,
    baker: OneBaker = None,
    key: Key = None,
    patience: Patience = 600,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Pay somebody extra who was paid too little: a transfer by hand, of its own kind."""
    give_order(
        parse_recipient(address),
        parse_tez(amount),
        baker=baker,
        key=key,
        why=why,
        origin=ManualOrigin.EXTRA,
        patience=patience,
        yes=yes,
        as_json=as_json,
    )


@app.command()
def deduct(  # noqa: PLR0913 - a parameter is an option of the command
    address: Whom,
    amount: Amount,
    *,
    consent: Annotated[
        str, typer.Option(help="Who agreed to it, and how: the delegator, by mail of 3 October.")
    ],
    why: Why,
    baker: OneBaker = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Deduct what somebody was paid too much from the cycles to come, until it is made good.

    Each cycle's plan shows what it takes as a line of its own; nobody's payout becomes negative.
    """
    by = Decision(actor(), why, utc_now())

    async def work(ledger: Ledger) -> Deduction:
        return await desk.agree(
            ledger,
            await one_baker(ledger, baker),
            parse_recipient(address),
            parse_tez(amount),
            by,
            consent=consent,
            key=key,
        )

    agreed = with_ledger(work)
    tell(_line(agreed), _document(agreed), as_json=as_json)


@app.command(name="list")
def list_(*, baker: OneBaker = None, as_json: AsJson = False) -> None:
    """List deductions, with what was taken and what is left of each."""

    async def read(ledger: Ledger) -> list[Deduction]:
        baker_id = await one_baker(ledger, baker)
        async with ledger.read() as tx:
            return await deductions.of_baker(tx, baker_id)

    found = with_ledger(read)
    if as_json:
        print_json({"deductions": [_document(each) for each in found]})
        return
    for each in found:
        typer.echo(_line(each))
    if not found:
        typer.echo("nothing is deducted from anybody")


@app.command()
def waive(
    number: Annotated[int, typer.Argument(metavar="ID", min=1, help="The deduction.")],
    *,
    why: Why,
    baker: OneBaker = None,
    as_json: AsJson = False,
) -> None:
    """Give up what is left of a deduction."""
    by = Decision(actor(), why, utc_now())

    async def work(ledger: Ledger) -> Deduction:
        return await desk.waive(ledger, await one_baker(ledger, baker), number, by)

    waived = with_ledger(work)
    tell(_line(waived), _document(waived), as_json=as_json)


def _line(each: Deduction) -> str:
    left = "waived" if each.waived_at else f"{format_tez(each.left)} left"
    return (
        f"deduction {each.id}: {format_tez(each.amount)} tez from {each.owed_to}, "
        f"{format_tez(each.taken)} taken, {left}; {each.why} (agreed: {each.consent})"
    )


def _document(each: Deduction) -> dict[str, Any]:
    return {
        "id": each.id,
        "owed_to": each.owed_to,
        "amount": str(each.amount),
        "taken": str(each.taken),
        "left": str(each.left),
        "key": each.idempotence_key,
        "consent": each.consent,
        "why": each.why,
        "actor": each.actor,
        "created_at": each.created_at.isoformat(),
        "waived_at": each.waived_at.isoformat() if each.waived_at else None,
    }
