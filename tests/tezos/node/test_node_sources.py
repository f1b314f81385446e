"""Which node is asked, and which are passed over: they lag, break, or serve another chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from bakehouse.errors import (
    NodeRefusedError,
    SettingError,
    SourceBusyError,
    SourceStaleError,
    WrongChainError,
)
from bakehouse.tezos.transport import JsonSource, SourceLimits

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.node.conftest import ChainScript

HEADER = "/chains/main/blocks/head/header"


async def test_the_next_node_answers_when_the_first_is_out_of_order(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on("/chains/main/chain_id", stub.html(502))
    chain.serve(other_stub)

    assert (await chain.client(stub, other_stub).head()).level == chain.head_level


async def test_a_node_that_failed_is_left_alone_for_a_while(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on("/chains/main/chain_id", stub.html(502))
    nodes = chain.client(stub, chain.serve(other_stub))
    await nodes.head()
    asked_before = len(stub.asked)

    await nodes.head()

    assert len(stub.asked) == asked_before


async def test_a_resting_node_is_asked_when_no_other_is_left(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on(HEADER, stub.html(502))
    stub.on("/chains/main/chain_id", chain.chain_id)
    nodes = chain.client(stub, chain.serve(other_stub))
    await nodes.head()
    chain.serve(stub)
    other_stub.on(HEADER, stub.html(502))

    assert (await nodes.head()).level == chain.head_level


async def test_the_first_node_is_preferred_while_it_answers(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    await chain.client(chain.serve(stub), chain.serve(other_stub)).head()

    assert other_stub.asked == []


async def test_when_all_fail_the_preferred_nodes_error_is_told(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on("/chains/main/chain_id", stub.html(429))
    other_stub.on("/chains/main/chain_id", stub.html(200))

    with pytest.raises(SourceBusyError, match=r"^node-1 answered .* HTTP 429"):
        await chain.client(stub, other_stub).head()


async def test_when_all_fail_a_refusal_is_told_before_all_else(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on("/chains/main/chain_id", stub.html(429))
    chain.serve(other_stub)
    other_stub.on(f"{chain.block(9)}/header", stub.refusal("store.not_found"))

    with pytest.raises(NodeRefusedError) as caught:
        await chain.client(stub, other_stub).header(chain.block_hash(9))

    assert caught.value.error_ids == ("store.not_found",)


async def test_a_node_of_another_chain_is_refused_by_name(stub: Stub, chain: ChainScript) -> None:
    chain.serve(stub, chain=chain.other_chain_id)

    with pytest.raises(WrongChainError) as caught:
        await chain.client(stub).head()

    assert caught.value.message.startswith(
        f"node-1 serves chain {chain.other_chain_id}, but this is about {chain.chain_id}"
    )
    assert stub.count(HEADER) == 0


async def test_a_node_of_another_chain_is_passed_over(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(chain.serve(stub, chain=chain.other_chain_id), chain.serve(other_stub))

    assert (await nodes.head()).chain_id == chain.chain_id


async def test_the_chain_of_the_first_answer_binds_the_others(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(
        chain.serve(stub), chain.serve(other_stub, chain=chain.other_chain_id), chain_id=None
    )

    assert await nodes.chain_id() == chain.chain_id
    stub.on(HEADER, stub.html(502))
    with pytest.raises(SourceBusyError):
        await nodes.head()
    assert other_stub.count(HEADER) == 0


async def test_a_node_that_turns_to_another_chain_is_noticed(
    stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(chain.serve(stub))
    await nodes.head()
    stub.on(HEADER, chain.header(chain_id=chain.other_chain_id))

    with pytest.raises(WrongChainError):
        await nodes.head()


async def test_a_node_that_lags_is_stale(stub: Stub, chain: ChainScript) -> None:
    chain.serve(stub, level=chain.head_level - 9)

    with pytest.raises(SourceStaleError, match="is 65 seconds behind this machine's clock"):
        await chain.client(stub).head()


async def test_a_head_from_the_future_means_that_a_clock_is_wrong(
    stub: Stub, chain: ChainScript
) -> None:
    chain.serve(stub, level=chain.head_level + 20)

    with pytest.raises(SourceStaleError, match="109 seconds ahead of this machine's clock"):
        await chain.client(stub).head()


async def test_a_node_that_lags_is_passed_over(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(chain.serve(stub, level=chain.head_level - 9), chain.serve(other_stub))

    assert (await nodes.head()).level == chain.head_level


async def test_a_silent_node_is_passed_over(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on("/chains/main/chain_id", stub.hang())
    nodes = chain.client(stub, chain.serve(other_stub), attempt_seconds=1, attempts=1)

    assert (await nodes.head()).level == chain.head_level


async def test_a_node_that_resets_is_passed_over(
    resetting_url: str,
    limits: SourceLimits,
    stub: Stub,
    client: httpx2.AsyncClient,
    chain: ChainScript,
) -> None:
    resetting = JsonSource(resetting_url, client, limits=limits)
    nodes = chain.client_of(resetting, chain.serve(stub).source(client))

    assert (await nodes.head()).level == chain.head_level


async def test_a_client_without_nodes_is_a_wrong_setting(chain: ChainScript) -> None:
    with pytest.raises(SettingError, match="at least one URL"):
        chain.client()
