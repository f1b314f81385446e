"""`bakehouse verify`: read the chain again and match it with the ledger, both ways."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from bakehouse.cli.exit_codes import REFUSED
from bakehouse.cli.output import AsJson, print_json, waiting
from bakehouse.config import Config, load_config, require_sources
from bakehouse.errors import NotFoundError
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import DistributionState, Mode
from bakehouse.logs import configure_logs
from bakehouse.opening import open_payer
from bakehouse.payments.payer import Payer
from bakehouse.payments.verification import Verification
from bakehouse.payments.verify import verify as match_with_chain
from bakehouse.payments.verify import verify_orders
from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(add_completion=False)

#: Distributions of one baker that are matched at once; more than ten years of days.
_DISTRIBUTIONS_MAX: Final = 10_000


@app.command()
def verify(
    *,
    baker: Annotated[
        str | None, typer.Option("--baker", help="Only this baker's; all without it.")
    ] = None,
    cycle: Annotated[
        int | None, typer.Option("--cycle", min=0, help="Only this cycle's; all without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Match every payout with the chain, and every transfer on the chain with the ledger.

    Exit code 1 when anything differs, or when the chain cannot be read.
    """
    config = load_config()
    require_sources(config)
    configure_logs(config.log_format, "error")
    with waiting("reading the chain"):
        found = asyncio.run(_verify(config, baker and parse_implicit(baker), cycle))
    if as_json:
        print_json({each: _document(result) for each, result in found.items()})
    else:
        for each, result in found.items():
            _tell(each, result)
    if any(result.differences for result in found.values()):
        raise typer.Exit(REFUSED)


async def _verify(
    config: Config, baker_id: str | None, cycle: int | None
) -> dict[str, Verification]:
    async with AsyncExitStack() as stack:
        payer = await open_payer(stack, config, with_keys=False)
        found: dict[str, Verification] = {}
        for baker in await _bakers(payer, baker_id):
            chosen = await _distributions(payer, baker, cycle)
            if chosen:
                found[baker.baker_id] = await match_with_chain(payer, baker, chosen)
            if cycle is None:
                orders = await verify_orders(payer, baker)
                if orders.transfers or orders.differences:
                    found.setdefault(baker.baker_id, Verification()).add(orders)
    if not found:
        raise NotFoundError("nothing was paid yet that could be verified")
    return found


async def _bakers(payer: Payer, baker_id: str | None) -> Sequence[Baker]:
    async with payer.ledger.read() as tx:
        if baker_id is not None:
            return [await bakers.get(tx, baker_id)]
        return await bakers.everyone(tx)


async def _distributions(payer: Payer, baker: Baker, cycle: int | None) -> list[Distribution]:
    async with payer.ledger.read() as tx:
        known = await distributions.of_baker(tx, baker.baker_id, _DISTRIBUTIONS_MAX)
    paying = {DistributionState.PAYING, DistributionState.PAID, DistributionState.FAILED}
    return [
        each
        for each in known
        if each.key.mode is Mode.ON
        and each.state in paying
        and each.is_planned
        and cycle in {None, each.key.cycle}
    ]


def _document(result: Verification) -> dict[str, Any]:
    return {**asdict(result), "mutez": str(result.mutez)}


def _tell(baker_id: str, result: Verification) -> None:
    typer.echo(
        f"{baker_id}: {result.distributions} distributions, {result.payouts} payouts of "
        f"{format_tez(Mutez(result.mutez))} tez, {result.transfers} transfers in blocks"
    )
    if result.unproven:
        typer.echo(f"  {result.unproven} payouts were imported without an operation to match")
    if result.other_transfers:
        typer.echo(f"  {result.other_transfers} transfers to people who are owed nothing here")
    for difference in result.differences:
        cycle = "" if difference.cycle is None else f"cycle {difference.cycle}: "
        typer.echo(f"  DIFFERS ({difference.kind}) {cycle}{difference.words}")
    if not result.differences:
        typer.echo("  ledger and chain are the same")
