"""Announcements as templates: a few named fields, checked as they are entered. Pure text."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

from bakehouse.alerts.message import Message, Tone
from bakehouse.errors import SettingError
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.rewards.money import Mutez, format_tez

TITLE_LENGTH_MAX: Final = 200
BODY_LENGTH_MAX: Final = 2_000
_LINK_LENGTH_MAX: Final = 500

#: What a template may name, and what stands there in the end.
FIELDS: Final[Mapping[str, str]] = {
    "amount": "what the delegators were paid, in tez",
    "baker": "the baker's alias, or its address without one",
    "address": "the baker's address",
    "cycle": "the cycle that is paid",
    "delegators": "how many delegators were paid",
    "link": "where a reader can look payouts up, as you set it",
}


@dataclass(frozen=True, slots=True)
class PaidCycle:
    """What there is to say of a paid cycle."""

    baker_id: str
    alias: str | None
    cycle: int
    amount: Mutez
    delegators: int


#: For a look at a template before anything was paid.
SAMPLE_CYCLE: Final = PaidCycle(
    "tz1fwnfJNgiDACshK9avfRfFbMaXrs3ghoJa", "Corner bakery", 1336, Mutez(28_056_046), 42
)


def check_settings(settings: AnnouncementSettings) -> None:
    """Raise SettingError for a template or link that cannot be used, naming what is wrong."""
    for name, text, most in (
        ("title", settings.title, TITLE_LENGTH_MAX),
        ("text", settings.body, BODY_LENGTH_MAX),
    ):
        if not text.strip() or len(text) > most:
            raise SettingError(f"the {name} of an announcement is 1 to {most} characters")
        if "link" in _fields_of(text, name) and settings.link is None:
            raise SettingError(
                f"the {name} names the field {{link}}, and no link is set: set one beside it"
            )
    if not settings.title.isprintable():
        raise SettingError("the title of an announcement is one line")
    link = settings.link
    if link is not None and (
        not link.startswith(("https://", "http://"))
        or len(link) > _LINK_LENGTH_MAX
        or not link.isprintable()
        or " " in link
    ):
        raise SettingError("the link is an address that begins with https://")


def compose(settings: AnnouncementSettings, paid: PaidCycle) -> Message:
    """Fill the templates in; raises SettingError as `check_settings` does."""
    check_settings(settings)
    values = {
        "amount": format_tez(paid.amount),
        "baker": paid.alias or paid.baker_id,
        "address": paid.baker_id,
        "cycle": str(paid.cycle),
        "delegators": str(paid.delegators),
        "link": settings.link or "",
    }
    return Message(
        title=settings.title.format_map(values),
        body=settings.body.format_map(values),
        tone=Tone.SUCCESS,
    )


def _fields_of(text: str, name: str) -> set[str]:
    """Give the fields that a template names; raises SettingError for one that is not known."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise SettingError(
            f"the {name} has a brace that stands alone: write {{{{ and }}}} for braces themselves"
        ) from error
    found: set[str] = set()
    for _, field, layout, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS or layout or conversion:
            shown = (
                field + (f"!{conversion}" if conversion else "") + (f":{layout}" if layout else "")
            )
            raise SettingError(
                f"the {name} names an unknown field {{{shown}}}: the fields are "
                f"{', '.join(f'{{{each}}}' for each in FIELDS)}"
            )
        found.add(field)
    return found
