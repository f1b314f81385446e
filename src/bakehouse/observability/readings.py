"""What ledger and queue say when they are asked; a part that does not answer is left out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bakehouse.errors import BakehouseError
from bakehouse.jobs.job_types import JobState, QueueName, ScheduleView
from bakehouse.jobs.processors.poll_balance import known_balances
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, figures
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.figures import CycleFigures, OperationFigures, PayoutFigures, PlannedCycle
from bakehouse.rewards.money import Mutez

Part = TypeVar("Part")

#: Prometheus itself waits for ten seconds unless told.
_PATIENCE_SECONDS: Final = 4

#: Cycles from which the cost of the next one is guessed.
COST_CYCLES: Final = 5

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerReadings:
    """What the ledger says of every baker, read at one moment."""

    bakers: Sequence[Baker]
    cycles: Sequence[CycleFigures]
    payouts: Sequence[PayoutFigures]
    operations: Sequence[OperationFigures]
    costs: Sequence[PlannedCycle]
    #: By code.
    open_alerts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class QueueReadings:
    """What the queue knows; it may have forgotten some of it."""

    jobs: Mapping[QueueName, Mapping[JobState, int]]
    schedules: Sequence[ScheduleView]
    #: By baker, in mutez.
    balances: Mapping[str, Mutez]


@dataclass(frozen=True, slots=True)
class Readings:
    """One look at everything; a part is None when it did not answer."""

    at: datetime
    ledger: LedgerReadings | None
    queue: QueueReadings | None
    workers: Mapping[QueueName, bool]


async def read(workshop: Workshop) -> Readings:
    """Ask ledger and queue. Raises nothing for one that does not answer."""
    ledger = await _answer_of("ledger", lambda: _read_ledger(workshop))
    known = ledger.bakers if ledger else ()
    return Readings(
        at=workshop.payer.clock(),
        ledger=ledger,
        queue=await _answer_of("queue", lambda: _read_queue(workshop, known)),
        workers=workshop.engine.workers_running,
    )


async def _answer_of(part: str, ask: Callable[[], Awaitable[Part]]) -> Part | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await ask()
    except (BakehouseError, SQLAlchemyError, OSError) as error:
        _log.warning("metrics-left-out", part=part, error=type(error).__name__)
        return None


async def _read_ledger(workshop: Workshop) -> LedgerReadings:
    async with workshop.payer.ledger.read() as tx:
        return LedgerReadings(
            bakers=await bakers.everyone(tx),
            cycles=await figures.of_cycles(tx),
            payouts=await figures.of_open_payouts(tx),
            operations=await figures.of_operations(tx),
            costs=await figures.of_recent_costs(tx, COST_CYCLES),
            open_alerts=await figures.of_open_alerts(tx),
        )


async def _read_queue(workshop: Workshop, known: Sequence[Baker]) -> QueueReadings:
    engine = workshop.engine
    # Says at once that the queue is away; the next call would wait for it.
    await engine.ping()
    scheduled = (QueueName.CYCLE_MONITORING, QueueName.BLOCKCHAIN_POLLING)
    balances = await known_balances(workshop, [baker.baker_id for baker in known])
    return QueueReadings(
        jobs={queue: await engine.counts(queue) for queue in QueueName},
        schedules=[view for queue in scheduled for view in await engine.schedules(queue)],
        balances={baker_id: one.balance for baker_id, one in balances.items() if one},
    )
