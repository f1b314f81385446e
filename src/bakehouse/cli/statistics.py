"""`bakehouse statistics`: the last cycles in figures, for the terminal or a program."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from bakehouse.cli.ledger_access import with_ledger
from bakehouse.cli.output import AsJson, print_json
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode
from bakehouse.payments.statistics import (
    CYCLES_DEFAULT,
    CYCLES_MAX,
    CycleStatistics,
    Statistics,
    statistics_document,
    statistics_of,
)
from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(add_completion=False)

#: How long the bar of the largest pool is.
_BAR: Final = 20
_WIDTH: Final = 16


@app.command()
def statistics(
    baker: Annotated[
        str | None, typer.Argument(metavar="[BAKER]", help="Its address; all of them without it.")
    ] = None,
    *,
    cycles: Annotated[
        int, typer.Option("--cycles", min=1, max=CYCLES_MAX, help="How many of the newest.")
    ] = CYCLES_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what the last cycles brought, what was kept and paid, and what paying cost."""
    wanted = None if baker is None else parse_implicit(baker)

    async def read(ledger: Ledger) -> list[Statistics]:
        async with ledger.read() as tx:
            found = await bakers.everyone(tx) if wanted is None else [await bakers.get(tx, wanted)]
            return [await statistics_of(tx, each, cycles) for each in found]

    found = with_ledger(read)
    if as_json:
        print_json({"bakers": [statistics_document(each) for each in found]})
        return
    typer.echo("\n\n".join("\n".join(_text(each)) for each in found))


def _text(of: Statistics) -> Iterator[str]:
    name = f"{of.baker.alias}  " if of.baker.alias else ""
    simulated = ", simulated" if of.mode is Mode.SIMULATION else ""
    yield f"{name}{of.baker.baker_id}{simulated}"
    if not of.cycles:
        yield "  no cycle was planned yet"
        return
    heads = ("pool", "for delegators", "for bond pool", "kept", "cost on chain")
    yield f"{'cycle':>7}{''.join(head.rjust(_WIDTH) for head in heads)}{'paid':>10}"
    top = max(each.figures.pool for each in of.cycles)
    for each in of.cycles:
        bar = "█" * (_BAR * each.figures.pool // top if top else 0)
        yield f"{each.cycle:>7}{_line(each.figures)}  {bar} {each.state}"
    yield f"{'sum':>7}{_line(of.total)}"
    if of.cost_per_transfer is not None:
        yield f"A transfer costs {format_tez(of.cost_per_transfer)} tez on average."


def _line(figures: CycleStatistics) -> str:
    amounts: tuple[Mutez, ...] = (
        figures.pool,
        figures.for_delegators,
        figures.for_bond_pool,
        figures.kept,
        figures.chain_cost,
    )
    paid = f"{figures.settled}/{figures.payouts}"
    return f"{''.join(format_tez(each).rjust(_WIDTH) for each in amounts)}{paid:>10}"
