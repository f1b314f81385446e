"""A payout wallet that is low is topped up from another: once, and no more than a day allows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import manual_transfers
from bakehouse.ledger.manual_transfers import OPEN, NewManualTransfer
from bakehouse.ledger.states import ManualOrigin, ManualState, Mode
from bakehouse.payments.payer import Payer
from bakehouse.payments.top_up import TopUpLook, top_up
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.signer import LocalSigner
from tests.payments.conftest import OpenHostileBaker
from tests.payments.funding import FUNDING, fund, topped_up, with_both_keys
from tests.payments.hand import TEZ
from tests.payments.hostile_baker import HostileBaker
from tests.payments.mortal_payer import Crash, crash_at
from tests.payments.surroundings import STEPS_MAX

TARGET = 100 * TEZ


@pytest.fixture
async def low(open_hostile: OpenHostileBaker) -> HostileBaker:
    """A baker whose payout wallet holds 10 tez of the 100 it should."""
    baker = await open_hostile(
        funding_address=FUNDING, target_balance=TARGET, top_up_cap=2 * TARGET
    )
    fund(baker.chain, 1_000 * TEZ)
    baker.set_balance(baker.payout_address, 10 * TEZ)
    baker.bake()
    payer = with_both_keys(baker.payer, baker.chain)
    return replace(baker, payer=payer)


async def look(baker: HostileBaker, payer: Payer | None = None) -> TopUpLook:
    return await top_up(payer or baker.payer, baker.baker_id)


async def look_until_nothing_is_under_way(
    baker: HostileBaker, payer: Payer | None = None
) -> TopUpLook:
    for _ in range(STEPS_MAX):
        seen = await look(baker, payer)
        if seen.step is None or seen.step.transfer.state not in OPEN:
            return seen
        baker.bake()
    raise AssertionError(f"it never ends: {seen}")


async def test_a_low_wallet_is_filled_to_its_target_once(low: HostileBaker) -> None:
    ended = await look_until_nothing_is_under_way(low)

    assert ended.trouble is None
    assert topped_up(low.chain) == [90 * TEZ]
    assert low.balance(low.payout_address) == TARGET
    assert await look(low) == TopUpLook()
    assert topped_up(low.chain) == [90 * TEZ]
    assert await low.audit_is_unbroken()


@pytest.mark.parametrize("balance", [TARGET, 2 * TARGET, TARGET * 9 // 10])
async def test_a_wallet_near_its_target_is_left_alone(low: HostileBaker, balance: int) -> None:
    low.set_balance(low.payout_address, balance)
    low.bake()

    assert await look(low) == TopUpLook()


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SIMULATION])
async def test_a_baker_that_does_not_pay_is_not_topped_up(low: HostileBaker, mode: Mode) -> None:
    await low.change(mode=mode)

    assert await look(low) == TopUpLook()


async def test_no_more_is_topped_up_than_a_day_allows_and_the_next_day_goes_on(
    low: HostileBaker,
) -> None:
    await low.change(top_up_cap=60 * TEZ)
    noon = low.payer.clock().replace(hour=12)
    today = replace(low.payer, clock=lambda: noon)
    await look_until_nothing_is_under_way(low, today)
    assert topped_up(low.chain) == [60 * TEZ]

    stopped = await look(low, today)

    assert stopped.step is None
    assert "60.000000 tez were topped up today (UTC)" in (stopped.trouble or "")
    last_second = replace(low.payer, clock=lambda: noon.replace(hour=23, minute=59, second=59))
    assert (await look(low, last_second)).trouble
    tomorrow = replace(low.payer, clock=lambda: noon.replace(hour=0) + timedelta(days=1))
    await look_until_nothing_is_under_way(low, tomorrow)
    assert topped_up(low.chain) == [60 * TEZ, 30 * TEZ]


async def test_the_cap_counts_in_the_transaction_that_stores_the_signature(
    low: HostileBaker,
) -> None:
    await look_until_nothing_is_under_way(low)
    # Ordered while there was room for it; by the time it is signed there is none.
    await enter(low, order_of(low, 90 * TEZ))
    await low.change(top_up_cap=100 * TEZ)

    refused = await look(low)

    assert refused.step is not None
    assert refused.step.transfer.state is ManualState.FAILED
    assert "top-up-cap: 90.000000 tez were topped up today" in (refused.trouble or "")
    assert topped_up(low.chain) == [90 * TEZ]


async def test_two_that_find_the_wallet_low_top_it_up_once(low: HostileBaker) -> None:
    rival = replace(low.payer, holder="rival")
    for _ in range(12):
        await look(low)
        await look(low, rival)
        low.bake()

    assert topped_up(low.chain) == [90 * TEZ]


async def test_a_node_that_has_not_seen_the_last_top_up_is_not_believed(
    low: HostileBaker,
) -> None:
    await look_until_nothing_is_under_way(low)
    async with low.payer.ledger.write() as tx:
        await tx.exec_driver_sql(
            "UPDATE operations SET included_level = included_level + 1000 WHERE kind = 'manual'"
        )
    low.set_balance(low.payout_address, 10 * TEZ)
    low.bake()

    assert await look(low) == TopUpLook()


async def test_an_empty_funding_wallet_is_told_of_and_nothing_is_ordered(
    low: HostileBaker,
) -> None:
    fund(low.chain, 50 * TEZ)
    low.bake()

    seen = await look(low)

    assert seen.step is None
    assert f"is low by 90.000000 tez, but its funding wallet {FUNDING} holds" in (
        seen.trouble or ""
    )


async def test_a_funding_wallet_without_a_key_is_told_of(low: HostileBaker) -> None:
    payout_only = Keyring([LocalSigner(low.chain.world.payout_key)])

    seen = await look(low, replace(low.payer, signers=payout_only))

    assert "its funding wallet cannot sign" in (seen.trouble or "")


async def test_a_top_up_signed_before_the_baker_left_mode_on_is_kept_back(
    low: HostileBaker,
) -> None:
    with pytest.raises(Crash), hooked(crash_at(Failpoint.AFTER_PERSIST)):
        await look(low)
    await low.change(mode=Mode.SIMULATION)

    await look(low)
    assert low.way.injected == []

    await low.change(mode=Mode.ON)
    await look_until_nothing_is_under_way(low)
    assert topped_up(low.chain) == [90 * TEZ]


async def test_an_order_that_the_settings_have_overtaken_is_given_up(low: HostileBaker) -> None:
    await enter(low, order_of(low, TEZ))
    none: dict[str, Any] = {"funding_address": None, "target_balance": None, "top_up_cap": None}
    await low.change(**none)

    seen = await look(low)

    assert "the wallets of" in (seen.trouble or "")
    assert topped_up(low.chain) == []


def order_of(baker: HostileBaker, amount: int) -> NewManualTransfer:
    return NewManualTransfer(
        network=baker.chain.chain_id,
        baker_id=baker.baker_id,
        origin=ManualOrigin.TOP_UP,
        idempotence_key="entered by hand",
        source=FUNDING,
        destination=baker.payout_address,
        amount=Mutez(amount),
        actor="test",
        why="test",
        ordered_level=baker.chain.head.level,
    )


async def enter(baker: HostileBaker, order: NewManualTransfer) -> None:
    async with baker.payer.ledger.write() as tx:
        await manual_transfers.order(tx, order, at=baker.payer.clock())
