"""A ledger driven at random, beside an independent book that says what must be in it.

After each step both must agree, whoever crashed or came too late in between.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import IllegalTransitionError
from bakehouse.ledger import audit, distributions, operations, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import (
    NOW,
    Bakery,
    enter,
    figures_of,
    groups_in,
    key_of,
    lines_in,
    new_operation,
    new_payout,
    operation_called,
    payout_called,
)
from tests.ledger.paper_book import Book, Group, Line

Result = TypeVar("Result")

NAMES = ("tz1-a", "tz1-b", "tz1-c", "tz1-d")
CYCLES_MOST = 4
CYCLES = st.integers(1, CYCLES_MOST)
COUNTERS = st.integers(1, 20)
NETS = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 99), min_size=1)
MINIMUM = 40
REFUSALS = (IllegalTransitionError, IntegrityError)


class LedgerBesideBook(RuleBasedStateMachine):
    """Each rule does one thing to both; what the book forbids, the ledger must refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'ledger.db'}"

    @initialize()
    def open(self) -> None:
        self.bakery = self.runner.run(Bakery.found(self.runner.run(Ledger.open(self.url))))

    def teardown(self) -> None:
        assert self.read(audit.first_broken_link) is None
        self.runner.run(self.bakery.ledger.close())
        self.runner.close()
        self.folder.cleanup()

    def write(self, deed: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        async def written() -> Result:
            async with self.bakery.ledger.write() as tx:
                return await deed(tx)

        return self.runner.run(written())

    def read(self, question: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        async def answered() -> Result:
            async with self.bakery.ledger.read() as tx:
                return await question(tx)

        return self.runner.run(answered())

    def refuse(self, deed: Callable[[AsyncConnection], Awaitable[object]]) -> None:
        with pytest.raises(REFUSALS):
            self.write(deed)

    # What happens to cycles.

    @precondition(lambda self: len(self.book.seen) < CYCLES_MOST)
    @rule(cycle=CYCLES)
    def ensure(self, cycle: int) -> None:
        self.write(lambda tx: distributions.ensure(tx, key_of(cycle), at=NOW))
        self.book.seen.add(cycle)

    @rule(cycle=CYCLES, nets=NETS)
    def plan(self, cycle: int, nets: dict[str, int]) -> None:
        rows = [
            new_payout(name, net, PayoutState.CARRIED if net < MINIMUM else PayoutState.OWED)
            for name, net in nets.items()
        ]

        async def enter_plan(tx: AsyncConnection) -> None:
            entered = await distributions.ensure(tx, key_of(cycle), at=NOW)
            await distributions.store_plan(
                tx, entered, figures_of(rows), snapshot="{}", snapshot_sha256="44", at=NOW
            )
            await payouts.add(tx, entered, rows)

        if any((cycle, name) in self.book.owed for name in nets):
            self.refuse(enter_plan)
        else:
            self.write(enter_plan)
            self.book.enter(cycle, nets, MINIMUM)

    @precondition(lambda self: self.book.lines_in("carried"))
    @rule(data=st.data())
    def lift(self, data: st.DataObject) -> None:
        cycle = data.draw(st.sampled_from(sorted(self.book.seen)))
        _, name = data.draw(st.sampled_from(self.book.lines_in("carried")))

        async def release(tx: AsyncConnection) -> None:
            lifting = await distributions.get(tx, key_of(cycle))
            waiting = await payouts.carried(tx, lifting.key.baker_id, lifting.key.mode)
            await payouts.release_carried(tx, lifting, waiting[name], PayoutState.OWED)

        self.write(release)
        self.book.lift(cycle, name)

    @precondition(lambda self: self.book.owed)
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        cycle, name = data.draw(st.sampled_from(sorted(self.book.owed)))
        line = self.book.owed[cycle, name]

        async def keep_back(tx: AsyncConnection) -> None:
            payout = await payout_called(tx, cycle, name)
            await payouts.hold(tx, [payout.id], "looks odd")

        if line.state == "owed":
            self.write(keep_back)
            line.state = "held"
        else:
            self.refuse(keep_back)

    # What happens to groups.

    @precondition(lambda self: self.book.is_quiet() and self.book.lines_in("owed"))
    @rule(data=st.data())
    def sign(self, data: st.DataObject) -> None:
        lines = data.draw(st.sets(st.sampled_from(self.book.lines_in("owed")), min_size=1))
        counter = data.draw(COUNTERS.filter(lambda drawn: self.book.may_sign(drawn, lines)))
        self.store(data, counter, lines)

    @precondition(lambda self: self.book.owed)
    @rule(data=st.data(), counter=COUNTERS)
    def sign_whatever_it_is(self, data: st.DataObject, counter: int) -> None:
        lines = data.draw(st.sets(st.sampled_from(sorted(self.book.owed)), min_size=1, max_size=2))
        self.store(data, counter, lines)

    def store(self, data: st.DataObject, counter: int, lines: set[Line]) -> None:
        cycle = data.draw(st.sampled_from(sorted(self.book.seen)))
        name = f"oo-{len(self.book.groups)}"

        async def store_signed(tx: AsyncConnection) -> None:
            chosen = [await payout_called(tx, *line) for line in sorted(lines)]
            signing = await distributions.get(tx, key_of(cycle))
            new = new_operation(counter, chosen, name)
            await operations.store_signed(tx, signing, new, at=NOW)

        if self.book.may_sign(counter, lines):
            self.write(store_signed)
            self.book.sign(name, Group(counter, cycle, frozenset(lines)))
        else:
            self.refuse(store_signed)

    @precondition(lambda self: self.book.groups_in("signed"))
    @rule(data=st.data())
    def inject(self, data: st.DataObject) -> None:
        self.take(self.draw_group(data, "signed"), OperationState.INJECTED)

    @precondition(lambda self: self.book.groups_in("injected"))
    @rule(data=st.data())
    def include(self, data: st.DataObject) -> None:
        self.take(self.draw_group(data, "injected"), OperationState.INCLUDED)

    @precondition(lambda self: self.book.groups_in("included"))
    @rule(data=st.data())
    def reorganise(self, data: st.DataObject) -> None:
        self.take(self.draw_group(data, "included"), OperationState.INJECTED)

    @precondition(lambda self: self.book.groups_in("included"))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        async def pay(tx: AsyncConnection, operation: Operation) -> None:
            await payouts.settle_operation(tx, operation.id)

        name = self.draw_group(data, "included")
        self.take(name, OperationState.FINAL, pay)
        self.book.pay(name)

    @precondition(lambda self: self.book.groups_in("included"))
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """The group is final, and its first transfer failed: nobody was paid."""

        async def release(tx: AsyncConnection, operation: Operation) -> None:
            first, *_ = await operations.transfers_of(tx, operation.id)
            await payouts.release_operation(tx, operation.id, held=[(first.id, "failed")])

        name = self.draw_group(data, "included")
        self.take(name, OperationState.FINAL, release)
        self.book.free(name, held=min(owed_to for _, owed_to in self.book.groups[name].lines))

    @precondition(lambda self: self.book.groups_in("signed", "injected"))
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        async def release(tx: AsyncConnection, operation: Operation) -> None:
            await payouts.release_operation(tx, operation.id, held=[])

        name = self.draw_group(data, "signed", "injected")
        self.take(name, OperationState.DEAD, release)
        self.book.free(name)

    @precondition(lambda self: self.book.groups)
    @rule(data=st.data(), entered=st.sampled_from(OperationState))
    def go_where_no_way_leads(self, data: st.DataObject, entered: OperationState) -> None:
        ends = self.book.groups_in("final", "dead")
        back = [] if entered in {"injected", "final"} else self.book.groups_in("included")
        if stuck := ends + back:
            name = data.draw(st.sampled_from(stuck))
            self.refuse(lambda tx: self.move(tx, name, entered))

    def draw_group(self, data: st.DataObject, *states: str) -> str:
        return data.draw(st.sampled_from(self.book.groups_in(*states)))

    def take(
        self,
        name: str,
        entered: OperationState,
        then: Callable[[AsyncConnection, Operation], Awaitable[None]] | None = None,
    ) -> None:
        """Move a group, and do in the same transaction what follows from that."""

        async def move_on(tx: AsyncConnection) -> None:
            operation = await self.move(tx, name, entered)
            if then:
                await then(tx, operation)

        self.write(move_on)
        self.book.groups[name].state = str(entered)

    async def move(self, tx: AsyncConnection, name: str, entered: OperationState) -> Operation:
        operation = await operation_called(tx, self.book.groups[name].cycle, name)
        await enter(tx, operation, entered)
        return operation

    # What happens to the machine.

    @precondition(lambda self: self.book.owed)
    @rule(data=st.data(), counter=COUNTERS)
    def crash(self, data: st.DataObject, counter: int) -> None:
        """Everything was done but the commit."""
        line = data.draw(st.sampled_from(sorted(self.book.owed)))

        async def stumble(tx: AsyncConnection) -> None:
            payout = await payout_called(tx, *line)
            signing = await distributions.get(tx, key_of(line[0]))
            new = new_operation(counter, [payout], "oo-never")
            await operations.store_signed(tx, signing, new, at=NOW)
            raise LookupError

        with pytest.raises((LookupError, *REFUSALS)):
            self.write(stumble)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.bakery.ledger.close())
        self.bakery = Bakery(self.runner.run(Ledger.open(self.url)))

    # What must always hold.

    @invariant()
    def the_ledger_is_as_the_book_says(self) -> None:
        lines = self.read(lines_in)
        assert lines == self.book.states()
        assert self.read(groups_in) == {
            name: (group.cycle, group.counter, group.state)
            for name, group in self.book.groups.items()
        }

        planned = Counter[int]()
        for (cycle, _), (net, *_) in lines.items():
            planned[cycle] += net
        assert planned == self.book.totals

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        assert all(self.book.times_it_may_be_paid(line) <= 1 for line in self.book.owed)

    @precondition(lambda self: self.book.seen)
    @rule(data=st.data())
    def count(self, data: st.DataObject) -> None:
        cycle = data.draw(st.sampled_from(sorted(self.book.seen)))

        async def sums(tx: AsyncConnection) -> tuple[int, dict[PayoutState, tuple[int, Mutez]]]:
            distribution = await distributions.get(tx, key_of(cycle))
            return (
                await payouts.total_of_cycle(tx, distribution),
                await payouts.count_by_state(tx, distribution),
            )

        assert self.read(sums) == (self.book.totals[cycle], self.book.counts(cycle))


def test_the_ledger_agrees_with_an_independent_book_after_each_step() -> None:
    run_state_machine_as_test(
        LedgerBesideBook,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
