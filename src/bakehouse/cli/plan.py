"""`bakehouse plan`: what a cycle would pay, worked out offline from an indexer's document."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.fees_file import read_fees
from bakehouse.cli.input_file import read_file_or_input, read_text
from bakehouse.cli.plan_text import write_plan
from bakehouse.desk.rule_text import parse_rules
from bakehouse.errors import SplitRefusedError
from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import parse_percentage, parse_tez
from bakehouse.rewards.payout_rules import PayoutRules, Rounding
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_document import plan_document
from bakehouse.tezos.address import parse_implicit
from bakehouse.tezos.rewards_split import parse_split_text

app: Final = typer.Typer(add_completion=False)


@app.command()
def plan(  # noqa: PLR0913 - a parameter is an option of the command
    *,
    split: Annotated[
        str,
        typer.Option(metavar="FILE", help="TzKT rewards/split document; - is standard input."),
    ],
    baker: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whose cycle it is, for the record.")
    ] = None,
    fee: Annotated[
        str, typer.Option(metavar="PERCENT", help="The baker's fee; up to two decimals.")
    ] = "10",
    fees: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fees of single delegators: JSON, or CSV address,fee."),
    ] = None,
    share_block_fees: Annotated[
        bool,
        typer.Option(
            "--share-block-fees/--keep-block-fees", help="Whether delegators share block fees."
        ),
    ] = False,
    rounding: Annotated[
        Rounding, typer.Option(metavar="ORDER", help="net-floor, or fee-floor as TezPay rounds.")
    ] = Rounding.NET_FLOOR,
    protect_own_part: Annotated[
        bool,
        typer.Option("--protect-own-part", help="From delegation that the stake has no room for."),
    ] = False,
    minimum_balance: Annotated[
        str, typer.Option(metavar="TEZ", help="Whoever delegates less is not paid.")
    ] = "0",
    rules: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rules of single delegators: CSV or JSON."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, amounts in mutez.")
    ] = False,
) -> None:
    """Compute a cycle's payout plan, offline; nothing is paid, nothing is stored."""
    by = PayoutRules(
        default_fee=parse_percentage(fee),
        fees=read_fees(fees) if fees is not None else {},
        share_block_fees=share_block_fees,
        rounding=rounding,
        over_delegation_protection=protect_own_part,
        minimum_balance=parse_tez(minimum_balance),
        delegators=parse_rules(read_text(rules), str(rules)) if rules is not None else {},
    )
    named = parse_implicit(baker) if baker is not None else None
    rewards = _read_rewards(split)
    payouts = plan_payouts(rewards, by)
    if as_json:
        typer.echo(json.dumps(plan_document(payouts, named, by)))
        return
    present = {delegator.address for delegator in rewards.delegators}
    write_plan(payouts, named, unused_fees=len(by.fees.keys() - present))


def _read_rewards(name: str) -> CycleRewards:
    try:
        split = parse_split_text(read_file_or_input(name))
    except SplitRefusedError as error:
        raise SplitRefusedError(f"{name}: {error.message}", **error.facts) from error
    if not split.is_closed:
        raise SplitRefusedError(
            f"{name}: cycle {split.rewards.cycle} is not over, it still expects blocks or rewards; "
            "fetch its split again once the next cycle has begun"
        )
    return split.rewards
