"""Amounts below the minimum wait for later cycles and are paid with them, in one transfer."""

from collections import Counter

import pytest

from bakehouse.errors import GuardRefusedError
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionState, Mode, PayoutState
from bakehouse.payments.advance import fail
from bakehouse.payments.payer import PaymentLimits
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed, small_chain

CYCLES = 4
#: A third of the delegators get more than this in a cycle, others in a few, and some never.
MINIMUM = 60_000


@pytest.fixture
async def carrying(open_baker: OpenBaker) -> PayingBaker:
    return await open_baker(
        limits=PaymentLimits(transfers_max=10), minimum_payout=MINIMUM, default_fee=500
    )


async def all_rows(baker: PayingBaker, cycles: int, mode: Mode = Mode.ON) -> list[Payout]:
    return [
        row
        for cycle in range(baker.first_cycle, baker.first_cycle + cycles)
        for row in await baker.payouts(baker.key(cycle, mode=mode))
    ]


async def pay_cycles(baker: PayingBaker, cycles: int) -> None:
    for number in range(cycles):
        step = await baker.pay(baker.key(baker.first_cycle + number))
        assert step.is_settled
        baker.finish_cycle()
        await baker.notice()


async def test_nothing_is_lost_between_cycles(carrying: PayingBaker) -> None:
    baker = carrying

    await pay_cycles(baker, CYCLES)

    rows = await all_rows(baker, CYCLES)
    by_state: Counter[PayoutState] = Counter()
    for row in rows:
        by_state[row.state] += row.net
    assert set(by_state) == {PayoutState.PAID, PayoutState.CARRIED}
    planned = 0
    for number in range(CYCLES):
        distribution = await baker.distribution(baker.key(baker.first_cycle + number))
        planned += distribution.figures.total_net
    assert by_state[PayoutState.PAID] + by_state[PayoutState.CARRIED] == planned
    assert baker.paid_on_chain().total() == by_state[PayoutState.PAID]
    assert baker.paid_on_chain() == owed([row for row in rows if row.state is PayoutState.PAID])


async def test_no_transfer_is_below_the_minimum_and_no_sum_above_it_waits(
    carrying: PayingBaker,
) -> None:
    baker = carrying

    await pay_cycles(baker, CYCLES)

    assert min(transfer.amount for transfer in baker.transfers()) >= MINIMUM
    rows = await all_rows(baker, CYCLES)
    waiting = owed([row for row in rows if row.state is PayoutState.CARRIED])
    assert waiting
    assert max(waiting.values()) < MINIMUM


async def test_what_was_carried_is_paid_with_the_later_cycle_in_one_transfer(
    carrying: PayingBaker,
) -> None:
    baker = carrying

    await pay_cycles(baker, CYCLES)

    several = []
    for number in range(CYCLES):
        for operation in await baker.operations(baker.key(baker.first_cycle + number)):
            for transfer in await baker.transfers_of(operation):
                settled = await baker.settled_by(transfer)
                assert sum(row.net for row in settled) == transfer.amount
                cycles = [row.cycle for row in settled]
                assert len(cycles) == len(set(cycles))
                assert max(cycles) == baker.first_cycle + number
                several.append(len(cycles) > 1)
    assert any(several)


async def test_a_cycle_of_which_everything_waits_is_closed_without_a_transfer(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(minimum_payout=10**9)

    step = await baker.pay()

    assert (step.paid, step.total) == (0, 0)
    assert step.distribution.state is DistributionState.PAID
    assert {row.state for row in await baker.payouts()} == {PayoutState.CARRIED}
    assert baker.transfers() == []

    await baker.change(minimum_payout=0)
    baker.finish_cycle()
    await baker.notice()
    await baker.pay(baker.key(baker.first_cycle + 1))

    rows = await all_rows(baker, 2)
    assert {row.state for row in rows} == {PayoutState.PAID}
    assert baker.paid_on_chain() == owed(rows)
    assert len(baker.transfers()) == len(baker.paid_on_chain())


async def test_what_a_simulation_carried_is_not_carried_into_what_is_paid(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(mode=Mode.SIMULATION, minimum_payout=MINIMUM)
    await baker.step(baker.key(mode=Mode.SIMULATION))
    baker.finish_cycle()
    await baker.notice()
    await baker.step(baker.key(baker.first_cycle + 1, mode=Mode.SIMULATION))
    simulated = await all_rows(baker, 2, Mode.SIMULATION)
    assert {row.state for row in simulated} == {PayoutState.SIMULATED, PayoutState.CARRIED}

    await baker.change(mode=Mode.ON, minimum_payout=0)
    await baker.notice()
    await baker.pay()

    assert baker.paid_on_chain() == owed(await baker.payouts())
    after = await all_rows(baker, 2, Mode.SIMULATION)
    assert after == simulated


async def test_carried_amounts_that_a_failed_cycle_was_to_pay_are_paid_when_it_goes_on(
    carrying: PayingBaker,
) -> None:
    baker = carrying
    await baker.pay()
    baker.finish_cycle()
    await baker.notice()
    second = baker.key(baker.first_cycle + 1)
    balance = baker.balance(baker.payout_address)
    baker.set_balance(baker.payout_address, 1)
    with pytest.raises(GuardRefusedError, match="balance-covers"):
        await baker.step(second)
    await fail(baker.payer, second, "the wallet is empty")
    baker.set_balance(baker.payout_address, balance)

    await baker.pay(second)

    rows = await all_rows(baker, 2)
    assert {row.state for row in rows} == {PayoutState.PAID, PayoutState.CARRIED}
    assert baker.paid_on_chain() == owed([row for row in rows if row.state is PayoutState.PAID])


@pytest.mark.parametrize("read_max", [1, 2, 5])
async def test_a_reading_cut_off_within_an_address_still_makes_one_transfer_of_it(
    open_baker: OpenBaker, monkeypatch: pytest.MonkeyPatch, read_max: int
) -> None:
    baker = await open_baker(small_chain(delegator_count=6), minimum_payout=10**9)
    await baker.pay()
    baker.finish_cycle()
    await baker.notice()
    await baker.change(minimum_payout=0)
    monkeypatch.setattr("bakehouse.payments.send._OWED_READ_MAX", read_max)

    await baker.pay(baker.key(baker.first_cycle + 1))

    rows = await all_rows(baker, 2)
    assert {row.state for row in rows} == {PayoutState.PAID}
    assert baker.paid_on_chain() == owed(rows)
    if read_max > 1:
        assert len(baker.transfers()) == len(baker.paid_on_chain())
