"""What `bakehouse pay` does with what it has chosen: one after another, and what came of each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from rich.progress import Progress, TaskID

from bakehouse.errors import ConflictError, RefusalError, SourceError
from bakehouse.ledger import manual_transfers
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import ManualState
from bakehouse.payments.advance import ANOTHER_PROCESS, fail
from bakehouse.payments.by_hand import OrderStep, order_steps
from bakehouse.payments.pay_now import bond_pool_after, steps
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import Step
from bakehouse.payments.top_up import top_up


class Outcome(IntEnum):
    """What came of a run; of several, the highest is told."""

    NOTHING = 0
    PAID = 1
    BUSY = 2
    HELD = 3
    FAILED = 4
    REFUSED = 5


@dataclass(frozen=True, slots=True)
class Ended:
    """One distribution, and how paying it ended."""

    key: DistributionKey
    outcome: Outcome
    step: Step | None = None
    #: Why it was refused, or given up.
    reason: str = ""


@dataclass(slots=True)
class Run:
    """What came of one baker's payments."""

    baker_id: str
    ended: list[Ended] = field(default_factory=list)
    #: What failed before, and was left alone.
    failed: tuple[DistributionKey, ...] = ()
    #: Orders outside any cycle that were gone on with.
    orders: list[OrderStep] = field(default_factory=list)
    #: Why not even what is due could be told.
    trouble: str = ""

    @property
    def outcome(self) -> Outcome:
        """Give the gravest that happened."""
        several = [each.outcome for each in self.ended]
        several += [outcome_of_order(each) for each in self.orders]
        several += [Outcome.FAILED] if self.failed else []
        several += [Outcome.REFUSED] if self.trouble else []
        return max(several, default=Outcome.NOTHING)


class OutOfPatienceError(Exception):
    """Another process, or a source, kept this one waiting for too long."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        self.outcome = outcome
        super().__init__(reason)


class Patience:
    """How long to wait for others without a sign of progress."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def check(self, waiting_for: str, trouble: str | None) -> None:
        """Raise OutOfPatienceError when the same kind of waiting has lasted too long."""
        is_busy = waiting_for == ANOTHER_PROCESS
        if not is_busy and trouble is None:
            self._since = None
            return
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._seconds:
            outcome = Outcome.BUSY if is_busy else Outcome.REFUSED
            raise OutOfPatienceError(outcome, trouble or waiting_for)


@dataclass(frozen=True, slots=True)
class PayRun:
    """Pays what it is told to, and shows how far it is."""

    payer: Payer
    progress: Progress
    patience_seconds: int
    #: Whether a refusal is raised, instead of being told beside what was paid.
    raises: bool = False

    async def pay(self, run: Run, keys: Sequence[DistributionKey], *, refails: bool) -> None:
        """Pay these in order, each with its bond pool; the first that stops, stops the rest.

        With `refails`, what is refused is marked failed again: it was so before.
        """
        done: set[DistributionKey] = set()
        for first in keys:
            key: DistributionKey | None = first
            while key is not None and key not in done:
                ended = await self.pay_one(key)
                run.ended.append(ended)
                done.add(key)
                if ended.step is None or not ended.step.is_settled:
                    if refails and ended.outcome is Outcome.REFUSED:
                        await fail(self.payer, key, ended.reason)
                    return
                key = await bond_pool_after(self.payer, key)

    async def pay_one(self, key: DistributionKey) -> Ended:
        """Pay one to its end, or to where it cannot go on."""
        try:
            step = await self._to_the_end(key)
        except OutOfPatienceError as given_up:
            return Ended(key, given_up.outcome, reason=str(given_up))
        except (RefusalError, ConflictError, SourceError) as error:
            if self.raises:
                raise
            return Ended(key, Outcome.REFUSED, reason=error.message)
        is_done = step.is_settled and not step.held
        return Ended(key, Outcome.PAID if is_done else Outcome.HELD, step)

    async def finish_orders(self, run: Run) -> None:
        """Top the wallet up if it is low, and go on with orders whose givers are gone."""
        look = await top_up(self.payer, run.baker_id)
        if look.step is None and look.trouble is not None:
            run.trouble = look.trouble
        async with self.payer.ledger.read() as tx:
            under_way = await manual_transfers.open_of(tx, run.baker_id)
        for transfer in under_way:
            run.orders.append(await self.finish_order(transfer.id))

    async def finish_order(self, transfer_id: int) -> OrderStep:
        """Take one order to its end, or to where it cannot go on."""
        task = self.progress.add_task("transfer", total=None, waits="")
        patience = Patience(self.patience_seconds)
        async for step in order_steps(self.payer, transfer_id):
            self._show(task, step.waiting_for)
            try:
                patience.check(step.waiting_for, step.trouble)
            except OutOfPatienceError:
                break
        return step

    async def _to_the_end(self, key: DistributionKey) -> Step:
        task = self.progress.add_task(f"cycle {key.cycle}, {key.kind.value}", total=None, waits="")
        patience = Patience(self.patience_seconds)
        async for step in steps(self.payer, key):
            self.progress.update(task, completed=step.paid, total=step.total or None)
            self._show(task, step.waiting_for)
            patience.check(step.waiting_for, step.trouble)
        return step

    def _show(self, task: TaskID, waiting_for: str) -> None:
        self.progress.update(task, waits=f"waits for {waiting_for}" if waiting_for else "")


def outcome_of_order(step: OrderStep) -> Outcome:
    """Give what came of an order."""
    if step.transfer.state is ManualState.DONE:
        return Outcome.PAID
    if step.transfer.state is ManualState.FAILED:
        return Outcome.FAILED
    if step.waiting_for == ANOTHER_PROCESS:
        return Outcome.BUSY
    return Outcome.REFUSED if step.trouble else Outcome.HELD
