"""`bakehouse simulate`: what a cycle would pay by the baker's real settings, or by others."""

from collections.abc import Iterable
from typing import Annotated, Final

import typer

from bakehouse.cli.ledger_access import BakerArgument, with_payer
from bakehouse.cli.output import AsJson, print_json, waiting
from bakehouse.cli.plan_text import write_plan
from bakehouse.desk.rule_sheet import rule_sheet
from bakehouse.payments.preview_document import preview_document, rules_as_json
from bakehouse.payments.what_if import OtherRules, Preview, preview
from bakehouse.rewards.money import Mutez, format_percentage, format_tez, parse_percentage
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(add_completion=False)

#: Changes shown to a person; --json has them all.
_CHANGES_SHOWN: Final = 10
#: Rules that are told whatever they are.
_TOLD: Final = frozenset({"default_fee", "minimum_payout", "share_block_fees"})


@app.command()
def simulate(
    baker: BakerArgument,
    *,
    cycle: Annotated[
        int | None, typer.Option("--cycle", min=0, help="The newest that is over without it.")
    ] = None,
    fee: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="Another default fee, to try it.")
    ] = None,
    minimum: Annotated[
        int | None,
        typer.Option(metavar="MUTEZ", min=0, help="Another minimum payout, to try it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a cycle's plan, what keeps it from being paid, and how it differs from the last cycle.

    Nothing is paid and nothing is stored. The baker must be registered.
    """
    other = OtherRules(
        default_fee=None if fee is None else parse_percentage(fee),
        minimum_payout=None if minimum is None else Mutez(minimum),
    )
    with waiting("reading the cycle's rewards"):
        seen = with_payer(lambda payer: preview(payer, parse_implicit(baker), cycle, other))
    if as_json:
        print_json(preview_document(seen))
        return
    present = {payout.recipient for payout in seen.plan.payouts}
    unused = len(seen.rules.fees.keys() - present)
    write_plan(seen.plan, seen.baker.baker_id, unused_fees=unused)
    typer.echo("\n".join(["", *_remarks(seen), *_changes(seen)]))


def _remarks(seen: Preview) -> Iterable[str]:
    rules, plan = seen.rules, seen.plan
    yield (
        f"Fee {format_percentage(rules.default_fee)} %, {len(rules.fees)} with a fee of their own; "
        f"minimum {format_tez(rules.minimum_payout)} tez; "
        f"block fees {'shared' if rules.share_block_fees else 'kept'}."
    )
    sheet = rule_sheet(rules_as_json(rules.document()))
    others = [f"{line.name} {line.value}" for line in sheet.changed if line.name not in _TOLD]
    if others:
        yield f"Other rules: {', '.join(others)}."
    if sheet.delegators or sheet.income:
        yield f"{sheet.delegators} delegators have rules, {sheet.income} shares of the income."
    carried = [payout for payout in plan.payouts if payout.is_carried]
    if carried:
        total = Mutez(sum(payout.due for payout in carried))
        reasons = ", ".join(sorted({str(payout.carry_reason) for payout in carried}))
        yield f"{len(carried)} wait for a later cycle ({reasons}), {format_tez(total)} tez."
    yield f"The wallet pays {format_tez(plan.total_due_now)} tez now, and the fees of the chain."
    if not seen.is_final:
        yield "The cycle still runs: these figures will change."
    if seen.is_over_cycle_cap:
        yield "It would be refused: it pays more than the baker's cycle_cap."
    if seen.over_payout_cap:
        yield f"{len(seen.over_payout_cap)} would be held for more than the baker's payout_cap."
    if seen.hooks_to_ask:
        yield f"Hooks that were not asked may still change it: {', '.join(seen.hooks_to_ask)}."


def _changes(seen: Preview) -> Iterable[str]:
    if seen.compared_with is None:
        yield "No earlier cycle was planned here to compare it with."
        return
    before = seen.compared_with.figures.total_net
    change = _signed(seen.plan.total_net - before)
    yield ""
    yield f"Against cycle {seen.compared_with.key.cycle}: {change} tez in all. The largest changes:"
    for each in seen.changes[:_CHANGES_SHOWN]:
        word = " new" if not each.before else " gone" if not each.now else ""
        yield (
            f"  {each.owed_to}  {format_tez(each.before)} → {format_tez(each.now)}"
            f"  {_signed(each.now - each.before)}{word}"
        )
    hidden = len(seen.changes) - _CHANGES_SHOWN
    if hidden > 0:
        yield f"  and {hidden:,} more; --json has them all"


def _signed(difference: int) -> str:
    return f"{'+' if difference >= 0 else ''}{format_tez(Mutez(difference))}"
