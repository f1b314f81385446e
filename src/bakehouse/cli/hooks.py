"""`bakehouse hooks …`: a baker's own programs and webhooks, which are asked and told."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel

from bakehouse.app import open_payer
from bakehouse.cli.exit_codes import REFUSED
from bakehouse.cli.ledger_access import BakerArgument, actor
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.refusal import as_line
from bakehouse.config import Config, load_config
from bakehouse.desk import hooks as desk
from bakehouse.desk.hooks import EnteredHook, Refusal, Trial, WantedHook
from bakehouse.ledger.hooks import SECONDS_DEFAULT, Hook
from bakehouse.ledger.states import HookPoint, Verdict
from bakehouse.payments.payer import Payer
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api import hooks as api

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Programs of your own that are asked before payments, and told after.",
)

Result = TypeVar("Result")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The hook's name.")]


@app.command()
def add(  # noqa: PLR0913 - one for each thing that is set
    baker: BakerArgument,
    name: Name,
    *,
    at: Annotated[list[HookPoint], typer.Option("--at", help="When; may be given several times.")],
    program: Annotated[
        str | None, typer.Option("--program", help="A file to run, by its whole path.")
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Option("--arg", help="An argument of the program; may be given several times."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="A webhook to call.")] = None,
    seconds: Annotated[
        int, typer.Option("--seconds", help="How long it may take to answer.")
    ] = SECONDS_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Enter a hook. The secret of a webhook is printed, this once."""
    wanted = WantedHook(
        name=name,
        points=frozenset(at),
        arguments=() if program is None else (program, *(arguments or ())),
        url=url,
        seconds_max=seconds,
    )

    async def work(payer: Payer, config: Config) -> EnteredHook:
        address = parse_implicit(baker)
        return await desk.add(payer, config.secret_key, address, wanted, actor=actor())

    entered = _at_desk(work)
    lines = [_line(entered.hook)]
    if entered.secret is not None:
        lines.append(f"its requests are signed with {entered.secret} (it is not shown again)")
    tell("\n".join(lines), _document(api.entered_view(entered)), as_json=as_json)


@app.command(name="list")
def list_(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List a baker's hooks, and what they keep from being paid."""

    async def work(payer: Payer, _: Config) -> tuple[list[Hook], list[Refusal]]:
        address = parse_implicit(baker)
        return await desk.of_baker(payer, address), await desk.refusals(payer, address)

    found, refusals = _at_desk(work)
    if as_json:
        print_json(
            {
                "hooks": [_document(api.view_of(each)) for each in found],
                "refusals": [_document(api.refusal_view(each)) for each in refusals],
            }
        )
        return
    for hook in found:
        typer.echo(_line(hook))
    for refusal in refusals:
        typer.echo(_refusal_line(refusal))
    if not found:
        typer.echo("no hooks: nothing is asked or told")


@app.command(name="test")
def try_(baker: BakerArgument, name: Name, *, as_json: AsJson = False) -> None:
    """Send a hook made-up documents, marked as tests. Exit code 1 for a bad answer."""

    async def work(payer: Payer, _: Config) -> list[Trial]:
        return await desk.test(payer, parse_implicit(baker), name)

    trials = _at_desk(work)
    tell(
        "\n".join(f"{each.point}: {each.words or as_line(each.error or '')}" for each in trials),
        {"trials": [_document(api.trial_view(each)) for each in trials]},
        as_json=as_json,
    )
    if any(each.error for each in trials):
        raise typer.Exit(REFUSED)


@app.command()
def on(baker: BakerArgument, name: Name, *, as_json: AsJson = False) -> None:
    """Have a hook be asked and told."""
    _switch(baker, name, enabled=True, as_json=as_json)


@app.command()
def off(baker: BakerArgument, name: Name, *, as_json: AsJson = False) -> None:
    """Go on without a hook."""
    _switch(baker, name, enabled=False, as_json=as_json)


@app.command()
def remove(baker: BakerArgument, name: Name, *, as_json: AsJson = False) -> None:
    """Take a hook away; what it answered and changed stays on record."""

    async def work(payer: Payer, _: Config) -> None:
        await desk.remove(payer, parse_implicit(baker), name, actor=actor())

    _at_desk(work)
    tell(f"the hook {name} is gone", {"removed": True}, as_json=as_json)


def _switch(baker: str, name: str, *, enabled: bool, as_json: bool) -> None:
    async def work(payer: Payer, _: Config) -> Hook:
        return await desk.switch(payer, parse_implicit(baker), name, enabled=enabled, actor=actor())

    hook = _at_desk(work)
    tell(_line(hook), _document(api.view_of(hook)), as_json=as_json)


def _at_desk(work: Callable[[Payer, Config], Awaitable[Result]]) -> Result:
    """Open ledger and hooks for some work; neither node nor indexer nor key is needed."""
    config = load_config()

    async def opened() -> Result:
        async with AsyncExitStack() as stack:
            return await work(await open_payer(stack, config, with_keys=False), config)

    return asyncio.run(opened())


def _line(hook: Hook) -> str:
    off = "" if hook.enabled else "  off"
    points = ", ".join(sorted(hook.points))
    return f"{hook.name}  {hook.kind}  {points}  {as_line(hook.place)}  {hook.seconds_max} s{off}"


def _refusal_line(refusal: Refusal) -> str:
    key, answer = refusal.distribution.key, refusal.answer
    deed = "vetoes" if answer.verdict is Verdict.VETOED else "gives no answer for"
    again = "" if answer.ask_again_at is None else f"; asked again {answer.ask_again_at:%H:%M} UTC"
    return (
        f"  {answer.hook} {deed} cycle {key.cycle} ({key.kind.value}, {answer.point}): "
        f"{as_line(answer.reason or '')}{again}, or by `bakehouse retry {key.baker_id} "
        f"{key.cycle} --why …`"
    )


def _document(view: BaseModel) -> dict[str, Any]:
    return view.model_dump(mode="json")
