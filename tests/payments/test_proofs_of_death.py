"""What proves a death, and what does not: gaps, single voices, contradictions, hidden blocks."""

import json

import pytest

from bakehouse.ledger.states import Death, OperationState
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import (
    BAD_GATEWAY,
    NOT_FOUND,
    HostileBaker,
    altered,
    assert_paid_once,
)
from tests.payments.lives import SHORT_LIVES, assert_buried, expire, live_until, stuck

INJECTIONS = ".* POST /injection/operation"


@pytest.mark.parametrize("node_count", [1, 2])
async def test_a_block_that_no_node_can_show_leaves_a_gap_and_proves_nothing(
    open_hostile: OpenHostileBaker, node_count: int
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, node_count=node_count)
    operation = await stuck(baker)
    await expire(baker, operation)
    missing = baker.chain.block_at(operation.born_level + 2).hash
    baker.way.treat(f"node-.* GET .*/blocks/{missing}/header", NOT_FOUND)

    for _ in range(3):
        assert (await baker.step()).waiting_for == "a block"
        baker.bake()

    (living,) = await baker.operations()
    assert living.state is OperationState.INJECTED
    await assert_paid_once(baker)


async def test_a_block_that_one_of_two_nodes_cannot_show_is_shown_by_the_other(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    await expire(hostile, operation)
    missing = hostile.chain.block_at(operation.born_level + 2).hash
    hostile.way.treat(f"node-0 GET .*/blocks/{missing}/header", NOT_FOUND)

    await hostile.step()

    await assert_buried(hostile, operation, Death.EXPIRED)
    await assert_paid_once(hostile)


async def test_a_chain_whose_blocks_do_not_follow_each_other_proves_nothing(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    await expire(hostile, operation)
    odd = hostile.chain.block_at(operation.born_level + 2)
    hostile.way.treat(
        f"node-.* GET .*/blocks/{odd.hash}/header",
        altered(lambda header: {**header, "level": odd.level + 1}),
    )

    await hostile.step()

    assert len(await hostile.operations()) == 1
    await assert_paid_once(hostile)


async def test_one_voice_buries_nothing_and_after_a_while_a_person_is_asked(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, node_count=1)
    operation = await stuck(baker)
    baker.way.treat("indexer .*", BAD_GATEWAY)
    patience = FINALITY_BLOCKS + SHORT_LIVES.proof_patience_blocks
    await live_until(baker, operation.last_includable_level + patience)
    baker.bake()

    for _ in range(3):
        step = await baker.step()
        assert step.waiting_for == "a block"
        assert step.wait_seconds is not None
        assert step.quarantined == (operation.hash,)
        baker.bake()

    (lost,) = await baker.operations()
    assert lost.state is OperationState.QUARANTINED
    assert lost.evidence is not None
    assert {each["confirms"] for each in json.loads(lost.evidence)["testimonies"]} == {True, None}
    sent = baker.way.asked(INJECTIONS)
    await baker.step()
    assert baker.way.asked(INJECTIONS) == sent
    baker.bake()
    baker.way.be_good()
    await baker.step()
    await assert_buried(baker, operation, Death.EXPIRED)
    await assert_paid_once(baker)


async def test_an_indexer_that_has_it_in_a_block_keeps_it_from_being_buried(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    level = operation.born_level + 2
    hostile.way.treat(
        f"indexer GET /v1/operations/{operation.hash}", altered(lambda _: [{"level": level}])
    )
    await expire(hostile, operation)

    for _ in range(3):
        assert (await hostile.step()).waiting_for == "a block"
        hostile.bake()

    (living,) = await hostile.operations()
    assert living.state is OperationState.INJECTED
    await assert_paid_once(hostile)


@pytest.mark.parametrize(
    "blocks_hidden", [0, 3, 12], ids=["briefly", "past its end", "quarantined"]
)
async def test_a_node_that_hides_it_buries_nothing_and_it_is_found_when_it_is_shown(
    hostile: HostileBaker, blocks_hidden: int
) -> None:
    await hostile.step()
    (operation,) = await hostile.operations()
    hostile.way.treat(
        "node-0 GET .*/operation_hashes/3",
        altered(lambda hashes: [each for each in hashes if each != operation.hash]),
    )
    hostile.bake_to(operation.last_includable_level + FINALITY_BLOCKS)

    for _ in range(1 + blocks_hidden):
        await hostile.step()
        assert len(await hostile.operations()) == 1
        hostile.bake()

    (living,) = await hostile.operations()
    is_late = blocks_hidden > SHORT_LIVES.proof_patience_blocks
    assert living.state is (OperationState.QUARANTINED if is_late else OperationState.INJECTED)
    hostile.way.be_good()
    await hostile.step()
    found, *_ = await hostile.operations()
    assert (found.hash, found.applied) == (operation.hash, True)
    await assert_paid_once(hostile)


async def test_nothing_is_buried_on_the_word_of_nodes_that_give_other_counters(
    hostile: HostileBaker,
) -> None:
    operation = await stuck(hostile)
    await expire(hostile, operation)
    hostile.way.treat("node-1 GET .*/counter", altered(lambda _: str(operation.counter_first)))

    await hostile.step()

    assert len(await hostile.operations()) == 1
    await assert_paid_once(hostile)
