"""One life of a process that pays: real database, real HTTP, real signals. Runs in a forked child.

It does what the queue would have it do, step after step, until all that is due is settled.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2

from bakehouse.errors import (
    BakehouseError,
    IllegalTransitionError,
    RefusalError,
    SourceError,
)
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import bakers, distributions, operations
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger, backend_of
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionState, Mode
from bakehouse.payments import controls
from bakehouse.payments.advance import advance, fail, watch_unfinished
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer
from bakehouse.payments.verify import verify_settled
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.faults.real_orders import ExitCode, Order

#: Steps after which something is wrong: a life needs a few dozen.
_STEPS_MAX = 600

#: Between two looks whether another process has let the wallet go.
_LOOK_SECONDS = 0.03

#: The chain is baked by those who wait for it, and runs ahead of the clock by a block delay each.
_HEAD_AGE_SECONDS_MAX = 7 * 24 * 3_600


def live(order: Order) -> ExitCode:
    """Live as ordered, unless killed before."""
    return asyncio.run(_Life(order).run())


@dataclass(slots=True)
class _Fate:
    """Sends this process its signal where the order says so, and reports what is passed."""

    order: Order
    descriptor: int
    passed: int = 0

    def pass_by(self, place: Failpoint) -> None:
        self.report(place.value)
        if self.order.signal is None or self.order.place not in {None, place}:
            return
        self.passed += 1
        if self.passed == self.order.passing:
            self.report(f"signal {self.order.signal} at {place.value}")
            os.kill(os.getpid(), self.order.signal)

    def report(self, line: str) -> None:
        os.write(self.descriptor, f"{line}\n".encode())


class _Life:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._stop = asyncio.Event()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._fate = _Fate(order, os.open(order.report, flags, 0o600))

    async def run(self) -> ExitCode:
        work = asyncio.current_task()
        assert work is not None
        stop = self._stop.set if self._order.has_grace else work.cancel
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        try:
            with hooked(self._fate.pass_by):
                async with _payer(self._order) as payer, httpx2.AsyncClient(verify=False) as baker:
                    return await self._work(payer, baker)
        except asyncio.CancelledError:
            return ExitCode.STOPPED

    async def _work(self, payer: Payer, block_baker: httpx2.AsyncClient) -> ExitCode:
        for _ in range(_STEPS_MAX):
            if self._stop.is_set():
                return ExitCode.STOPPED
            try:
                waits_for = await self._step(payer)
            except SourceError as error:
                waits_for = f"the chain: {error.message}"
            except IllegalTransitionError as error:
                # The queue would try again: whoever has overtaken it has done it already.
                if not self._order.has_company:
                    raise
                waits_for = f"another who has done it: {error.message}"
            if waits_for is None:
                return ExitCode.SETTLED
            self._fate.report(f"waits for {waits_for}")
            if waits_for.startswith("another"):
                await asyncio.sleep(_LOOK_SECONDS)
            elif waits_for:
                await block_baker.post(self._order.chain.bake_url)
        return ExitCode.UNREST

    async def _step(self, payer: Payer) -> str | None:
        """Take one step; gives what is to be waited for ('' for nothing), None when all is done."""
        key = await self._next_key(payer)
        if key is None:
            return await self._finish(payer)
        try:
            step = await advance(payer, key)
        except RefusalError as error:
            await self._ask_a_person(payer, key, error)
            return "a block"
        if step.held:
            raise RuntimeError(f"{step.held} payouts are held, and nobody is here to decide")
        return "" if step.is_settled else step.waiting_for

    async def _next_key(self, payer: Payer) -> DistributionKey | None:
        baker_id, last = self._order.chain.baker_id, self._order.last_cycle
        wanted = last - self._order.chain.first_cycle + 1
        async with payer.ledger.read() as tx:
            known = await distributions.of_baker(tx, baker_id)
            unsettled = await distributions.unsettled(tx, baker_id)
        if sum(each.key.cycle <= last for each in known) < wanted:
            return next(iter((await note_due_cycles(payer, baker_id)).due), None)
        return next((each.key for each in unsettled if each.key.cycle <= last), None)

    async def _finish(self, payer: Payer) -> str | None:
        baker_id = self._order.chain.baker_id
        await watch_unfinished(payer, baker_id)
        async with payer.ledger.read() as tx:
            baker = await bakers.get(tx, baker_id)
            if await operations.unfinished_sources(tx, baker_id):
                return "finality"
            settled = await distributions.of_baker(tx, baker_id)
            unverified = await distributions.unverified(tx, 9)
        if not any(each.state is DistributionState.PAID for each in settled):
            return "a cycle"
        for distribution in unverified:
            found = await verify_settled(payer, baker, distribution)
            if found.differences:
                raise RuntimeError(f"verify found {found.differences}")
        return None

    async def _ask_a_person(
        self, payer: Payer, key: DistributionKey, error: BakehouseError
    ) -> None:
        """Fail it, as the queue would after some attempts, and have a person retry it."""
        self._fate.report(f"refused: {error.message}")
        await fail(payer, key, error.message)
        async with payer.ledger.write() as tx:
            distribution = await distributions.get(tx, key)
            if distribution.state is DistributionState.FAILED:
                decision = controls.Decision("person", "look again", payer.clock())
                await controls.retry(tx, key, decision)


@asynccontextmanager
async def _payer(order: Order) -> AsyncIterator[Payer]:
    async with AsyncExitStack() as stack:
        ledger = await _ledger(order)
        stack.push_async_callback(ledger.close)
        client = await stack.enter_async_context(httpx2.AsyncClient(verify=False))
        limits = SourceLimits(
            attempts=2,
            attempt_seconds=order.attempt_seconds,
            total_seconds=2 * order.attempt_seconds,
            wait_initial_seconds=0.001,
            wait_seconds_max=0.001,
            wait_jitter_seconds=0.0,
        )
        chain = order.chain
        nodes = [JsonSource(url, client, limits=limits) for url in chain.node_urls]
        indexer = JsonSource(chain.indexer_url, client, limits=limits)
        ahead = timedelta(seconds=order.clock_ahead_seconds)

        def now() -> datetime:
            return datetime.now(UTC) + ahead

        yield Payer(
            ledger,
            NodeClient(
                nodes,
                chain_id=chain.chain_id,
                now=now,
                head_age_seconds_max=_HEAD_AGE_SECONDS_MAX,
            ),
            TzktClient([indexer], chain_id=chain.chain_id),
            Keyring([LocalSigner(chain.payout_key)]),
            now,
            order.limits,
        )


async def _ledger(order: Order) -> Ledger:
    url = f"sqlite:///{order.database}"
    # Without the look for migrations a life is shorter, and more of them can be taken.
    return await Ledger.open(url) if order.boots else Ledger(backend_of(url).engine())


async def register(path: Path, order: Order) -> None:
    """Enter the baker of a chain in a ledger, ready to pay."""
    chain = order.chain
    baker = Baker(
        baker_id=chain.baker_id,
        network=chain.chain_id,
        payout_address=chain.payout_key.public_key.address,
        first_cycle=chain.first_cycle,
        mode=Mode.ON,
        payout_delay_cycles=0,
        confirm_first_cycle=False,
    )
    ledger = await Ledger.open(f"sqlite:///{path}")
    async with ledger.write() as tx:
        await bakers.add(tx, baker, actor="test", at=datetime.now(UTC))
    await ledger.close()
