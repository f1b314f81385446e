"""Amounts, times and states as pages mark them up, everywhere the same. Pure.

Functions, not macros of a template: a page of payouts writes a thousand of them.
"""

from collections.abc import Callable
from datetime import datetime

from markupsafe import Markup, escape

from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.web.pages.wording import ago, clock, iso, plain, short, tez_brief


def amount(mutez: Mutez) -> Markup:
    """Mark up an amount, in tez to the last mutez."""
    return Markup(f'<data value="{mutez:d}">{format_tez(mutez)}</data>')  # noqa: S704 - digits


def roughly(mutez: Mutez) -> Markup:
    """Mark up an amount for the eye; the exact one shows when it is pointed at."""
    exact = f'value="{mutez:d}" title="{format_tez(mutez)} tez"'
    return Markup(f"<data {exact}>{tez_brief(mutez)}</data> tez")  # noqa: S704 - digits


def when(moment: datetime, now: datetime) -> Markup:
    """Mark up how far from now a moment is; the exact one shows when it is pointed at."""
    exact = f'datetime="{iso(moment)}" title="{clock(moment)}"'
    return Markup(f"<time {exact}>{ago(moment, now)}</time>")  # noqa: S704 - digits and units


def state(name: str) -> Markup:
    """Mark up a state of whatever has states."""
    shown = escape(plain(name))
    return Markup(f'<span class="chip state-{escape(name)}">{shown}</span>')  # noqa: S704 - escaped


def operation(url_of: Callable[[str], str | None], operation_hash: str) -> Markup:
    """Mark up an operation by the ends of its hash, and lead to where it can be looked up."""
    whole, shown, url = (
        escape(operation_hash),
        escape(short(operation_hash)),
        url_of(operation_hash),
    )
    if url is None:
        inner = f'<span title="{whole}">{shown}</span>'
    else:
        inner = f'<a href="{escape(url)}" rel="noreferrer" title="{whole}">{shown}</a>'
    return Markup(f"<code>{inner}</code>")  # noqa: S704 - escaped


def told(text: str) -> Markup:
    """Mark up a sentence that names commands between backticks."""
    parts = escape(text).split("`")
    inner = "".join(f"<code>{each}</code>" if at % 2 else each for at, each in enumerate(parts))
    return Markup(inner)  # noqa: S704 - escaped
