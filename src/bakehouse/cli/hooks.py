"""`bakehouse hooks …`: a baker's own programs and webhooks, which are asked and told."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import httpx2
import typer
from pydantic import BaseModel

from bakehouse.app import utc_now
from bakehouse.cli.exit_codes import REFUSED
from bakehouse.cli.ledger_access import BakerArgument, actor, with_ledger
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.refusal import as_line
from bakehouse.config import load_config
from bakehouse.desk.hooks import EnteredHook, HookDesk, Refusal, Trial, WantedHook
from bakehouse.hooks.caller import HookCaller
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.hooks import SECONDS_DEFAULT, Hook
from bakehouse.ledger.states import HookPoint, Verdict
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

    async def work(desk: HookDesk) -> EnteredHook:
        return await desk.add(parse_implicit(baker), wanted, actor=actor())

    entered = _at_desk(work)
    lines = [_line(entered.hook)]
    if entered.secret is not None:
        lines.append(f"its requests are signed with {entered.secret} (it is not shown again)")
    tell("\n".join(lines), _document(api.entered_view(entered)), as_json=as_json)


@app.command(name="list")
def list_(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List a baker's hooks, and what they keep from being paid."""

    async def work(desk: HookDesk) -> tuple[list[Hook], list[Refusal]]:
        address = parse_implicit(baker)
        return await desk.of_baker(address), await desk.refusals(address)

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

    async def work(desk: HookDesk) -> list[Trial]:
        return await desk.test(parse_implicit(baker), name)

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

    async def work(desk: HookDesk) -> None:
        await desk.remove(parse_implicit(baker), name, actor=actor())

    _at_desk(work)
    tell(f"the hook {name} is gone", {"removed": True}, as_json=as_json)


def _switch(baker: str, name: str, *, enabled: bool, as_json: bool) -> None:
    async def work(desk: HookDesk) -> Hook:
        return await desk.switch(parse_implicit(baker), name, enabled=enabled, actor=actor())

    hook = _at_desk(work)
    tell(_line(hook), _document(api.view_of(hook)), as_json=as_json)


def _at_desk(work: Callable[[HookDesk], Awaitable[Result]]) -> Result:
    """Open ledger and hooks for some work; neither node nor indexer nor key is needed."""
    secret_key = load_config().secret_key

    async def opened(ledger: Ledger) -> Result:
        async with httpx2.AsyncClient() as client:
            caller = HookCaller(client, secret_key)
            return await work(HookDesk(ledger, secret_key, caller, utc_now))

    return with_ledger(opened)


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
