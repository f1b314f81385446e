"""The five `/api/jobs` endpoints of the system Bakehouse succeeds."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from bakehouse.errors import ConflictError
from bakehouse.jobs.job_types import AddedJob, QueueName
from bakehouse.jobs.processors.poll_balance import KnownBalance, known_balance
from bakehouse.jobs.scheduler import ScheduleStatus
from bakehouse.ledger import bakers
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Mode
from bakehouse.tezos.address import Address, parse_implicit
from bakehouse.web.api.fields import EXAMPLE_TIME
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services, WebServices


async def _ask_queue(services: Services) -> None:
    # Says at once that the queue is away; the queue's own calls would wait for it.
    await services.workshop.engine.ping()


router = APIRouter(
    prefix="/api/jobs",
    tags=["jobs"],
    dependencies=[TOKEN, needs(Role.VIEWER), Depends(_ask_queue)],
    responses=refusals(
        HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)


class BakerReference(BaseModel):
    """Which baker is meant."""

    model_config = ConfigDict(extra="forbid")

    baker_id: Annotated[str, Field(description="The baker's address.", examples=[EXAMPLE_BAKER])]


class QueuedJob(BaseModel):
    """The job that will do it."""

    job_id: Annotated[str, Field(description="Unique within its queue.")]
    queue: QueueName
    deduplicated: Annotated[bool, Field(description="It was under way already.")]


class Schedule(BaseModel):
    """One schedule and how it fares."""

    id: Annotated[str, Field(examples=[f"cycle-monitor-{EXAMPLE_BAKER}"])]
    queue: QueueName
    every_seconds: Annotated[int | None, Field(examples=[600])]
    next_run: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]
    last_run: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]
    last_result: Annotated[
        dict[str, Any] | None, Field(description="`ok`, and the `value` or the `error`.")
    ]


class Balance(BaseModel):
    """The payout wallet as last seen."""

    mutez: Annotated[str, Field(examples=["1234567890"])]
    level: Annotated[int, Field(examples=[6_543_210])]
    at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]


class JobStatus(BaseModel):
    """A baker's schedules."""

    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    mode: Mode
    schedules: list[Schedule]
    balance: Annotated[Balance | None, Field(description="Absent while it is not known.")]


class Removed(BaseModel):
    """What was done."""

    removed: bool


@router.post(
    "/trigger/cycle-check",
    status_code=HTTPStatus.ACCEPTED,
    summary="Look for finished cycles now",
    responses=refusals(HTTPStatus.FORBIDDEN),
)
async def trigger_cycle_check(
    baker: BakerReference, services: Services, caller: CallerOf
) -> QueuedJob:
    """Look for finished cycles, and take up again those that failed. Harmless at any time."""
    added = await services.scheduler.trigger_cycle_check(_operated(caller, baker))
    return _queued(added, QueueName.CYCLE_MONITORING)


@router.post(
    "/trigger/balance-poll",
    status_code=HTTPStatus.ACCEPTED,
    summary="Read the wallet now",
    responses=refusals(HTTPStatus.FORBIDDEN),
)
async def trigger_balance_poll(
    baker: BakerReference, services: Services, caller: CallerOf
) -> QueuedJob:
    """Read the payout wallet's balance."""
    added = await services.scheduler.trigger_balance_poll(_operated(caller, baker))
    return _queued(added, QueueName.BLOCKCHAIN_POLLING)


@router.get("/status", summary="Schedules with their next and last runs")
async def status(
    services: Services, baker: Annotated[BakerReference, Query()], caller: CallerOf
) -> JobStatus:
    """Give a baker's schedules, and its wallet's balance as last read."""
    address = parse_implicit(baker.baker_id)
    caller.require(Role.VIEWER, address)
    return await _status(services, address)


@router.post(
    "/initialize",
    status_code=HTTPStatus.ACCEPTED,
    summary="Create a baker's schedules",
    responses=refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
)
async def initialize(baker: BakerReference, services: Services, caller: CallerOf) -> JobStatus:
    """Create the schedules, or bring them up to the settings; 409 while the mode is off."""
    address = _operated(caller, baker)
    await services.scheduler.initialize_schedules(address)
    return await _status(services, address)


@router.post(
    "/remove",
    summary="Remove a baker's schedules",
    responses=refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
)
async def remove(baker: BakerReference, services: Services, caller: CallerOf) -> Removed:
    """Remove the schedules, until they are initialized again; 409 when there are none."""
    if not await services.scheduler.remove_schedule(_operated(caller, baker)):
        raise ConflictError(f"{baker.baker_id} has no schedules to remove")
    return Removed(removed=True)


def _operated(caller: Caller, baker: BakerReference) -> Address:
    """Give the baker that a caller may operate; raises AddressError, or what `require` does."""
    address = parse_implicit(baker.baker_id)
    caller.require(Role.OPERATOR, address)
    return address


async def _status(services: WebServices, baker_id: Address) -> JobStatus:
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    schedules = await services.scheduler.schedule_status(baker_id)
    known = await known_balance(services.workshop, baker_id)
    return JobStatus(
        baker_id=baker.baker_id,
        mode=baker.mode,
        schedules=[_schedule(each) for each in schedules],
        balance=_balance(known) if known else None,
    )


def _balance(known: KnownBalance) -> Balance:
    return Balance(mutez=str(known.balance), level=known.level, at=datetime.fromisoformat(known.at))


def _schedule(status: ScheduleStatus) -> Schedule:
    last = dict(status.last_run) if isinstance(status.last_run, dict) else None
    at = last.pop("at", None) if last else None
    return Schedule(
        id=status.id,
        queue=status.queue,
        every_seconds=status.every_seconds,
        next_run=status.next_run_at,
        last_run=datetime.fromisoformat(at) if isinstance(at, str) else None,
        last_result=last,
    )


def _queued(added: AddedJob, queue: QueueName) -> QueuedJob:
    return QueuedJob(job_id=added.id, queue=queue, deduplicated=added.deduplicated)
