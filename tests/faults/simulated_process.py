"""One simulated process of Bakehouse: the real payments code, its calls to the world under control.

It takes work in any order, twice, late or never, as a queue may deliver it.
"""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bakehouse.errors import BakehouseError, RefusalError
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.states import Mode
from bakehouse.payments.advance import advance, fail, watch_unfinished
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer
from bakehouse.payments.verify import verify_settled
from tests.faults.turns import Process

#: How often a distribution that refuses is tried before it is marked failed.
_ATTEMPTS_MAX = 2


@dataclass(slots=True)
class Fate:
    """Where processes die, as a seed has it: at each failpoint and on both sides of each commit."""

    chance: random.Random
    crash_rate: float
    #: How often a process died, by the place.
    crashes: dict[str, int] = field(default_factory=dict)

    def pass_by(self, process: Process, place: str) -> None:
        """Let a process go on from a place, or die there."""
        process.live_or_crash()
        if self.chance.random() < self.crash_rate:
            self.crashes[place] = self.crashes.get(place, 0) + 1
            process.die()


class ControlledLedger(Ledger):
    """The database, which survives; each transaction waits for its turn, and may be the last."""

    def __init__(self, engine: AsyncEngine, process: Process, fate: Fate) -> None:
        super().__init__(engine)
        self._process = process
        self._fate = fate

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read when it is this process's turn."""
        await self._process.turn()
        async with super().read() as tx:
            yield tx

    @asynccontextmanager
    async def write(self, *, why: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Write when it is this process's turn; no other process runs until it is committed."""
        await self._process.turn()
        async with super().write(why=why) as tx:
            yield tx
            self._fate.pass_by(self._process, "before a commit")
        self._fate.pass_by(self._process, "after a commit")


class ControlledTransport(httpx2.AsyncBaseTransport):
    """The network; each request waits for its turn."""

    def __init__(self, network: httpx2.AsyncBaseTransport, process: Process) -> None:
        self._network = network
        self._process = process

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask when it is this process's turn."""
        await self._process.turn()
        return await self._network.handle_async_request(request)


@dataclass(slots=True)
class Worker:
    """What one process does for as long as it lives."""

    process: Process
    payer: Payer
    baker_id: str
    chance: random.Random
    fate: Fate
    #: Told of every error that is Bakehouse's own, by its code.
    note: Callable[[str], None]
    #: Pieces of work it has finished.
    rounds: int = 0
    _attempts: dict[DistributionKey, int] = field(default_factory=dict)

    async def live(self) -> None:
        """Work until the end of the world, or one's own."""
        with hooked(self._pass_by):
            while True:
                try:
                    await self._work()
                except BakehouseError as error:
                    self.note(error.code)
                self.rounds += 1
                await self.process.turn()

    def _pass_by(self, place: Failpoint) -> None:
        self.fate.pass_by(self.process, place)

    async def _work(self) -> None:
        drawn = self.chance.random()
        if drawn < 0.2:
            await note_due_cycles(self.payer, self.baker_id)
        elif drawn < 0.3:
            await watch_unfinished(self.payer, self.baker_id)
        elif drawn < 0.33:
            await self._verify()
        else:
            await self._distribute()

    async def _distribute(self) -> None:
        async with self.payer.ledger.read() as tx:
            unsettled = await distributions.unsettled(tx, self.baker_id)
        keys = [each.key for each in unsettled if each.key.mode is Mode.ON]
        if not keys:
            return
        # Mostly the oldest; but a queue may deliver anything.
        key = keys[0] if self.chance.random() < 0.8 else self.chance.choice(keys)
        try:
            await advance(self.payer, key)
        except RefusalError as error:
            self._attempts[key] = self._attempts.get(key, 0) + 1
            if self._attempts[key] >= _ATTEMPTS_MAX:
                self._attempts[key] = 0
                await fail(self.payer, key, error.message)
            raise

    async def _verify(self) -> None:
        baker, paid = await self._unverified()
        for distribution in paid:
            found = await verify_settled(self.payer, baker, distribution)
            for difference in found.differences:
                self.note(f"verify found {difference.kind}")

    async def _unverified(self) -> tuple[Baker, list[Distribution]]:
        async with self.payer.ledger.read() as tx:
            return await bakers.get(tx, self.baker_id), await distributions.unverified(tx, 1)
