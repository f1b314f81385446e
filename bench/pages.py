"""Server time and size of each page with 10,000 payouts in the cycle: `python -m bench.pages`."""

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, schema
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationKind,
    OperationState,
    PayoutState,
)
from bakehouse.rewards.payout_kind import PayoutKind
from tests.web.conftest import BROWSER, NETWORK, House, serve_house
from tests.web.scenes import address, operation_hash

_PAYOUTS: Final = 10_000
_GROUP: Final = 400
_CYCLES: Final = 40
_BAKERS: Final = 200
_EVENTS: Final = 100_000
_RUNS: Final = 5
_BUDGET_MILLISECONDS: Final = 100
_BUDGET_BYTES: Final = 200_000
_BAKER: Final = address(2**40)
_NOW: Final = datetime.now(UTC)


async def _fill(tx: AsyncConnection) -> None:
    """Enter rows as they are when all is paid, past the house's own way, which takes longer."""
    for number in range(_BAKERS):
        await bakers.add(tx, _baker(number), actor="bench", at=_NOW)
    keys = [(number, cycle) for number in range(_BAKERS) for cycle in range(1, _CYCLES + 1)]
    ids = {key: index for index, key in enumerate(keys, 1)}
    await tx.execute(insert(schema.distributions), [_distribution(ids[key], *key) for key in keys])
    # As large as the evidence of a hundred delegators.
    received = [{"distribution_id": each, "content": "x" * 20_000} for each in ids.values()]
    await tx.execute(insert(schema.snapshots), received)
    big = ids[0, _CYCLES]
    groups = -(-_PAYOUTS // _GROUP)
    await tx.execute(insert(schema.operations), [_operation(big, each) for each in range(groups)])
    numbers = range(_PAYOUTS)
    await tx.execute(insert(schema.transfers), [_transfer(each) for each in numbers])
    await tx.execute(insert(schema.payouts), [_payout(big, each) for each in numbers])
    await tx.execute(insert(schema.audit_events), [_event(each) for each in range(_EVENTS)])


def _baker(number: int) -> Baker:
    return Baker(
        baker_id=address(2**40 + number),
        network=NETWORK,
        payout_address=address(2**40 + number),
        first_cycle=1,
        alias=f"Baker {number}",
        mode=Mode.ON,
        public_page=True,
    )


def _distribution(row_id: int, number: int, cycle: int) -> dict[str, object]:
    net = _PAYOUTS * 10**7
    return {
        "id": row_id,
        "network": NETWORK,
        "baker_id": address(2**40 + number),
        "cycle": cycle,
        "kind": DistributionKind.DELEGATORS,
        "mode": Mode.ON,
        "state": DistributionState.PAID,
        "snapshot_sha256": "ab" * 32,
        "pool": net,
        "total_net": net,
        "created_at": _NOW,
        "updated_at": _NOW,
    }


def _operation(distribution_id: int, group: int) -> dict[str, object]:
    return {
        "id": group + 1,
        "network": NETWORK,
        "baker_id": _BAKER,
        "distribution_id": distribution_id,
        "source": _BAKER,
        "kind": OperationKind.PAYOUT,
        "state": OperationState.FINAL,
        "hash": operation_hash(group),
        "signed_bytes": b"x" * 25_000,
        "protocol": "Pt",
        "branch": "BL",
        "branch_level": 1,
        "last_includable_level": 2,
        "counter_first": group * _GROUP,
        "content_count": _GROUP,
        "total_fee": 400 * _GROUP,
        "gas_limit": 200 * _GROUP,
        "born_level": 1,
        "born_block": "BL",
        "lease_token": 1,
        "scanned_level": 1,
        "included_level": 2,
        "included_block": "BL",
        "applied": True,
        "created_at": _NOW,
        "updated_at": _NOW,
    }


def _transfer(number: int) -> dict[str, object]:
    return {
        "id": number + 1,
        "operation_id": number // _GROUP + 1,
        "position": number % _GROUP,
        "destination": address(number),
        "amount": 10**7,
        "fee": 400,
        "gas_limit": 200,
        "storage_limit": 0,
        "status": "applied",
    }


def _payout(distribution_id: int, number: int) -> dict[str, object]:
    return {
        "distribution_id": distribution_id,
        "paid_with_id": distribution_id,
        "network": NETWORK,
        "baker_id": _BAKER,
        "cycle": _CYCLES,
        "mode": Mode.ON,
        "kind": PayoutKind.DELEGATOR,
        "owed_to": address(number),
        "address": address(number),
        "delegated_balance": 10**10,
        "gross": 10**7 + 5,
        "fee_basis_points": 500,
        "fee": 5,
        "net": 10**7,
        "state": PayoutState.PAID,
        "transfer_id": number + 1,
    }


def _event(number: int) -> dict[str, object]:
    return {
        "at": _NOW,
        "actor": "bench",
        "action": "bench",
        "subject": f"bench/{number}",
        "detail": "{}",
        "previous_hash": "",
        "hash": f"bench {number}",
    }


async def _measure(house: House, path: str) -> tuple[float, int]:
    """Give the best of some runs in milliseconds of this process, and how many bytes came.

    Its time, not the wall's: what else a machine does is not the page's fault.
    """
    taken, size = [], 0
    for _ in range(_RUNS):
        begun = time.process_time()
        answer = await house.client.get(path, headers=BROWSER)
        taken.append((time.process_time() - begun) * 1_000)
        answer.raise_for_status()
        size = len(answer.content)
    return min(taken), size


async def _run(folder: Path) -> bool:
    migrated = folder / "migrated.db"
    await (await Ledger.open(f"sqlite:///{migrated}")).close()
    is_within = True
    async with serve_house(folder, migrated) as house:
        async with house.workshop.payer.ledger.write() as tx:
            await _fill(tx)
        cycle = f"/bakers/{_BAKER}/cycles/{_CYCLES}"
        for path in (
            "/",
            f"/bakers/{_BAKER}",
            cycle,
            f"{cycle}?offset=9900",
            f"{cycle}?to={address(777)}",
            f"/bakers/{_BAKER}/delegators/{address(1)}",
            f"/public/{_BAKER}?address={address(1)}",
        ):
            milliseconds, size = await _measure(house, path)
            fits = milliseconds < _BUDGET_MILLISECONDS and size < _BUDGET_BYTES
            is_within = is_within and fits
            print(f"{milliseconds:7.1f} ms {size:8d} B {'' if fits else '<-- ':4} {path}")
    return is_within


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sys.exit(0 if asyncio.run(_run(Path(name))) else 1)
