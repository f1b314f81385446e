"""Broadcasts: the same bytes to every node, once, and errors that prove nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bakehouse.errors import (
    NodeRefusedError,
    SourceBusyError,
    SourceUnreachableError,
    WrongChainError,
)

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.node.conftest import ChainScript

INJECTION = "/injection/operation"
HEADER = "/chains/main/blocks/head/header"


async def test_the_same_bytes_go_to_every_node_once(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(chain.serve(stub), chain.serve(other_stub))

    injections = await nodes.broadcast(b"\x00\xff")

    assert [(each.source, each.op_hash, each.error) for each in injections] == [
        ("node-1", chain.op_hash, None),
        ("node-2", chain.op_hash, None),
    ]
    for each in (stub, other_stub):
        assert each.count(INJECTION) == 1
        assert each.asked[-1].body == b'"00ff"'


async def test_a_broadcast_is_not_repeated_whatever_a_node_answers(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    chain.serve(stub).on(INJECTION, stub.cut(b'"oo'), chain.op_hash)
    chain.serve(other_stub).on(INJECTION, stub.html(502), chain.op_hash)

    lost, busy = await chain.client(stub, other_stub).broadcast(b"\x00\xff")

    assert isinstance(lost.error, SourceUnreachableError)
    assert isinstance(busy.error, SourceBusyError)
    assert stub.count(INJECTION) == other_stub.count(INJECTION) == 1


async def test_a_refusal_of_one_node_keeps_nothing_from_the_other(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    refusal = "prevalidation.operation_conflict"
    chain.serve(stub).on(INJECTION, stub.refusal(refusal))

    refused, taken = await chain.client(stub, chain.serve(other_stub)).broadcast(b"\x00\xff")

    assert isinstance(refused.error, NodeRefusedError)
    assert refused.error.error_ids == (refusal,)
    assert taken.op_hash == chain.op_hash


async def test_a_node_of_another_chain_is_sent_nothing(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(chain.serve(stub, chain=chain.other_chain_id), chain.serve(other_stub))

    wrong, right = await nodes.broadcast(b"\x00\xff")

    assert isinstance(wrong.error, WrongChainError)
    assert right.op_hash == chain.op_hash
    assert stub.count(INJECTION) == 0


async def test_a_node_that_failed_a_moment_ago_does_not_delay_a_broadcast(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    stub.on("/chains/main/chain_id", stub.html(502))
    nodes = chain.client(stub, chain.serve(other_stub))
    await nodes.head()

    injections = await nodes.broadcast(b"\x00\xff")

    assert [each.source for each in injections] == ["node-2"]


async def test_when_all_nodes_failed_all_are_tried_again(stub: Stub, chain: ChainScript) -> None:
    nodes = chain.client(chain.serve(stub))
    stub.on(HEADER, stub.html(502))
    with pytest.raises(SourceBusyError):
        await nodes.head()

    (injection,) = await nodes.broadcast(b"\x00\xff")

    assert injection.op_hash == chain.op_hash


async def test_the_words_in_which_a_node_refuses_an_operation_are_kept(
    stub: Stub, chain: ChainScript
) -> None:
    # Of a refused injection a node gives no protocol id, only these words.
    said = "Error while validating injected operation:\n  Counter 5 already used"
    chain.serve(stub).on(INJECTION, stub.refusal("failure", msg=said))

    (refused,) = await chain.client(stub).broadcast(b"\x00\xff")

    assert refused.error is not None
    assert "operation: Counter 5 already used" in refused.error.message
