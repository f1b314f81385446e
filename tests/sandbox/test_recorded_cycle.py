import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import SettingError
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.settings import SandboxSettings
from tests.sandbox.sandbox_client import client_of
from tests.sandbox.sandbox_wallet import UNUSED, total_mutez

DELEGATOR, EMPTIED, STAKER = UNUSED
RECORDED = ("trd-tz1NRGxX-750", "trd-tz1fikAG-420")


def document(**changes: Any) -> dict[str, Any]:
    """Make a small split in the shape of TzKT 1.17."""
    return {
        "cycle": 900,
        "ownDelegatedBalance": 1_000,
        "externalDelegatedBalance": 600,
        "ownStakedBalance": 50_000_000,
        "blocks": 2,
        "blockRewardsDelegated": 11,
        "blockRewardsStakedOwn": 12,
        "blockRewardsStakedEdge": 13,
        "blockRewardsStakedShared": 14,
        "attestationRewardsDelegated": 21,
        "dalAttestationRewardsDelegated": 31,
        "blockFees": 41,
        "delegators": [
            {"address": DELEGATOR, "delegatedBalance": 500, "emptied": False},
            {"address": EMPTIED, "delegatedBalance": 100, "emptied": True},
        ],
        "stakers": [{"address": STAKER, "stakedBalance": 70, "stakedPseudotokens": "70"}],
        **changes,
    }


def finished(replay: dict[str, Any]) -> Chain:
    chain = Chain(SandboxSettings(replay=replay))
    while chain.cycle_length.cycle_of(chain.head.level) == replay["cycle"]:
        chain.bake()
    return chain


async def split_of(chain: Chain, cycle: int) -> dict[str, Any]:
    async with client_of(chain) as api:
        answer = await api.get(f"/v1/rewards/split/{chain.world.baker}/{cycle}?limit=10000")
    split: dict[str, Any] = answer.json()
    return split


async def test_a_finished_recorded_cycle_is_served_with_the_numbers_it_was_recorded_with() -> None:
    recorded = document()

    split = await split_of(finished(recorded), 900)

    assert {name: split[name] for name in recorded} == recorded
    assert split["endorsementRewardsDelegated"] == 21
    assert split["futureBlocks"] == split["futureBlockRewards"] == 0
    assert split["futureAttestationRewards"] == split["futureDalAttestationRewards"] == 0


async def test_a_recorded_cycle_that_runs_still_has_its_rewards_to_come() -> None:
    chain = Chain(SandboxSettings(replay=document()))

    split = await split_of(chain, 900)

    assert split["blockRewardsDelegated"] == split["attestationRewardsDelegated"] == 0
    assert split["futureBlockRewards"] == 11 + 12 + 13 + 14
    assert split["futureAttestationRewards"] == 21
    assert split["delegators"] == document()["delegators"]


async def test_the_names_of_2024_are_understood_and_served_beside_todays() -> None:
    recorded = document(endorsementRewardsDelegated=21, endorsements=5)
    del recorded["attestationRewardsDelegated"], recorded["dalAttestationRewardsDelegated"]

    split = await split_of(finished(recorded), 900)

    assert split["attestationRewardsDelegated"] == split["endorsementRewardsDelegated"] == 21
    assert split["attestations"] == split["endorsements"] == 5
    assert split["dalAttestationRewardsDelegated"] == 0


async def test_the_cycles_after_it_start_from_the_recorded_balances() -> None:
    chain = finished(document())

    split = await split_of(chain, 901)

    assert split["ownDelegatedBalance"] == 1_000
    assert split["ownStakedBalance"] == 50_000_000
    assert split["externalStakedBalance"] == 70
    balances = {row["address"]: row["delegatedBalance"] for row in split["delegators"]}
    assert balances == {DELEGATOR: 500, EMPTIED: 100, STAKER: 0}


def test_what_was_recorded_is_credited_when_the_cycle_ends() -> None:
    chain = Chain(SandboxSettings(replay=document()))
    at_start = total_mutez(chain)
    baker = chain.account(chain.world.baker, chain.head.level)
    while chain.head.issued == 0:
        chain.bake()

    credited = chain.account(chain.world.baker, chain.head.level)
    assert chain.head.level == chain.cycle_length.last_level(900)
    assert baker is not None
    assert credited is not None
    assert credited.balance - baker.balance == 11 + 21 + 31
    assert total_mutez(chain) == at_start + 11 + 12 + 13 + 14 + 21 + 31


def test_delegators_that_were_emptied_are_empty_now_and_contracts_among_them_exist_still() -> None:
    contract = "KT1UkUKJNwhQPJW99m2ax7MErGKTBTf84jfu"
    emptied = [
        {"address": address, "delegatedBalance": 100, "emptied": True}
        for address in (EMPTIED, STAKER, contract)
    ]
    chain = Chain(SandboxSettings(replay=document(delegators=emptied)))

    accounts = chain.accounts(chain.head.level)
    assert EMPTIED not in accounts
    assert (accounts[STAKER].balance, accounts[STAKER].staked) == (0, 70)
    assert accounts[contract].balance == 0


def without(name: str) -> Callable[[], dict[str, Any]]:
    def make() -> dict[str, Any]:
        changed = document()
        del changed[name]
        return changed

    return make


@pytest.mark.parametrize(
    "make",
    [
        dict,
        without("delegators"),
        without("ownDelegatedBalance"),
        without("attestationRewardsDelegated"),
        without("blockRewardsDelegated"),
        lambda: document(cycle="soon"),
        lambda: document(blockFees="many"),
        lambda: document(delegators=[{"address": "tz1nonsense", "delegatedBalance": 1}]),
        lambda: document(delegators=[{"address": DELEGATOR}]),
    ],
)
def test_a_document_that_is_no_split_is_refused_in_one_sentence(
    make: Callable[[], dict[str, Any]],
) -> None:
    with pytest.raises(SettingError, match="document"):
        Chain(SandboxSettings(replay=make()))


@pytest.mark.conformance
@pytest.mark.parametrize("name", RECORDED)
async def test_real_recorded_cycles_are_served_verbatim(chain_fixtures: Path, name: str) -> None:
    path = chain_fixtures / "tzkt" / "rewards-split" / f"{name}.json"
    recorded = json.loads(path.read_text())

    split = await split_of(finished(recorded), recorded["cycle"])

    assert {key: split[key] for key in recorded} == recorded
    rows = split["delegators"]
    assert sum(row["delegatedBalance"] for row in rows) == split["externalDelegatedBalance"]
    assert split["attestationRewardsDelegated"] == recorded["endorsementRewardsDelegated"]
