"""How long a failed job waits for its next attempt. Pure arithmetic."""

from typing import Final

RETRY_DELAY_MAX_SECONDS: Final = 6 * 60 * 60
#: Jobs of many bakers fail together when a node is down; they should not all come back together.
JITTER_PERMILLE_MAX: Final = 100

_DOUBLINGS_MAX = 20


def retry_delay_ms(base_ms: int, failures: int, jitter_permille: int) -> int:
    """Milliseconds before the attempt that follows `failures` failed ones.

    `base * 2^(failures - 1)`, at most six hours, then moved by the jitter, which runs from
    minus to plus 100 thousandths.
    """
    doublings = min(max(failures - 1, 0), _DOUBLINGS_MAX)
    delay_ms = min(base_ms << doublings, RETRY_DELAY_MAX_SECONDS * 1000)
    return delay_ms * (1000 + jitter_permille) // 1000
