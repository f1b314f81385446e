"""Every route that changes something, and what it takes to be let in: written by hand, on purpose.

A new route is added here by whoever has thought about who may use it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.ledger.roles import Role
from tests.web.conftest import BAKER, DELEGATORS


@dataclass(frozen=True, slots=True)
class Changing:
    """Who may; None: anybody, for the route itself asks for a secret."""

    role: Role | None
    #: What is sent: JSON with which the route would do its work, or at least not refuse the caller.
    body: Mapping[str, Any] | None = None
    #: About every baker: who may see some only is refused.
    all_bakers: bool = False
    #: The door lets nobody through whom it does not know, whatever the route says.
    behind_the_door: bool = False
    #: Which baker is meant stands in the body: the route itself asks whether the caller may.
    baker_in_body: bool = False


WHY = {"why": "seen"}
OF_BAKER = {"baker_id": BAKER}


def _viewer(**more: Any) -> Changing:
    return Changing(Role.VIEWER, **more)


def _operator(body: Mapping[str, Any] | None = None, **more: Any) -> Changing:
    return Changing(Role.OPERATOR, body, **more)


def _administrator(body: Mapping[str, Any] | None = None, **more: Any) -> Changing:
    return Changing(Role.ADMINISTRATOR, body, **more)


_API_BAKER = "/api/bakers/{baker_id}"
_API_CYCLE = f"{_API_BAKER}/cycles/{{cycle}}"
_API_OPERATION = f"{_API_BAKER}/operations/{{operation_hash}}"

_API_CHANNEL = "/api/alerts/channels/{channel_id}"

_OF_THE_API = {
    ("POST", "/api/jobs/trigger/cycle-check"): _operator(OF_BAKER, baker_in_body=True),
    ("POST", "/api/jobs/trigger/balance-poll"): _operator(OF_BAKER, baker_in_body=True),
    ("POST", "/api/jobs/initialize"): _operator(OF_BAKER, baker_in_body=True),
    ("POST", "/api/jobs/remove"): _operator(OF_BAKER, baker_in_body=True),
    ("POST", "/api/bakers"): _administrator(OF_BAKER, all_bakers=True),
    ("PATCH", _API_BAKER): _administrator({"update_freq": 20}),
    ("DELETE", _API_BAKER): _administrator(),
    ("POST", f"{_API_BAKER}/mode"): _administrator({"mode": "simulation"}),
    ("PUT", f"{_API_BAKER}/fees/{{address}}"): _administrator({"fee_basis_points": 5}),
    ("DELETE", f"{_API_BAKER}/fees/{{address}}"): _administrator(),
    ("POST", f"{_API_BAKER}/fees/import"): _administrator({"how": "merge", "text": ""}),
    ("PUT", f"{_API_BAKER}/rules"): _administrator({"rules": []}),
    ("PUT", f"{_API_BAKER}/rules/{{address}}"): _administrator({"listing": "ignored"}),
    ("DELETE", f"{_API_BAKER}/rules/{{address}}"): _administrator(),
    ("POST", f"{_API_BAKER}/rules/import"): _administrator({"how": "merge", "text": ""}),
    ("PUT", f"{_API_BAKER}/income"): _administrator({"shares": []}),
    ("PUT", f"{_API_BAKER}/bond-pool"): _administrator({"members": []}),
    ("POST", f"{_API_BAKER}/bond-pool/import"): _administrator({"text": ""}),
    ("POST", f"{_API_BAKER}/simulations"): _operator({}),
    ("POST", f"{_API_BAKER}/pause"): _operator(WHY),
    ("POST", f"{_API_CYCLE}/approve"): _operator({**WHY, "plan_sha256": "0" * 64}),
    ("POST", f"{_API_CYCLE}/retry"): _operator(WHY),
    ("POST", f"{_API_CYCLE}/hold"): _operator({**WHY, "owed_to": DELEGATORS[0]}),
    ("POST", f"{_API_CYCLE}/release"): _operator(WHY),
    ("POST", f"{_API_CYCLE}/drop"): _operator(WHY),
    ("POST", f"{_API_OPERATION}/cancel"): _operator(WHY),
    ("POST", f"{_API_BAKER}/transfers"): _administrator(
        {**WHY, "to": DELEGATORS[0], "amount": "1"}
    ),
    ("POST", f"{_API_BAKER}/transfers/{{transfer_id}}/give-up"): _administrator(WHY),
    ("POST", f"{_API_BAKER}/transfers/{{transfer_id}}/again"): _administrator(WHY),
    ("POST", f"{_API_BAKER}/deductions"): _administrator(
        {**WHY, "owed_to": DELEGATORS[0], "amount": "1", "consent": "by mail"}
    ),
    ("POST", f"{_API_BAKER}/deductions/{{deduction_id}}/waive"): _administrator(WHY),
    ("POST", f"{_API_BAKER}/hooks"): _administrator(
        {"name": "limits", "url": "http://127.0.0.1:9/", "points": ["paid"]}, all_bakers=True
    ),
    ("PUT", f"{_API_BAKER}/hooks/{{name}}"): _administrator({"enabled": False}, all_bakers=True),
    ("DELETE", f"{_API_BAKER}/hooks/{{name}}"): _administrator(all_bakers=True),
    ("POST", f"{_API_BAKER}/hooks/{{name}}/test"): _administrator(all_bakers=True),
    ("PUT", f"{_API_BAKER}/announcements"): _administrator({"enabled": False}),
    ("POST", f"{_API_BAKER}/announcements/preview"): _operator({}),
    ("POST", f"{_API_BAKER}/announcements/test"): _administrator({"channel": "public"}),
    ("POST", f"{_API_BAKER}/announcements/{{announcement_id}}/again"): _operator(WHY),
    ("POST", f"{_API_BAKER}/announcements/{{announcement_id}}/leave"): _operator(WHY),
    ("POST", "/api/alerts/{alert_id}/acknowledge"): _operator(),
    ("POST", "/api/alerts/channels"): _administrator(
        {"name": "hook", "url": "json://localhost:9"}, all_bakers=True
    ),
    ("PUT", _API_CHANNEL): _administrator({"name": "hook"}, all_bakers=True),
    ("DELETE", _API_CHANNEL): _administrator(all_bakers=True),
    ("POST", f"{_API_CHANNEL}/test"): _administrator(all_bakers=True),
    ("POST", f"{_API_OPERATION}/declare-dead"): _operator(WHY),
}

_OF_PAGES = {
    ("POST", "/sign-in"): Changing(None),
    ("POST", "/sign-out"): Changing(None, behind_the_door=True),
    ("POST", "/welcome"): Changing(None),
    ("POST", "/theme"): Changing(None),
    ("POST", "/account"): _viewer(),
    ("POST", "/users"): _administrator(all_bakers=True),
    ("POST", "/users/{user_id}"): _administrator(all_bakers=True),
    ("POST", "/users/{user_id}/link"): _administrator(all_bakers=True),
    ("POST", "/users/{user_id}/disable"): _administrator(all_bakers=True),
    ("POST", "/tokens"): _administrator(all_bakers=True),
    ("POST", "/tokens/{token_id}/revoke"): _administrator(all_bakers=True),
}

_BAKER = "/bakers/{baker_id}"
_SCHEDULES = "/schedules/{baker_id}"

#: What their forms send is tested where they are: here they are sent nothing, and refuse that.
_OF_FORMS = {
    ("POST", "/bakers/new"): _administrator(all_bakers=True),
    ("POST", f"{_BAKER}/settings"): _administrator(),
    ("POST", f"{_BAKER}/simulate"): _administrator(),
    ("POST", f"{_BAKER}/simulation"): _operator(),
    ("POST", f"{_BAKER}/live"): _administrator(),
    ("POST", f"{_BAKER}/stop"): _operator(),
    ("POST", f"{_BAKER}/go/{{cycle}}"): _operator(),
    ("POST", f"{_BAKER}/fees"): _administrator(),
    ("POST", f"{_BAKER}/fees/remove"): _administrator(),
    ("POST", f"{_BAKER}/fees/import"): _administrator(),
    ("POST", f"{_BAKER}/rules"): _administrator(),
    ("POST", f"{_BAKER}/rules/remove"): _administrator(),
    ("POST", f"{_BAKER}/rules/import"): _administrator(),
    ("POST", f"{_BAKER}/income"): _administrator(),
    ("POST", f"{_BAKER}/income/import"): _administrator(),
    ("POST", f"{_BAKER}/bond-pool"): _administrator(),
    ("POST", f"{_BAKER}/bond-pool/import"): _administrator(),
    ("POST", f"{_BAKER}/transfers/new"): _administrator(),
    ("POST", f"{_BAKER}/transfers/reveal"): _administrator(),
    ("POST", f"{_BAKER}/transfers/{{transfer_id}}/give-up"): _administrator(),
    ("POST", f"{_BAKER}/transfers/{{transfer_id}}/again"): _administrator(),
    ("POST", f"{_BAKER}/transfers/{{transfer_id}}/cancel"): _operator(),
    ("POST", f"{_BAKER}/deductions/new"): _administrator(),
    ("POST", f"{_BAKER}/deductions/{{deduction_id}}/waive"): _administrator(),
    ("POST", f"{_SCHEDULES}/check"): _operator(),
    ("POST", f"{_SCHEDULES}/poll"): _operator(),
    ("POST", f"{_SCHEDULES}/initialize"): _operator(),
    ("POST", f"{_SCHEDULES}/remove"): _operator(),
    ("POST", f"{_SCHEDULES}/frequency"): _administrator(),
    # Which bakers are meant stands in the form: tried with another's things where it is tested.
    ("POST", "/waiting/failed"): _operator(),
    ("POST", "/waiting/held"): _operator(),
    ("POST", "/waiting/operations"): _operator(),
    ("POST", "/waiting/alerts"): _operator(),
    ("POST", f"{_BAKER}/announcements"): _administrator(),
    ("POST", f"{_BAKER}/announcements/test"): _administrator(),
    ("POST", f"{_BAKER}/announcements/{{announcement_id}}"): _operator(),
    ("POST", f"{_BAKER}/hooks"): _administrator(all_bakers=True),
    ("POST", f"{_BAKER}/hooks/ask-again"): _operator(),
    ("POST", f"{_BAKER}/hooks/{{name}}/test"): _administrator(all_bakers=True),
    ("POST", f"{_BAKER}/hooks/{{name}}/switch"): _administrator(all_bakers=True),
    ("POST", f"{_BAKER}/hooks/{{name}}/remove"): _administrator(all_bakers=True),
    ("POST", "/alerts/channels"): _administrator(all_bakers=True),
    ("POST", "/alerts/channels/{channel_id}/test"): _administrator(all_bakers=True),
    ("POST", "/alerts/channels/{channel_id}/switch"): _administrator(all_bakers=True),
    ("POST", "/alerts/channels/{channel_id}/remove"): _administrator(all_bakers=True),
}

_QUEUE = "/queues/{queue}"
_JOB = f"{_QUEUE}/{{job_id}}"
_SCHEDULE = f"{_QUEUE}/job-schedulers/{{schedule_id}}"

#: The queue board, which shows the jobs of every baker.
_OF_THE_BOARD = {
    (method, f"/admin/queues/api{path}"): _operator(all_bakers=True)
    for method, paths in {
        "POST": (f"{_QUEUE}/add", "/metrics/history/purge"),
        "PUT": (
            *("/queues/pause", "/queues/resume", f"{_QUEUE}/pause", f"{_QUEUE}/resume"),
            *(f"{_QUEUE}/retry/{{state}}", f"{_QUEUE}/clean/{{state}}", f"{_QUEUE}/promote"),
            *(f"{_QUEUE}/empty", f"{_QUEUE}/obliterate", f"{_QUEUE}/concurrency"),
            *(f"{_QUEUE}/rate-limit", f"{_QUEUE}/rate-limit/release"),
            *(f"{_SCHEDULE}/run", f"{_SCHEDULE}/remove"),
            *(f"{_JOB}/retry", f"{_JOB}/promote", f"{_JOB}/clean"),
            f"{_JOB}/remove-unprocessed-children",
        ),
        "PATCH": (_SCHEDULE, f"{_JOB}/delay", f"{_JOB}/priority", f"{_JOB}/update-data"),
    }.items()
    for path in paths
}

CHANGING: Mapping[tuple[str, str], Changing] = {
    **_OF_THE_API,
    **_OF_PAGES,
    **_OF_FORMS,
    **_OF_THE_BOARD,
}
