"""How BullMQ's workers are set: locks, stalls, retries and what is kept. Plain values."""

import os
import secrets
import socket
from typing import Any, Final

from bakehouse.jobs.backoff import JITTER_PERMILLE_MAX, retry_delay_ms

#: With these a job of a killed worker is resumed within 15 s; BullMQ's own take a minute.
LOCK_SECONDS: Final = 9
STALLED_CHECK_SECONDS: Final = 4
#: Short enough for one renewal to fail and be repeated before the lock runs out.
LOCK_RENEWAL_SECONDS: Final = 3

#: Left to itself BullMQ fails a job that stalled once too often without asking us; the runner
#: counts stalls itself, so that such a failure takes the same road as every other.
STALLS_OF_BULLMQ_MAX: Final = 2**31 - 1

#: Between two attempts to fetch a job while Redis is away.
FETCH_RETRY_SECONDS: Final = 1

COMPLETED_AGE_SECONDS: Final = 60 * 60
COMPLETED_COUNT: Final = 100

#: How long BullMQ remembers how many jobs ended in each minute.
METRICS_MINUTES: Final = 24 * 60


def worker_settings(concurrency: int) -> dict[str, Any]:
    """Options of a BullMQ worker. Failed jobs are kept until a person removes them."""
    return {
        # So that people see which machine works, and which process of it.
        "name": f"{socket.gethostname()}-{os.getpid()}",
        "concurrency": concurrency,
        "autorun": False,
        "lockDuration": LOCK_SECONDS * 1000,
        "lockRenewTime": LOCK_RENEWAL_SECONDS * 1000,
        "stalledInterval": STALLED_CHECK_SECONDS * 1000,
        "maxStalledCount": STALLS_OF_BULLMQ_MAX,
        "runRetryDelay": FETCH_RETRY_SECONDS * 1000,
        "removeOnComplete": {"age": COMPLETED_AGE_SECONDS, "count": COMPLETED_COUNT},
        "removeOnFail": False,
        "metrics": {"maxDataPoints": METRICS_MINUTES},
        "settings": {"backoffStrategy": _retry_delay_ms},
    }


def _retry_delay_ms(failures: int, _type: str, _error: Exception, record: Any) -> int:
    jitter_permille = secrets.randbelow(2 * JITTER_PERMILLE_MAX + 1) - JITTER_PERMILLE_MAX
    return retry_delay_ms(record.opts["backoff"]["delay"], failures, jitter_permille)
