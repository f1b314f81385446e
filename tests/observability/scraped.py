"""A whole house at work on a simulated chain, scraped once everything has happened in it."""

import asyncio
import ssl
from pathlib import Path

import httpx2

from bakehouse.app import running
from bakehouse.config import load_config
from bakehouse.jobs.processors.poll_balance import known_balance
from bakehouse.ledger import alerts, bakers, figures
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from tests.jobs.workplace import eventually
from tests.web.scenes import Scene, address


def scraped(folder: Path) -> str:
    """Give what `/metrics` answers after a cycle was simulated, and one of the nodes failed."""
    return asyncio.run(_scraped(folder))


async def _scraped(folder: Path) -> str:
    settings = SandboxSettings(delegator_count=8, blocks_per_cycle=40, block_seconds=None)
    async with await SandboxServer.start(settings) as chain:
        while chain.chain.cycle_length.cycle_of(chain.chain.head.level - 2) == 1_400:
            chain.bake()
        config = load_config(
            {
                "BAKEHOUSE_DATA_DIR": str(folder / "data"),
                "BAKEHOUSE_NETWORK": chain.chain_id,
                # The first node is away: errors are there to be seen.
                "BAKEHOUSE_NODE_URLS": f"http://user:pa55word@127.0.0.1:9,{chain.node_url}",
                "BAKEHOUSE_INDEXER_URLS": chain.indexer_url,
                "BAKEHOUSE_PORT": "0",
                "BAKEHOUSE_METRICS_OPEN": "yes",
            }
        )
        async with running(config, minute_seconds=1) as house:
            payer = house.workshop.payer
            baker = Baker(
                baker_id=chain.baker_address,
                network=chain.chain_id,
                payout_address=chain.payout_address,
                first_cycle=1_400,
                payout_delay_cycles=0,
            )
            async with payer.ledger.write() as tx:
                await bakers.add(tx, baker, actor="test", at=payer.clock())
                # Paid as a matter of record: to wait for the chain would take most of a minute.
                paid = DistributionKey(
                    chain.chain_id, baker.baker_id, 1_300, DistributionKind.DELEGATORS, Mode.ON
                )
                await Scene(tx, paid, payer.clock()).pay({address(1): 100}, counter=1)
                await alerts.raise_alert(
                    tx, code="payout-held", subject="one", message="held", at=payer.clock()
                )
            await house.scheduler.initialize_schedules(baker.baker_id)

            async def has_happened() -> bool:
                async with payer.ledger.read() as tx:
                    cycles = await figures.of_cycles(tx)
                balance = await known_balance(house.workshop, baker.baker_id)
                is_simulated = any(each.state is DistributionState.SIMULATED for each in cycles)
                return is_simulated and balance is not None

            await eventually(has_happened)
            no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            async with httpx2.AsyncClient(trust_env=False, verify=no_certificates) as client:
                await client.get(f"{house.url}/health")
                return (await client.get(f"{house.url}/metrics")).text
