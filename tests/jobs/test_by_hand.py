"""While Bakehouse runs, orders and top-ups are gone on with, whoever gave them, and told of."""

from dataclasses import replace

import pytest

from bakehouse.alerts.codes import AlertCode
from bakehouse.jobs.by_hand import go_on_topping_up, go_on_with_orders
from bakehouse.ledger.alerts import AlertFilter, listed
from bakehouse.ledger.states import ManualState
from bakehouse.rewards.money import Mutez
from tests.jobs.hostile_work import Work
from tests.payments.funding import FUNDING, fund, topped_up, with_both_keys
from tests.payments.hand import TEZ, Hand
from tests.payments.hostile_baker import HostileBaker
from tests.payments.surroundings import STEPS_MAX

TARGET = Mutez(100 * TEZ)


@pytest.fixture
async def low(work: Work) -> HostileBaker:
    """A baker whose wallet is low, with a funding wallet that could fill it."""
    baker = replace(work.baker, payer=with_both_keys(work.baker.payer, work.baker.chain))
    await baker.change(funding_address=FUNDING, target_balance=TARGET, top_up_cap=TARGET)
    fund(baker.chain, 1_000 * TEZ)
    baker.set_balance(baker.payout_address, 10 * TEZ)
    baker.bake()
    return baker


async def told(baker: HostileBaker, code: AlertCode) -> list[str]:
    async with baker.payer.ledger.read() as tx:
        return [each.message for each in await listed(tx, AlertFilter(codes=frozenset({code})))]


async def open_alerts(baker: HostileBaker) -> list[str]:
    async with baker.payer.ledger.read() as tx:
        return [each.code for each in await listed(tx, AlertFilter(is_open=True))]


async def test_an_order_whose_giver_is_gone_is_done(low: HostileBaker) -> None:
    hand = Hand(low)
    low.set_balance(low.payout_address, TARGET)
    low.bake()
    ordered = await hand.order(key="may")
    for _ in range(STEPS_MAX):
        await go_on_with_orders(low.payer, low.baker_id)
        low.bake()
        if (await hand.stored(ordered)).state is ManualState.DONE:
            break

    assert hand.sent_to(hand.friend) == 3 * TEZ
    assert await told(low, AlertCode.ORDER_FAILED) == []


async def test_an_order_that_is_refused_is_told_of_once(low: HostileBaker) -> None:
    hand = Hand(low)
    await hand.order(10**15, key="may", spends_owed=True)

    for _ in range(2):
        await go_on_with_orders(low.payer, low.baker_id)

    [message] = await told(low, AlertCode.ORDER_FAILED)
    assert "key may): balance-covers" in message


async def test_a_low_wallet_is_topped_up_by_looks_and_orders_in_turn(low: HostileBaker) -> None:
    for turn in range(8):
        await (go_on_topping_up if turn % 2 else go_on_with_orders)(low.payer, low.baker_id)
        if not turn:
            # The reconciler only goes on with what a look at the balance has begun.
            await go_on_topping_up(low.payer, low.baker_id)
        low.bake()

    assert topped_up(low.chain) == [90 * TEZ]
    assert await open_alerts(low) == []


async def test_why_a_wallet_cannot_be_topped_up_is_told_until_it_can(low: HostileBaker) -> None:
    fund(low.chain, TEZ)
    low.bake()
    for _ in range(2):
        await go_on_topping_up(low.payer, low.baker_id)
    assert await open_alerts(low) == [AlertCode.TOP_UP_FAILED]

    fund(low.chain, 1_000 * TEZ)
    low.bake()
    for _ in range(8):
        await go_on_topping_up(low.payer, low.baker_id)
        low.bake()

    assert await open_alerts(low) == []
    assert topped_up(low.chain) == [90 * TEZ]
