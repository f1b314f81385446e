"""Cycles that ended while nobody looked: all are noticed, and paid in their order."""

import pytest

from bakehouse.errors import NotFoundError, SourceStaleError, SplitRefusedError, WrongChainError
from bakehouse.ledger.states import DistributionState
from bakehouse.payments.advance import fail
from bakehouse.payments.due import final_cycle, note_due_cycles
from bakehouse.sandbox.draw import draw_text
from bakehouse.tezos.base58check import Prefix
from tests.payments.chain_front import HEAD_HEADER, SPLIT, updated
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

MISSED = 3


@pytest.fixture
async def late(baker: PayingBaker) -> PayingBaker:
    """A baker that has three cycles to pay."""
    for _ in range(MISSED - 1):
        baker.finish_cycle()
    return baker


async def test_every_missed_cycle_is_noticed_in_order_and_entered_once(late: PayingBaker) -> None:
    found = await note_due_cycles(late.payer, late.baker_id)

    assert [key.cycle for key in found.due] == [1400, 1401, 1402]
    assert [key.cycle for key in found.new] == [1401, 1402]
    assert found.current_cycle == 1403
    assert found.failed == ()
    again = await note_due_cycles(late.payer, late.baker_id)
    assert (again.due, again.new) == (found.due, ())


async def test_missed_cycles_are_paid_in_order(late: PayingBaker) -> None:
    keys = await late.notice()

    paid_order: list[int] = []
    for _ in range(200):
        steps = [await late.step(key) for key in reversed(keys)]
        settled = {step.distribution.key.cycle for step in steps if step.is_settled}
        paid_order += sorted(settled - set(paid_order))
        if len(settled) == MISSED:
            break
        late.bake()

    assert paid_order == [1400, 1401, 1402]
    signed = [operation for key in keys for operation in await late.operations(key)]
    counters = [operation.counter_first for operation in signed]
    assert counters == sorted(counters)
    assert late.paid_on_chain() == owed([row for key in keys for row in await late.payouts(key)])


async def test_a_later_cycle_waits_for_an_earlier_one(late: PayingBaker) -> None:
    _, second, _ = await late.notice()

    step = await late.step(second)

    assert (step.waiting_for, step.wait_seconds) == ("an earlier cycle", 1)
    assert await late.payouts(second) == []


async def test_a_failed_cycle_blocks_nobody_and_is_paid_when_it_is_tried_again(
    late: PayingBaker,
) -> None:
    first, second, third = await late.notice()
    await fail(late.payer, first, "its rewards could not be read")

    found = await note_due_cycles(late.payer, late.baker_id)

    assert (found.due, found.failed) == ((second, third), (first,))
    await late.pay(second)
    assert (await late.pay(first)).distribution.state is DistributionState.PAID
    await late.pay(third)
    rows = [row for key in (first, second, third) for row in await late.payouts(key)]
    assert late.paid_on_chain() == owed(rows)


async def test_a_failed_cycle_tried_again_shares_the_wallet_with_a_later_one(
    late: PayingBaker,
) -> None:
    first, second, _ = await late.notice()
    await late.step(first)
    await fail(late.payer, first, "stopped after its first group")

    for _ in range(40):
        steps = [await late.step(key) for key in (second, first)]
        if all(step.is_settled for step in steps):
            break
        late.bake()

    rows = [row for key in (first, second) for row in await late.payouts(key)]
    assert late.paid_on_chain() == owed(rows)
    assert await late.audit_is_unbroken()


async def test_a_refused_cycle_keeps_later_ones_waiting_until_somebody_gives_it_up(
    late: PayingBaker,
) -> None:
    first, second, _ = await late.notice()
    late.front.treat(f"{SPLIT}/{first.cycle}", updated(futureBlocks=1))
    with pytest.raises(SplitRefusedError, match="is not final"):
        await late.step(first)

    assert (await late.step(second)).waiting_for == "an earlier cycle"
    await fail(late.payer, first, "not final")

    assert (await late.pay(second)).is_settled


async def test_a_cycle_is_due_when_its_last_block_and_the_delay_are_final(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(payout_delay_cycles=1)
    assert await baker.notice() == ()
    last = baker.chain.cycle_length.last_level(baker.first_cycle + 1)

    while baker.chain.head.level < last + 2:
        baker.bake()
        assert await baker.notice() == ()
    baker.bake()

    assert await baker.notice() == (baker.key(),)
    assert await final_cycle(baker.payer) == baker.first_cycle + 2


async def test_cycles_before_the_bakers_first_are_left_alone(open_baker: OpenBaker) -> None:
    baker = await open_baker(first_cycle=1401)
    assert await baker.notice() == ()

    baker.finish_cycle()

    assert [key.cycle for key in await baker.notice()] == [1401]


async def test_a_node_that_lags_shows_no_cycle(baker: PayingBaker) -> None:
    baker.front.treat(HEAD_HEADER, updated(timestamp="2025-01-01T00:00:00Z"))

    with pytest.raises(SourceStaleError):
        await baker.notice()


async def test_a_baker_of_another_chain_is_not_looked_after(open_baker: OpenBaker) -> None:
    other = draw_text(Prefix.CHAIN_ID, "another chain")

    with pytest.raises(WrongChainError, match=f"on {other}"):
        await open_baker(network=other)


async def test_an_unknown_baker_has_no_cycles(baker: PayingBaker) -> None:
    with pytest.raises(NotFoundError):
        await note_due_cycles(baker.payer, baker.payout_address)
