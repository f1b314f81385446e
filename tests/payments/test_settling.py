"""What it takes for a payout to be called paid: a final block on which two sources agree."""

import pytest

from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.payments.confirm import _SECOND_VOICE_BLOCKS_MAX
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import (
    BAD_GATEWAY,
    NOT_FOUND,
    HostileBaker,
    Treatment,
    altered,
    answered,
    assert_paid_once,
)
from tests.payments.lives import SHORT_LIVES

OTHER_BLOCK = draw_text(Prefix.BLOCK_HASH, "another block")
INDEXED_BLOCK = "indexer GET /v1/blocks/[0-9]+"
NODES_BLOCK = "node-1 GET .*/blocks/[0-9]+/header"

#: Blocks after finality for which a second voice is waited for without a word.
QUIET_BLOCKS = _SECOND_VOICE_BLOCKS_MAX

other_hash = altered(lambda block: {**block, "hash": OTHER_BLOCK})


async def deep_enough(baker: HostileBaker) -> None:
    """Have the first group in a block that is final by now; nobody has settled it yet."""
    await baker.step()
    baker.bake()
    await baker.step()
    for _ in range(FINALITY_BLOCKS):
        baker.bake()


async def assert_not_settled(baker: HostileBaker) -> None:
    first, *_ = await baker.operations()
    assert first.state is OperationState.INCLUDED
    assert all(row.state is not PayoutState.PAID for row in await baker.payouts())


async def assert_contradicted(baker: HostileBaker, why: str) -> None:
    for _ in range(3):
        step = await baker.step()
        assert step.trouble is not None
        assert why in step.trouble
        assert step.wait_seconds == baker.payer.limits.source_patience_seconds
        await assert_not_settled(baker)
        baker.bake()
    await assert_paid_once(baker)


async def assert_second_voice_awaited(baker: HostileBaker) -> None:
    """Make sure that it is waited for without fuss at first, then said, and never done without."""
    troubled = 0
    for _ in range(QUIET_BLOCKS + 4):
        step = await baker.step()
        assert step.wait_seconds is not None
        if step.trouble is not None:
            troubled += 1
            assert "but not everybody agrees on that block" in step.trouble
        await assert_not_settled(baker)
        baker.bake()
    assert troubled == 3
    await assert_paid_once(baker)


@pytest.mark.parametrize(
    "treatment",
    [
        pytest.param(BAD_GATEWAY, id="out of order"),
        pytest.param(NOT_FOUND, id="not found"),
        pytest.param(answered(204), id="no content"),
        pytest.param(answered(200, "{}"), id="nonsense"),
        pytest.param(altered(lambda block: {**block, "level": 1}), id="another level"),
    ],
)
async def test_one_node_without_an_indexer_that_confirms_settles_nothing(
    open_hostile: OpenHostileBaker, treatment: Treatment
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, node_count=1)
    await deep_enough(baker)
    baker.way.treat(INDEXED_BLOCK, treatment)

    await assert_second_voice_awaited(baker)


async def test_two_nodes_that_agree_settle_without_an_indexer(hostile: HostileBaker) -> None:
    await deep_enough(hostile)
    hostile.way.treat("indexer .*", BAD_GATEWAY)

    await hostile.step()

    first, *_ = await hostile.operations()
    assert first.state is OperationState.FINAL
    assert PayoutState.PAID in {row.state for row in await hostile.payouts()}
    await assert_paid_once(hostile)


@pytest.mark.parametrize("request_pattern", [NODES_BLOCK, INDEXED_BLOCK])
async def test_one_source_that_contradicts_outweighs_two_that_agree(
    hostile: HostileBaker, request_pattern: str
) -> None:
    await deep_enough(hostile)
    hostile.way.treat(request_pattern, other_hash)

    await assert_contradicted(hostile, f"{OTHER_BLOCK}, not ")


async def test_an_indexer_that_has_not_read_the_block_yet_is_waited_for(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, node_count=1)
    await deep_enough(baker)
    baker.sandbox.inflict(Fault.INDEXER_LAG, blocks=20)

    await assert_second_voice_awaited(baker)


async def test_a_block_that_a_reorganisation_replaced_settles_nothing_and_the_bytes_are_sent_again(
    hostile: HostileBaker,
) -> None:
    await hostile.step()
    hostile.bake()
    await hostile.step()
    first, *_ = await hostile.operations()
    assert first.state is OperationState.INCLUDED
    hostile.sandbox.inflict(Fault.REORG, depth=1)
    for _ in range(FINALITY_BLOCKS + 1):
        hostile.bake()
        await hostile.step()

    await assert_paid_once(hostile)
    again, *_ = await hostile.operations()
    assert (again.hash, again.state) == (first.hash, OperationState.FINAL)
