"""What one node says of a block, or of an operation that is in none; each speaks for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bakehouse.tezos.address import parse_address
from bakehouse.tezos.block import parse_header
from bakehouse.tezos.testimony import AbsenceQuestion

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.node.conftest import ChainScript

PAYER = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
BORN, FINAL = 100, 103


@pytest.fixture
def question(chain: ChainScript) -> AbsenceQuestion:
    final = parse_header(chain.header(FINAL))
    return AbsenceQuestion(chain.op_hash, PAYER, BORN, chain.block_hash(BORN), final)


def tell(stub: Stub, chain: ChainScript) -> Stub:
    """Serve the blocks from birth to the final one, all of them empty."""
    stub.on("/chains/main/chain_id", chain.chain_id)
    stub.on(f"/chains/main/blocks/{FINAL}/header", chain.header(FINAL))
    for level in range(BORN, FINAL + 1):
        stub.on(f"{chain.block(level)}/header", chain.header(level))
        stub.on(f"{chain.block(level)}/operation_hashes/3", [])
    stub.on(f"{chain.block(FINAL)}/context/contracts/{PAYER}/counter", "41")
    return stub


async def test_a_node_that_shows_every_block_confirms_absence_and_tells_the_counter(
    stub: Stub, chain: ChainScript, question: AbsenceQuestion
) -> None:
    (word,) = await chain.client(tell(stub, chain)).on_absence(question)

    assert (word.source, word.confirms, word.counter) == ("node-1", True, 41)
    assert "blocks 101 to 103" in word.words


async def test_a_block_that_holds_the_operation_contradicts(
    stub: Stub, chain: ChainScript, question: AbsenceQuestion
) -> None:
    tell(stub, chain).on(f"{chain.block(102)}/operation_hashes/3", [chain.op_hash])

    (word,) = await chain.client(stub).on_absence(question)

    assert (word.confirms, word.words) == (False, "it is in block 102")


async def test_a_block_it_does_not_have_leaves_a_node_silent(
    stub: Stub, chain: ChainScript, question: AbsenceQuestion
) -> None:
    tell(stub, chain).on(f"{chain.block(101)}/header", stub.text(404, "No service found"))

    (word,) = await chain.client(stub).on_absence(question)

    assert word.confirms is None


async def test_blocks_that_do_not_follow_each_other_prove_nothing(
    stub: Stub, chain: ChainScript, question: AbsenceQuestion
) -> None:
    tell(stub, chain).on(f"{chain.block(102)}/header", chain.header(101))

    (word,) = await chain.client(stub).on_absence(question)

    assert word.confirms is None
    assert "block 103 does not follow" in word.words


async def test_another_block_at_birth_contradicts(
    stub: Stub, chain: ChainScript, question: AbsenceQuestion
) -> None:
    other = chain.block_hash(7)
    tell(stub, chain).on(f"{chain.block(101)}/header", chain.header(101, predecessor=other))
    stub.on(f"/chains/main/blocks/{other}/header", chain.header(100, hash=other))

    (word,) = await chain.client(stub).on_absence(question)

    assert word.confirms is False
    assert "was final" in word.words


async def test_another_final_block_contradicts(
    stub: Stub, chain: ChainScript, question: AbsenceQuestion
) -> None:
    other = chain.block_hash(7)
    tell(stub, chain).on(f"/chains/main/blocks/{FINAL}/header", chain.header(FINAL, hash=other))

    (word,) = await chain.client(stub).on_absence(question)

    assert word.confirms is False


async def test_every_node_is_asked_and_one_that_fails_is_merely_silent(
    stub: Stub, other_stub: Stub, chain: ChainScript
) -> None:
    tell(stub, chain)
    other_stub.on("/chains/main/chain_id", chain.chain_id)
    other_stub.on(f"/chains/main/blocks/{FINAL}/header", stub.html(502))

    words = await chain.client(stub, other_stub).on_block(FINAL, chain.block_hash(FINAL))

    assert [(each.source, each.confirms) for each in words] == [("node-1", True), ("node-2", None)]
