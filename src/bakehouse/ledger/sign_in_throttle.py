"""Wrong passwords in a row, by user and by where they come from: each makes the next one wait."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.access_tables import sign_in_failures

#: So many mistakes are free; from then on each doubles the wait.
FREE_FAILURES: Final = 5
_WAIT_FIRST: Final = timedelta(seconds=10)
WAIT_MAX: Final = timedelta(minutes=15)
_DOUBLINGS_MAX: Final = 10


async def blocked_until(
    tx: AsyncConnection, subjects: tuple[str, ...], *, at: datetime
) -> datetime | None:
    """Give when one of the subjects may be tried again, or None for now."""
    query = select(sign_in_failures.c.blocked_until).where(
        sign_in_failures.c.subject.in_(subjects), sign_in_failures.c.blocked_until > at
    )
    return max((await tx.execute(query)).scalars(), default=None)


async def note_failure(tx: AsyncConnection, subjects: tuple[str, ...], *, at: datetime) -> None:
    """Count a wrong password against each subject."""
    for subject in subjects:
        query = select(sign_in_failures.c.failures).where(sign_in_failures.c.subject == subject)
        before = (await tx.execute(query)).scalar_one_or_none()
        failures = (before or 0) + 1
        values = {"failures": failures, "blocked_until": at + wait_after(failures)}
        if before is None:
            await tx.execute(insert(sign_in_failures).values(subject=subject, **values))
            continue
        await tx.execute(
            update(sign_in_failures).where(sign_in_failures.c.subject == subject).values(**values)
        )


async def forget(tx: AsyncConnection, subjects: tuple[str, ...]) -> None:
    """Begin to count anew after a right password."""
    await tx.execute(delete(sign_in_failures).where(sign_in_failures.c.subject.in_(subjects)))


def wait_after(failures: int) -> timedelta:
    """Say how long to wait after so many failures in a row."""
    if failures < FREE_FAILURES:
        return timedelta()
    doublings = min(failures - FREE_FAILURES, _DOUBLINGS_MAX)
    return min(_WAIT_FIRST * (1 << doublings), WAIT_MAX)
