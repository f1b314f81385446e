"""An indexer's answers for a scripted server, and a reward split for tests to change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from bakehouse.tezos.address import parse_address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.tzkt import TzktClient

if TYPE_CHECKING:
    from tests.tezos.conftest import Asked, Script, Stub

Document = dict[str, Any]


def address(number: int, prefix: Prefix = Prefix.TZ1) -> str:
    return encode(prefix, number.to_bytes(20))


DELEGATORS: list[Document] = [
    {"address": address(1, Prefix.TZ1), "delegatedBalance": 500_000_000, "emptied": False},
    {"address": address(2, Prefix.TZ2), "delegatedBalance": 300_000_001, "emptied": False},
    {"address": address(3, Prefix.TZ3), "delegatedBalance": 7, "emptied": True},
    {"address": address(4, Prefix.TZ4), "delegatedBalance": 0, "emptied": False},
    {"address": address(5, Prefix.KT1), "delegatedBalance": 99_999_992, "emptied": False},
]

#: The shape of TzKT 1.17, with the fields that payouts read and some that they do not.
DOCUMENT: Document = {
    "cycle": 1336,
    "ownDelegatedBalance": 931_097_498,
    "externalDelegatedBalance": 900_000_000,
    "delegatorsCount": 5,
    "expectedBlocks": 0.19,
    "futureBlocks": 0,
    "futureBlockRewards": 0,
    "blockRewardsDelegated": 15_919_946,
    "blockRewardsStakedOwn": 22_558_860,
    "futureAttestations": 0,
    "futureAttestationRewards": 0,
    "attestationRewardsDelegated": 15_313_332,
    "futureDalAttestationRewards": 0,
    "dalAttestationRewardsDelegated": 11,
    "missedDalAttestationRewards": 29_522_460,
    "vdfRevelationRewardsDelegated": 22,
    "nonceRevelationRewardsDelegated": 33,
    "blockFees": 357_034,
    "delegators": DELEGATORS,
    "stakers": [],
    "quote": {"usd": 1.07},
}


@pytest.fixture(scope="session")
def new_split() -> Callable[[], Document]:
    """Make splits that may be changed, for tests that need many."""
    return lambda: copy.deepcopy(DOCUMENT)


@pytest.fixture
def split(new_split: Callable[[], Document]) -> Document:
    """A split that may be changed."""
    return new_split()


CHAIN_ID = "NetXdQprcVkpaWU"
CYCLE = 1336
HEAD: Document = {
    "chain": "mainnet",
    "chainId": CHAIN_ID,
    "cycle": CYCLE + 1,
    "level": 14_707_489,
    "hash": encode(Prefix.BLOCK_HASH, bytes([1] * 32)),
    "protocol": encode(Prefix.PROTOCOL_HASH, bytes([2] * 32)),
    "timestamp": "2026-08-29T10:00:00Z",
    "knownLevel": 14_707_489,
    "synced": True,
    "quoteUsd": 1.07,
}


class IndexerScript:
    """One baker's cycle, as several indexers may tell it."""

    chain_id = CHAIN_ID
    other_chain_id = "NetXsqzbfFenSTS"
    baker = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
    cycle = CYCLE
    split_path = f"/v1/rewards/split/{baker}/{cycle}"
    head = HEAD

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    def serve(self, stub: Stub, split: Document, **head: Any) -> Stub:
        """Let a host answer as an indexer whose head differs from the usual as named."""
        stub.on("/v1/head", self.head | head)
        stub.on(self.split_path, split)
        return stub

    @staticmethod
    def delegators(count: int) -> list[Document]:
        return [
            {"address": address(number), "delegatedBalance": 1_000_000 + number, "emptied": False}
            for number in range(count)
        ]

    @staticmethod
    def paged(split: Document, members: list[Document]) -> Script:
        """Answer with the members that a request's offset and limit name, as TzKT does."""
        total = sum(each["delegatedBalance"] for each in members)

        def answer(asked: Asked) -> Document:
            first, limit = int(asked.query["offset"]), int(asked.query["limit"])
            page = {
                "externalDelegatedBalance": total,
                "delegatorsCount": len(members),
                "delegators": members[first : first + limit],
            }
            return split | page

        return answer

    def client(self, *stubs: Stub, **limits: Any) -> TzktClient:
        """Give a client of hosts, named indexer-1 and so on."""
        indexers = [
            stub.source(self._client, name=f"indexer-{number}", **limits)
            for number, stub in enumerate(stubs, 1)
        ]
        return TzktClient(indexers, chain_id=self.chain_id)


@pytest.fixture
def indexer(client: httpx2.AsyncClient) -> IndexerScript:
    return IndexerScript(client)
