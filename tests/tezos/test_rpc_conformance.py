"""Answers recorded from real nodes and the real indexer, read by the code that production uses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from bakehouse.errors import NodeRefusedError
from bakehouse.tezos import node_rpc
from bakehouse.tezos.address import parse_address
from bakehouse.tezos.block import parse_header, parse_metadata
from bakehouse.tezos.constants import parse_constants
from bakehouse.tezos.fees import parse_fee_filter
from bakehouse.tezos.indexer_head import parse_indexer_head
from bakehouse.tezos.operation import group_from_json
from bakehouse.tezos.receipt import (
    Status,
    parse_manager_operations,
    parse_operation_hashes,
    parse_simulation,
)

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub

pytestmark = pytest.mark.conformance

PAYER = parse_address("tz1N4UfQCahHkRShBanv9QP9TnmXNgCaqCyZ")


def recorded(folder: Path, name: str) -> Any:
    return json.loads((folder / "rpc" / name).read_bytes())


def header_of(block: dict[str, Any]) -> dict[str, Any]:
    """Take a header out of a whole block, in the shape that the header alone has."""
    return {**block["header"], **{name: block[name] for name in ("hash", "protocol", "chain_id")}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constants/trd-constants-30Jun2024.json", (24_576, 10, 360, 1_733_333)),
        ("constants/kukai-constants-paris.json", (10_800, 8, 450, 1_386_666)),
        ("parameters/022-PsRiotum-parameters-mainnet.json", (10_800, 8, 450, 1_386_666)),
        ("parameters/023-PtSeouLo-parameters-mainnet.json", (10_800, 8, 450, 1_386_666)),
        ("parameters/024-PtTALLiN-parameters-mainnet.json", (14_400, 6, 600, 1_040_000)),
        ("parameters/025-PsUshuai-parameters-mainnet.json", (14_400, 6, 600, 1_040_000)),
    ],
)
def test_constants_of_every_recent_protocol_are_read(
    chain_fixtures: Path, name: str, expected: tuple[int, ...]
) -> None:
    constants = parse_constants(recorded(chain_fixtures, name))

    assert expected == (
        constants.blocks_per_cycle,
        constants.minimal_block_delay_seconds,
        constants.max_operations_time_to_live,
        constants.hard_gas_limit_per_block,
    )
    assert constants.hard_gas_limit_per_operation == 1_040_000
    assert constants.allocation_burn == 64_250
    assert constants.max_operation_data_length in {None, 32_768}


@pytest.mark.parametrize(
    ("name", "level", "made_at"),
    [
        ("trd-head-10-00", 5_941_097, datetime(2024, 6, 30, 14, 0, 15, tzinfo=UTC)),
        (
            "getblock-mainnet-15267099-excerpt",
            15_267_099,
            datetime(2026, 10, 7, 8, 19, 19, tzinfo=UTC),
        ),
    ],
)
def test_headers_of_blocks_are_read(
    chain_fixtures: Path, name: str, level: int, made_at: datetime
) -> None:
    block = recorded(chain_fixtures, f"block/{name}.json")
    header = parse_header(header_of(block))

    assert (header.level, header.timestamp) == (level, made_at)
    assert (header.hash, header.chain_id) == (block["hash"], "NetXdQprcVkpaWU")


@pytest.mark.parametrize(
    ("name", "level", "cycle", "lifetime"),
    [
        ("trd-head-10-00", 5_941_097, 751, 360),
        ("getblock-mainnet-15267099-excerpt", 15_267_099, 1375, 600),
    ],
)
def test_metadata_of_blocks_are_read(
    chain_fixtures: Path, name: str, level: int, cycle: int, lifetime: int
) -> None:
    block = recorded(chain_fixtures, f"block/{name}.json")
    metadata = parse_metadata(block["metadata"])

    assert (metadata.level, metadata.cycle) == (level, cycle)
    assert metadata.max_operations_ttl == lifetime
    assert metadata.protocol == metadata.next_protocol == block["protocol"]


def test_manager_operations_of_a_block_are_read_whatever_their_kind(chain_fixtures: Path) -> None:
    block = recorded(chain_fixtures, "block/trd-head-10-00.json")
    (operation,) = parse_manager_operations(block["operations"][3])
    (content,) = operation.contents

    assert operation.hash == "ooSYA1ZCsk9cQmKkPNNvaGv3Hr6yGCRuNkaw15CVXi9gRaUwXfK"
    assert (content.kind, content.counter, content.fee) == (
        "smart_rollup_add_messages",
        133_677_095,
        1686,
    )
    assert (content.destination, content.amount) == (None, None)
    assert content.result.status is Status.APPLIED


def test_operation_hashes_are_read(chain_fixtures: Path) -> None:
    block = recorded(chain_fixtures, "block/trd-head-10-00.json")
    hashes = [operation["hash"] for operation in block["operations"][0]]

    assert parse_operation_hashes(hashes) == tuple(hashes)
    assert len(hashes) == 182


@pytest.mark.parametrize("number", range(4))
def test_simulations_of_a_real_payout_are_read(chain_fixtures: Path, number: int) -> None:
    exchange = recorded(chain_fixtures, f"run_operation/trd-run_operation-{number:02}.json")
    sent = exchange["request"]["body"]["operation"]["contents"]
    answered = exchange["response"]["body"]
    results = parse_simulation(answered)

    assert len(results) == len(sent)
    assert all(result.status is Status.APPLIED and result.errors == () for result in results)
    assert [result.consumed_milligas for result in results] == [
        int(content["metadata"]["operation_result"]["consumed_milligas"])
        for content in answered["contents"]
    ]
    assert [result.allocated_destination for result in results] == [
        "allocated_destination_contract" in content["metadata"]["operation_result"]
        for content in answered["contents"]
    ]


@pytest.mark.parametrize(
    ("name", "milligas"),
    [
        ("run_operation/kukai-run_operation.json", [1_000_000, 1_427_000]),
        ("simulate/kukai-transfer-response.json", [1_000_000, 1_427_000]),
        ("simulate/kukai-stake-response.json", [3_629_053]),
    ],
)
def test_simulations_of_a_wallet_are_read(
    chain_fixtures: Path, name: str, milligas: list[int]
) -> None:
    results = parse_simulation(recorded(chain_fixtures, name))

    assert [result.consumed_milligas for result in results] == milligas


def test_an_application_ahead_of_injection_is_read(chain_fixtures: Path) -> None:
    (answered,) = recorded(chain_fixtures, "preapply/kukai-preapply.json")

    assert [result.status for result in parse_simulation(answered)] == [Status.APPLIED] * 2


@pytest.mark.parametrize("number", range(2))
async def test_a_recorded_refusal_of_a_body_keeps_its_words(
    chain_fixtures: Path, stub: Stub, client: httpx2.AsyncClient, number: int
) -> None:
    response = recorded(chain_fixtures, f"preapply/trd-preapply-{number:02}.json")["response"]
    stub.on("/injection/operation", stub.text(response["status"], response["body"]))

    with pytest.raises(NodeRefusedError, match="HTTP 400: Failed to parse the request body"):
        await node_rpc.inject(stub.source(client), b"\x00")


def test_a_failed_content_names_its_error(chain_fixtures: Path) -> None:
    (answered,) = recorded(chain_fixtures, "errors/kukai-gas-exhausted.json")
    (result,) = parse_simulation(answered)

    assert result.status is Status.FAILED
    assert result.errors == ("proto.009-PsFLoren.gas_exhausted.operation",)


def test_a_simulation_is_asked_for_as_a_wallet_does(
    chain_fixtures: Path,
) -> None:
    request = recorded(chain_fixtures, "simulate/kukai-transfer-request.json")

    # Read by our own code, so that fields we would not know stand out.
    assert len(group_from_json(request["operation"]).contents) == 2
    assert set(request) == {"operation", "chain_id"}


async def test_the_errors_of_a_recorded_refusal_are_named(
    chain_fixtures: Path, stub: Stub, client: httpx2.AsyncClient
) -> None:
    body = (chain_fixtures / "rpc/errors/kukai-counter-in-the-future.json").read_bytes()
    stub.on("/injection/operation", stub.raw(body, 500))

    with pytest.raises(NodeRefusedError) as caught:
        await node_rpc.inject(stub.source(client), b"\x00")

    assert caught.value.error_ids == ("proto.013-PtJakart.contract.counter_in_the_future",)


async def test_a_recorded_failure_of_a_node_keeps_its_words(
    chain_fixtures: Path, stub: Stub, client: httpx2.AsyncClient
) -> None:
    body = (chain_fixtures / "rpc/errors/kukai-assert.json").read_bytes()
    stub.on("/injection/operation", stub.raw(body, 500))

    with pytest.raises(NodeRefusedError, match="Assert_failure"):
        await node_rpc.inject(stub.source(client), b"\x00")


async def test_what_nodes_tell_of_an_account_is_read(
    chain_fixtures: Path, stub: Stub, client: httpx2.AsyncClient
) -> None:
    account = f"/chains/main/blocks/head/context/contracts/{PAYER}"
    for question, name in (
        (f"{account}/balance", "balance/kukai-balance.json"),
        (f"{account}/counter", "counter/trd-counter-00.json"),
        (f"{account}/manager_key", "manager_key/kukai-manager_key.json"),
        ("/injection/operation", "injection/kukai-inject.json"),
    ):
        stub.on(question, recorded(chain_fixtures, name))
    node = stub.source(client)

    assert await node_rpc.balance(node, PAYER, "head") == 97_575
    assert await node_rpc.counter(node, PAYER, "head") == 7_117_400
    assert await node_rpc.manager_key(node, PAYER, "head") == (
        "edpkvCbYCa6d6g9hEcK6tvwgsY9jfB4HDzp3jZSBwfuWNSvxE5T5KR"
    )
    assert await node_rpc.inject(node, b"\x00") == (
        "ooYfbDtBXixvdq1Tjwz6XQWPUwsyio458TXMxtxzomgzJ4z32dB"
    )


def test_the_fee_filter_of_an_ushuaia_node_is_read(chain_fixtures: Path) -> None:
    output = (chain_fixtures / "rpc/octez-regression/u025-mempool.out").read_text()
    _, _, after = output.partition("rpc get '/chains/main/mempool/filter?include_default=true'\n")
    document, _ = json.JSONDecoder().raw_decode(after)
    fee_filter = parse_fee_filter(document)

    assert fee_filter.minimal_fees == 100
    assert fee_filter.nanotez_per_gas_unit == 100
    assert fee_filter.nanotez_per_byte == 1000


@pytest.mark.parametrize(
    ("name", "chain_id", "level", "cycle"),
    [
        ("trd-head-30Jun2024", "NetXdQprcVkpaWU", 5_942_484, 751),
        ("kukai-head-ghostnet-2024-11-22", "NetXnHfVqm9iesp", 9_189_858, 1273),
    ],
)
def test_heads_of_the_indexer_are_read(
    chain_fixtures: Path, name: str, chain_id: str, level: int, cycle: int
) -> None:
    document = json.loads((chain_fixtures / f"tzkt/head/{name}.json").read_bytes())
    head = parse_indexer_head(document)

    assert (head.chain_id, head.level, head.cycle) == (chain_id, level, cycle)
    assert head.synced
    assert head.known_level == level
