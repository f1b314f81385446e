from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_json import timestamp_text
from bakehouse.sandbox.protocol import PROTOCOL_HASH
from bakehouse.sandbox.validation import read_signed
from bakehouse.tezos.base58check import Prefix, decode
from bakehouse.tezos.operation import group_to_json
from tests.sandbox.sandbox_wallet import UNUSED, Wallet, with_each

HEAD = "/chains/main/blocks/head"
CONTRACTS = HEAD + "/context/contracts/"
PENDING = "/chains/main/mempool/pending_operations"
PREFIX = "proto.025-PsUshuai."


async def get(api: httpx2.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def post(api: httpx2.AsyncClient, path: str, body: Any) -> Any:
    answer = await api.post(path, json=body)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


async def test_a_node_says_who_it_is(chain: Chain, api: httpx2.AsyncClient) -> None:
    version = await get(api, "/version")
    assert version["network_version"] == await get(api, "/network/version")
    assert await get(api, "/chains/main/chain_id") == chain.chain_id
    assert await get(api, f"/chains/{chain.chain_id}/chain_id") == chain.chain_id
    assert decode(chain.chain_id)[0] is Prefix.CHAIN_ID
    assert chain.chain_id != "NetXdQprcVkpaWU"
    assert (await get(api, "/chains/main/is_bootstrapped"))["bootstrapped"] is True


@pytest.mark.parametrize("back", ["head~2", "head-2", "{level}", "{hash}", "{next_hash}~1"])
async def test_a_block_has_many_names(chain: Chain, api: httpx2.AsyncClient, back: str) -> None:
    block, following, _ = chain.bake(), chain.bake(), chain.bake()
    name = back.format(level=block.level, hash=block.hash, next_hash=following.hash)

    header = await get(api, f"/chains/main/blocks/{name}/header")

    assert (header["level"], header["hash"]) == (block.level, block.hash)
    assert header["timestamp"] == timestamp_text(block.timestamp)
    assert await get(api, f"/chains/main/blocks/{name}/hash") == block.hash


async def test_the_600th_block_before_the_head_and_the_first_of_all_can_be_read(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    old = await get(api, "/chains/main/blocks/head~600")
    genesis = await get(api, "/chains/main/blocks/genesis/header")

    assert old["header"]["level"] == chain.head.level - 600
    assert old["operations"] == [[], [], [], []]
    live = await get(api, HEAD + "/live_blocks")
    assert len(live) == 601
    assert old["hash"] in live
    assert genesis["level"] == 0


async def test_metadata_places_a_block_in_its_cycle(chain: Chain, api: httpx2.AsyncClient) -> None:
    while chain.bake().level < chain.cycle_length.first_level(1_401):
        pass

    metadata = await get(api, HEAD + "/metadata")
    last_of_cycle = await get(api, "/chains/main/blocks/head~1/metadata")

    assert metadata["level_info"]["cycle"] == 1_401
    assert metadata["level_info"]["cycle_position"] == 0
    assert metadata["max_operations_ttl"] == 600
    minted = [update for update in last_of_cycle["balance_updates"] if update["kind"] == "minted"]
    assert {"attesting rewards"} <= {update["category"] for update in minted}
    assert sum(int(update["change"]) for update in last_of_cycle["balance_updates"]) == 0


async def test_constants_are_those_of_ushuaia_but_for_the_length_of_cycles_and_blocks(
    api: httpx2.AsyncClient,
) -> None:
    constants = await get(api, HEAD + "/context/constants")

    assert constants["blocks_per_cycle"] == 30
    assert constants["minimal_block_delay"] == "1"
    assert constants["hard_gas_limit_per_operation"] == "1040000"
    assert constants["max_operations_time_to_live"] == 600
    assert constants["origination_size"] * int(constants["cost_per_byte"]) == 64_250


async def test_an_account_that_was_never_used_reads_as_a_node_reads_it(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    counter = str(chain.head.global_counter)
    contract = await get(api, CONTRACTS + UNUSED[0])

    assert contract == {"balance": "0", "counter": counter, "revealed": False}
    assert await get(api, CONTRACTS + UNUSED[0] + "/balance") == "0"
    assert await get(api, CONTRACTS + UNUSED[0] + "/counter") == counter
    assert await get(api, CONTRACTS + UNUSED[0] + "/manager_key") is None
    assert (await api.get(CONTRACTS + UNUSED[0] + "/delegate")).status_code == 404


async def test_the_bakers_stake_counts_in_its_full_balance_only(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    baker = CONTRACTS + chain.world.baker
    snapshot = chain.rights.snapshot(1_400)

    assert await get(api, baker + "/balance") == str(snapshot.own_delegated)
    assert await get(api, baker + "/spendable") == str(snapshot.own_delegated)
    full = str(snapshot.own_delegated + snapshot.own_staked)
    assert await get(api, baker + "/full_balance") == full
    assert await get(api, baker + "/delegate") == chain.world.baker


async def test_a_contract_has_no_counter_and_no_key(chain: Chain, api: httpx2.AsyncClient) -> None:
    delegators = chain.rights.snapshot(1_400).delegators
    contract = next(address for address, _ in delegators if address.startswith("KT1"))

    document = await get(api, CONTRACTS + contract)

    assert document.keys() == {"balance", "delegate", "script"}
    for path in ("/counter", "/manager_key"):
        assert (await api.get(CONTRACTS + contract + path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/nonsense",
        "/chains/main/nonsense",
        "/chains/elsewhere/chain_id",
        HEAD + "/nonsense",
        HEAD + "/operations/4",
        HEAD + "/operations/3/0",
        HEAD + "/operation_hashes/9",
        "/chains/main/blocks/head~99999999/header",
        "/chains/main/blocks/999999/header",
        "/chains/main/blocks/tail/header",
        "/chains/main/blocks/BL6eya89cPvUAZm7s9GvVcd91Vov3S3ajSJBLc6sbA2EBaWpPyg/header",
        CONTRACTS + "KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn",
        "/injection/operation",
    ],
)
async def test_what_is_not_there_is_a_404_in_plain_text(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (HEAD + "/helpers/forge/operations", []),
        (HEAD + "/helpers/forge/operations", {"branch": "B", "contents": []}),
        (HEAD + "/helpers/scripts/simulate_operation", {"chain_id": "x"}),
        (HEAD + "/helpers/preapply/operations", {}),
        (HEAD + "/helpers/parse/operations", {"operations": [{"branch": "x", "data": "zz"}]}),
        ("/injection/operation", "not hexadecimal"),
        ("/injection/operation", 12),
    ],
)
async def test_a_malformed_body_is_a_400_in_plain_text(
    api: httpx2.AsyncClient, path: str, body: Any
) -> None:
    answer = await api.post(path, json=body)

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert (await api.post(path, content=b"{")).status_code == 400


async def test_a_malformed_address_is_a_400(api: httpx2.AsyncClient) -> None:
    answer = await api.get(CONTRACTS + "tz1nonsense/balance")

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/scripts/simulate_operation", "/scripts/run_operation"])
async def test_simulating_an_invalid_operation_answers_500_with_the_protocols_error(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet, path: str
) -> None:
    group = with_each(payer.group((UNUSED[0], 1)), counter=payer.next_counter - 1)

    answer = await api.post(
        HEAD + "/helpers" + path,
        json={"operation": group_to_json(group), "chain_id": chain.chain_id},
    )

    assert answer.status_code == 500
    assert answer.json() == [
        {
            "kind": "branch",
            "id": PREFIX + "contract.counter_in_the_past",
            "contract": payer.address,
            "expected": str(payer.next_counter),
            "found": str(payer.next_counter - 1),
        }
    ]


async def test_preapplication_gives_receipts_for_signed_operations(
    api: httpx2.AsyncClient, payer: Wallet
) -> None:
    group = payer.group((UNUSED[0], 1))
    signature = payer.key.public_key.encode_signature(payer.sign(group)[-64:])
    operation = {"protocol": PROTOCOL_HASH, **group_to_json(group), "signature": signature}

    (preapplied,) = await post(api, HEAD + "/helpers/preapply/operations", [operation])

    assert preapplied["signature"] == signature
    result = preapplied["contents"][0]["metadata"]["operation_result"]
    assert result["status"] == "applied"
    assert result["allocated_destination_contract"] is True


async def test_operations_are_parsed_back(api: httpx2.AsyncClient, payer: Wallet) -> None:
    group = payer.group((UNUSED[0], 1), reveals=True)
    body = {"operations": [{"branch": group.branch, "data": payer.sign(group)[32:].hex()}]}

    (parsed,) = await post(api, HEAD + "/helpers/parse/operations", body)

    assert {"branch": parsed["branch"], "contents": parsed["contents"]} == group_to_json(group)


async def test_a_refused_injection_answers_500_with_a_sentence(
    api: httpx2.AsyncClient, payer: Wallet
) -> None:
    cheap = with_each(payer.group((UNUSED[0], 1)), fee=1)

    answer = await api.post("/injection/operation", json=payer.sign(cheap).hex())

    assert answer.status_code == 500
    (error,) = answer.json()
    assert (error["kind"], error["id"]) == ("temporary", "failure")
    assert "Operation fees are too low" in error["msg"]
    asynchronous = await api.post("/injection/operation?async=true", json=payer.sign(cheap).hex())
    assert asynchronous.status_code == 200


async def test_pending_operations_can_be_filtered(api: httpx2.AsyncClient, payer: Wallet) -> None:
    hash_text = payer.send((UNUSED[0], 1))
    payer.chain.hear_of(read_signed(payer.sign(with_each(payer.group((UNUSED[0], 1)), fee=1))))

    async def found(query: str) -> dict[str, int]:
        pending = await get(api, f"{PENDING}?{query}")
        return {name: len(operations) for name, operations in pending.items() if operations}

    both = {"validated": 1, "refused": 1}
    assert await found("") == both
    assert await found("version=2&validated=false") == {"refused": 1}
    assert await found("refused=false") == {"validated": 1}
    assert await found(f"source={payer.address}") == both
    assert await found(f"source={UNUSED[0]}") == {}
    assert await found(f"operation_hash={hash_text}") == {"validated": 1}
    assert await found("validation_pass=0") == {}
    assert await found("validation_pass=0&validation_pass=3") == both
    assert await found("version=1") == {"applied": 1, "refused": 1}
    old = await get(api, PENDING + "?version=1")
    assert old["refused"][0][1]["error"][0]["id"] == PREFIX + "prefilter.fees_too_low"


async def test_the_mempool_tells_what_it_asks_for(api: httpx2.AsyncClient) -> None:
    wanted = await get(api, "/chains/main/mempool/filter?include_default=true")

    assert wanted["minimal_fees"] == "100"
    assert wanted["minimal_nanotez_per_gas_unit"] == ["100", "1"]
    assert wanted["minimal_nanotez_per_byte"] == ["1000", "1"]
    assert wanted["replace_by_fee_factor"] == ["21", "20"]
    assert await get(api, "/chains/main/mempool/filter?include_default=false") == {}
