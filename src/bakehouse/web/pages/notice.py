"""The one line that says a form was done, after its redirect: chosen by a code, never free text."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse

#: The parameter of an address that carries the code.
PARAMETER: Final = "done"


class Notice(StrEnum):
    """What was done."""

    BAKER_ADDED = "baker-added"
    SETTINGS_CHANGED = "settings-changed"
    NOTHING_CHANGED = "nothing-changed"
    LIVE = "live"
    SIMULATING = "simulating"
    STOPPED = "stopped"
    FEE_SET = "fee-set"
    FEE_REMOVED = "fee-removed"
    FEES_IMPORTED = "fees-imported"
    RULE_SET = "rule-set"
    RULE_REMOVED = "rule-removed"
    RULES_IMPORTED = "rules-imported"
    INCOME_CHANGED = "income-changed"
    BOND_POOL_CHANGED = "bond-pool-changed"
    PLAN_KEPT = "plan-kept"
    APPROVED = "approved"
    RELEASED = "released"
    DROPPED = "dropped"
    RETRIED = "retried"
    CANCEL_REQUESTED = "cancel-requested"
    DECLARED_DEAD = "declared-dead"
    ACKNOWLEDGED = "acknowledged"
    CHANNEL_ADDED = "channel-added"
    CHANNEL_SWITCHED = "channel-switched"
    CHANNEL_REMOVED = "channel-removed"
    CHANNEL_TESTED = "channel-tested"
    HOOK_SWITCHED = "hook-switched"
    HOOK_REMOVED = "hook-removed"
    HOOKS_ASKED_AGAIN = "hooks-asked-again"
    ANNOUNCING_CHANGED = "announcing-changed"
    ANNOUNCEMENT_TESTED = "announcement-tested"
    ANNOUNCEMENT_DECIDED = "announcement-decided"
    TRANSFER_ORDERED = "transfer-ordered"
    TRANSFER_GIVEN_UP = "transfer-given-up"
    REVEAL_ORDERED = "reveal-ordered"
    REVEALED_ALREADY = "revealed-already"
    DEDUCTION_AGREED = "deduction-agreed"
    DEDUCTION_WAIVED = "deduction-waived"
    CYCLE_CHECK_TRIGGERED = "cycle-check-triggered"
    BALANCE_POLL_TRIGGERED = "balance-poll-triggered"
    FREQUENCY_CHANGED = "frequency-changed"
    SCHEDULES_CREATED = "schedules-created"
    SCHEDULES_REMOVED = "schedules-removed"


_SENTENCES: Final[Mapping[str, str]] = {
    Notice.BAKER_ADDED: "The baker is registered. It simulates: nothing is signed.",
    Notice.SETTINGS_CHANGED: "The settings are changed, from now on.",
    Notice.NOTHING_CHANGED: "Everything was set like this already: nothing changed.",
    Notice.LIVE: "The baker is live: what is due is paid.",
    Notice.SIMULATING: "The baker simulates from now on: nothing new is signed.",
    Notice.STOPPED: "Paying is stopped: nothing is signed or sent for this baker.",
    Notice.FEE_SET: "The fee is set.",
    Notice.FEE_REMOVED: "The fee is removed: the default holds again.",
    Notice.FEES_IMPORTED: "The fees are imported.",
    Notice.RULE_SET: "The rule is set, from the next plan on.",
    Notice.RULE_REMOVED: "The rule is removed: this delegator is treated as everybody.",
    Notice.RULES_IMPORTED: "The rules are imported.",
    Notice.INCOME_CHANGED: "The shares of the income are changed.",
    Notice.BOND_POOL_CHANGED: "The bond pool is changed.",
    Notice.PLAN_KEPT: "The plan is kept under its hash.",
    Notice.APPROVED: "The cycle may go: it is paid at the next step.",
    Notice.RELEASED: "Released: what was held is paid at the next step.",
    Notice.DROPPED: "Dropped: these payouts are never paid.",
    Notice.RETRIED: "Taken up again.",
    Notice.CANCEL_REQUESTED: "The cancellation is asked for; blocks tell which came first.",
    Notice.DECLARED_DEAD: "Declared dead: its payouts are held until you release or drop them.",
    Notice.ACKNOWLEDGED: "Acknowledged.",
    Notice.CHANNEL_ADDED: "The channel is entered: send a test.",
    Notice.CHANNEL_SWITCHED: "The channel is switched.",
    Notice.CHANNEL_REMOVED: "The channel is removed, with what was still to be sent there.",
    Notice.CHANNEL_TESTED: "The test was taken: look whether it has arrived.",
    Notice.HOOK_SWITCHED: "The hook is switched.",
    Notice.HOOK_REMOVED: "The hook is removed; what it answered stays on record.",
    Notice.HOOKS_ASKED_AGAIN: "The hooks of this cycle are asked at the next step.",
    Notice.ANNOUNCING_CHANGED: "What is said is changed, from now on.",
    Notice.ANNOUNCEMENT_TESTED: "The test was taken: look whether it has arrived.",
    Notice.ANNOUNCEMENT_DECIDED: "Decided.",
    Notice.TRANSFER_ORDERED: "Ordered: it is signed within a minute, if no guard refuses it.",
    Notice.TRANSFER_GIVEN_UP: "Given up: nothing was signed, and nothing has moved.",
    Notice.REVEAL_ORDERED: "Ordered: the key is revealed within a minute or two.",
    Notice.REVEALED_ALREADY: "The wallet's key is revealed already: nothing is to be done.",
    Notice.DEDUCTION_AGREED: "Entered: the next plans take it off, each with a line of its own.",
    Notice.DEDUCTION_WAIVED: "Waived: nothing more is deducted.",
    Notice.CYCLE_CHECK_TRIGGERED: "The cycles are being looked at now.",
    Notice.BALANCE_POLL_TRIGGERED: "The wallet is being read now.",
    Notice.FREQUENCY_CHANGED: "The frequency is changed, from now on.",
    Notice.SCHEDULES_CREATED: "The schedules run, and a first look is under way.",
    Notice.SCHEDULES_REMOVED: "The schedules are removed, until they are made again.",
}


def done(path: str, notice: Notice, **query: str) -> RedirectResponse:
    """Lead a browser on after a form was done, so that loading again does nothing twice."""
    url = f"{path}?{urlencode({**query, PARAMETER: notice.value})}"
    return RedirectResponse(url, HTTPStatus.SEE_OTHER)


def notice_of(request: Request) -> str | None:
    """Give the sentence for what was done before this page, or None."""
    return _SENTENCES.get(request.query_params.get(PARAMETER, ""))
