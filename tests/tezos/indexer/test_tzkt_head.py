"""How far an indexer is, on which chain, and whether a cycle is over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bakehouse.errors import (
    SourceBusyError,
    SourceMalformedError,
    SourceStaleError,
    SourceUnreachableError,
    SplitRefusedError,
    WrongChainError,
)
from bakehouse.tezos.indexer_head import IndexerHead, parse_indexer_head
from bakehouse.tezos.rewards_split import parse_split
from bakehouse.tezos.tzkt import require_closed

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.indexer.conftest import IndexerScript

Document = dict[str, Any]


def head_of(indexer: IndexerScript, **changes: Any) -> IndexerHead:
    return replace(parse_indexer_head(indexer.head), **changes)


async def test_an_indexer_of_another_chain_is_refused(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    with pytest.raises(WrongChainError, match=f"indexer-1 serves chain {indexer.other_chain_id}"):
        await indexer.client(indexer.serve(stub, split, chainId=indexer.other_chain_id)).split(
            indexer.baker, indexer.cycle
        )

    assert stub.count(indexer.split_path) == 0


async def test_an_indexer_that_turns_to_another_chain_is_noticed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    tzkt = indexer.client(indexer.serve(stub, split))
    await tzkt.head()
    stub.on("/v1/head", indexer.head | {"chainId": indexer.other_chain_id})

    with pytest.raises(WrongChainError):
        await tzkt.head()


async def test_the_head_tells_how_far_the_indexer_is(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    head = await indexer.client(
        indexer.serve(stub, split, level=7, knownLevel=9, synced=False)
    ).head()

    assert (head.level, head.known_level, head.synced) == (7, 9, False)
    assert head.timestamp.isoformat() == "2026-08-29T10:00:00+00:00"


@pytest.mark.parametrize(
    ("field", "value"),
    [("synced", 1), ("synced", "true"), ("level", 7.5), ("cycle", None), ("hash", "BLx")],
)
async def test_a_head_that_makes_no_sense_is_malformed(
    stub: Stub, indexer: IndexerScript, split: Document, field: str, value: Any
) -> None:
    with pytest.raises(SourceMalformedError, match=f"wrongly: {field} "):
        await indexer.client(indexer.serve(stub, split, **{field: value})).head()


async def test_a_busy_indexer_is_told_as_such(stub: Stub, indexer: IndexerScript) -> None:
    stub.on("/v1/head", stub.html(429))

    with pytest.raises(SourceBusyError):
        await indexer.client(stub).head()


async def test_a_silent_indexer_is_unreachable(stub: Stub, indexer: IndexerScript) -> None:
    stub.on("/v1/head", stub.hang())

    with pytest.raises(SourceUnreachableError):
        await indexer.client(stub, attempt_seconds=0.05).head()


async def test_a_cycle_that_is_over_can_be_paid(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    assert await indexer.client(indexer.serve(stub, split)).closed_split(
        indexer.baker, indexer.cycle
    ) == parse_split(split)


async def test_a_cycle_that_is_not_over_cannot_be_paid(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    with pytest.raises(
        SplitRefusedError, match="cycle 1336 is not over: the indexer is at cycle 1336"
    ):
        await indexer.client(indexer.serve(stub, split, cycle=indexer.cycle)).closed_split(
            indexer.baker, indexer.cycle
        )


async def test_an_indexer_that_lags_is_passed_over_for_paying(
    stub: Stub, other_stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split | {"blockFees": 1}, synced=False)

    found = await indexer.client(stub, indexer.serve(other_stub, split)).closed_split(
        indexer.baker, indexer.cycle
    )

    assert found == parse_split(split)


def test_an_indexer_that_lags_vouches_for_nothing(indexer: IndexerScript, split: Document) -> None:
    head = head_of(indexer, level=7, known_level=9, synced=False)

    with pytest.raises(SourceStaleError, match="has read block 7 of 9"):
        require_closed(parse_split(split), head)


@pytest.mark.parametrize("cycle", [1336, 1335, 0])
def test_a_cycle_is_closed_only_when_a_later_one_has_begun(
    indexer: IndexerScript, split: Document, cycle: int
) -> None:
    with pytest.raises(SplitRefusedError, match="is not over"):
        require_closed(parse_split(split), head_of(indexer, cycle=cycle))


def test_a_split_that_expects_more_is_not_final(indexer: IndexerScript, split: Document) -> None:
    expecting = split | {"futureBlocks": 2, "futureAttestationRewards": 30}

    with pytest.raises(SplitRefusedError) as caught:
        require_closed(parse_split(expecting), head_of(indexer))

    assert caught.value.message == (
        "the split of cycle 1336 is not final: "
        "it still expects 2 blocks, 0 attestations and 30 mutez"
    )
