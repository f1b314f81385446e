"""`bakehouse alerts …`: what deserves a person's attention, and the channels it is sent to.

A channel's URL holds secrets, so it is asked for or read from a file, and never an argument.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode, Severity, severity_of
from bakehouse.app import utc_now
from bakehouse.cli.exit_codes import REFUSED
from bakehouse.cli.grant_options import BakersOption
from bakehouse.cli.input_file import read_file_or_input
from bakehouse.cli.ledger_access import actor, with_ledger
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.refusal import as_line
from bakehouse.config import load_config
from bakehouse.ledger import alert_channels, alerts
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.alerts import Alert, AlertFilter
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import ChannelPurpose
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api import alerts as alerts_api
from bakehouse.web.api import channels as channels_api

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What deserves attention, and where it is sent.",
)

Result = TypeVar("Result")

Name = Annotated[str, typer.Argument(help="The channel's name.")]
Least = Annotated[Severity, typer.Option("--least", help="The least severe that is told.")]
Codes = Annotated[
    list[AlertCode] | None,
    typer.Option("--code", help="Tell only this code; may be given several times."),
]
Purpose = Annotated[
    ChannelPurpose, typer.Option("--for", help="What it is told: alerts, announcements, or both.")
]
UrlFile = Annotated[
    Path | None,
    typer.Option("--url-file", help="A file with the Apprise URL, - for standard input."),
]

#: What `set` leaves as it is, unless it is named.
_AS_IT_IS: Final = "as it is"


@app.command(name="list")
def list_(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones as well.")] = False,
    baker: Annotated[str | None, typer.Option("--baker", help="Only this baker's.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the open alerts, the one that was raised last first."""
    wanted = AlertFilter(
        is_open=None if everything else True,
        baker_ids=None if baker is None else [parse_implicit(baker)],
    )

    async def read(ledger: Ledger) -> list[Alert]:
        async with ledger.read() as tx:
            return await alerts.listed(tx, wanted, limit=limit)

    found = with_ledger(read)
    if as_json:
        print_json([_document(alerts_api.view_of(each)) for each in found])
        return
    for alert in found:
        typer.echo(_line(alert))
    if not found:
        typer.echo("no alerts" if everything else "no open alerts")


@app.command()
def acknowledge(
    number: Annotated[int, typer.Argument(min=1, help="The alert's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say that somebody saw an alert: it stays open, and is told no more."""

    async def work(ledger: Ledger) -> Alert:
        async with ledger.write() as tx:
            return await alerts.acknowledge(tx, number, actor=actor(), at=utc_now())

    alert = with_ledger(work)
    tell(
        f"alert {alert.id} was acknowledged by {alert.acknowledged_by}",
        _document(alerts_api.view_of(alert)),
        as_json=as_json,
    )


@app.command()
def channels(*, as_json: AsJson = False) -> None:
    """List the channels; of their URLs only as much as may be shown."""
    found = _at_desk(ChannelDesk.channels)
    if as_json:
        print_json([_document(channels_api.view_of(each)) for each in found])
        return
    for channel in found:
        typer.echo(_channel_line(channel))
    if not found:
        typer.echo("no channels: alerts are in the log and on the pages only")


@app.command()
def add(  # noqa: PLR0913 - one for each thing that is set
    name: Name,
    *,
    least: Least = Severity.WARNING,
    codes: Codes = None,
    bakers: BakersOption = "all",
    purpose: Purpose = ChannelPurpose.ALERTS,
    url_file: UrlFile = None,
    as_json: AsJson = False,
) -> None:
    """Enter a channel. Its Apprise URL is asked for, or read from a file."""
    settings = ChannelSettings(
        name=name,
        severity_min=least.value,
        codes=frozenset(code.value for code in codes or ()),
        baker_ids=_bakers(bakers),
        purpose=purpose,
    )
    url = _url(url_file)
    _print(_at_desk(lambda desk: desk.add(settings, url, actor=actor())), as_json=as_json)


@app.command(name="set")
def set_(  # noqa: PLR0913 - one for each thing that can be changed
    name: Name,
    *,
    least: Annotated[
        Severity | None, typer.Option("--least", help="The least severe that is told.")
    ] = None,
    codes: Codes = None,
    bakers: BakersOption = _AS_IT_IS,
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether it is told anything.")
    ] = None,
    purpose: Annotated[
        ChannelPurpose | None,
        typer.Option("--for", help="What it is told: alerts, announcements, or both."),
    ] = None,
    url_file: UrlFile = None,
    as_json: AsJson = False,
) -> None:
    """Change a channel; what is not named stays as it is."""
    url = None if url_file is None else _url(url_file)

    async def work(desk: ChannelDesk) -> Channel:
        channel = await _named(desk, name)
        old = channel.settings
        settings = replace(
            old,
            severity_min=least.value if least else old.severity_min,
            codes=old.codes if codes is None else frozenset(code.value for code in codes),
            baker_ids=old.baker_ids if bakers == _AS_IT_IS else _bakers(bakers),
            enabled=old.enabled if enabled is None else enabled,
            purpose=old.purpose if purpose is None else purpose,
        )
        return await desk.change(channel.id, settings, url, actor=actor())

    _print(_at_desk(work), as_json=as_json)


@app.command()
def remove(name: Name, *, as_json: AsJson = False) -> None:
    """Forget a channel, and what was still to be sent there."""

    async def work(desk: ChannelDesk) -> None:
        await desk.remove((await _named(desk, name)).id, actor=actor())

    _at_desk(work)
    tell(f"the channel {name} is gone", {"removed": True}, as_json=as_json)


@app.command(name="test")
def try_(name: Name, *, as_json: AsJson = False) -> None:
    """Send a test through a channel now. Exit code 1 when it is not taken."""

    async def work(desk: ChannelDesk) -> str | None:
        return await desk.test((await _named(desk, name)).id)

    error = _at_desk(work)
    tell(
        f"{name}: {error or 'the message was taken'}",
        {"sent": error is None, "error": error},
        as_json=as_json,
    )
    if error is not None:
        raise typer.Exit(REFUSED)


def _at_desk(work: Callable[[ChannelDesk], Awaitable[Result]]) -> Result:
    secret_key = load_config().secret_key
    return with_ledger(lambda ledger: work(ChannelDesk(ledger, secret_key, utc_now)))


async def _named(desk: ChannelDesk, name: str) -> Channel:
    async with desk.ledger.read() as tx:
        return await alert_channels.named(tx, name)


def _url(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("Apprise URL", hide_input=True))
    return read_file_or_input(str(file)).decode(errors="replace").strip()


def _bakers(text: str) -> frozenset[str] | None:
    if text.strip() == "all":
        return None
    return frozenset(parse_implicit(each) for each in text.replace(",", " ").split())


def _line(alert: Alert) -> str:
    state = "closed" if not alert.is_open else "acknowledged" if alert.acknowledged_at else "open"
    return (
        f"{alert.id}  {severity_of(alert.code)}  {state}  {alert.raised_at:%Y-%m-%d %H:%M}  "
        f"{alert.code}  {alert.baker_id or 'the house'}: {as_line(alert.message)}"
    )


def _channel_line(channel: Channel) -> str:
    settings = channel.settings
    bakers = settings.baker_ids
    told = []
    if settings.purpose.is_for_alerts:
        codes = ", ".join(sorted(settings.codes)) or "all codes"
        told.append(f"{settings.severity_min} and worse  {codes}")
    if settings.purpose.is_for_announcements:
        told.append("announcements")
    return (
        f"{settings.name}  {channel.url.shown}  {'  '.join(told)}  "
        f"{'all bakers' if bakers is None else ', '.join(sorted(bakers))}"
        f"{'' if settings.enabled else '  off'}"
    )


def _print(channel: Channel, *, as_json: bool) -> None:
    tell(_channel_line(channel), _document(channels_api.view_of(channel)), as_json=as_json)


def _document(view: BaseModel) -> dict[str, Any]:
    return view.model_dump(mode="json")
