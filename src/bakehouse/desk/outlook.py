"""What the queue knows of bakers: the cycle of the chain, the next check, the wallet.

It is asked once for all of them, however many they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bakehouse.errors import QueueUnreachableError
from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.jobs.job_types import JSON, QueueName
from bakehouse.jobs.last_run import last_runs
from bakehouse.jobs.next_runs import next_runs
from bakehouse.jobs.processors.poll_balance import KnownBalance, known_balances
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger.bakers import Baker


@dataclass(frozen=True, slots=True)
class CyclePlace:
    """Which cycle the chain is in, and how much of it was over at the last look."""

    cycle: int
    #: Of a hundred; None where it is not known how long a cycle is.
    percent: int | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the queue knows of one baker; it may know nothing."""

    place: CyclePlace | None
    next_check_at: datetime | None
    balance: KnownBalance | None

    @property
    def current_cycle(self) -> int | None:
        """The cycle that the chain is in."""
        return self.place.cycle if self.place else None

    @property
    def balance_at(self) -> datetime | None:
        """When the balance was read."""
        return datetime.fromisoformat(self.balance.at) if self.balance else None


async def outlooks(workshop: Workshop, everyone: Sequence[Baker]) -> dict[str, Outlook] | None:
    """Give what the queue knows of each baker, or None while it does not answer."""
    ids = [baker.baker_id for baker in everyone]
    monitor_ids = [cycle_monitor_id(each) for each in ids]
    try:
        # Says at once that the queue is away; the next call would wait for it.
        await workshop.engine.ping()
        checks = await next_runs(workshop.engine, QueueName.CYCLE_MONITORING, monitor_ids)
        runs = await last_runs(workshop, monitor_ids)
        balances = await known_balances(workshop, ids)
    except QueueUnreachableError:
        return None
    return {
        baker_id: Outlook(
            place=place_in_cycle(run),
            next_check_at=check_at,
            balance=balances[baker_id],
        )
        for baker_id, check_at, run in zip(ids, checks, runs, strict=True)
    }


def place_in_cycle(run: JSON) -> CyclePlace | None:
    """Read where the chain was at a check's last run; None if that does not tell."""
    match run:
        case {
            "value": {
                "current_cycle": int(cycle),
                "cycle_position": int(position),
                "blocks_per_cycle": int(length),
            }
        } if 0 <= position < length:
            return CyclePlace(cycle, position * 100 // length)
        case {"value": {"current_cycle": int(cycle)}}:
            return CyclePlace(cycle, None)
        case _:
            return None
