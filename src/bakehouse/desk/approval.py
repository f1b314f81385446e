"""Letting a cycle go by the hash of its plan: what is approved is what was seen, or nothing."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.desk.decisions import CycleOf, find_cycle
from bakehouse.errors import ConflictError
from bakehouse.ledger import payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.payouts import Payout
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import Payer


async def plan_sha256(tx: AsyncConnection, distribution: Distribution) -> str:
    """Hash what a distribution would pay: its key, its figures and every row of money.

    States are left out, for they move. Raises ConflictError when nothing is planned yet.
    """
    if not distribution.is_planned:
        raise ConflictError(f"{distribution.key} is not planned yet: there is nothing to approve")
    planned = await payouts.of_distribution(tx, distribution)
    carried = await payouts.carried_into(tx, distribution)
    # Sixty thousand rows take a moment: not on the event loop.
    return await asyncio.to_thread(_sha256, distribution, planned, carried)


async def approve(
    payer: Payer, which: CycleOf, *, expected_sha256: str, actor: str, why: str
) -> None:
    """Let the first live cycle of a baker go, if its plan is still the one that was seen.

    Raises ConflictError for another plan, or for a cycle that needs no go; NotFoundError.
    """
    by = Decision(actor, why.strip(), payer.clock())
    async with payer.ledger.write() as tx:
        distribution = await find_cycle(tx, which)
        found = await plan_sha256(tx, distribution)
        if found != expected_sha256.strip().lower():
            raise ConflictError(
                f"the plan of {distribution.key} is not the one you saw: look at it again"
            )
        await controls.approve(tx, distribution.key, by)


def _sha256(
    distribution: Distribution, planned: Sequence[Payout], carried: Sequence[Payout]
) -> str:
    document = {
        "key": asdict(distribution.key),
        "figures": asdict(distribution.figures),
        "snapshot_sha256": distribution.snapshot_sha256,
        "payouts": sorted(_row(each) for each in planned),
        "carried_in": sorted(_row(each) for each in carried),
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _row(payout: Payout) -> list[Any]:
    return [
        payout.cycle,
        payout.kind,
        payout.owed_to,
        payout.address,
        payout.delegated_balance,
        payout.gross,
        payout.fee_basis_points,
        payout.fee,
        payout.net,
        payout.bears_fee,
        payout.bears_burn,
    ]
