from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.settings import SandboxSettings
from tests.sandbox.sandbox_client import client_of
from tests.sandbox.sandbox_wallet import UNUSED, Wallet

FIRST_CYCLE = 1_400
DELEGATED = (
    "blockRewardsDelegated",
    "attestationRewardsDelegated",
    "dalAttestationRewardsDelegated",
)


def finish(chain: Chain, cycle: int) -> None:
    while chain.cycle_length.cycle_of(chain.head.level) <= cycle:
        chain.bake()


async def get(api: httpx2.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


async def split_of(api: httpx2.AsyncClient, chain: Chain, cycle: int) -> Any:
    return await get(api, f"/v1/rewards/split/{chain.world.baker}/{cycle}?limit=10000")


async def test_a_finished_cycle_has_nothing_to_come_and_its_balances_add_up(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    finish(chain, FIRST_CYCLE)

    split = await split_of(api, chain, FIRST_CYCLE)

    assert split["cycle"] == FIRST_CYCLE
    assert [value for name, value in split.items() if name.startswith("future")] == [0] * 7
    balances = [row["delegatedBalance"] for row in split["delegators"]]
    assert sum(balances) == split["externalDelegatedBalance"]
    assert balances == sorted(balances, reverse=True)
    assert len(balances) == split["delegatorsCount"] == 20
    assert sum(row["stakedBalance"] for row in split["stakers"]) == split["externalStakedBalance"]
    assert all(split[name] > 0 for name in DELEGATED)
    delegated = split["ownDelegatedBalance"] + split["externalDelegatedBalance"]
    staked = split["ownStakedBalance"] + split["externalStakedBalance"]
    assert split["bakingPower"] == staked + delegated // 3


async def test_a_cycle_that_runs_still_has_rewards_to_come(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    split = await split_of(api, chain, FIRST_CYCLE)

    assert split["futureAttestationRewards"] > 0
    assert split["attestationRewardsDelegated"] == 0
    assert split["attestations"] == 0


async def test_what_the_indexer_reports_is_what_the_baker_was_credited(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    finish(chain, FIRST_CYCLE)
    cycle = FIRST_CYCLE + 1
    first, last = chain.cycle_length.first_level(cycle), chain.cycle_length.last_level(cycle)
    payer = Wallet(chain, chain.world.payout_key)
    payer.reveal_now()
    while chain.head.level < last:
        payer.send((UNUSED[0], 1))
        chain.bake()
    chain.bake()

    split = await split_of(api, chain, cycle)

    before, after = (chain.account(chain.world.baker, level) for level in (first - 1, last))
    assert before is not None
    assert after is not None
    credited = sum(split[name] for name in DELEGATED) + split["blockFees"]
    assert after.balance - before.balance == credited
    shared = sum(row["rewards"] for row in split["actualStakers"])
    reported = sum(value for name, value in split.items() if name.endswith("sStakedShared"))
    endorsed = split["endorsementRewardsStakedShared"]
    assert shared <= reported - endorsed <= shared + len(split["actualStakers"]) * split["blocks"]
    assert split["blockFees"] > 0


async def test_later_cycles_count_the_balances_that_payments_made(
    chain: Chain, api: httpx2.AsyncClient, payer: Wallet
) -> None:
    split = await split_of(api, chain, FIRST_CYCLE)
    recipient = split["delegators"][0]
    assert not recipient["emptied"]
    payer.send((recipient["address"], 7_000_000))
    finish(chain, FIRST_CYCLE + 2)

    balances = {
        cycle: {
            row["address"]: row["delegatedBalance"]
            for row in (await split_of(api, chain, cycle))["delegators"]
        }
        for cycle in range(FIRST_CYCLE, FIRST_CYCLE + 4)
    }

    seen = [balances[cycle][recipient["address"]] for cycle in sorted(balances)]
    unpaid = recipient["delegatedBalance"]
    assert seen == [unpaid, unpaid, unpaid, unpaid + 7_000_000]


async def test_emptied_delegators_are_marked_and_leave_when_a_later_snapshot_counts(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    finish(chain, FIRST_CYCLE + 2)

    split = await split_of(api, chain, FIRST_CYCLE)
    later = await split_of(api, chain, FIRST_CYCLE + 3)

    emptied = {row["address"] for row in split["delegators"] if row["emptied"]}
    assert emptied == chain.world.emptied != set()
    assert not emptied & {row["address"] for row in later["delegators"]}


async def test_pages_join_to_the_whole_list_with_the_same_totals() -> None:
    chain = Chain(SandboxSettings(seed=1, delegator_count=230))
    path = f"/v1/rewards/split/{chain.world.baker}/{FIRST_CYCLE}"
    async with client_of(chain) as api:
        whole = await get(api, path + "?limit=10000")
        pages = [await get(api, f"{path}?offset={offset}") for offset in (0, 100, 200, 300)]

    rows = [row for page in pages for row in page["delegators"]]
    assert [len(page["delegators"]) for page in pages] == [100, 100, 30, 0]
    assert rows == whole["delegators"]
    lists = {"delegators", "stakers", "actualStakers"}
    for page in pages:
        assert {k: v for k, v in page.items() if k not in lists} == {
            k: v for k, v in whole.items() if k not in lists
        }


async def test_ten_thousand_delegators_come_in_one_page() -> None:
    chain = Chain(SandboxSettings(delegator_count=10_000))
    finish(chain, FIRST_CYCLE)
    async with client_of(chain) as api:
        split = await split_of(api, chain, FIRST_CYCLE)

    assert len(split["delegators"]) == 10_000
    total = sum(row["delegatedBalance"] for row in split["delegators"])
    assert total == split["externalDelegatedBalance"]


@pytest.mark.parametrize("query", ["limit=10001", "limit=-1", "limit=x", "offset=-1"])
async def test_pages_out_of_bounds_are_a_400(
    chain: Chain, api: httpx2.AsyncClient, query: str
) -> None:
    answer = await api.get(f"/v1/rewards/split/{chain.world.baker}/{FIRST_CYCLE}?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == 400


async def test_a_limit_of_zero_gives_the_totals_alone(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    path = f"/v1/rewards/split/{chain.world.baker}/{FIRST_CYCLE}?limit=0"

    split = await get(api, path)

    assert split["delegators"] == split["stakers"] == split["actualStakers"] == []
    assert split["delegatorsCount"] == 20


async def test_what_the_indexer_does_not_know_is_a_204_without_a_body(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    split = "/v1/rewards/split/"
    for path in (
        f"{split}{chain.world.baker}/{FIRST_CYCLE - 1}",
        f"{split}{chain.world.baker}/{FIRST_CYCLE + 3}",
        f"{split}{UNUSED[0]}/{FIRST_CYCLE}",
        "/v1/cycles/9999",
        "/v1/operations/transactions/ooYfbDtBXixvdq1Tjwz6XQWPUwsyio458TXMxtxzomgzJ4z32dB/status",
    ):
        answer = await api.get(path)
        assert (answer.status_code, answer.content) == (204, b""), path


async def test_the_head_is_the_nodes_and_every_answer_names_its_level(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    block = chain.bake()

    answer = await api.get("/v1/head")

    head = answer.json()
    assert (head["level"], head["hash"], head["cycle"]) == (block.level, block.hash, FIRST_CYCLE)
    assert head["chainId"] == chain.chain_id
    assert head["synced"] is True
    assert answer.headers["tzkt-level"] == answer.headers["tzkt-known-level"] == str(block.level)
    assert answer.headers["tzkt-version"].startswith("1.17")


async def test_cycles_tell_their_levels_and_the_protocol_their_length(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    cycles = await get(api, "/v1/cycles")
    cycle = await get(api, f"/v1/cycles/{FIRST_CYCLE}")
    protocol = await get(api, "/v1/protocols/current")

    assert [each["index"] for each in cycles] == [FIRST_CYCLE + 2, FIRST_CYCLE + 1, FIRST_CYCLE]
    assert cycle["lastLevel"] == chain.head.level + 8
    assert cycle["lastLevel"] - cycle["firstLevel"] + 1 == protocol["constants"]["blocksPerCycle"]
    assert cycle["endTime"] > cycle["startTime"]
    assert protocol["code"] == 25


async def test_old_cycles_are_told_as_they_were_however_many_come_after(
    chain: Chain, api: httpx2.AsyncClient
) -> None:
    finish(chain, FIRST_CYCLE + 3)
    told = {
        cycle: await split_of(api, chain, cycle) for cycle in range(FIRST_CYCLE, FIRST_CYCLE + 4)
    }

    finish(chain, FIRST_CYCLE + 20)

    assert {cycle: await split_of(api, chain, cycle) for cycle in told} == told
