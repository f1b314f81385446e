from typing import Any

import httpx2
import pytest

from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.tezos.address import Address
from bakehouse.tezos.operation import Delegation, OperationGroup
from tests.sandbox.sandbox_wallet import UNUSED, Wallet, with_each

FIRST_CYCLE = 1_400


async def get(api: httpx2.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


async def test_accounts_are_of_four_types(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    async def account(address: str) -> Any:
        return await get(api, f"/v1/accounts/{address}")

    snapshot = chain.rights.snapshot(FIRST_CYCLE)
    contract = next(address for address, _ in snapshot.delegators if address.startswith("KT1"))
    baker = await account(chain.world.baker)

    assert baker["type"] == "delegate"
    assert baker["balance"] - baker["stakedBalance"] == snapshot.own_delegated
    assert (await account(contract))["type"] == "contract"
    assert (await account(contract))["delegate"]["address"] == chain.world.baker
    assert (await account(UNUSED[0]))["type"] == "empty"
    document = await account(payer.address)
    assert (document["type"], document["revealed"]) == ("user", True)
    assert document["balance"] == payer.balance
    assert document["counter"] == payer.next_counter - 1
    assert (await api.get("/v1/accounts/nonsense")).status_code == 400


async def test_an_applied_operation_is_listed_content_by_content(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    hash_text = payer.send((UNUSED[0], 5), (UNUSED[0], 6))
    assert await get(api, f"/v1/operations/{hash_text}") == []
    block = chain.bake()

    rows = await get(api, f"/v1/operations/transactions/{hash_text}")

    assert [row["amount"] for row in rows] == [5, 6]
    assert [row["allocationFee"] for row in rows] == [64_250, 0]
    # The first also pays for checking the signature.
    assert [row["gasUsed"] for row in rows] == [2_171, 2_101]
    assert {row["block"] for row in rows} == {block.hash}
    assert rows[0]["counter"] + 1 == rows[1]["counter"]
    assert rows[0]["id"] < rows[1]["id"]
    assert await get(api, f"/v1/operations/transactions/{hash_text}/status") is True


async def test_a_failed_operation_shows_where_it_failed(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    group = payer.group((UNUSED[0], 5), (UNUSED[1], 10**15), (UNUSED[2], 5))
    hash_text = chain.inject(payer.sign(group))
    chain.bake()

    rows = await get(api, f"/v1/operations/{hash_text}")

    assert [row["status"] for row in rows] == ["backtracked", "failed", "skipped"]
    assert rows[1]["errors"][0]["type"] == "contract.balance_too_low"
    assert rows[1]["errors"][0]["required"] == 10**15
    assert rows[0]["allocationFee"] == 0
    assert await get(api, f"/v1/operations/transactions/{hash_text}/status") is False


async def test_a_reveal_is_an_operation_and_not_a_transaction(
    chain: Chain, api: httpx2.AsyncClient, unrevealed: Wallet
) -> None:
    hash_text = chain.inject(unrevealed.sign(unrevealed.group((UNUSED[0], 1), reveals=True)))
    chain.bake()

    everything = await get(api, f"/v1/operations/{hash_text}")
    transactions = await get(api, f"/v1/operations/transactions/{hash_text}")

    assert [row["type"] for row in everything] == ["reveal", "transaction"]
    assert [row["type"] for row in transactions] == ["transaction"]


async def test_delegations_name_the_new_baker_and_withdrawals_none(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    delegates: list[Address | None] = [chain.world.baker, None]
    rows = []
    for delegate in delegates:
        delegation = Delegation(
            source=payer.address,
            fee=Mutez(1_000),
            counter=payer.next_counter,
            gas_limit=1_000,
            storage_limit=0,
            delegate=delegate,
        )
        group = OperationGroup(chain.head.hash, (delegation,))
        hash_text = chain.inject(payer.sign(group))
        chain.bake()
        rows += await get(api, f"/v1/operations/{hash_text}")

    assert [row["type"] for row in rows] == ["delegation", "delegation"]
    assert rows[0]["newDelegate"] == {"address": chain.world.baker}
    assert "newDelegate" not in rows[1]


async def test_transactions_are_found_by_sender_target_status_and_level(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    levels = []
    for amount in (1, 2, 3):
        payer.send((UNUSED[amount - 1], amount))
        levels.append(chain.bake().level)
    failing = with_each(payer.group((UNUSED[0], 4)), gas_limit=200)
    chain.inject(payer.sign(failing))
    chain.bake()

    async def amounts(query: str) -> list[int]:
        return [row["amount"] for row in await get(api, f"/v1/operations/transactions?{query}")]

    assert await amounts(f"sender={payer.address}") == [1, 2, 3, 4]
    assert await amounts(f"sender={UNUSED[0]}") == []
    assert await amounts(f"target={UNUSED[1]}") == [2]
    assert await amounts("status=applied") == [1, 2, 3]
    assert await amounts(f"level.gt={levels[0]}") == [2, 3, 4]
    assert await amounts(f"level.ge={levels[1]}&level.lt={levels[2]}") == [2]
    assert await amounts(f"level.le={levels[1]}") == [1, 2]
    assert await amounts(f"level={levels[2]}") == [3]
    assert await amounts("sort.desc=id&limit=2") == [4, 3]
    assert await amounts("offset=1&limit=2") == [2, 3]


async def test_pages_follow_each_other_by_the_id_of_the_last_row(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    for first in (1, 3, 5):
        payer.send((UNUSED[0], first), (UNUSED[1], first + 1))
        chain.bake()

    async def walk(sort: str) -> list[int]:
        amounts: list[int] = []
        cursor = ""
        while True:
            rows = await get(
                api,
                f"/v1/operations/transactions?sender={payer.address}&{sort}&limit=4{cursor}",
            )
            if not rows:
                return amounts
            amounts += [row["amount"] for row in rows]
            cursor = f"&offset.cr={rows[-1]['id']}"

    assert await walk("sort.asc=id") == [1, 2, 3, 4, 5, 6]
    assert await walk("sort.desc=id") == [6, 5, 4, 3, 2, 1]


async def test_ids_stay_while_blocks_are_added(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    payer.send((UNUSED[0], 1))
    chain.bake()
    (before,) = await get(api, f"/v1/operations/transactions?sender={payer.address}")

    payer.send((UNUSED[0], 2))
    chain.bake()

    first, second = await get(api, f"/v1/operations/transactions?sender={payer.address}")
    assert first["id"] == before["id"] < second["id"]


async def test_operations_are_chosen_by_lists_and_pages(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    for address in UNUSED:
        payer.send((address, 1_000))
        chain.bake()

    async def targets(query: str) -> list[str]:
        rows = await get(api, f"/v1/operations/transactions?{query}")
        return [row["target"]["address"] for row in rows]

    assert await targets(f"target.in={UNUSED[0]},{UNUSED[2]}") == [UNUSED[0], UNUSED[2]]
    assert await targets(f"target.ne={UNUSED[0]}") == [UNUSED[1], UNUSED[2]]
    assert await targets("offset.pg=1&limit=2") == [UNUSED[2]]
    assert await targets("offset.el=1&limit=1") == [UNUSED[1]]
    assert await targets("limit=0") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=10001", "limit"),
        ("limit=-1", "limit"),
        ("offset=x", "offset"),
        ("offset.cr=-1", "offset.cr"),
        ("status=paid", "status"),
        ("sort.desc=colour", "sort.desc"),
        ("level.ge=1.5", "level.ge"),
    ],
)
async def test_a_parameter_that_is_not_one_is_named(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet, query: str, parameter: str
) -> None:
    payer.send((UNUSED[0], 1))
    chain.bake()

    answer = await api.get(f"/v1/operations/transactions?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == 400
    assert list(answer.json()["errors"]) == [parameter]


async def test_a_block_is_found_by_its_level_and_its_hash(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    payer.send((UNUSED[0], 1))
    block = chain.bake()

    by_level = await get(api, f"/v1/blocks/{block.level}")

    assert by_level == await get(api, f"/v1/blocks/{block.hash}")
    assert (by_level["level"], by_level["hash"], by_level["fees"]) == (
        block.level,
        block.hash,
        1_000,
    )
    assert by_level["cycle"] == chain.cycle_length.cycle_of(block.level)
    ancestor = await get(api, f"/v1/blocks/{chain.start_level - 5}")
    assert ancestor["hash"] == chain.block_at(chain.start_level - 5).hash
    assert (await api.get(f"/v1/blocks/{block.level + 1}")).status_code == 204


async def test_a_cycle_has_its_first_and_last_level(chain: Chain, api: httpx2.AsyncClient) -> None:
    cycle = await get(api, f"/v1/cycles/{FIRST_CYCLE}")

    length = chain.settings.blocks_per_cycle
    assert (cycle["firstLevel"], cycle["lastLevel"]) == (
        FIRST_CYCLE * length + 1,
        (FIRST_CYCLE + 1) * length,
    )
    assert (await api.get("/v1/cycles/never")).status_code == 404
