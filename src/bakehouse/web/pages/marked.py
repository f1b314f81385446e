"""Amounts, times and states as pages mark them up, everywhere the same. Pure.

Functions, not macros of a template: a page of payouts writes a thousand of them.
"""

from datetime import datetime

from markupsafe import Markup, escape

from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.web.pages.wording import ago, clock, iso, plain, tez_brief


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
