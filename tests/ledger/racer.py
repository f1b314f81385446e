"""A process that reaches for the lease of one address, as often as it is told to.

Its arguments are the database's URL and its own name. Each line of standard input is a round; the
answer is a line with the token it got, or 0. Rounds are an hour apart, so each lease has run out.
"""

import asyncio
import sys
from datetime import timedelta

from bakehouse.ledger import leases
from bakehouse.ledger.database import Ledger
from tests.ledger.bakery import NETWORK, NOW, SOURCE


async def race(url: str, name: str) -> None:
    ledger = await Ledger.open(url)
    print("ready", flush=True)  # noqa: T201 - the answer
    for line in iter(sys.stdin.readline, ""):
        at = NOW + timedelta(hours=int(line))
        async with ledger.write() as tx:
            lease = await leases.acquire(tx, NETWORK, SOURCE, holder=name, at=at, seconds=60)
        print(lease.token if lease else 0, flush=True)  # noqa: T201 - the answer
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(race(*sys.argv[1:]))
