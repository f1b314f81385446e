"""What nodes are asked about blocks, accounts and constants, and answers that cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bakehouse.errors import SourceMalformedError
from bakehouse.tezos.address import parse_address
from bakehouse.tezos.base58check import Prefix, encode

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.node.conftest import ChainScript

HEADER = "/chains/main/blocks/head/header"
PAYER = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
CONTRACT = parse_address("KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat")
NEXT_PROTOCOL = encode(Prefix.PROTOCOL_HASH, bytes([3] * 32))
BLOCK_7 = encode(Prefix.BLOCK_HASH, (7).to_bytes(32))


async def test_the_head_of_a_node_is_read(stub: Stub, chain: ChainScript) -> None:
    head = await chain.client(chain.serve(stub)).head()

    assert (head.level, head.hash) == (chain.head_level, chain.block_hash(chain.head_level))
    assert head.predecessor == chain.block_hash(chain.head_level - 1)
    assert head.timestamp == chain.now - timedelta(seconds=11)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(15_267_094, 15_267_095), (BLOCK_7, 8)],
    ids=["by level", "by hash"],
)
async def test_an_answer_about_another_block_is_malformed(
    stub: Stub, chain: ChainScript, asked: str | int, answered: int
) -> None:
    chain.serve(stub).on(f"/chains/main/blocks/{asked}/header", chain.header(answered))

    with pytest.raises(SourceMalformedError, match=f"when asked for {asked}"):
        await chain.client(stub).header(asked)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("level", 15.0),
        ("level", True),
        ("hash", "BLockGenesis"),
        ("predecessor", "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHV"),
        ("timestamp", "2026-10-07T08:19:19"),
        ("timestamp", "yesterday"),
        ("timestamp", 1_790_000_000),
        ("chain_id", "mainnet"),
    ],
)
async def test_a_header_that_makes_no_sense_is_malformed(
    stub: Stub, chain: ChainScript, field: str, value: Any
) -> None:
    chain.serve(stub).on(HEADER, chain.header() | {field: value})

    with pytest.raises(SourceMalformedError, match=f"wrongly: {field} "):
        await chain.client(stub).head()


@pytest.mark.parametrize("balance", [5_000_000.0, True, "5.0", "-1", None, {"mutez": "5"}, "5e6"])
async def test_a_balance_that_is_no_whole_number_is_malformed(
    stub: Stub, chain: ChainScript, balance: Any
) -> None:
    account = f"/chains/main/blocks/head/context/contracts/{PAYER}"
    chain.serve(stub).on(f"{account}/balance", balance)

    with pytest.raises(SourceMalformedError, match="the balance must be a whole number"):
        await chain.client(stub).balance(PAYER)


@pytest.mark.parametrize(("balance", "is_allocated"), [("0", False), ("1", True)])
async def test_an_account_with_balance_is_allocated(
    stub: Stub, chain: ChainScript, balance: str, *, is_allocated: bool
) -> None:
    chain.serve(stub).on(f"/chains/main/blocks/head/context/contracts/{PAYER}/balance", balance)

    assert await chain.client(stub).is_allocated(PAYER) is is_allocated


async def test_a_contract_is_always_allocated(stub: Stub, chain: ChainScript) -> None:
    assert await chain.client(chain.serve(stub)).is_allocated(CONTRACT)
    assert stub.asked == []


async def test_an_accounts_counter_and_key_are_read(stub: Stub, chain: ChainScript) -> None:
    nodes = chain.client(chain.serve(stub))
    head = chain.block_hash(chain.head_level)

    assert await nodes.counter(PAYER, head) == 41
    assert await nodes.manager_key(PAYER, head) == chain.payer_key
    assert await nodes.balance(PAYER, head) == 5_000_000


async def test_the_operations_of_a_block_are_read(stub: Stub, chain: ChainScript) -> None:
    head = chain.block_hash(chain.head_level)
    receipt = {"operation_result": {"status": "applied", "consumed_milligas": "2168788"}}
    transfer = {
        "kind": "transaction",
        "source": PAYER,
        "fee": "500",
        "counter": "42",
        "amount": "1",
        "destination": CONTRACT,
        "metadata": receipt,
    }
    chain.serve(stub).on(f"{chain.block()}/operation_hashes/3", [chain.op_hash])
    stub.on(f"{chain.block()}/operations/3", [{"hash": chain.op_hash, "contents": [transfer]}])
    nodes = chain.client(stub)

    (operation,) = await nodes.manager_operations(head)

    assert await nodes.operation_hashes(head) == (operation.hash,)
    assert operation.contents[0].destination == CONTRACT


async def test_constants_are_read_once_for_a_protocol(stub: Stub, chain: ChainScript) -> None:
    nodes = chain.client(chain.serve(stub))

    assert await nodes.constants() == await nodes.constants()
    assert sum("constants" in each.path for each in stub.asked) == 1


async def test_the_last_block_of_a_protocol_has_the_constants_of_the_next(
    stub: Stub, chain: ChainScript
) -> None:
    nodes = chain.client(chain.serve(stub))
    before = await nodes.constants()
    last = chain.head_level + 1
    path = f"{chain.block(last)}"
    stub.on(HEADER, chain.header(last))
    stub.on(f"{path}/protocols", {"protocol": chain.protocol, "next_protocol": NEXT_PROTOCOL})
    stub.on(f"{path}/context/constants", chain.constants | {"blocks_per_cycle": 28800})

    after = await nodes.constants()

    assert (before.blocks_per_cycle, after.blocks_per_cycle) == (14400, 28800)


async def test_block_metadata_tells_cycle_and_lifetime(stub: Stub, chain: ChainScript) -> None:
    metadata = await chain.client(chain.serve(stub)).block_metadata(
        chain.block_hash(chain.head_level)
    )

    assert (metadata.level, metadata.cycle, metadata.cycle_position) == (
        chain.head_level,
        1375,
        12410,
    )
    assert metadata.max_operations_ttl == 600


async def test_the_fee_filter_of_the_preferred_node_is_read(stub: Stub, chain: ChainScript) -> None:
    document = {
        "minimal_fees": "100",
        "minimal_nanotez_per_gas_unit": ["100", "1"],
        "minimal_nanotez_per_byte": ["1000", "1"],
    }
    chain.serve(stub).on("/chains/main/mempool/filter", document)

    fee_filter = await chain.client(stub).fee_filter()

    assert fee_filter.minimal_fees == 100
    assert stub.asked[-1].query == {"include_default": "true"}


@pytest.mark.parametrize(
    ("age_seconds", "expected"),
    [(0, 6), (2, 5), (4, 3), (5, 2), (6, 2), (40, 2), (-30, 6)],
    ids=["just baked", "2 s old", "4 s old", "due", "overdue", "late", "clocks differ"],
)
async def test_the_next_block_is_due_a_blocks_time_after_the_newest_has_come(
    stub: Stub, chain: ChainScript, age_seconds: int, expected: int
) -> None:
    baked_at = (chain.now - timedelta(seconds=age_seconds)).isoformat()
    chain.serve(stub).on(HEADER, chain.header(chain.head_level, timestamp=baked_at))
    client = chain.client(stub)
    await client.head()

    assert await client.seconds_to_next_block() == expected


async def test_while_no_head_is_known_a_block_is_waited_for_in_full(
    stub: Stub, chain: ChainScript
) -> None:
    assert await chain.client(chain.serve(stub)).seconds_to_next_block() == 6
