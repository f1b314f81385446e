"""`bakehouse pay`: one cycle, paid to its end in this process; safe beside a running Bakehouse."""

import sys
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bakehouse.cli.exit_codes import DONE, WAITS
from bakehouse.cli.ledger_access import BakerArgument, with_payer
from bakehouse.cli.output import AsJson, tell
from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.config import load_config
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.payments.pay_now import bond_pool_after, due_cycle, steps
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import Step
from bakehouse.rewards.money import format_tez
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(add_completion=False)


@app.command()
def pay(
    baker: BakerArgument,
    *,
    cycle: Annotated[int, typer.Option("--cycle", min=0, help="The cycle to pay.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pay a cycle now, delegators and then the bond pool, and wait until its blocks are final.

    Exit code 3 when it cannot go on before a person decides. Stop it with Ctrl-C at any time: what
    was signed is in the ledger, and is never signed twice.
    """
    address = parse_implicit(baker)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Pay cycle {cycle} of {address} now?", abort=True, err=True)

    async def work(payer: Payer) -> list[Step]:
        key: DistributionKey | None = await due_cycle(payer, address, cycle)
        last: list[Step] = []
        with _progress() as progress:
            while key is not None:
                last.append(await _to_the_end(payer, key, progress))
                key = await bond_pool_after(payer, key) if last[-1].is_settled else None
        return last

    passphrase = passphrase_for_keys(load_config())
    ended = with_payer(work, with_keys=True, passphrase=passphrase)
    tell(
        "\n".join(_line(step) for step in ended),
        {"baker": address, "cycle": cycle, "payments": [_document(step) for step in ended]},
        as_json=as_json,
    )
    is_done = all(step.is_settled and not step.held for step in ended)
    raise typer.Exit(DONE if is_done else WAITS)


async def _to_the_end(payer: Payer, key: DistributionKey, progress: Progress) -> Step:
    task = progress.add_task(f"cycle {key.cycle}, {key.kind.value}", total=None, waits="")
    async for step in steps(payer, key):
        progress.update(
            task,
            completed=step.paid,
            total=step.total or None,
            waits=f"waits for {step.waiting_for}" if step.waiting_for else "",
        )
    return step


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[waits]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def _line(step: Step) -> str:
    key = step.distribution.key
    paid = f"{step.paid} of {step.total} payouts paid"
    if step.quarantined:
        end = f"nobody can prove what became of {', '.join(step.quarantined)}: look it up, and see "
        end += "`bakehouse declare-dead`"
    elif step.awaits_go:
        end = f"it is the first that is paid: look at the plan, then `bakehouse go {key.baker_id} "
        end += f"{key.cycle} --why …`"
    elif not step.is_settled:
        end = f"it waits for {step.waiting_for}"
    else:
        end = f"settled, {format_tez(step.paid_mutez)} tez"
    held = f"; {step.held} held, see `bakehouse held {key.baker_id}`" if step.held else ""
    return f"cycle {key.cycle}, {key.kind.value}: {paid}; {end}{held}"


def _document(step: Step) -> dict[str, Any]:
    return {
        "kind": step.distribution.key.kind.value,
        "state": step.distribution.state.value,
        "payouts": step.total,
        "paid": step.paid,
        "held": step.held,
        "total_net": str(step.distribution.figures.total_net),
        "paid_mutez": str(step.paid_mutez),
        "waiting_for": step.waiting_for or None,
        "awaits_go": step.awaits_go,
        "quarantined": list(step.quarantined),
    }
