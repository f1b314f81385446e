import asyncio
import json
from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.server import SandboxServer
from bakehouse.tezos.forging import forge
from bakehouse.tezos.operation import content_from_json, group_to_json
from tests.sandbox.sandbox_wallet import Wallet, total_mutez

HEAD = "/chains/main/blocks/head"
CONTRACTS = HEAD + "/context/contracts/"
PENDING = "/chains/main/mempool/pending_operations"


@pytest.fixture
def wallet(server: SandboxServer) -> Wallet:
    return Wallet(server.chain, server.payout_secret_key)


async def get(http: httpx2.AsyncClient, path: str) -> Any:
    answer = await http.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def post(http: httpx2.AsyncClient, path: str, body: Any) -> Any:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


async def inject(http: httpx2.AsyncClient, signed_bytes: bytes) -> str:
    return str(await post(http, "/injection/operation", signed_bytes.hex()))


async def test_a_payout_lives_from_its_simulation_to_its_receipt(
    server: SandboxServer, http: httpx2.AsyncClient, wallet: Wallet
) -> None:
    recipients = [address for address, _ in server.chain.rights.snapshot(1_400).delegators]
    total_before = total_mutez(server.chain) - server.chain.head.issued
    assert await get(http, CONTRACTS + wallet.address + "/manager_key") is None
    group = wallet.group(*((address, 1_000_000) for address in recipients), reveals=True)
    document = group_to_json(group)

    simulated = await post(
        http,
        HEAD + "/helpers/scripts/simulate_operation",
        {"operation": document, "chain_id": server.chain_id},
    )
    forged = await post(http, HEAD + "/helpers/forge/operations", document)
    signed_bytes = wallet.sign(group)
    hash_text = await inject(http, signed_bytes)
    pending = await get(http, PENDING + "?version=2")
    block = server.bake()

    assert forged == forge(group).hex() == signed_bytes[:-64].hex()
    assert [operation["hash"] for operation in pending["validated"]] == [hash_text]
    assert await get(http, HEAD + "/operation_hashes/3") == [hash_text]
    assert await get(http, HEAD + "/operation_hashes/3/0") == hash_text
    included = await get(http, f"/chains/main/blocks/{block.hash}/operations/3/0")
    assert included["hash"] == hash_text
    assert included["branch"] == group.branch
    assert [content_from_json(each) for each in included["contents"]] == list(group.contents)
    assert included["contents"] == simulated["contents"]
    results = [each["metadata"]["operation_result"] for each in included["contents"]]
    assert {result["status"] for result in results} == {"applied"}
    allocations = sum(result.get("allocated_destination_contract", False) for result in results)
    assert allocations == len(server.chain.world.emptied) > 0
    spent = sum(
        int(update["change"])
        for each in included["contents"]
        for metadata in (each["metadata"], each["metadata"]["operation_result"])
        for update in metadata.get("balance_updates", [])
        if update.get("contract") == wallet.address
    )
    before = await get(
        http, f"/chains/main/blocks/head~1/context/contracts/{wallet.address}/balance"
    )
    after = await get(http, CONTRACTS + wallet.address + "/balance")
    assert int(after) - int(before) == spent
    assert spent == -len(recipients) * 1_001_000 - 1_000 - allocations * 64_250
    assert await get(http, CONTRACTS + wallet.address + "/manager_key") == (
        wallet.key.public_key.encode()
    )
    assert total_mutez(server.chain) == total_before + block.issued - block.burned
    assert [transfer.amount for transfer in server.transfers_from(wallet.address)] == [
        1_000_000
    ] * len(recipients)


async def test_new_heads_are_streamed_until_the_server_stops(
    server: SandboxServer, http: httpx2.AsyncClient
) -> None:
    levels: list[int] = []
    first = server.chain.head.level
    async with http.stream("GET", "/monitor/heads/main") as stream:
        async for line in stream.aiter_lines():
            levels.append(json.loads(line)["level"])
            if len(levels) == 1:
                server.bake()
                server.bake()
            if len(levels) == 3:
                server.reorg(1)
            if len(levels) == 4:
                stopping = asyncio.create_task(server.stop())

    await stopping
    assert levels == [first, first + 1, first + 2, first + 2]
