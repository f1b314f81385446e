"""What signing is built on: one node, one block, a branch that no reorg can take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bakehouse.errors import SettingError, SourceMalformedError
from bakehouse.tezos.address import parse_address

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.node.conftest import ChainScript

HEADER = "/chains/main/blocks/head/header"
PAYER = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")


async def test_signing_reads_everything_from_one_node_at_one_block(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    context = await chain.client(chain.serve(stub), chain.serve(other_stub)).signing_context(
        PAYER, life_blocks=61
    )

    assert context.source == "node-1"
    assert context.head.level == chain.head_level
    assert context.final.level == chain.head_level - 2
    # 600 blocks and one more: in the block 61 above the head it may be, in the next it may not.
    assert context.branch.level + 601 == chain.head_level + 61
    assert (context.counter, context.balance, context.manager_key) == (
        41,
        5_000_000,
        chain.payer_key,
    )
    assert context.max_operations_ttl == context.constants.max_operations_time_to_live == 600
    by_name = ("/chains/main/chain_id", HEADER)
    assert all(
        chain.block_hash(chain.head_level) in each.path
        for each in stub.asked
        if each.path not in by_name
    )
    assert other_stub.asked == []


async def test_signing_never_mixes_two_nodes(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    chain.serve(stub, level=chain.head_level + 1)
    broken = f"{chain.block(chain.head_level + 1)}/context/contracts/{PAYER}/balance"
    stub.on(broken, stub.html(502))
    nodes = chain.client(stub, chain.serve(other_stub))

    context = await nodes.signing_context(PAYER, life_blocks=61)

    assert context.source == "node-2"
    assert context.head.level == chain.head_level


async def test_an_account_without_revealed_key_has_none(stub: Stub, chain: ChainScript) -> None:
    account = f"{chain.block()}/context/contracts/{PAYER}"
    chain.serve(stub).on(f"{account}/manager_key", None)

    context = await chain.client(stub).signing_context(PAYER, life_blocks=61)

    assert context.manager_key is None


@pytest.mark.parametrize("life", [0, -1])
async def test_a_group_that_could_be_in_no_block_is_refused(
    stub: Stub, chain: ChainScript, life: int
) -> None:
    with pytest.raises(SettingError, match="a life of 1 block or more"):
        await chain.client(chain.serve(stub)).signing_context(PAYER, life_blocks=life)


async def test_however_long_a_life_is_wanted_the_branch_is_final(
    stub: Stub, chain: ChainScript
) -> None:
    context = await chain.client(chain.serve(stub)).signing_context(PAYER, life_blocks=10_000)

    assert context.branch.level == chain.head_level - 2


async def test_a_branch_is_as_deep_as_a_young_chain_goes(stub: Stub, chain: ChainScript) -> None:
    chain.serve(stub, level=5)
    fresh = chain.now.isoformat()
    stub.on(HEADER, chain.header(5, timestamp=fresh))
    stub.on(f"{chain.block(5)}~2/header", chain.header(3))
    stub.on(f"{chain.block(5)}~4/header", chain.header(1))

    context = await chain.client(stub).signing_context(PAYER, life_blocks=61)

    assert context.branch.level == 1


async def test_a_branch_at_another_depth_is_malformed(stub: Stub, chain: ChainScript) -> None:
    at_head = chain.block()
    chain.serve(stub).on(f"{at_head}~540/header", chain.header(chain.head_level - 1))

    with pytest.raises(SourceMalformedError, match="for the one 540 below"):
        await chain.client(stub).signing_context(PAYER, life_blocks=61)
