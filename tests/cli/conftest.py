"""What the tests of commands share: a small reward split as an indexer would write it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.tezos.base58check import Prefix, encode


@pytest.fixture
def split_document() -> dict[str, Any]:
    """Cycle 1400: pool 1,000 and block fees 100; own balance 100, delegators 600, 300 and 0."""
    balances = {0: 600, 1: 300, 2: 0}
    return {
        "cycle": 1400,
        "ownDelegatedBalance": 100,
        "externalDelegatedBalance": 900,
        "delegatorsCount": 3,
        "ownStakedBalance": 6_000_000_000,
        "externalStakedBalance": 0,
        "stakersCount": 0,
        "futureBlocks": 0,
        "futureBlockRewards": 0,
        "futureAttestations": 0,
        "futureAttestationRewards": 0,
        "futureDalAttestationRewards": 0,
        "blockRewardsDelegated": 400,
        "attestationRewardsDelegated": 300,
        "dalAttestationRewardsDelegated": 200,
        "vdfRevelationRewardsDelegated": 60,
        "nonceRevelationRewardsDelegated": 40,
        "blockFees": 100,
        "delegators": [
            {
                "address": encode(Prefix.TZ1, index.to_bytes(20)),
                "delegatedBalance": balance,
                "emptied": False,
            }
            for index, balance in balances.items()
        ],
    }


@pytest.fixture
def split_file(tmp_path: Path) -> Callable[[Any], Path]:
    """Write a document, or bytes as they are, to a file; give its path."""

    def write(document: Any) -> Path:
        path = tmp_path / "split.json"
        is_bytes = isinstance(document, bytes)
        path.write_bytes(document if is_bytes else json.dumps(document).encode())
        return path

    return write
