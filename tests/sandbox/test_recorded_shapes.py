"""What recorded nodes and indexers answer, the sandbox answers with the same names.

Fields that no client of a payout tool reads are listed here, not in the sandbox.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.validation import read_signed
from bakehouse.tezos.operation import group_to_json
from tests.sandbox.sandbox_wallet import UNUSED, Wallet, with_each

pytestmark = pytest.mark.conformance

HEAD = "/chains/main/blocks/head"

#: Of the head's metadata, what protocols since 2024 have dropped.
DROPPED_METADATA = {"adaptive_issuance_vote_ema", "adaptive_issuance_activation_cycle"}
DROPPED_HEADER = {"adaptive_issuance_vote"}
#: Of a split, what TzKT 1.17 gives no more.
DROPPED_SPLIT = re.compile(
    r"uncovered|Liquid$|Deposits?$|Losses$|^own|^extra|^missed(Own|Extra)|^revelation|LostRewards$"
    r"|LostFees$|^(endorsementRewards|blockRewards|stakingBalance|activeStake|selectedStake)$"
    r"|^(delegatedBalance|numDelegators)$"
)
#: Of indexed operations: names of known accounts, prices, and calls of contracts.
CALLS = {"quote", "parameter", "parameters", "storage", "diffs"}


def load(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


async def get(api: httpx2.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, path
    return answer.json()


def shape(document: Any) -> Any:
    """Replace every value by its JSON type, so that only names and types are compared."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    if isinstance(document, list):
        return [shape(value) for value in document]
    return type(document).__name__


async def test_a_block_has_the_names_of_a_recorded_block(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    recorded = load(chain_fixtures, "rpc/block/trd-head-10-00.json")
    recent = load(chain_fixtures, "rpc/block/getblock-mainnet-15267099-excerpt.json")
    payer.send((UNUSED[0], 1))
    payer.chain.bake()

    block = await get(api, HEAD)

    assert block.keys() == recorded.keys()
    assert block["header"].keys() == recorded["header"].keys() - DROPPED_HEADER
    assert block["metadata"].keys() >= recorded["metadata"].keys() - DROPPED_METADATA
    for part in ("header", "metadata"):
        assert block[part].keys() >= recent[part].keys()
    for name in ("level_info", "voting_period_info"):
        assert shape(block["metadata"][name]) == shape(recent["metadata"][name])
    assert len(block["operations"]) == len(recorded["operations"])
    (operation,) = block["operations"][3]
    assert operation.keys() == recorded["operations"][3][0].keys()


async def test_constants_have_the_values_of_ushuaia_but_for_time(
    chain_fixtures: Path, api: httpx2.AsyncClient
) -> None:
    recorded = load(chain_fixtures, "rpc/parameters/025-PsUshuai-parameters-mainnet.json")

    constants = await get(api, HEAD + "/context/constants")

    own = {
        "blocks_per_cycle",
        "blocks_per_commitment",
        "minimal_block_delay",
        "delay_increment_per_round",
    }
    # Parameters list neither what no network can choose nor what follows from them.
    del recorded["bootstrap_accounts"]
    older = load(chain_fixtures, "rpc/constants/kukai-constants-paris.json")
    assert recorded.keys() <= constants.keys() <= recorded.keys() | older.keys()
    shared = recorded.keys() - own
    assert {name: constants[name] for name in shared} == {name: recorded[name] for name in shared}
    for name in own:
        assert type(constants[name]) is type(recorded[name])


@pytest.mark.parametrize(
    "name", ["trd-run_operation-00", "trd-run_operation-01", "trd-run_operation-02"]
)
async def test_simulating_a_recorded_payout_answers_in_the_recorded_shape(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet, name: str
) -> None:
    exchange = load(chain_fixtures, f"rpc/run_operation/{name}.json")
    recorded = exchange["response"]["body"]
    request = exchange["request"]["body"]
    for content in recorded["contents"]:
        if not content["metadata"]["operation_result"].get("allocated_destination_contract"):
            payer.send((content["destination"], 1_000_000))
            payer.chain.bake()
    first = payer.next_counter
    contents = [
        {
            **content,
            "source": payer.address,
            "counter": str(first + position),
            "gas_limit": "3000",  # transfers cost 2,000 units more than when this was recorded
        }
        for position, content in enumerate(request["operation"]["contents"])
    ]
    body = {**request, "operation": {**request["operation"], "contents": contents}}

    answer = await api.post(HEAD + "/helpers/scripts/run_operation", json=body)

    assert shape(answer.json()) == shape(recorded)


async def test_a_recorded_request_to_forge_gives_the_recorded_bytes(
    chain_fixtures: Path, api: httpx2.AsyncClient
) -> None:
    for path in sorted((chain_fixtures / "rpc" / "forge").iterdir()):
        exchange = json.loads(path.read_text())
        answer = await api.post(
            HEAD + "/helpers/forge/operations", json=exchange["request"]["body"]
        )
        assert answer.json() == exchange["response"]["body"]


async def test_pending_operations_have_the_shape_of_a_recorded_mempool(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    text = (chain_fixtures / "rpc/octez-regression/u025-mempool.out").read_text()
    start = text.index("{", text.index("pending_operations?version=2&validated=true&refused=true"))
    recorded, _ = json.JSONDecoder().raw_decode(text[start:])
    group, counter = payer.group((UNUSED[0], 1)), payer.next_counter
    for number, fee in ((counter, 1_000), (counter, 0), (counter - 1, 1_000), (counter + 4, 1_000)):
        payer.chain.hear_of(read_signed(payer.sign(with_each(group, counter=number, fee=fee))))

    pending = await get(api, "/chains/main/mempool/pending_operations?version=2")

    assert shape(pending) == shape(recorded)
    for name in ("refused", "branch_refused", "branch_delayed"):
        kinds = [
            {(error["kind"], error["id"]) for one in document[name] for error in one["error"]}
            for document in (pending, recorded)
        ]
        assert kinds[0] == kinds[1]


async def test_contracts_have_the_shapes_of_a_recorded_node(
    chain_fixtures: Path, api: httpx2.AsyncClient, chain: Chain
) -> None:
    text = (chain_fixtures / "rpc/octez-regression/u025-contracts.out").read_text()
    commands = re.split(r"^\./octez-client rpc get ", text, flags=re.MULTILINE)[1:]
    recorded = [
        json.loads(body)
        for command in commands
        for path, _, body in [command.partition("\n")]
        if re.search(r"contracts/\[PUBLIC_KEY_HASH\]'?$", path)
    ]
    with_delegate = shape(recorded[0])
    unused = shape(next(document for document in recorded if document["balance"] == "0"))

    contracts = HEAD + "/context/contracts/"
    assert shape(await get(api, contracts + chain.world.baker)) == with_delegate
    assert shape(await get(api, contracts + UNUSED[0])) == unused


async def test_small_answers_have_their_recorded_types(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    contract = f"{HEAD}/context/contracts/{payer.address}"
    for path, name in (
        (contract + "/balance", "balance/kukai-balance.json"),
        (contract + "/counter", "counter/trd-counter-00.json"),
        (contract + "/manager_key", "manager_key/kukai-manager_key.json"),
    ):
        assert shape(await get(api, path)) == shape(load(chain_fixtures, f"rpc/{name}")), path
    version = load(chain_fixtures, "rpc/version/kukai-version.json")
    answered = await get(api, "/version")
    assert answered.keys() == version.keys()
    assert answered["network_version"].keys() == version["network_version"].keys()
    signed = payer.sign(payer.group((UNUSED[0], 1))).hex()
    injected = await api.post("/injection/operation", json=signed)
    recorded = load(chain_fixtures, "rpc/injection/kukai-inject.json")
    assert len(injected.json()) == len(recorded)


async def test_an_error_of_the_protocol_has_its_recorded_names(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    (recorded,) = load(chain_fixtures, "rpc/errors/kukai-counter-in-the-future.json")
    group = with_each(payer.group((UNUSED[0], 1)), counter=payer.next_counter + 9)

    answer = await api.post(
        HEAD + "/helpers/scripts/simulate_operation",
        json={"operation": group_to_json(group), "chain_id": payer.chain.chain_id},
    )

    (error,) = answer.json()
    assert shape(error) == shape(recorded)
    assert (error["kind"], error["id"].split(".", 2)[2]) == (
        recorded["kind"],
        recorded["id"].split(".", 2)[2],
    )


async def test_a_derived_split_has_the_names_of_recorded_ones(
    chain_fixtures: Path, api: httpx2.AsyncClient, chain: Chain
) -> None:
    split = await get(api, f"/v1/rewards/split/{chain.world.baker}/1400")

    excerpt = load(chain_fixtures, "tzkt/rewards-split/taps-bake-nug-1336-excerpt.json")["split"]
    assert split.keys() >= excerpt.keys()
    for name in ("delegators", "stakers", "actualStakers"):
        assert shape(split[name][0]) == shape(excerpt[name][0])
    older = load(chain_fixtures, "tzkt/rewards-split/trd-tz1fikAG-420.json")
    missing = older.keys() - split.keys()
    assert [name for name in sorted(missing) if not DROPPED_SPLIT.search(name)] == []


async def test_the_indexers_answers_have_recorded_names(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    chain = payer.chain
    hash_text = payer.send((UNUSED[0], 1))
    chain.bake()
    failed = payer.sign(with_each(payer.group((UNUSED[0], 1)), gas_limit=200))
    failed_hash = chain.inject(failed)
    chain.bake()

    head = await get(api, "/v1/head")
    recorded_head = load(chain_fixtures, "tzkt/head/trd-head-30Jun2024.json")
    prices = {name for name in recorded_head if name.startswith("quote")}
    assert head.keys() >= recorded_head.keys() - prices

    (applied,) = await get(api, f"/v1/operations/transactions/{hash_text}")
    (recorded,) = load(chain_fixtures, "tzkt/operations/kukai-last-baker-payment.json")
    recorded["sender"].pop("alias")
    assert shape(applied) == shape(recorded)

    (row,) = await get(api, f"/v1/operations/transactions/{failed_hash}")
    (recorded_failure,) = load(chain_fixtures, "tzkt/operations/kukai-operation-error.json")
    assert row.keys() == recorded_failure.keys() - CALLS
    assert shape(row["errors"][0]) == shape(recorded_failure["errors"][0])

    account = await get(api, f"/v1/accounts/{payer.address}")
    recorded_account = load(
        chain_fixtures, "tzkt/accounts/trd-tz1N4UfQCahHkRShBanv9QP9TnmXNgCaqCyZ.json"
    )
    used = {"type", "address", "publicKey", "revealed", "balance", "stakedBalance", "counter"}
    assert {name: shape(account[name]) for name in used} == {
        name: shape(recorded_account[name]) for name in used
    }
