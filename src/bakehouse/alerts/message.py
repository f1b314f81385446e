"""An alert in the words that a person gets on a phone or by mail. Pure: nothing is sent here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bakehouse.alerts.codes import AlertCode, Severity, kind_of
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Telling
from bakehouse.tezos.address import Address
from bakehouse.tezos.qr import qr_png

_MESSAGE_MAX = 2_000


class Tone(StrEnum):
    """How a service that has colours or sounds presents a message."""

    FAILURE = "failure"
    WARNING = "warning"
    INFO = "info"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG that goes with a message where a service takes one reliably; the text says it all."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent."""

    title: str
    body: str
    tone: Tone
    picture: Picture | None = None


TEST = Message(
    "Bakehouse: a test",
    "This is a test: alerts of Bakehouse will reach you here. Nothing needs to be done.",
    Tone.INFO,
)

_TONES = {
    Severity.CRITICAL: Tone.FAILURE,
    Severity.WARNING: Tone.WARNING,
    Severity.INFO: Tone.INFO,
}


def compose(
    alert: Alert, what: Telling, baker: Baker | None, pages_url: str | None = None
) -> Message:
    """Say what happened to whom, since when, what to do, and where to look.

    `pages_url` is where people reach the pages; without it no link is given.
    """
    kind = kind_of(alert.code)
    is_over = what is Telling.CLOSED
    whose = _name(alert, baker)
    lines = [f"Baker: {whose}" if alert.baker_id else "", alert.message[:_MESSAGE_MAX], ""]
    if is_over:
        lines.append(f"The cause is gone. It was raised at {_time(alert.raised_at)}.")
    else:
        lines.append(_since(alert, what))
        lines.append(f"What to do: {kind.advice}")
        if pages_url is not None:
            lines.append(f"Where to look: {pages_url.rstrip('/')}{_page_of(alert)}")
    return Message(
        title=f"{_mark(kind.severity, what)} {kind.title} ({_short_name(alert, baker)})",
        body="\n".join(lines).strip(),
        tone=Tone.SUCCESS if is_over else _TONES[kind.severity],
        picture=None if is_over else _picture_of(alert, baker),
    )


def _page_of(alert: Alert) -> str:
    if alert.baker_id is None:
        return "/waiting"
    is_low = alert.code == AlertCode.WALLET_LOW
    return f"/bakers/{alert.baker_id}{'/fund' if is_low else ''}"


def _picture_of(alert: Alert, baker: Baker | None) -> Picture | None:
    """Give the wallet's address as a QR code with an alert that asks for funds."""
    if baker is None or alert.code != AlertCode.WALLET_LOW:
        return None
    return Picture("payout-wallet.png", qr_png(Address(baker.payout_address)))


def _mark(severity: Severity, what: Telling) -> str:
    match what:
        case Telling.CLOSED:
            return "[over]"
        case Telling.REPEATED:
            return f"[{severity}, again]"
        case _:
            return f"[{severity}]"


def _since(alert: Alert, what: Telling) -> str:
    if what is not Telling.REPEATED:
        return f"Raised at {_time(alert.raised_at)}."
    return (
        f"Raised at {_time(alert.raised_at)}, {alert.times} times, and not acknowledged yet: "
        "acknowledge it to hear no more of it."
    )


def _name(alert: Alert, baker: Baker | None) -> str:
    if baker is None or not baker.alias:
        return str(alert.baker_id)
    return f"{baker.alias} ({baker.baker_id})"


def _short_name(alert: Alert, baker: Baker | None) -> str:
    if baker is not None and baker.alias:
        return baker.alias
    return alert.baker_id or "Bakehouse"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
