"""How long the server takes for what grows with the ledger: pages, API, metrics (limit: 100 ms).

Run it with `python -m bench.pages_10k`; it exits 1 above the limit, and where a page with all that
it loads is larger than 200 KB. The ledger holds two weeks of
50 bakers; each cycle of one of them has 10,000 payouts in 67 operations. Measured is a whole
request within this process, so neither a network nor a browser is in the figures. Beside it stands
the processor time of this process, which does not depend on what else the machine does.
"""

import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.config import load_config
from bakehouse.jobs import job_requests
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JSON
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, deductions, manual_transfers, payout_rules, schema
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.deductions import NewDeduction
from bakehouse.ledger.manual_transfers import NewManualTransfer
from bakehouse.ledger.snapshots import keep_snapshot
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    ManualOrigin,
    Mode,
    OperationKind,
    OperationState,
    PayoutState,
)
from bakehouse.logs import LogFormat, configure_logs
from bakehouse.observability.instruments import Instruments
from bakehouse.opening import open_payer
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare, Listing
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.web.app import create_app
from bakehouse.web.services import WebServices

LIMIT_MS: Final = 100.0
LIMIT_KB: Final = 200.0
#: Enough for a median that others on the machine hardly move.
RUNS: Final = 31
TOKEN: Final = "bench"  # noqa: S105 - guards nothing

NETWORK: Final = "NetXdQprcVkpaWU"
NOWHERE: Final = "http://127.0.0.1:9"
CYCLES: Final = range(1_300, 1_314)
BAKERS: Final = 50
DELEGATORS, MANY_DELEGATORS = 60, 10_000
TRANSFERS_MAX: Final = 150
FEW, ORDERS = 40, 500
GROSS, FEE, NET = 1_050_000, 50_000, 1_000_000
LEVEL: Final = 9_000_000
NOW: Final = datetime.now(UTC)
#: What an indexer tells of one delegator, in characters.
SNAPSHOT_ROW: Final = "x" * 110


def address(number: int) -> str:
    return encode(Prefix.TZ1, number.to_bytes(20))


ADDRESSES: Final = [address(number) for number in range(MANY_DELEGATORS)]
BAKER_IDS: Final = [address(10**12 + number) for number in range(BAKERS)]
BAKER_PATH: Final = f"bakers/{BAKER_IDS[0]}"
CYCLE_PATH: Final = f"{BAKER_PATH}/cycles/{CYCLES[-1]}"
PATHS: Final = {
    f"home of {BAKERS} bakers": "/",
    "page of the cycle": f"/{CYCLE_PATH}",
    "page of its last payouts": f"/{CYCLE_PATH}?offset=9500",
    "page of the baker": f"/bakers/{BAKER_IDS[0]}",
    "statistics of the baker": f"/{BAKER_PATH}/statistics",
    "its settings": f"/{BAKER_PATH}/settings",
    "10,000 fees of its own": f"/{BAKER_PATH}/fees",
    "10,000 rules": f"/{BAKER_PATH}/rules",
    "40 income shares": f"/{BAKER_PATH}/income",
    "40 members of the pool": f"/{BAKER_PATH}/bond-pool",
    "500 transfers by hand": f"/{BAKER_PATH}/transfers",
    "a new transfer": f"/{BAKER_PATH}/transfers/new",
    "500 deductions": f"/{BAKER_PATH}/deductions",
    "hooks": f"/{BAKER_PATH}/hooks",
    "announcements": f"/{BAKER_PATH}/announcements",
    "funding the wallet": f"/{BAKER_PATH}/fund",
    "page of a delegator": f"/bakers/{BAKER_IDS[0]}/delegators/{ADDRESSES[0]}",
    "page of what waits": "/waiting",
    "page of alerts": "/alerts",
    "page of schedules": "/schedules",
    "page of the audit trail": "/audit",
    "API, 500 of its payouts": f"/api/{CYCLE_PATH}/payouts",
    "API, 1,000 of its payouts": f"/api/{CYCLE_PATH}/payouts?limit=1000",
    "metrics": "/metrics",
}


def main() -> int:
    configure_logs(LogFormat.CONSOLE, "warning")
    figures = asyncio.run(measure())
    for name, each in figures.items():
        against = f"{each.wall_ms:8.1f} ms of {LIMIT_MS:.0f} ({each.wall_ms / LIMIT_MS:.0%})"
        size = "" if each.page_kb is None else f", {each.page_kb:.0f} KB of {LIMIT_KB:.0f}"
        print(f"{name:28} {against}, processor {each.processor_ms:.1f} ms{size}")
    return int(any(each.is_over for each in figures.values()))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one path takes: medians by the clock and of the processor, and how large a page is."""

    wall_ms: float
    processor_ms: float
    #: With all that the page loads, as transferred; None for what is no page.
    page_kb: float | None

    @property
    def is_over(self) -> bool:
        """Whether it is slower, or larger, than it may be."""
        return self.wall_ms > LIMIT_MS or (self.page_kb or 0) > LIMIT_KB


async def measure() -> dict[str, Figures]:
    """Give what each path takes."""
    with tempfile.TemporaryDirectory() as folder:
        async with serving_client(Path(folder)) as client:
            return {name: await _figures(client, path) for name, path in PATHS.items()}


async def _figures(client: httpx2.AsyncClient, path: str) -> Figures:
    timings = []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        answer = await client.get(path)
        timings.append((time.perf_counter() - wall, time.process_time() - processor))
        assert answer.status_code == httpx2.codes.OK, answer.text
    walls, processors = (1000 * statistics.median(each) for each in zip(*timings, strict=True))
    is_page = answer.headers["content-type"].startswith("text/html")
    return Figures(walls, processors, await _page_kb(client, answer) if is_page else None)


async def _page_kb(client: httpx2.AsyncClient, page: httpx2.Response) -> float:
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    answers = [await client.get(path) for path in loaded]
    sizes = [int(each.headers["content-length"]) for each in answers]
    return (len(page.content) + sum(sizes)) / 1000


@asynccontextmanager
async def serving_client(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the whole application, on a ledger that is filled unless it is there."""
    config = load_config(
        {
            "BAKEHOUSE_DATA_DIR": str(folder),
            "BAKEHOUSE_NETWORK": NETWORK,
            "BAKEHOUSE_NODE_URLS": NOWHERE,
            "BAKEHOUSE_INDEXER_URLS": NOWHERE,
        }
    )
    is_new = not (folder / "ledger.db").exists()
    async with AsyncExitStack() as stack:
        payer = await open_payer(stack, config)
        if is_new:
            await fill(payer.ledger)
            await fill_settings(payer.ledger)
        valkey = EmbeddedValkey(folder / "valkey")
        await valkey.start()
        stack.push_async_callback(valkey.stop)
        cache = await stack.enter_async_context(RedisCache(valkey.address))
        engine = JobEngine(valkey.address)
        await engine.connect()
        stack.push_async_callback(engine.close)
        workshop = Workshop(payer, engine, cache)
        await _remember(workshop)
        services = WebServices(
            workshop=workshop,
            scheduler=Scheduler(workshop),
            api_token=TOKEN,
            version="bench",
            secret_key=SecretKeyFile(folder / "secret.key", made_when_missing=True),
            instruments=Instruments("bench", payer.clock),
        )
        yield await stack.enter_async_context(
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=create_app(services)),
                base_url="http://localhost",
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
        )


async def _remember(workshop: Workshop) -> None:
    """Let the queue know of each baker what it knows of one that runs: balance, last look, next."""
    at = datetime.now(UTC)
    async with workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
    balance: JSON = {"balance": str(10**11), "level": LEVEL, "at": at.isoformat()}
    last: JSON = {"ok": True, "at": at.isoformat(), "value": {"current_cycle": CYCLES[-1] + 1}}
    for baker in registered:
        monitor = job_requests.cycle_monitor(baker, workshop.minute_seconds)
        await workshop.engine.upsert_schedule(monitor, at + timedelta(minutes=10))
        await workshop.cache.set(f"balance:{baker.baker_id}", balance, 3600)
        await workshop.cache.set(f"last-run:{monitor.id}", last, 3600)


# The ledger: filled past the repositories, which would take minutes; its own guards hold.


@dataclass(frozen=True, slots=True)
class Paid:
    """A cycle of a baker."""

    id: int
    baker_id: str
    cycle: int
    recipients: range


async def fill(ledger: Ledger) -> None:
    """Enter all bakers with all their cycles, paid."""
    for number, baker_id in enumerate(BAKER_IDS):
        async with ledger.write() as tx:
            baker = Baker(
                baker_id=baker_id,
                network=NETWORK,
                payout_address=baker_id,
                first_cycle=CYCLES[0],
                alias=f"Baker {number}",
                mode=Mode.ON,
            )
            await bakers.add(tx, baker, actor="bench", at=NOW)
            recipients = range(DELEGATORS if number else MANY_DELEGATORS)
            for place, cycle in enumerate(CYCLES):
                first_id = number * len(CYCLES) + 1
                await _add(tx, Paid(first_id + place, baker_id, cycle, recipients))


async def fill_settings(ledger: Ledger) -> None:
    """Enter all that differs by address for the large baker, and what is ordered by hand."""
    baker_id = BAKER_IDS[0]
    async with ledger.write() as tx:
        baker = await bakers.get(tx, baker_id)
        fees = {each: BasisPoints(number % 1_000) for number, each in enumerate(ADDRESSES)}
        rule = DelegatorRule(listing=Listing.IGNORED, minimum_balance=Mutez(10**7))
        shares = [IncomeShare(each, of_fees=BasisPoints(200)) for each in ADDRESSES[:FEW]]
        members = [
            BondPoolMember(each, Mutez(10**9), BasisPoints(100), number == 0, f"Member {number}")
            for number, each in enumerate(ADDRESSES[:FEW])
        ]
        await bakers.replace_fees(tx, baker_id, fees, actor="bench", at=NOW)
        rules = dict.fromkeys(ADDRESSES, rule)
        await payout_rules.replace_delegators(tx, baker, rules, actor="bench", at=NOW)
        await payout_rules.replace_income(tx, baker, shares, actor="bench", at=NOW)
        await bakers.replace_bond_pool(tx, baker_id, members, actor="bench", at=NOW)
        for number in range(ORDERS):
            await _order(tx, number)


async def _order(tx: AsyncConnection, number: int) -> None:
    """Enter a transfer by hand and a deduction."""
    baker_id, to = BAKER_IDS[0], ADDRESSES[number]
    key, why = f"order-{number}", "rent of the month, as it was agreed upon with the house"
    transfer = NewManualTransfer(
        network=NETWORK,
        baker_id=baker_id,
        origin=ManualOrigin.TRANSFER,
        idempotence_key=key,
        source=baker_id,
        destination=to,
        amount=Mutez(NET),
        actor="bench",
        why=why,
        ordered_level=LEVEL,
    )
    entered = await manual_transfers.order(tx, transfer, at=NOW)
    await manual_transfers.give_up(tx, entered, "given up: later", actor="bench", at=NOW)
    await deductions.agree(
        tx, NewDeduction(baker_id, to, Mutez(NET), key, "by mail", why, "bench"), at=NOW
    )


async def _add(tx: AsyncConnection, paid: Paid) -> None:
    await tx.execute(insert(schema.distributions).values(_distribution(paid)))
    await keep_snapshot(tx, paid.id, SNAPSHOT_ROW * len(paid.recipients))
    for first in paid.recipients[::TRANSFERS_MAX]:
        group = paid.recipients[first : first + TRANSFERS_MAX]
        stored = insert(schema.operations).values(_operation(paid, group))
        operation_id = (await tx.execute(stored.returning(schema.operations.c.id))).scalar_one()
        await tx.execute(insert(schema.transfers), list(_transfers(operation_id, group)))
        await tx.execute(insert(schema.payouts), list(_payouts(paid, operation_id, group)))


def _distribution(paid: Paid) -> dict[str, Any]:
    count = len(paid.recipients)
    return {
        "id": paid.id,
        "network": NETWORK,
        "baker_id": paid.baker_id,
        "cycle": paid.cycle,
        "kind": DistributionKind.DELEGATORS,
        "mode": Mode.ON,
        "state": DistributionState.PAID,
        "snapshot_sha256": "ab" * 32,
        "pool": count * GROSS,
        "total_fees": count * FEE,
        "total_net": count * NET,
        "created_at": NOW,
        "updated_at": NOW,
        "verified_at": NOW,
    }


def _operation(paid: Paid, group: range) -> dict[str, Any]:
    counter = paid.id * 1_000_000 + group[0]
    return {
        "network": NETWORK,
        "baker_id": paid.baker_id,
        "distribution_id": paid.id,
        "source": paid.baker_id,
        "kind": OperationKind.PAYOUT,
        "state": OperationState.FINAL,
        "hash": encode(Prefix.OPERATION_HASH, counter.to_bytes(32)),
        "signed_bytes": bytes(60 * len(group)),
        "protocol": "Pt",
        "branch": "BL",
        "branch_level": LEVEL,
        "last_includable_level": LEVEL + 90,
        "counter_first": counter,
        "content_count": len(group),
        "total_fee": 400 * len(group),
        "gas_limit": 200 * len(group),
        "born_level": LEVEL,
        "born_block": "BL",
        "lease_token": 1,
        "scanned_level": LEVEL,
        "included_level": LEVEL + 2,
        "included_block": "BL",
        "applied": True,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _transfers(operation_id: int, group: range) -> Iterator[dict[str, Any]]:
    for position, number in enumerate(group):
        yield {
            "id": operation_id * TRANSFERS_MAX + position,
            "operation_id": operation_id,
            "position": position,
            "destination": ADDRESSES[number],
            "amount": NET,
            "fee": 400,
            "gas_limit": 200,
            "storage_limit": 0,
            "status": "applied",
        }


def _payouts(paid: Paid, operation_id: int, group: range) -> Iterator[dict[str, Any]]:
    for position, number in enumerate(group):
        yield {
            "distribution_id": paid.id,
            "paid_with_id": paid.id,
            "network": NETWORK,
            "baker_id": paid.baker_id,
            "cycle": paid.cycle,
            "mode": Mode.ON,
            "kind": "delegator",
            "owed_to": ADDRESSES[number],
            "address": ADDRESSES[number],
            "delegated_balance": 10**10,
            "gross": GROSS,
            "fee_basis_points": 476,
            "fee": FEE,
            "net": NET,
            "state": PayoutState.PAID,
            "transfer_id": operation_id * TRANSFERS_MAX + position,
        }


if __name__ == "__main__":
    sys.exit(main())
