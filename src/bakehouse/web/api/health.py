"""Whether this process can do its work; open to anybody, so it tells nothing else."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bakehouse.observability.readiness import State, look
from bakehouse.web.permission import open_to_all
from bakehouse.web.services import Services

router = APIRouter(tags=["health"], dependencies=[open_to_all()])


class Checks(BaseModel):
    """Each part that work depends on."""

    ledger: State
    queue: State
    workers: State


class Health(BaseModel):
    """The whole, and its parts."""

    status: Annotated[State, Field(description="ok only if every check is.")]
    version: Annotated[str, Field(examples=["0.3.0"])]
    checks: Checks


class Liveness(BaseModel):
    """That this process answers."""

    status: Annotated[Literal["ok"], Field(examples=["ok"])] = "ok"


@router.get(
    "/health/live", summary="Does it answer?", response_description="It does; that is all it says."
)
async def live() -> Liveness:
    """Answer 200 as long as this process answers at all, whatever else is the matter."""
    return Liveness()


@router.get(
    "/health",
    summary="Is it working?",
    description="The same as `/health/ready`, under its older name.",
    responses={503: {"model": Health, "description": "A part does not work."}},
)
@router.get(
    "/health/ready",
    summary="Is it working?",
    responses={503: {"model": Health, "description": "A part does not work."}},
)
async def ready(services: Services, response: Response) -> Health:
    """Answer 200 if ledger, queue and workers do their work, else 503 naming the part."""
    found = await look(services.workshop)
    checks = Checks(ledger=found.ledger, queue=found.queue, workers=found.workers)
    if not found.is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    status: State = "ok" if found.is_ready else "failing"
    return Health(status=status, version=services.version, checks=checks)
