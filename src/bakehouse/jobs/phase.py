"""When in its interval a schedule runs: drawn from its name, so that many do not run together."""

import hashlib
from datetime import UTC, datetime, timedelta

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def first_run_at(schedule_id: str, every_seconds: int, now: datetime) -> datetime:
    """Give the first run of a schedule that is made now: from half to one and a half interval away.

    A schedule has the same place in its interval, counted from 1970, whoever makes it and however
    often: a thousand that are made at once, or made anew when the queue has lost them, are spread.
    """
    every_ms = every_seconds * 1000
    drawn = hashlib.sha256(schedule_id.encode()).digest()
    phase_ms = int.from_bytes(drawn[:8]) % every_ms
    earliest_ms = (now - _EPOCH) // _MILLISECOND + every_ms // 2
    return _EPOCH + (earliest_ms + (phase_ms - earliest_ms) % every_ms) * _MILLISECOND
