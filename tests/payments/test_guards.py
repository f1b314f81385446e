"""What is checked before anything is planned or signed, and what a refusal leaves behind."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.errors import (
    GuardRefusedError,
    RefusalError,
    SignerError,
    SplitRefusedError,
    WrongChainError,
)
from bakehouse.ledger import distributions
from bakehouse.ledger.states import DistributionState, PayoutState
from bakehouse.payments.advance import advance
from bakehouse.payments.plan import plan_delegators
from bakehouse.sandbox.draw import draw_text
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.tzkt import TzktClient
from tests.payments.chain_front import (
    HEAD_HEADER,
    INDEXER_HEAD,
    INJECTION,
    SIMULATION,
    SPLIT,
    Treatment,
    altered,
    updated,
)
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

OTHER_CHAIN = draw_text(Prefix.CHAIN_ID, "another chain")
OTHER_BLOCK = draw_text(Prefix.BLOCK_HASH, "another block")
CHAIN_ID = "GET /chains/main/chain_id"


async def assert_nothing_is_planned(baker: PayingBaker) -> None:
    distribution = await baker.distribution()
    assert distribution.state in {DistributionState.SEEN, DistributionState.REWARDS_PENDING}
    assert not distribution.is_planned
    assert await baker.payouts() == []


async def assert_troubled(baker: PayingBaker, why: str) -> None:
    """Make sure that the next step only says why the chain cannot be believed, and waits."""
    step = await baker.step()
    assert step.trouble is not None
    assert why in step.trouble
    assert step.wait_seconds == baker.payer.limits.source_patience_seconds
    assert not step.is_settled


async def assert_it_goes_on_once_all_is_well(baker: PayingBaker) -> None:
    baker.front.be_good()
    step = await baker.pay()
    assert (step.paid, step.held) == (step.total, 0)
    assert baker.paid_on_chain() == owed(await baker.payouts())


async def test_a_node_of_another_chain_is_not_listened_to(baker: PayingBaker) -> None:
    other = await baker.another_payer()
    baker.front.treat(CHAIN_ID, altered(lambda _: OTHER_CHAIN))

    with pytest.raises(WrongChainError, match=OTHER_CHAIN):
        await advance(other, baker.key())

    await assert_nothing_is_planned(baker)
    await assert_it_goes_on_once_all_is_well(baker)


async def test_a_node_that_comes_to_serve_another_chain_is_noticed(baker: PayingBaker) -> None:
    baker.front.treat(HEAD_HEADER, updated(chain_id=OTHER_CHAIN))

    with pytest.raises(WrongChainError, match=OTHER_CHAIN):
        await baker.step()

    await assert_nothing_is_planned(baker)
    await assert_it_goes_on_once_all_is_well(baker)


async def test_an_indexer_of_another_chain_is_not_listened_to(baker: PayingBaker) -> None:
    baker.front.treat(INDEXER_HEAD, updated(chainId=OTHER_CHAIN))

    with pytest.raises(WrongChainError, match=OTHER_CHAIN):
        await baker.step()

    await assert_nothing_is_planned(baker)
    await assert_it_goes_on_once_all_is_well(baker)


async def test_an_indexer_that_nobody_told_its_chain_is_held_to_the_bakers(
    baker: PayingBaker,
) -> None:
    source, *_ = baker.payer.indexer._indexers.sources
    credulous = replace(baker.payer, indexer=TzktClient([source], chain_id=None))
    baker.front.treat(INDEXER_HEAD, updated(chainId=OTHER_CHAIN))

    with pytest.raises(WrongChainError, match=f"the indexer is on chain {OTHER_CHAIN}"):
        await advance(credulous, baker.key())

    await assert_nothing_is_planned(baker)


async def test_a_cycle_of_another_network_is_not_planned(baker: PayingBaker) -> None:
    foreign = replace(baker.key(), network=OTHER_CHAIN)
    async with baker.payer.ledger.write() as tx:
        await distributions.ensure(tx, foreign, at=baker.payer.clock())

    with pytest.raises(WrongChainError, match=f"the node is on chain .*, not {OTHER_CHAIN}"):
        await advance(baker.payer, foreign)

    assert await baker.payouts(foreign) == []


async def test_an_indexer_with_another_block_at_the_same_level_is_waited_for(
    baker: PayingBaker,
) -> None:
    baker.front.treat(INDEXER_HEAD, updated(hash=OTHER_BLOCK))

    await assert_troubled(baker, f"the indexer has block {OTHER_BLOCK}")

    await assert_nothing_is_planned(baker)
    await assert_it_goes_on_once_all_is_well(baker)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: {"synced": False}, id="it is still reading"),
        pytest.param(lambda head: {"cycle": head["cycle"] - 1}, id="it is in the cycle"),
        pytest.param(lambda head: {"level": head["level"] + 1}, id="it is ahead of the node"),
    ],
)
async def test_an_indexer_that_cannot_be_compared_yet_is_waited_for(
    baker: PayingBaker, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    baker.front.treat(INDEXER_HEAD, altered(lambda head: {**head, **change(head)}))

    for _ in range(3):
        step = await baker.step()
        assert (step.waiting_for, step.wait_seconds) == ("the indexer", 1)

    await assert_nothing_is_planned(baker)
    await assert_it_goes_on_once_all_is_well(baker)


def one_mutez_off(split: dict[str, Any]) -> dict[str, Any]:
    split["delegators"][3]["delegatedBalance"] += 1
    return split


def one_delegator_short(split: dict[str, Any]) -> dict[str, Any]:
    split["delegators"].pop()
    return split


@pytest.mark.parametrize(
    ("treatment", "why"),
    [
        (altered(one_mutez_off), "1 mutez are too many"),
        (altered(one_delegator_short), "mutez are missing"),
        (updated(futureBlocks=1), "is not final"),
    ],
)
async def test_a_split_that_cannot_be_trusted_is_refused_and_nothing_kept_of_it(
    baker: PayingBaker, treatment: Treatment, why: str
) -> None:
    baker.front.treat(SPLIT, treatment)

    with pytest.raises(SplitRefusedError, match=why):
        await baker.step()

    await assert_nothing_is_planned(baker)
    await assert_it_goes_on_once_all_is_well(baker)


async def test_a_split_of_another_cycle_is_not_planned_from(baker: PayingBaker) -> None:
    baker.finish_cycle()
    split = await baker.payer.indexer.closed_split(baker.chain.world.baker, baker.first_cycle + 1)

    with pytest.raises(RefusalError, match=f"asked for cycle {baker.first_cycle}"):
        await plan_delegators(baker.payer, await baker.distribution(), split)

    await assert_nothing_is_planned(baker)


async def test_a_head_older_than_allowed_is_not_signed_on(baker: PayingBaker) -> None:
    baker.front.treat(SPLIT, stale_from_now(baker))

    await assert_troubled(baker, "the node lags")

    assert await baker.operations() == []
    await assert_it_goes_on_once_all_is_well(baker)


def stale_from_now(baker: PayingBaker) -> Treatment:
    """Answer, and have the node's head be of last year from then on."""

    def alter(document: Any) -> Any:
        baker.front.treat(HEAD_HEADER, updated(timestamp="2025-01-01T00:00:00Z"))
        return document

    return altered(alter)


async def test_a_wallet_that_is_too_poor_is_told_what_is_missing(baker: PayingBaker) -> None:
    baker.set_balance(baker.payout_address, 1_077_408)

    with pytest.raises(
        GuardRefusedError,
        match=r"holds 1\.077408 tez, but 3\.077408 tez are owed .* 2\.000000 tez are missing",
    ):
        await baker.step()

    assert baker.front.asked(SIMULATION) == 0
    assert await baker.operations() == []
    baker.set_balance(baker.payout_address, 10_000_000)
    await assert_it_goes_on_once_all_is_well(baker)


async def test_a_wallet_that_covers_everything_but_the_fees_signs_nothing(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(minimum_payout=700_000)
    await baker.plan_only()
    due = sum(row.net for row in await baker.payouts() if row.state is PayoutState.OWED)
    baker.set_balance(baker.payout_address, due + 100)

    with pytest.raises(GuardRefusedError, match="balance-covers"):
        await baker.step()

    assert baker.front.asked(SIMULATION) == 1
    assert baker.front.asked(INJECTION) == 0
    assert await baker.operations() == []


async def test_payouts_changed_behind_the_ledgers_back_are_not_paid(baker: PayingBaker) -> None:
    await baker.plan_only()
    with closing(sqlite3.connect(baker.surroundings.database)) as database, database:
        database.execute("DROP TRIGGER payouts_fixed")
        database.execute("UPDATE payouts SET net = net + 1 WHERE id = 5")

    with pytest.raises(
        GuardRefusedError,
        match="adds-up: the payouts add up to 3077409 mutez, the plan to 3077408",
    ):
        await baker.step()

    assert await baker.operations() == []


async def test_a_wallet_without_a_key_here_signs_nothing(baker: PayingBaker) -> None:
    keyless = replace(baker.payer, signers=Keyring())

    with pytest.raises(SignerError, match=f"no key for the payout address {baker.payout_address}"):
        await advance(keyless, baker.key())

    assert await baker.operations() == []
    await assert_it_goes_on_once_all_is_well(baker)
