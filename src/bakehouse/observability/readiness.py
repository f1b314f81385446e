"""Whether one process can do its work, in one look; the same for every role."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from bakehouse.errors import BakehouseError
from bakehouse.jobs.workshop import Workshop

State = Literal["ok", "failing"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Each part that work depends on."""

    ledger: State
    queue: State
    workers: State

    @property
    def is_ready(self) -> bool:
        """Whether every part does its work."""
        return self.ledger == self.queue == self.workers == "ok"


async def look(workshop: Workshop) -> Readiness:
    """Ask ledger and queue whether they answer, and the workers here whether they take jobs."""
    engine = workshop.engine
    return Readiness(
        ledger=await _state_of(workshop.payer.ledger.ping()),
        queue=await _state_of(engine.ping()),
        workers="ok" if engine.is_healthy else "failing",
    )


async def _state_of(ping: Awaitable[None]) -> State:
    try:
        await ping
    except (BakehouseError, SQLAlchemyError, OSError):
        return "failing"
    return "ok"
