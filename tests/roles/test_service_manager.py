"""What systemd hears of a process, on a socket as its own."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.roles.service_manager import ServiceManager


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_it_hears_that_the_work_begins_and_that_it_is_being_ended(
    heard: socket.socket,
) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": heard.getsockname()})
    manager.ready()
    manager.stopping()

    assert [heard.recv(64), heard.recv(64)] == [b"READY=1", b"STOPPING=1"]


@pytest.mark.parametrize(
    ("process", "watched"),
    [(str(os.getpid()), 0.03), ("1", None), (None, 0.03)],
    ids=["this one", "another", "not said which"],
)
def test_the_watchdog_is_for_the_process_it_was_set_for(
    process: str | None, watched: float | None
) -> None:
    environment = {"WATCHDOG_USEC": "30000"} | ({"WATCHDOG_PID": process} if process else {})

    assert ServiceManager(environment).watchdog_seconds == watched


async def test_the_watchdog_is_fed_again_and_again(heard: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": heard.getsockname(), "WATCHDOG_USEC": "30000"}
    feeding = asyncio.create_task(ServiceManager(environment).feed_watchdog())
    words = [await asyncio.to_thread(heard.recv, 64) for _ in range(3)]
    feeding.cancel()

    assert words == [b"WATCHDOG=1"] * 3


async def test_nobody_is_told_where_nobody_asked_or_listens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"NOTIFY_SOCKET": "@gone"}):
        ServiceManager(environment).ready()
    await ServiceManager({}).feed_watchdog()
