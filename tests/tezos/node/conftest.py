"""A node's answers for a scripted server, and the client under test in front of such nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.transport import JsonSource

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub

NOW = datetime(2026, 10, 7, 8, 19, 30, tzinfo=UTC)
HEAD_LEVEL = 15_267_099
HEAD_AGE_SECONDS = 11
PROTOCOL = encode(Prefix.PROTOCOL_HASH, bytes([2] * 32))
CONSTANTS: dict[str, Any] = {
    "blocks_per_cycle": 14400,
    "minimal_block_delay": "6",
    "max_operations_time_to_live": 600,
    "hard_gas_limit_per_operation": "1040000",
    "hard_gas_limit_per_block": "1040000",
    "hard_storage_limit_per_operation": "60000",
    "origination_size": 257,
    "cost_per_byte": "250",
    "limit_of_delegation_over_baking": 9,
    "max_operation_data_length": 32768,
}


class ChainScript:
    """One chain, as several nodes may tell it."""

    now = NOW
    chain_id = "NetXdQprcVkpaWU"
    other_chain_id = "NetXsqzbfFenSTS"
    head_level = HEAD_LEVEL
    protocol = PROTOCOL
    constants = CONSTANTS
    payer = "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb"
    payer_key = "edpkvGfYw3LyB1UcCahKQk4rF2tvbMUk8GFiTuMjL75uGXrpvKXhjn"
    op_hash = encode(Prefix.OPERATION_HASH, bytes([7] * 32))

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    @staticmethod
    def block_hash(level: int) -> str:
        return encode(Prefix.BLOCK_HASH, level.to_bytes(32))

    def block(self, level: int = HEAD_LEVEL) -> str:
        """Give the path of a block, by its hash."""
        return f"/chains/main/blocks/{self.block_hash(level)}"

    def header(self, level: int = HEAD_LEVEL, **changes: Any) -> dict[str, Any]:
        """Describe the block of a level, made 6 seconds after the one before."""
        age_seconds = HEAD_AGE_SECONDS + 6 * (HEAD_LEVEL - level)
        made_at = NOW - timedelta(seconds=age_seconds)
        return {
            "protocol": PROTOCOL,
            "chain_id": self.chain_id,
            "hash": self.block_hash(level),
            "level": level,
            "predecessor": self.block_hash(level - 1),
            "timestamp": made_at.isoformat().replace("+00:00", "Z"),
        } | changes

    def serve(self, stub: Stub, *, level: int = HEAD_LEVEL, chain: str = chain_id) -> Stub:
        """Let a host answer as a healthy node whose head is at a level."""
        block = self.block(level)
        account = f"{block}/context/contracts/{self.payer}"
        stub.on("/chains/main/chain_id", chain)
        stub.on("/chains/main/blocks/head/header", self.header(level, chain_id=chain))
        stub.on(f"{block}/header", self.header(level, chain_id=chain))
        stub.on(f"{block}~2/header", self.header(max(1, level - 2), chain_id=chain))
        stub.on(f"{block}~540/header", self.header(max(1, level - 540), chain_id=chain))
        stub.on(f"{block}/protocols", {"protocol": PROTOCOL, "next_protocol": PROTOCOL})
        stub.on(
            f"{block}/metadata",
            {
                "protocol": PROTOCOL,
                "next_protocol": PROTOCOL,
                "max_operations_ttl": 600,
                "level_info": {"level": level, "cycle": 1375, "cycle_position": 12410},
            },
        )
        stub.on(f"{block}/context/constants", CONSTANTS)
        stub.on(f"{account}/counter", "41")
        stub.on(f"{account}/balance", "5000000")
        stub.on(f"{account}/manager_key", self.payer_key)
        stub.on("/injection/operation", self.op_hash)
        return stub

    def client(self, *stubs: Stub, chain_id: str | None = chain_id, **limits: Any) -> NodeClient:
        """Give a client of hosts, named node-1 and so on."""
        return self.client_of(
            *(
                stub.source(self._client, name=f"node-{number}", **limits)
                for number, stub in enumerate(stubs, 1)
            ),
            chain_id=chain_id,
        )

    @staticmethod
    def client_of(*nodes: JsonSource, chain_id: str | None = chain_id) -> NodeClient:
        """Give a client of any sources."""
        return NodeClient(nodes, chain_id=chain_id, now=lambda: NOW, head_age_seconds_max=60)


@pytest.fixture
def chain(client: httpx2.AsyncClient) -> ChainScript:
    return ChainScript(client)
