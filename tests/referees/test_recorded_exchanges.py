"""What was asked of real nodes is asked of the simulated one: the answers have the same shape.

`tests/tezos/test_rpc_conformance.py` reads the same recordings with the code of production, and
`tests/sandbox/test_recorded_shapes.py` compares more of them. Every recording has its place.
"""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.validation import read_signed
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.block import parse_metadata
from bakehouse.tezos.forging import forge
from bakehouse.tezos.operation import group_from_json, group_to_json
from bakehouse.tezos.receipt import Status, parse_simulation
from tests.sandbox.sandbox_client import client_of
from tests.sandbox.sandbox_wallet import UNUSED, Wallet, with_each

pytestmark = pytest.mark.conformance

HEAD = "/chains/main/blocks/head"
CONTRACTS = HEAD + "/context/contracts/"
CLIENT = "./octez-client rpc get "

#: Recordings that no test reads, and why.
UNUSED_RECORDINGS = {
    "simulate/kukai-stake-request.json": "a call of an entrypoint, which Bakehouse never makes",
}
#: How older protocols named whom fees go to.
FREEZER_OF_FEES = {"category", "delegate", "cycle"}
#: Paths below a contract that tell of its code, which no payment depends on.
OF_CODE = re.compile(r"/(entrypoints|script|storage)$")


@pytest.fixture
def chain() -> Chain:
    return Chain(SandboxSettings(seed=7, delegator_count=60))


@pytest.fixture
def payer(chain: Chain) -> Wallet:
    wallet = Wallet(chain, chain.world.payout_key)
    wallet.reveal_now()
    return wallet


@pytest.fixture
async def api(chain: Chain) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(chain) as client:
        yield client


def load(folder: Path, name: str) -> Any:
    return json.loads((folder / "rpc" / name).read_bytes())


def sessions(folder: Path, name: str) -> list[tuple[str, str]]:
    """Read what octez' own tests recorded: paths that were asked for, and the answers' text."""
    text = (folder / "rpc" / "octez-regression" / name).read_text()
    exchanges = text.split("\n\n")
    return [
        (path.strip("'"), answer)
        for exchange in exchanges
        for command, _, answer in [exchange.strip().partition("\n")]
        for path in [command.removeprefix(CLIENT)]
        if command.startswith(CLIENT)
    ]


def shape(document: Any) -> Any:
    """Replace every value by its JSON type; fees to a freezer and to an accumulator are alike."""
    if isinstance(document, dict):
        named = {name: shape(value) for name, value in document.items()}
        if document.get("kind") in {"freezer", "accumulator"}:
            named = {name: named[name] for name in named.keys() - FREEZER_OF_FEES}
        return named
    if isinstance(document, list):
        return [shape(value) for value in document]
    return type(document).__name__


def as_sent_by(payer: Wallet, operation: dict[str, Any]) -> dict[str, Any]:
    """Put the sandbox's payer, its next counters and enough gas in a recorded operation."""
    first = payer.next_counter
    transfers = [content for content in operation["contents"] if content["kind"] != "reveal"]
    contents = [
        {
            **content,
            "source": payer.address,
            "counter": str(first + position),
            "gas_limit": "3500",
        }
        for position, content in enumerate(transfers)
    ]
    return {**operation, "branch": payer.chain.head.hash, "contents": contents}


def test_every_recording_is_read_by_a_test_or_has_a_reason(chain_fixtures: Path) -> None:
    tests = Path(__file__).parents[1].rglob("test_*.py")
    source = "".join(path.read_text() for path in tests if "node_modules" not in path.parts)
    recordings = {
        path.relative_to(chain_fixtures / "rpc").as_posix()
        for path in (chain_fixtures / "rpc").rglob("*")
        if path.is_file()
    }
    # Families are read by number.
    numbered = re.compile(r"trd-(forge|run_operation|preapply)-\d\d\.json$")
    unread = {
        name for name in recordings if Path(name).stem not in source and not numbered.search(name)
    }

    assert unread <= UNUSED_RECORDINGS.keys() <= recordings


@pytest.mark.parametrize("number", range(4))
async def test_the_forge_of_production_gives_the_recorded_bytes(
    chain_fixtures: Path, number: int
) -> None:
    exchange = load(chain_fixtures, f"forge/trd-forge-{number:02}.json")

    forged = forge(group_from_json(exchange["request"]["body"]))

    assert forged.hex() == exchange["response"]["body"]


def test_the_first_content_of_a_recorded_payout_paid_for_its_signature(
    chain_fixtures: Path, payer: Wallet
) -> None:
    exchange = load(chain_fixtures, "run_operation/trd-run_operation-00.json")
    recorded = [
        result.consumed_milligas for result in parse_simulation(exchange["response"]["body"])
    ]
    for content in exchange["request"]["body"]["operation"]["contents"]:
        payer.send((content["destination"], 1))
        payer.chain.bake()
    group = group_from_json(as_sent_by(payer, exchange["request"]["body"]["operation"]))

    receipts = payer.chain.simulate(group, payer.chain.head)

    # Ushuaia charges 2,000 units more for each transfer, and 33.125 milligas a byte as before.
    forged = load(chain_fixtures, "forge/trd-forge-00.json")["response"]["body"]
    longer = len(forge(group)) - len(bytes.fromhex(forged))
    more = [
        receipt.consumed_milligas - before
        for receipt, before in zip(receipts, recorded, strict=True)
    ]
    assert more[1:] == [2_000_000] * 15
    assert abs(more[0] - 2_000_000 - 33.125 * longer) < 1


async def test_a_recorded_deposit_into_a_contract_is_answered_alike(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    exchange = load(chain_fixtures, "run_operation/trd-run_operation-03.json")
    operation = as_sent_by(payer, exchange["request"]["body"]["operation"])
    accounts = payer.chain.accounts(payer.chain.head.level)
    operation["contents"][0]["destination"] = next(a for a in accounts if a.startswith("KT1"))
    recorded = exchange["response"]["body"]

    answer = await api.post(
        HEAD + "/helpers/scripts/run_operation",
        json={"operation": operation, "chain_id": payer.chain.chain_id},
    )

    answered = answer.json()
    # Storage is whatever the contract keeps.
    for document in (answered, recorded):
        del document["contents"][0]["metadata"]["operation_result"]["storage"]
    assert shape(answered) == shape(recorded)


async def test_a_wallets_recorded_request_to_simulate_is_answered_alike(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    request = load(chain_fixtures, "simulate/kukai-transfer-request.json")
    recorded = load(chain_fixtures, "simulate/kukai-transfer-response.json")
    same = load(chain_fixtures, "run_operation/kukai-run_operation.json")
    payer.send((request["operation"]["contents"][1]["destination"], 1_000_000))
    payer.chain.bake()

    answer = await api.post(
        HEAD + "/helpers/scripts/simulate_operation",
        json={**request, "operation": as_sent_by(payer, request["operation"])},
    )

    (content,) = answer.json()["contents"]
    for older in (recorded, same):
        _, transfer = older["contents"]
        assert shape(content) == shape(transfer)


async def test_a_reveal_and_a_transfer_are_preapplied_as_recorded(
    chain_fixtures: Path, api: httpx2.AsyncClient, chain: Chain
) -> None:
    (recorded,) = load(chain_fixtures, "preapply/kukai-preapply.json")
    wallet = Wallet(chain, chain.world.payout_key)
    recipient = next(a for a in chain.accounts(chain.head.level) if a.startswith("tz1"))
    group = wallet.group((recipient, 1_000_000), reveals=True)
    (body,) = await forged_for_preapply(api, wallet, group)

    answer = await api.post(HEAD + "/helpers/preapply/operations", json=[body])

    (preapplied,) = answer.json()
    assert shape(preapplied) == shape(recorded)
    assert [result.status for result in parse_simulation(preapplied)] == [Status.APPLIED] * 2


async def test_a_transfer_with_too_little_gas_fails_as_recorded(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    (recorded,) = load(chain_fixtures, "errors/kukai-gas-exhausted.json")
    group = with_each(payer.group((UNUSED[0], 1)), gas_limit=500)
    (body,) = await forged_for_preapply(api, payer, group)

    answer = await api.post(HEAD + "/helpers/preapply/operations", json=[body])

    (preapplied,) = answer.json()
    assert shape(preapplied) == shape(recorded)
    errors = [
        document["contents"][0]["metadata"]["operation_result"]["errors"]
        for document in (preapplied, recorded)
    ]
    names = [[(error["kind"], error["id"].split(".", 2)[2]) for error in each] for each in errors]
    assert names[0] == names[1]


async def forged_for_preapply(
    api: httpx2.AsyncClient, wallet: Wallet, group: Any
) -> list[dict[str, Any]]:
    protocols = (await api.get(HEAD + "/protocols")).json()
    signature = wallet.sign(group)[-64:]
    return [
        {
            **group_to_json(group),
            "protocol": protocols["next_protocol"],
            "signature": encode(Prefix.SIG, signature),
        }
    ]


@pytest.mark.parametrize("number", range(2))
async def test_a_body_that_a_node_could_not_read_is_refused_as_it_was(
    chain_fixtures: Path, api: httpx2.AsyncClient, number: int
) -> None:
    exchange = load(chain_fixtures, f"preapply/trd-preapply-{number:02}.json")
    recorded = exchange["response"]

    answer = await api.post(HEAD + "/helpers/preapply/operations", json=exchange["request"]["body"])

    assert answer.status_code == recorded["status"] == 400
    sentence = "Failed to parse the request body: "
    assert answer.text.startswith(sentence)
    assert recorded["body"].startswith(sentence)


async def test_counters_are_strings_at_every_node(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    counter = (await api.get(f"{CONTRACTS}{payer.address}/counter")).json()

    for name in ("kukai-counter", "trd-counter-00"):
        recorded = load(chain_fixtures, f"counter/{name}.json")
        assert type(recorded) is type(counter) is str
        assert recorded.isdecimal()


def test_a_block_of_an_old_protocol_is_read_too(chain_fixtures: Path) -> None:
    block = load(chain_fixtures, "block/kukai-head-florence.json")

    metadata = parse_metadata(block["metadata"])

    assert metadata.max_operations_ttl == 60


async def test_contracts_answer_at_the_paths_at_which_a_recorded_node_does(
    chain_fixtures: Path, api: httpx2.AsyncClient, chain: Chain
) -> None:
    accounts = chain.accounts(chain.head.level)
    contract = next(a for a in accounts if a.startswith("KT1"))
    # By what they are recorded to have: a delegate and a key, neither, or code.
    asked = {
        path: answer
        for path, answer in sessions(chain_fixtures, "u025-contracts.out")
        if "/contracts/" in path
    }
    assert len(asked) > 10
    for path, recorded in asked.items():
        is_code = "[CONTRACT_HASH]" in path
        if OF_CODE.search(path) and is_code:
            continue
        address = contract if is_code else UNUSED[0]
        if not is_code and not recorded.startswith("Fatal error"):
            address = chain.world.baker
        own = path.replace("[CONTRACT_HASH]", contract).replace("[PUBLIC_KEY_HASH]", address)

        answer = await api.get(own)

        if recorded.startswith("Fatal error:\n  No service found at this URL"):
            assert (answer.status_code, answer.text) == (404, "No service found at this URL"), own
        else:
            assert answer.status_code == 200, own


async def test_the_mempool_is_filtered_as_a_recorded_one(
    chain_fixtures: Path, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    group, counter = payer.group((UNUSED[0], 1)), payer.next_counter
    for number, fee in ((counter, 1_000), (counter, 0), (counter - 1, 1_000), (counter + 4, 1_000)):
        signed_bytes = payer.sign(with_each(group, counter=number, fee=fee))
        payer.chain.hear_of(read_signed(signed_bytes))
    asked = [
        (path, answer)
        for path, answer in sessions(chain_fixtures, "u025-mempool.out")
        if "pending_operations" in path
    ]
    assert len(asked) > 8

    for path, recorded in asked:
        answer = await api.get(path)
        assert shape(answer.json()) == shape(json.loads(recorded)), path


async def test_the_fee_filter_is_that_of_a_recorded_node_with_its_defaults(
    chain_fixtures: Path, api: httpx2.AsyncClient
) -> None:
    asked = [
        (path, answer)
        for path, answer in sessions(chain_fixtures, "u025-mempool.out")
        if "mempool/filter" in path
    ]

    # Later ones were asked after the operator of that node had changed its filter.
    for path, recorded in asked[:3]:
        assert (await api.get(path)).json() == json.loads(recorded), path
