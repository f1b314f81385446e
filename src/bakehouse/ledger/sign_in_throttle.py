"""Wrong passwords in a row, by user and by where they come from: each makes the next one wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.access_tables import sign_in_failures

#: So many mistakes are free; from then on each doubles the wait. Behind one address sit many.
FREE_OF_USER: Final = 5
FREE_OF_ADDRESS: Final = 25
_WAIT_FIRST: Final = timedelta(seconds=10)
WAIT_MAX: Final = timedelta(minutes=15)
_DOUBLINGS_MAX: Final = 10
_NAME_LENGTH_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who tries to sign in as a user, from an address."""

    user: str
    address: str

    @property
    def subjects(self) -> dict[str, int]:
        """What mistakes are counted against, and how many are free."""
        return {
            f"user:{self.user.strip().lower()[:_NAME_LENGTH_MAX]}": FREE_OF_USER,
            f"from:{self.address}": FREE_OF_ADDRESS,
        }


async def blocked_until(tx: AsyncConnection, attempt: Attempt, *, at: datetime) -> datetime | None:
    """Give when another attempt may be made, or None for now."""
    query = select(sign_in_failures.c.blocked_until).where(
        sign_in_failures.c.subject.in_(attempt.subjects), sign_in_failures.c.blocked_until > at
    )
    return max((await tx.execute(query)).scalars(), default=None)


async def admit(tx: AsyncConnection, attempt: Attempt, *, at: datetime) -> bool:
    """Say whether a password may be looked at now, and count it as wrong until it is `forget`.

    Counted beforehand, a thousand guesses at once count as well. `at` is read within the
    transaction: whoever waited for it must not seem to come before others.
    """
    if await blocked_until(tx, attempt, at=at) is not None:
        return False
    await note_failure(tx, attempt, at=at)
    return True


async def note_failure(tx: AsyncConnection, attempt: Attempt, *, at: datetime) -> None:
    """Count a wrong password against the user and the address."""
    for subject, free in attempt.subjects.items():
        query = select(sign_in_failures.c.failures).where(sign_in_failures.c.subject == subject)
        before = (await tx.execute(query)).scalar_one_or_none()
        failures = (before or 0) + 1
        values = {"failures": failures, "blocked_until": at + wait_after(failures, free)}
        if before is None:
            await tx.execute(insert(sign_in_failures).values(subject=subject, **values))
            continue
        await tx.execute(
            update(sign_in_failures).where(sign_in_failures.c.subject == subject).values(**values)
        )


async def forget(tx: AsyncConnection, attempt: Attempt) -> None:
    """Begin to count anew after a right password."""
    subjects = list(attempt.subjects)
    await tx.execute(delete(sign_in_failures).where(sign_in_failures.c.subject.in_(subjects)))


def wait_after(failures: int, free: int) -> timedelta:
    """Say how long to wait after so many failures in a row."""
    if failures < free:
        return timedelta()
    doublings = min(failures - free, _DOUBLINGS_MAX)
    return min(_WAIT_FIRST * (1 << doublings), WAIT_MAX)
