"""The process dies on the way of a transfer and a top-up: each is done once all the same."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import audit, bakers, manual_transfers
from bakehouse.ledger.manual_transfers import OPEN
from bakehouse.ledger.page import Slice
from bakehouse.ledger.states import ManualOrigin, ManualState
from bakehouse.payments.by_hand import advance_order
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import order_transfer
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.payments.top_up import top_up
from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.transfer_record import transfers_from
from tests.fault_scale import FAULT_SCALE
from tests.payments.funding import FUNDING, fund, topped_up, with_both_keys
from tests.payments.hand import TEZ
from tests.payments.mortal_payer import TWO_GROUPS, Crash, Fate, MortalWorld, crash_at
from tests.payments.surroundings import STEPS_MAX, utc_now

#: The small size dies before every tenth call, and after those half-way between.
PARTS = 10 if FAULT_SCALE == 1 else 1
PARTS_RUN = [(0, False), (PARTS // 2, True)]

CALLS_MAX = 200

#: Where no order passes: on the way of payouts, jobs and alerts only.
ELSEWHERE = {
    *(Failpoint.BOOT, Failpoint.AFTER_SNAPSHOT, Failpoint.MID_PLAN_WRITE, Failpoint.AFTER_PLAN),
    *(Failpoint.AFTER_APPROVE, Failpoint.INJECT_UNKNOWN, Failpoint.LEASE_RENEW),
    *(Failpoint.BEFORE_DEATH, Failpoint.MID_DEATH, Failpoint.AFTER_DEATH, Failpoint.AFTER_CLOSE),
    *(Failpoint.JOB_ACK, Failpoint.ALERT_STORED, Failpoint.ALERT_SENT, Failpoint.MIGRATION_MID),
    *(Failpoint.HOOK_ANSWERED, Failpoint.HOOK_TOLD, Failpoint.SHUTDOWN, Failpoint.MID_IMPORT),
    *(Failpoint.ANNOUNCEMENT_CLAIMED, Failpoint.ANNOUNCEMENT_SENT),
}


@dataclass(slots=True)
class OrderingWorld(MortalWorld):
    """One in which a person orders a transfer, and the wallet wants to be topped up."""

    async def begin(self) -> None:
        chain = self.surroundings.chain
        fund(chain, 1_000 * TEZ)
        wallet = chain.world.payout_key.public_key.address
        settings = {
            "funding_address": FUNDING,
            "target_balance": Mutez(10**13),
            "top_up_cap": Mutez(50 * TEZ),
        }
        async with self.life(Fate()) as payer, payer.ledger.write() as tx:
            await bakers.change(tx, chain.world.baker, settings, actor="test", at=utc_now())
        assert wallet != FUNDING
        self.bake()

    @asynccontextmanager
    async def life(self, fate: Fate, limits: PaymentLimits = TWO_GROUPS) -> AsyncIterator[Payer]:
        async with MortalWorld.life(self, fate, limits) as payer:
            yield with_both_keys(payer, self.surroundings.chain)

    async def work(self, payer: Payer) -> None:
        """Order the transfer, as a person does who does not know whether it went through."""
        baker_id = self.surroundings.chain.world.baker
        by = Decision("cli:anna", "rent of May", utc_now())
        ordered = await order_transfer(payer, baker_id, baker_id, Mutez(3 * TEZ), by, key="rent")
        for _ in range(STEPS_MAX):
            look = await top_up(payer, baker_id)
            step = await advance_order(payer, ordered.id)
            is_topped_up = look.step is None or look.step.transfer.state not in OPEN
            if step.wait_seconds is None and is_topped_up:
                return
            self.bake()
        raise AssertionError(f"neither ends: {step} {look}")

    async def check_orders(self) -> None:
        """Make sure that each was done once, on the chain and in the ledger."""
        chain = self.surroundings.chain
        async with self.life(Fate()) as payer, payer.ledger.read() as tx:
            page = await manual_transfers.listed(tx, chain.world.baker, Slice())
            assert await audit.first_broken_link(tx) is None
        assert sorted((each.origin, each.state) for each in page.rows) == [
            (ManualOrigin.TOP_UP, ManualState.DONE),
            (ManualOrigin.TRANSFER, ManualState.DONE),
        ]
        wallet = chain.world.payout_key.public_key.address
        sent = [
            (each.destination, each.amount)
            for each in transfers_from(chain, wallet)
            if each.status is Status.APPLIED
        ]
        assert sent == [(chain.world.baker, 3 * TEZ)]
        assert topped_up(chain) == [50 * TEZ]


MakeWorld = Callable[[], Awaitable[OrderingWorld]]


@pytest.fixture
def make_world(tmp_path: Path, empty_ledger: Path) -> MakeWorld:
    made = 0

    async def make() -> OrderingWorld:
        nonlocal made
        made += 1
        plain = await MortalWorld.make(tmp_path / f"ledger-{made}.db", empty_ledger)
        world = OrderingWorld(plain.surroundings, plain.app, plain.lives)
        await world.begin()
        return world

    return make


@pytest.mark.parametrize(("part", "strikes_after"), PARTS_RUN)
async def test_a_crash_at_any_call_does_each_order_once(
    make_world: MakeWorld, part: int, *, strikes_after: bool
) -> None:
    for deadly_call in range(1 + part, CALLS_MAX, PARTS):
        world = await make_world()
        fate = Fate(deadly_call, strikes_after)
        try:
            try:
                await world.live(fate)
            except Crash:
                await world.live(Fate())
            await world.check_orders()
        except Exception as error:
            error.add_note(f"{fate} in part {part} of {PARTS}")
            raise
        if not fate.has_struck:
            return
    pytest.fail(f"a run makes more than {CALLS_MAX} calls")


@pytest.mark.parametrize("place", sorted(set(Failpoint) - ELSEWHERE))
async def test_a_crash_at_each_failpoint_does_each_order_once(
    make_world: MakeWorld, place: Failpoint
) -> None:
    world = await make_world()
    with pytest.raises(Crash), hooked(crash_at(place)):
        await world.live(Fate())
    # Whichever order passes there next, in a life that goes on with what the last one left.
    world.bake()
    with suppress(Crash), hooked(crash_at(place)):
        await world.live(Fate())

    await world.live(Fate())

    await world.check_orders()


async def test_every_failpoint_on_the_way_of_an_order_is_tried(make_world: MakeWorld) -> None:
    passed: set[Failpoint] = set()
    world = await make_world()

    with hooked(passed.add):
        await world.live(Fate())

    assert passed == set(Failpoint) - ELSEWHERE
