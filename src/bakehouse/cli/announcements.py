"""`bakehouse announcements …`: what a baker says in public when a cycle is paid."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel

from bakehouse.alerts.announcement_text import FIELDS
from bakehouse.alerts.message import Message
from bakehouse.app import utc_now
from bakehouse.cli.exit_codes import REFUSED
from bakehouse.cli.input_file import read_file_or_input
from bakehouse.cli.ledger_access import BakerArgument, actor, with_ledger
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.refusal import as_line
from bakehouse.config import load_config
from bakehouse.desk.announcements import AnnouncementDesk
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.announcements import Announcement
from bakehouse.payments.controls import Decision
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api import announcements as api

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What is said in public when a cycle is paid.",
)

Result = TypeVar("Result")

_NO_LINK: Final = "none"

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Its number, as listed.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")]


@app.command()
def show(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """Show what a baker says, and whether."""
    settings = _at_desk(lambda desk: desk.settings_of(parse_implicit(baker)))
    _print(settings, as_json=as_json)


@app.command(name="set")
def set_(  # noqa: PLR0913 - one for each thing that can be changed
    baker: BakerArgument,
    *,
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether anything is said.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="The title, as a template.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="The text, as a template.")] = None,
    text_file: Annotated[
        str | None,
        typer.Option("--text-file", help="A file with the text, - for standard input."),
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", help="What {link} stands for; none for nothing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change what a baker says; what is not named stays as it is."""
    if text_file is not None:
        text = read_file_or_input(text_file).decode(errors="replace").strip()

    async def work(desk: AnnouncementDesk) -> AnnouncementSettings:
        address = parse_implicit(baker)
        old = await desk.settings_of(address)
        settings = replace(
            old,
            enabled=old.enabled if enabled is None else enabled,
            title=old.title if title is None else title,
            body=old.body if text is None else text,
            link=old.link if link is None else None if link == _NO_LINK else link,
        )
        await desk.change(address, settings, actor=actor())
        return settings

    _print(_at_desk(work), as_json=as_json)


@app.command()
def preview(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """Show what would be said of the last paid cycle; nothing is sent."""
    message: Message = _at_desk(lambda desk: desk.preview(parse_implicit(baker)))
    tell(
        f"{message.title}\n{message.body}",
        _document(api.message_view(message)),
        as_json=as_json,
    )


@app.command(name="test")
def try_(
    baker: BakerArgument,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send what would be said, marked as a test, to a channel now. Exit code 1 if not taken."""
    error = _at_desk(lambda desk: desk.test(parse_implicit(baker), channel))
    tell(
        f"{channel}: {error or 'the message was taken'}",
        {"sent": error is None, "error": error},
        as_json=as_json,
    )
    if error is not None:
        raise typer.Exit(REFUSED)


@app.command(name="list")
def list_(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List what was and is to be said, the newest first."""
    made = _at_desk(lambda desk: desk.made(parse_implicit(baker)))
    if as_json:
        print_json([_document(each) for each in api.views_of(made)])
        return
    for each in made:
        typer.echo(_line(each))
    if not made:
        typer.echo("nothing was said yet")


@app.command()
def again(number: Number, why: Why, *, as_json: AsJson = False) -> None:
    """Say an announcement again that is unsure or failed: look at the channel first."""
    _decide(number, why, again=True, as_json=as_json)


@app.command()
def leave(number: Number, why: Why, *, as_json: AsJson = False) -> None:
    """Say nothing more about an announcement that is unsure."""
    _decide(number, why, again=False, as_json=as_json)


def _decide(number: int, why: str, *, again: bool, as_json: bool) -> None:
    by = Decision(actor(), why.strip(), utc_now())
    made = _at_desk(lambda desk: desk.decide(number, by, again=again))
    tell(_line(made), _document(api.view_of(made)), as_json=as_json)


def _at_desk(work: Callable[[AnnouncementDesk], Awaitable[Result]]) -> Result:
    secret_key = load_config().secret_key
    return with_ledger(lambda ledger: work(AnnouncementDesk(ledger, secret_key, utc_now)))


def _print(settings: AnnouncementSettings, *, as_json: bool) -> None:
    lines = [
        f"announcing is {'on' if settings.enabled else 'off'}",
        f"title: {settings.title}",
        f"text: {settings.body}",
        f"link: {settings.link or _NO_LINK}",
        "fields:",
        *(f"  {{{name}}}  {meaning}" for name, meaning in FIELDS.items()),
    ]
    tell("\n".join(lines), _document(api.settings_view(settings)), as_json=as_json)


def _line(made: Announcement) -> str:
    said = f"{made.sent_at:%Y-%m-%d %H:%M}" if made.sent_at else ""
    error = "" if made.last_error is None else f"  {as_line(made.last_error)}"
    return f"{made.id}  cycle {made.cycle}  {made.channel}  {made.state}  {said}{error}".rstrip()


def _document(view: BaseModel) -> dict[str, Any]:
    return view.model_dump(mode="json")
