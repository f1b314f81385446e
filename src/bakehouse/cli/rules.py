"""`bakehouse rules …`: what is different for single delegators, beside their fees."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bakehouse.cli.input_file import read_text
from bakehouse.cli.ledger_access import (
    BakerArgument,
    OptionalWhy,
    actor,
    with_ledger,
)
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.desk.rule_text import (
    RULE_FIELDS,
    parse_field,
    parse_rules,
    rule_cells,
    rule_document,
)
from bakehouse.errors import InputError, SettingError
from bakehouse.ledger import bakers, delegator_rules, payout_rules
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now
from bakehouse.payments.baker_settings import NONE, parse_assignments
from bakehouse.payments.export import csv_line
from bakehouse.rewards.payout_rules import DelegatorRule
from bakehouse.tezos.address import parse_implicit, parse_recipient

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Rules of single delegators."
)

Delegator = Annotated[str, typer.Argument(metavar="ADDRESS", help="The delegator's address.")]
Said = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...",
        help=f"Of {', '.join(RULE_FIELDS)}; amounts in tez, none is as for everybody.",
    ),
]


@app.command(name="list")
def list_(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List what is different for single delegators, amounts in tez."""
    address, rules = _read(baker)
    if as_json:
        documents = {each: rule_document(rule) for each, rule in rules.items()}
        print_json({"baker": address, "rules": documents})
        return
    for each, rule in rules.items():
        said = [f"{name}={text}" for name, text in rule_cells(rule).items() if text]
        typer.echo(f"{each}  {' '.join(said)}")


@app.command(name="set")
def set_(
    baker: BakerArgument,
    address: Delegator,
    said: Said,
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Change what is different for one delegator, from the next cycle that is planned.

    What is not named stays as it is.
    """
    delegator: str = parse_recipient(address)
    texts = parse_assignments(said)
    changed = {name: _parsed(name, text.strip()) for name, text in texts.items()}

    async def write(ledger: Ledger) -> DelegatorRule:
        async with ledger.write(why=why) as tx:
            baker_id = (await bakers.get(tx, parse_implicit(baker))).baker_id
            known = await delegator_rules.find(tx, baker_id, delegator)
            rule = replace(known or DelegatorRule(), **changed)
            if rule == DelegatorRule():
                raise SettingError(
                    f"nothing would be different for {delegator}: use `bakehouse rules remove`"
                )
            rules = {delegator: rule}
            await delegator_rules.change(tx, baker_id, rules, actor=actor(), at=utc_now())
            return rule

    rule = with_ledger(write)
    document = {"address": delegator, **rule_document(rule)}
    tell(f"changed for {delegator}: {', '.join(sorted(changed))}", document, as_json=as_json)


@app.command()
def remove(
    baker: BakerArgument,
    address: Delegator,
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Treat one delegator as everybody again."""
    delegator = parse_recipient(address)

    async def write(ledger: Ledger) -> None:
        async with ledger.write(why=why) as tx:
            baker_id = parse_implicit(baker)
            await delegator_rules.remove(tx, baker_id, delegator, actor=actor(), at=utc_now())

    with_ledger(write)
    document = {"address": delegator, "removed": True}
    tell(f"{delegator} is treated as everybody", document, as_json=as_json)


@app.command(name="import")
def import_(
    baker: BakerArgument,
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON; replaces all.")],
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Set the rules of single delegators from a file; those not in it are treated as everybody."""
    rules = parse_rules(read_text(file), str(file))

    async def write(ledger: Ledger) -> None:
        async with ledger.write(why=why) as tx:
            found = await bakers.get(tx, parse_implicit(baker))
            await payout_rules.replace_delegators(tx, found, rules, actor=actor(), at=utc_now())

    with_ledger(write)
    count = len(rules)
    tell(f"{count} delegators have rules of their own", {"rules": count}, as_json=as_json)


@app.command()
def export(baker: BakerArgument) -> None:
    """Print the rules of single delegators as CSV, as `import` reads it."""
    _, rules = _read(baker)
    typer.echo(csv_line(["address", *RULE_FIELDS]), nl=False)
    for address, rule in rules.items():
        typer.echo(csv_line([address, *rule_cells(rule).values()]), nl=False)


def _parsed(name: str, text: str) -> Any:
    try:
        return parse_field(name, "" if text.lower() == NONE else text)
    except SettingError:
        raise
    except InputError as error:
        raise SettingError(f"{name}: {error.message}", setting=name) from error


def _read(baker: str) -> tuple[str, Mapping[str, DelegatorRule]]:
    async def read(ledger: Ledger) -> tuple[str, Mapping[str, DelegatorRule]]:
        async with ledger.read() as tx:
            found = await bakers.get(tx, parse_implicit(baker))
            return found.baker_id, await payout_rules.delegators(tx, found.baker_id)

    return with_ledger(read)
