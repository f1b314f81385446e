"""Telling the service manager, such as systemd, how a process stands (sd_notify(3))."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

#: How often the watchdog is fed in the time that it waits.
_FEEDS: Final = 3
_MICROSECONDS: Final = 1_000_000


class ServiceManager:
    """Whoever started the process, if it wants to be told; else nothing is said."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        is_for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        waits = environment.get("WATCHDOG_USEC", "") if is_for_us else ""
        #: Seconds after which it ends a process that has not been heard of; None: never.
        self.watchdog_seconds = int(waits) / _MICROSECONDS if waits.isdecimal() else None

    def ready(self) -> None:
        """Say that the work has begun."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Say that the work is being ended."""
        self._tell("STOPPING=1")

    async def feed_watchdog(self) -> None:
        """Say again and again that the event loop turns, until cancelled."""
        while self.watchdog_seconds:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / _FEEDS)

    def _tell(self, word: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the zero byte of an abstract socket.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify,
        ):
            notify.connect(address)
            notify.sendall(word.encode())
