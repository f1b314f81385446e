"""Orders outside any cycle, on the simulated chain: done once, and never with what others own."""

from typing import Any

import pytest

from bakehouse.errors import ConflictError, InputError, RefusalError
from bakehouse.ledger import bakers, manual_transfers
from bakehouse.ledger.states import Death, ManualOrigin, ManualState, Mode, OperationState
from bakehouse.payments import controls
from bakehouse.payments.orders import order_reveal
from bakehouse.payments.payer import PaymentLimits
from bakehouse.payments.verify import verify_orders
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hand import TEZ, Hand
from tests.payments.lives import SHORT_LIVES
from tests.payments.surroundings import STEPS_MAX, utc_now


@pytest.fixture
async def hand(open_hostile: OpenHostileBaker) -> Hand:
    return Hand(await open_hostile(limits=PaymentLimits(transfers_max=40)))


async def test_a_transfer_reaches_whom_it_is_for_once_and_is_done_when_it_is_final(
    hand: Hand,
) -> None:
    ordered = await hand.order(key="may")
    assert ordered.state is ManualState.WANTED
    assert (await hand.step(ordered)).waiting_for == "a block"
    hand.baker.bake()
    assert (await hand.step(ordered)).waiting_for == "finality"

    done = await hand.follow(ordered)

    assert done.state is ManualState.DONE
    assert hand.sent_to(hand.friend) == 3 * TEZ
    (operation,) = await hand.operations()
    assert (operation.state, operation.distribution_id) == (OperationState.FINAL, None)
    assert await hand.baker.audit_actions(done.name) == [
        "manual_transfer.ordered",
        "manual_transfer.done",
    ]
    assert await hand.baker.audit_is_unbroken()


async def test_what_was_done_by_hand_is_verified_with_its_block(hand: Hand) -> None:
    await hand.follow(await hand.order())
    async with hand.baker.payer.ledger.read() as tx:
        registered = await bakers.get(tx, hand.baker.baker_id)
    found = await verify_orders(hand.baker.payer, registered)
    assert (found.transfers, found.differences) == (1, [])

    async with hand.baker.payer.ledger.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER transfers_fixed")
        await tx.exec_driver_sql("UPDATE transfers SET amount = amount + 1")

    (difference,) = (await verify_orders(hand.baker.payer, registered)).differences
    assert "3000000 mutez went to" in difference.words


async def test_the_same_order_given_again_is_the_same_transfer(hand: Hand) -> None:
    first = await hand.order(key="may")
    await hand.step(first)
    assert (await hand.order(key="may")).id == first.id
    await hand.follow(first)

    again = await hand.order(key="may")

    assert (again.id, again.state) == (first.id, ManualState.DONE)
    await hand.follow(again)
    assert hand.sent_to(hand.friend) == 3 * TEZ


async def test_orders_without_a_key_are_two_orders(hand: Hand) -> None:
    for _ in range(2):
        await hand.follow(await hand.order())

    assert hand.sent_to(hand.friend) == 6 * TEZ


@pytest.mark.parametrize("changed", [{"amount": 1}, {"to": "somebody else"}, {"spends_owed": True}])
async def test_a_key_is_of_one_order_for_ever(hand: Hand, changed: dict[str, Any]) -> None:
    await hand.follow(await hand.order(key="may"))
    if "to" in changed:
        changed = {"to": hand.baker.chain.world.network}

    with pytest.raises(ConflictError, match="the key 'may' is taken by another order"):
        await hand.order(**{"key": "may", **changed})


async def test_what_is_owed_to_delegators_stays_in_the_wallet(hand: Hand) -> None:
    await hand.baker.plan_only()
    owed = sum(payout.net for payout in await hand.baker.payouts())
    assert owed
    hand.baker.set_balance(hand.baker.payout_address, owed + TEZ)
    hand.baker.bake()

    refused = await hand.follow(await hand.order(TEZ, key="may"))

    assert refused.state is ManualState.FAILED
    assert "keeps-owed" in (refused.reason or "")
    assert hand.sent_to(hand.friend) == 0
    assert await hand.operations() == []

    hand.baker.set_balance(hand.baker.payout_address, owed + 2 * TEZ)
    hand.baker.bake()
    assert (await hand.follow(await hand.order(TEZ, key="may"))).state is ManualState.DONE
    await hand.baker.pay()
    assert hand.sent_to(hand.friend) == TEZ


async def test_a_person_may_say_that_what_is_owed_can_be_spent(hand: Hand) -> None:
    await hand.baker.plan_only()
    owed = sum(payout.net for payout in await hand.baker.payouts())
    hand.baker.set_balance(hand.baker.payout_address, owed + TEZ)
    hand.baker.bake()

    done = await hand.follow(await hand.order(TEZ, spends_owed=True))

    assert done.state is ManualState.DONE


async def test_a_wallet_with_too_little_refuses_and_signs_nothing(hand: Hand) -> None:
    refused = await hand.follow(await hand.order(10**15, spends_owed=True))

    assert refused.state is ManualState.FAILED
    assert "balance-covers" in (refused.reason or "")
    assert await hand.operations() == []


async def test_payouts_and_transfers_by_hand_share_a_wallet_and_its_counters(hand: Hand) -> None:
    ordered = await hand.order(key="may")
    for _ in range(STEPS_MAX):
        step = await hand.step(ordered)
        paying = await hand.baker.step()
        if step.wait_seconds is None and paying.wait_seconds is None:
            break
        hand.baker.bake()

    assert (await hand.stored(ordered)).state is ManualState.DONE
    assert hand.sent_to(hand.friend) == 3 * TEZ
    # Nobody took the transfer for a payment by another tool.
    assert paying.held == 0
    payouts = await hand.baker.payouts()
    assert sum(hand.baker.paid_on_chain().values()) == 3 * TEZ + sum(each.net for each in payouts)


async def test_a_transfer_to_a_delegator_holds_none_of_its_payouts(hand: Hand) -> None:
    await hand.baker.plan_only()
    delegator = max(await hand.baker.payouts(), key=lambda payout: payout.net)
    await hand.follow(await hand.order(TEZ, to=delegator.address, origin=ManualOrigin.EXTRA))

    step = await hand.baker.pay()

    assert step.held == 0
    assert hand.sent_to(delegator.address) == delegator.net + TEZ


async def test_what_another_tool_has_sent_since_is_not_sent_again(hand: Hand) -> None:
    # Ordered, and then this ledger was set back to that moment: the transfer is on the chain.
    ordered = await hand.order(key="may")
    async with hand.baker.payer.ledger.write() as tx:
        await manual_transfers.give_up(tx, ordered, "set back", actor="test", at=utc_now())
    twin = await hand.order(key="its twin")
    await hand.follow(twin)
    async with hand.baker.payer.ledger.write() as tx:
        # As a ledger that was set back: it knows nothing of that operation.
        await tx.exec_driver_sql("DROP TRIGGER operations_fixed")
        await tx.exec_driver_sql("UPDATE operations SET hash = 'oo-unknown' WHERE kind = 'manual'")

    refused = await hand.follow(await hand.order(key="may"))

    assert refused.state is ManualState.FAILED
    assert "not-done-elsewhere" in (refused.reason or "")
    assert hand.sent_to(hand.friend) == 3 * TEZ


async def test_an_order_of_a_baker_that_is_off_is_refused_and_one_in_simulation_is_done(
    hand: Hand,
) -> None:
    await hand.baker.change(mode=Mode.OFF)
    with pytest.raises(RefusalError, match="is switched off: nothing leaves its wallet"):
        await hand.order()

    await hand.baker.change(mode=Mode.SIMULATION)

    assert (await hand.follow(await hand.order())).state is ManualState.DONE


async def test_a_baker_switched_off_meanwhile_sends_nothing_and_goes_on_later(hand: Hand) -> None:
    ordered = await hand.order()
    await hand.baker.change(mode=Mode.OFF)

    step = await hand.step(ordered)

    assert (step.wait_seconds, step.waiting_for) == (None, "the baker is in mode off")
    assert await hand.operations() == []
    await hand.baker.change(mode=Mode.ON)
    assert (await hand.follow(ordered)).state is ManualState.DONE


async def test_a_transfer_that_expires_is_signed_anew_and_arrives_once(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES)
    hand = Hand(baker)
    baker.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    ordered = await hand.order()
    await hand.step(ordered)
    (first,) = await hand.operations()
    while baker.chain.head.level < first.last_includable_level + FINALITY_BLOCKS:
        assert (await hand.step(ordered)).waiting_for == "a block"
        baker.bake()
    baker.heal()

    done = await hand.follow(ordered)

    assert done.state is ManualState.DONE
    dead, second = await hand.operations()
    assert (dead.death, second.state) == (Death.EXPIRED, OperationState.FINAL)
    assert hand.sent_to(hand.friend) == 3 * TEZ


async def test_a_transfer_that_fails_on_chain_is_failed_with_the_reason(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES)
    hand = Hand(baker)
    ordered = await hand.order(key="may")
    await hand.step(ordered)
    baker.set_balance(baker.payout_address, 3 * TEZ)

    failed = await hand.follow(ordered)

    assert failed.state is ManualState.FAILED
    assert "it failed on chain" in (failed.reason or "")
    assert hand.sent_to(hand.friend) == 0


async def test_a_cancelled_transfer_is_not_done_another_way(hand: Hand) -> None:
    ordered = await hand.order(key="may")
    await hand.step(ordered)
    (operation,) = await hand.operations()
    async with hand.baker.payer.ledger.write() as tx:
        await controls.request_cancel(tx, operation.hash, hand.by())

    ended = await hand.follow(ordered)

    assert (ended.state, ended.reason) == (ManualState.FAILED, "it was cancelled")
    assert hand.sent_to(hand.friend) == 0


async def test_a_key_that_is_not_revealed_is_revealed_and_nothing_else_moves(
    open_hostile: OpenHostileBaker,
) -> None:
    hand = Hand(await open_hostile())
    before = hand.baker.balance(hand.baker.payout_address)
    ordered = await order_reveal(hand.baker.payer, hand.baker.baker_id, hand.by())
    assert ordered is not None

    done = await hand.follow(ordered)

    assert done.state is ManualState.DONE
    assert hand.baker.transfers() == []
    (operation,) = await hand.operations()
    assert hand.baker.balance(hand.baker.payout_address) == before - operation.total_fee
    assert await order_reveal(hand.baker.payer, hand.baker.baker_id, hand.by()) is None


@pytest.mark.parametrize(
    ("amount", "key", "complaint"),
    [(0, None, "1 mutez or more"), (1, " ", "the key of an order"), (1, "x" * 101, "the key")],
)
async def test_what_cannot_be_an_order_is_refused_before_it_is_entered(
    hand: Hand, amount: int, key: str | None, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        await hand.order(amount, key=key)


async def test_a_wallet_is_not_paid_from_itself(hand: Hand) -> None:
    with pytest.raises(InputError, match="is the payout wallet itself"):
        await hand.order(to=hand.baker.payout_address)
