"""A ledger driven at random, beside an independent book that says what must be in it.

After each step both must agree, whoever crashed or came too late in between.
"""

import asyncio
import tempfile
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
from bakehouse.ledger import audit, distributions, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.ledger.transfers import transfers_of
from tests.fault_scale import FAULT_SCALE
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
    store,
)
from tests.ledger.paper_book import Book, Group, Line

Result = TypeVar("Result")

NAMES = ("tz1-a", "tz1-b", "tz1-c", "tz1-d")
NET = st.integers(1, 99)
MINIMUM = 30
CYCLES = st.integers(1, 4)
LINES_MOST = 10
COUNTERS = st.integers(1, 20)
#: What may become of a group; the usual way is taken more often.
WAYS = {
    "signed": ["injected", "injected", "dead"],
    "injected": ["included", "included", "dead"],
    "included": ["paid", "failed", "injected"],
}
REFUSALS = (IllegalTransitionError, IntegrityError)


class LedgerBesideBook(RuleBasedStateMachine):
    """Each rule does one thing to both; what the book forbids, the ledger must refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'ledger.db'}"

    @initialize(nets=st.fixed_dictionaries(dict.fromkeys(NAMES, NET)))
    def open(self, nets: dict[str, int]) -> None:
        self.bakery = self.runner.run(Bakery.found(self.runner.run(Ledger.open(self.url))))
        self.plan(1, nets)

    def teardown(self) -> None:
        try:
            assert self.read(audit.first_broken_link) is None
        finally:
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

    @precondition(lambda self: len(self.book.owed) <= LINES_MOST)
    @rule(cycle=CYCLES, nets=st.dictionaries(st.sampled_from(NAMES), NET, min_size=1))
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
        cycle = data.draw(st.sampled_from(sorted(self.book.totals)))
        _, name = data.draw(st.sampled_from(self.book.lines_in("carried")))

        async def release(tx: AsyncConnection) -> None:
            lifting = await distributions.get(tx, key_of(cycle))
            waiting = await payouts.carried(tx, lifting.key.baker_id, lifting.key.mode)
            await payouts.release_carried(tx, lifting, waiting[name], PayoutState.OWED)

        self.write(release)
        self.book.lift(cycle, name)

    @precondition(lambda self: len(self.book.lines_in("owed")) > 1)
    @rule(data=st.data())
    def hold_one(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self.book.lines_in("owed")))
        self.write(lambda tx: hold(tx, line))
        self.book.owed[line].state = "held"

    # What happens to groups.

    @precondition(lambda self: self.book.is_quiet() and self.book.lines_in("owed"))
    @rule(data=st.data())
    def sign(self, data: st.DataObject) -> None:
        lines = data.draw(st.sets(st.sampled_from(self.book.lines_in("owed")), min_size=1))
        counter = data.draw(COUNTERS.filter(lambda drawn: self.book.may_sign(drawn, lines)))
        self.store(counter, lines, data.draw(st.sampled_from(sorted(self.book.totals))))

    def store(self, counter: int, lines: set[Line], cycle: int) -> None:
        name = f"oo-{len(self.book.groups)}"

        async def store_signed(tx: AsyncConnection) -> None:
            chosen = [await payout_called(tx, *line) for line in sorted(lines)]
            signing = await distributions.get(tx, key_of(cycle))
            new = new_operation(counter, chosen, name)
            await store(tx, signing, new)

        if self.book.may_sign(counter, lines):
            self.write(store_signed)
            self.book.sign(name, Group(counter, cycle, frozenset(lines)))
        else:
            self.refuse(store_signed)

    @precondition(lambda self: self.book.groups_in(*WAYS))
    @rule(data=st.data())
    def lead_a_group(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.book.groups_in(*WAYS)))
        way = data.draw(st.sampled_from(WAYS[self.book.groups[name].state]))
        match way:
            case "paid":
                self.take(name, OperationState.FINAL, settled)
                self.book.pay(name)
            case "failed":
                self.take(name, OperationState.FINAL, first_transfer_held)
                self.book.free(name, held=min(who for _, who in self.book.groups[name].lines))
            case "dead":
                self.take(name, OperationState.DEAD, all_released)
                self.book.free(name)
            case _:
                self.take(name, OperationState(way))

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

    # What must not happen.

    @rule(data=st.data(), misstep=st.sampled_from(("sign", "stop", "hold", "raise the dead")))
    def misstep(self, data: st.DataObject, misstep: str) -> None:
        line = data.draw(st.sampled_from(sorted(self.book.owed)))
        ended = self.book.groups_in("final", "dead")
        match misstep:
            case "sign":
                self.store(data.draw(COUNTERS), {line}, line[0])
            case "stop":
                self.stop_before_the_commit(data.draw(COUNTERS), line)
            case "hold" if self.book.owed[line].state != "owed":
                self.refuse(lambda tx: hold(tx, line))
            case "raise the dead" if ended:
                name = data.draw(st.sampled_from(ended))
                self.refuse(lambda tx: self.move(tx, name, OperationState.INJECTED))

    def stop_before_the_commit(self, counter: int, line: Line) -> None:
        async def stumble(tx: AsyncConnection) -> None:
            payout = await payout_called(tx, *line)
            signing = await distributions.get(tx, key_of(line[0]))
            new = new_operation(counter, [payout], "oo-never")
            await store(tx, signing, new)
            raise LookupError

        with pytest.raises((LookupError, *REFUSALS)):
            self.write(stumble)
        self.runner.run(self.bakery.ledger.close())
        self.bakery = Bakery(self.runner.run(Ledger.open(self.url)))

    # What must always hold.

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        assert all(self.book.times_it_may_be_paid(line) <= 1 for line in self.book.owed)

    @invariant()
    def the_ledger_is_as_the_book_says(self) -> None:
        self.read(self.compare)

    async def compare(self, tx: AsyncConnection) -> None:
        assert await lines_in(tx) == self.book.states()
        assert await groups_in(tx) == {
            name: (group.cycle, group.counter, group.state)
            for name, group in self.book.groups.items()
        }
        for cycle, total in self.book.totals.items():
            distribution = await distributions.get(tx, key_of(cycle))
            assert await payouts.total_of_cycle(tx, distribution) == total
            assert await payouts.count_by_state(tx, distribution) == self.book.counts(cycle)


async def hold(tx: AsyncConnection, line: Line) -> None:
    payout = await payout_called(tx, *line)
    await payouts.hold(tx, [payout.id], "looks odd")


async def settled(tx: AsyncConnection, operation: Operation) -> None:
    await payouts.settle_operation(tx, operation.id)


async def first_transfer_held(tx: AsyncConnection, operation: Operation) -> None:
    first, *_ = await transfers_of(tx, operation.id)
    await payouts.release_operation(tx, operation.id, held=[(first.id, "failed")])


async def all_released(tx: AsyncConnection, operation: Operation) -> None:
    await payouts.release_operation(tx, operation.id, held=[])


# Passing takes seconds; making a failure small may take minutes.
@pytest.mark.timeout(300)
def test_the_ledger_agrees_with_an_independent_book_after_each_step() -> None:
    run_state_machine_as_test(
        LedgerBesideBook,
        settings=settings(
            max_examples=10 if FAULT_SCALE > 1 else 4,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
