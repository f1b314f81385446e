"""Payers that die at a chosen call to the world, and the same chain and ledger for the next one."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.sandbox.app import sandbox_app
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.ledger.distributions import DistributionKey
from tests.payments.paying_baker import Surroundings, baker_of, finish_cycle, utc_now, pay


class Crash(BaseException):  # noqa: N818 - a machine that stops is no error of the program
    """The machine stops here: nothing that follows happens, and nobody may catch it."""


def crash() -> None:
    """Stop the machine."""
    raise Crash


def cancel() -> None:
    """Do what happens to a job whose lock was lost: the task is cancelled at its next wait."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@dataclass(slots=True)
class Fate:
    """Counts calls to the world and strikes at call number `deadly_call`.

    It strikes before the call, or once it took effect and before its caller knows. `is_decisive`
    counts only calls that change something: commits and what is posted to the node.
    """

    deadly_call: int | None = None
    strikes_after: bool = False
    strike: Callable[[], None] = crash
    calls: int = 0

    def before(self) -> None:
        self.calls += 1
        if self.calls == self.deadly_call and not self.strikes_after:
            self.strike()

    def after(self) -> None:
        if self.calls == self.deadly_call and self.strikes_after:
            self.strike()

    @property
    def has_struck(self) -> bool:
        return self.deadly_call is not None and self.calls >= self.deadly_call


class MortalTransport(httpx2.ASGITransport):
    """Reaches the chain without sockets; every request is a call that may be the last."""

    def __init__(self, chain: Chain, fate: Fate) -> None:
        super().__init__(app=sandbox_app(chain, HeadFeed()))
        self._fate = fate

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._fate.before()
        response = await super().handle_async_request(request)
        self._fate.after()
        return response


class MortalLedger(Ledger):
    """A ledger each commit of which is a call that may be the last."""

    fate: Fate

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with super().write() as tx:
            yield tx
            self.fate.before()
        self.fate.after()
