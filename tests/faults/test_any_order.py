"""Any order of calls, blocks, faults, deaths and decisions: the auditor is content after each.

The simulator draws its histories from a seed; here Hypothesis chooses every event, and shrinks what
it finds to the fewest that do harm.
"""

import asyncio
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bakehouse.ledger.database import Ledger
from bakehouse.sandbox.hostile.fault import Fault
from tests.fault_scale import FAULT_SCALE
from tests.faults.auditor import audit
from tests.faults.person import Person
from tests.faults.simulator import heal_and_settle, overpaid, take_turn
from tests.faults.world import Scale, World, make_world

WORKERS = st.integers(0, 1)


class AnyOrder(RuleBasedStateMachine):
    """Two processes that pay, in the hands of Hypothesis."""

    empty_ledger: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="bakehouse-any-order-"))
        self.world: World | None = None
        self.blocks = 0

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.runner.run(self._begin(seed))

    async def _begin(self, seed: int) -> None:
        database = self.folder / "ledger.db"
        self.world = await make_world(seed, database, self.empty_ledger, Scale(cycles=1))
        self.world.fate.crash_rate = 0.0
        self.person = Person(self.world.hostile, Ledger(self.world.engine), random.Random(seed))  # noqa: S311
        for _ in range(2):
            await self.world.start_worker()

    def _world(self) -> World:
        assert self.world is not None
        return self.world

    @rule(worker=WORKERS, calls=st.integers(1, 80))
    def work(self, worker: int, calls: int) -> None:
        async def go_on() -> None:
            for _ in range(calls):
                await take_turn(self._world(), self._world().workers[worker])

        self.runner.run(go_on())

    @rule(count=st.integers(1, 12))
    def bake(self, count: int) -> None:
        self.blocks += count
        for _ in range(count):
            self._world().hostile.bake()

    @rule(fault=st.sampled_from(Fault))
    def inflict(self, fault: Fault) -> None:
        self._world().hostile.inflict(fault)

    @rule()
    def heal(self) -> None:
        self._world().hostile.heal()

    @rule(worker=WORKERS)
    def kill(self, worker: int) -> None:
        async def kill_one() -> None:
            world = self._world()
            await world.workers[worker].process.kill()
            world.workers.pop(worker)
            await world.start_worker()

        self.runner.run(kill_one())

    @rule(seconds=st.sampled_from((1, 20, 60)))
    def time_goes_by(self, seconds: int) -> None:
        self._world().hostile.sleep(seconds)

    @rule(what=st.sampled_from(("pause", "resume", "cancel", "retry", "tidy")))
    def a_person_decides(self, what: str) -> None:
        self.runner.run(self.person.do(what))

    @invariant()
    def nothing_is_wrong_so_far(self) -> None:
        if self.world is None:
            return
        assert not self.world.unexpected
        foreign = self.world.hostile.foreign
        found = audit(self.world.chain, self.world.database, at_rest=False, foreign=foreign)
        assert found.is_clean(), str(found)
        assert not overpaid(self.world.chain, self.world.database, foreign)

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self.runner.run(self._end(self.world))
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    async def _end(self, world: World) -> None:
        unrest = await heal_and_settle(world, self.person)
        for worker in world.workers:
            await worker.process.kill()
        await world.engine.dispose()
        assert unrest is None, unrest
        found = audit(
            world.chain,
            world.database,
            at_rest=True,
            foreign=world.hostile.foreign,
            last_cycle=world.last_cycle,
        )
        assert found.is_clean(), str(found)


@pytest.mark.timeout(600)
def test_any_order_of_events_pays_everybody_once(empty_ledger: Path) -> None:
    AnyOrder.empty_ledger = empty_ledger

    class Sized(AnyOrder):
        pass

    Sized.TestCase.settings = settings(
        max_examples=5 * FAULT_SCALE,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    Sized.TestCase("runTest").debug()
