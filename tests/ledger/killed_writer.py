"""A process whose children open, sign or settle, and are killed with -9 at a named point.

Each line of standard input is one child: deed, point and database URL, parted by tabs. The answer
is a line with the number of the signal that ended it, or 0. Children are forked: Python and the
libraries start once.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import distributions, operations, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import IN_FLIGHT, OperationState, PayoutState
from tests.ledger.bakery import NETWORK, SOURCE, enter, key_of, new_operation, sign

#: The point after the last statement and before the commit, and the one when all is on disk.
BEFORE_COMMIT, AFTER_COMMIT = "before commit", "after commit"


class Killer:
    """Has a deed begun in a process of its own, and that process killed at a point."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.killed_writer"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def kill(self, deed: str, point: str) -> None:
        assert await asyncio.to_thread(self._run, deed, point, self._url) == signal.SIGKILL

    def _run(self, *order: str) -> int:
        assert self._process.stdin
        assert self._process.stdout
        print(*order, sep="\t", file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def dismiss(self) -> None:
        self._process.communicate()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(point: str) -> None:
    """Die after the first statement that starts with `point`, or before the commit."""

    @event.listens_for(Engine, "after_cursor_execute")
    def after_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.strip().startswith(point):
            die()

    @event.listens_for(Engine, "commit")
    def before_commit(_connection: Any) -> None:
        if point == BEFORE_COMMIT:
            die()


async def open_it(url: str, point: str) -> None:
    die_at(point)
    await Ledger.open(url)


async def sign_it(url: str, point: str) -> None:
    ledger = await Ledger.open(url)
    die_at(point)
    async with ledger.write() as tx:
        distribution = await distributions.get(tx, key_of())
        owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
        await sign(tx, distribution, new_operation(7, owed))


async def settle_it(url: str, point: str) -> None:
    ledger = await Ledger.open(url)
    die_at(point)
    async with ledger.write() as tx:
        (operation,) = await operations.in_states(tx, NETWORK, SOURCE, IN_FLIGHT)
        await enter(tx, operation, OperationState.INCLUDED)
        await enter(tx, operation, OperationState.FINAL)
        await payouts.settle_operation(tx, operation.id)


DEEDS = {"open": open_it, "sign": sign_it, "settle": settle_it}


async def do_and_die(deed: str, point: str, url: str) -> None:
    def die_there(place: Failpoint) -> None:
        if place == point:
            die()

    with hooked(die_there):
        await DEEDS[deed](url, point)
    if point == AFTER_COMMIT:
        die()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(do_and_die(*line.rstrip("\n").split("\t")))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
