"""Payers that die at a chosen call to the world, and the chain and ledger that outlive them."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx2
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bakehouse.failpoints import Failpoint, Hook
from bakehouse.ledger import audit, bakers, distributions, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionState, PayoutState
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.sandbox.app import App, sandbox_app
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.transfer_record import transfers_from
from tests.faults.inline_sqlite import open_engine
from tests.payments.surroundings import (
    Surroundings,
    bake,
    baker_of,
    finish_cycle,
    owed,
    paid_on_chain,
    pay,
    small_chain,
    utc_now,
)

#: Four delegators in two groups, or in one.
TWO_GROUPS = PaymentLimits(transfers_max=2)
ONE_GROUP = PaymentLimits(transfers_max=4)


class Crash(BaseException):
    """The machine stops here: nothing that follows happens, and nobody may catch it."""


def crash() -> None:
    """Stop the machine."""
    raise Crash


def crash_at(place: Failpoint) -> Hook:
    """Stop the machine the first time that it passes a place."""

    def hook(passed: Failpoint) -> None:
        if passed is place:
            raise Crash

    return hook


def cancel() -> None:
    """Do as the queue does to a job whose lock is lost: the task ends at its next wait."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@dataclass(slots=True)
class Fate:
    """Strikes at one of the calls to the world: commits, what is posted and, if told so, reads.

    It strikes before the call, or when the call took effect and its caller does not know yet. Reads
    change nothing: a crash at one leaves the same behind as a crash before the next other call.
    Whoever crashed stays dead: no later call of that life comes through, whoever makes it.
    """

    deadly_call: int | None = None
    strikes_after: bool = False
    counts_reads: bool = False
    strike: Callable[[], None] = crash
    calls: int = 0
    is_dead: bool = False

    def require_life(self) -> None:
        if self.is_dead:
            raise Crash

    def before(self) -> None:
        self.require_life()
        self.calls += 1
        if self.calls == self.deadly_call and not self.strikes_after:
            self._strike()

    def after(self) -> None:
        self.require_life()
        if self.calls == self.deadly_call and self.strikes_after:
            self._strike()

    def _strike(self) -> None:
        self.is_dead = self.strike is crash
        self.strike()

    @property
    def has_struck(self) -> bool:
        return self.deadly_call is not None and self.calls >= self.deadly_call


class MortalTransport(httpx2.ASGITransport):
    """Reaches the chain without sockets; each request may be the last call."""

    def __init__(self, app: App, fate: Fate) -> None:
        super().__init__(app=app)
        self._fate = fate

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET" and not self._fate.counts_reads:
            self._fate.require_life()
            return await super().handle_async_request(request)
        self._fate.before()
        response = await super().handle_async_request(request)
        self._fate.after()
        return response


class MortalLedger(Ledger):
    """Each commit may be the last call."""

    def __init__(self, engine: AsyncEngine, fate: Fate) -> None:
        super().__init__(engine)
        self.fate = fate

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        self.fate.require_life()
        async with super().read() as tx:
            yield tx

    @asynccontextmanager
    async def write(self, *, why: str | None = None) -> AsyncIterator[AsyncConnection]:
        self.fate.require_life()
        async with super().write(why=why) as tx:
            yield tx
            self.fate.before()
        self.fate.after()


@dataclass(slots=True)
class MortalWorld:
    """A chain whose first cycle is over, and a ledger in which its baker is registered."""

    surroundings: Surroundings
    app: App
    lives: int = 0

    @classmethod
    async def make(cls, database: Path, empty_ledger: Path) -> "MortalWorld":
        chain = Chain(small_chain(delegator_count=4), start_timestamp=int(time.time()))
        shutil.copy(empty_ledger, database)
        finish_cycle(chain)
        app = sandbox_app(chain, HeadFeed())
        world = cls(Surroundings(chain, database, "http://chain"), app)
        async with world.life(Fate()) as payer, payer.ledger.write() as tx:
            await bakers.add(tx, baker_of(chain), actor="test", at=utc_now())
        return world

    @asynccontextmanager
    async def life(self, fate: Fate, limits: PaymentLimits = TWO_GROUPS) -> AsyncIterator[Payer]:
        """Start a process, so long after the one before that nobody holds a lease any more."""
        self.lives += 1
        ahead = timedelta(minutes=self.lives)
        ledger = MortalLedger(open_engine(self.surroundings.database), fate)
        transport = MortalTransport(self.app, fate)
        try:
            async with httpx2.AsyncClient(transport=transport, verify=False) as client:
                payer = self.surroundings.payer_on(ledger, client, limits)
                yield replace(payer, clock=lambda: utc_now() + ahead)
        finally:
            await ledger.close()

    async def live(self, fate: Fate) -> None:
        """Start a process that pays everything that is due, unless its fate strikes."""
        async with self.life(fate) as payer:
            await self.work(payer)

    async def work(self, payer: Payer) -> None:
        chain = self.surroundings.chain
        for key in (await note_due_cycles(payer, chain.world.baker)).due:
            if key.cycle == chain.settings.starting_cycle:
                await pay(payer, chain, key)

    def bake(self) -> None:
        bake(self.surroundings.chain)

    async def check(self, key: DistributionKey) -> None:
        """Make sure that everybody is paid once, on the chain and in the ledger."""
        chain = self.surroundings.chain
        async with self.life(Fate()) as payer, payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key)
            rows = await payouts.of_distribution(tx, distribution)
            assert await audit.first_broken_link(tx) is None
        assert distribution.state is DistributionState.PAID
        assert {row.state for row in rows} == {PayoutState.PAID}
        assert paid_on_chain(chain) == owed(rows)
        assert paid_on_chain(chain).total() == distribution.figures.total_net
        applied = [
            transfer.destination
            for transfer in transfers_from(chain, chain.world.payout_key.public_key.address)
            if transfer.status is Status.APPLIED
        ]
        assert sorted(applied) == sorted(row.address for row in rows)
