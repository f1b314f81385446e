"""Simulations: asked without a key, answered content by content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bakehouse.errors import NodeRefusedError, SourceMalformedError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import parse_address
from bakehouse.tezos.operation import OperationGroup, Transaction
from bakehouse.tezos.receipt import ContentResult, Status

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.node.conftest import ChainScript

PAYER = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
SIMULATION = "/chains/main/blocks/head/helpers/scripts/simulate_operation"
BRANCH = "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU"


def group(*, count: int = 1) -> OperationGroup:
    transfers = (
        Transaction(PAYER, Mutez(500), 42 + index, 2269, 0, Mutez(1), PAYER)
        for index in range(count)
    )
    return OperationGroup(BRANCH, tuple(transfers))


async def test_a_simulation_tells_gas_and_allocation(stub: Stub, chain: ChainScript) -> None:
    result = {
        "status": "applied",
        "consumed_milligas": "2168821",
        "allocated_destination_contract": True,
    }
    chain.serve(stub).on(SIMULATION, {"contents": [{"metadata": {"operation_result": result}}]})

    results = await chain.client(stub).simulate(group())

    assert results == (
        ContentResult(
            Status.APPLIED,
            consumed_milligas=2_168_821,
            allocated_destination=True,
            other_allocations=0,
            paid_storage_size_diff=0,
            errors=(),
        ),
    )


async def test_a_simulation_is_asked_for_without_a_key(stub: Stub, chain: ChainScript) -> None:
    chain.serve(stub).on(
        SIMULATION, stub.refusal("proto.025-PsUshuai.contract.counter_in_the_past")
    )

    with pytest.raises(NodeRefusedError, match="counter_in_the_past"):
        await chain.client(stub).simulate(group())

    body = json.loads(stub.asked[-1].body)
    assert body["chain_id"] == chain.chain_id
    assert body["operation"]["branch"] == BRANCH
    assert body["operation"]["contents"][0]["amount"] == "1"
    # The signature of 64 zero bytes, which wallets use as well.
    assert body["operation"]["signature"] == (
        "edsigtXomBKi5CTRf5cjATJWSyaRvhfYNHqSUGrn4SdbYRcGwQrUGjzEfQDTuqHhuA8b2d8NarZjz8TRf65WkpQmo423BtomS8Q"
    )


async def test_a_simulation_of_other_contents_is_malformed(stub: Stub, chain: ChainScript) -> None:
    result = {"status": "applied", "consumed_milligas": "1000"}
    chain.serve(stub).on(SIMULATION, {"contents": [{"metadata": {"operation_result": result}}]})

    with pytest.raises(SourceMalformedError, match="1 contents of a group of 2"):
        await chain.client(stub).simulate(group(count=2))
