"""One look at the chain for all bakers, and never an old one when a block is due."""

import asyncio
from datetime import UTC, datetime, timedelta

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.recent_chain import RecentChain
from bakehouse.tezos.transport import JsonSource
from tests.tezos.node.counted_node import counted_client


async def test_a_thousand_bakers_look_at_the_chain_once() -> None:
    chain = Chain(SandboxSettings(block_seconds=None))
    now = datetime.fromtimestamp(chain.head.timestamp, UTC) + timedelta(milliseconds=100)
    client, asked = counted_client(chain)
    node = NodeClient(
        [JsonSource("http://node", client)],
        chain_id=chain.chain_id,
        now=lambda: now,
        head_age_seconds_max=60,
        is_shared=True,
    )
    looks = await asyncio.gather(*(node.recent.final_block() for _ in range(1_000)))

    assert len({look.cycle for look in looks}) == 1
    assert sum(asked.values()) == 3, "the chain's id, its head, and the final block"
    await client.aclose()


async def test_a_head_whose_successor_is_due_is_kept_for_less() -> None:
    class Told:
        known_block_delay_seconds = 8

    chain = Chain(SandboxSettings(block_seconds=None))
    baked = datetime.fromtimestamp(chain.head.timestamp, UTC)
    ages = {0: 1.0, 7: 1.0, 7.5: 0.5, 8: 0.25, 30: 0.25}
    client, _ = counted_client(chain)
    node = NodeClient(
        [JsonSource("http://node", client)],
        chain_id=chain.chain_id,
        now=lambda: baked,
        head_age_seconds_max=60,
    )
    head = await node.head()
    for age, kept in ages.items():
        at = baked + timedelta(seconds=age)
        recent = RecentChain(Told(), lambda at=at: at)  # type: ignore[arg-type, misc]
        assert recent._head_kept_seconds(head) == kept
    await client.aclose()
