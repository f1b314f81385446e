"""What processors and the scheduler work with, handed in."""

from dataclasses import dataclass

from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.payments.payer import Payer

MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Workshop:
    """Payments below, the queue beside, and how long a minute is (a demo may shorten it)."""

    payer: Payer
    engine: JobEngine
    cache: RedisCache
    minute_seconds: int = MINUTE_SECONDS
    #: Where people reach the pages; messages lead there. None where nobody has said.
    pages_url: str | None = None
