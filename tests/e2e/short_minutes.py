"""`bakehouse worker` and `bakehouse scheduler` with minutes of seconds, for tests that wait.

Run as `python -m tests.e2e.short_minutes ROLE SECONDS`, with the settings of the command.
"""

import asyncio
import sys

from bakehouse.cli.scheduler import schedule
from bakehouse.cli.worker import work
from bakehouse.config import load_config
from bakehouse.logs import configure_logs
from bakehouse.roles.foundation import Hands


def main(role: str, minute_seconds: int) -> None:
    config = load_config()
    configure_logs(config.log_format, config.log_level)
    if role == "worker":
        asyncio.run(work(config, Hands(minute_seconds=minute_seconds)))
    else:
        hands = Hands(minute_seconds=minute_seconds, with_keys=False)
        asyncio.run(schedule(config, hands))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
