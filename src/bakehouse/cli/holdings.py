"""What wallets hold, as the configured node has it; of the wallet commands only one needs it."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack

from bakehouse.config import Config
from bakehouse.opening import open_payer
from bakehouse.payments.standing import WalletStanding, wallet_standing


def holdings_of(config: Config, addresses: Iterable[str]) -> Mapping[str | None, WalletStanding]:
    """Give what each address holds, nothing where no node is set; raises SourceError."""
    if not (config.node_urls and config.indexer_urls):
        return {}
    return asyncio.run(_read(config, addresses))


async def _read(config: Config, addresses: Iterable[str]) -> dict[str | None, WalletStanding]:
    async with AsyncExitStack() as stack:
        payer = await open_payer(stack, config, with_keys=False)
        return {each: await wallet_standing(payer, each) for each in addresses}
