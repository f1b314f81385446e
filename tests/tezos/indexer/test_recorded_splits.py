"""Splits recorded from the real indexer."""

import json
from pathlib import Path

import pytest

from bakehouse.errors import SplitRefusedError
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.pool import pool_of
from bakehouse.tezos.rewards_split import parse_split, parse_split_text

#: Fields that the excerpt of a split leaves out; these were 0.
LEFT_OUT = (
    "vdfRevelationRewardsDelegated",
    "nonceRevelationRewardsDelegated",
    "futureBlocks",
    "futureBlockRewards",
    "futureAttestations",
    "futureAttestationRewards",
    "futureDalAttestationRewards",
)


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("name", "delegators", "pool"),
    [("trd-tz1NRGxX-750", 36, 23_846_700), ("trd-tz1fikAG-420", 2, 2_265_625)],
)
def test_recorded_splits_are_payable(
    chain_fixtures: Path, name: str, delegators: int, pool: int
) -> None:
    data = (chain_fixtures / f"tzkt/rewards-split/{name}.json").read_bytes()
    split = parse_split_text(data)

    assert len(split.rewards.delegators) == split.totals.delegators_count == delegators
    assert pool_of(split.rewards, PayoutRules(BasisPoints(0))) == pool
    assert split.is_closed


@pytest.mark.conformance
def test_the_first_delegators_of_a_large_baker_are_refused_as_a_whole(
    chain_fixtures: Path,
) -> None:
    path = chain_fixtures / "tzkt/rewards-split/taps-bake-nug-1336-excerpt.json"
    excerpt = json.loads(path.read_bytes())["split"]
    with pytest.raises(SplitRefusedError, match="is missing"):
        parse_split(excerpt)
    found = sum(each["delegatedBalance"] for each in excerpt["delegators"])
    missing = excerpt["externalDelegatedBalance"] - found

    with pytest.raises(SplitRefusedError, match=f"of its 12 .*: {missing} mutez are missing"):
        parse_split(excerpt | dict.fromkeys(LEFT_OUT, 0))
