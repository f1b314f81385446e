"""Deductions on their way into a plan: each a line of its own, noted in the plan's transaction."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import deductions
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.payouts import NewPayout
from bakehouse.ledger.states import Mode, PayoutState
from bakehouse.rewards.deduction import DeductedPayout, by_recipient, deduct
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.payout_kind import PayoutKind


async def with_deductions(
    tx: AsyncConnection, distribution: Distribution, rows: Sequence[NewPayout]
) -> list[NewPayout]:
    """Split off what agreed deductions take of a plan's payouts; nets still add up to the same.

    A line of a deduction is never paid: its amount was paid before. Of a simulation nothing is
    noted, so that it can be repeated. Call it within the transaction that stores the plan.
    """
    waiting = by_recipient(await deductions.open_ones(tx, distribution.key.baker_id))
    split: list[NewPayout] = []
    for row in rows:
        open_ones = waiting.get(row.owed_to, []) if row.kind == PayoutKind.DELEGATOR else []
        taken = deduct(row.net, open_ones)
        split += _lines(row, taken)
        if distribution.key.mode is Mode.ON:
            for part in taken.parts:
                await deductions.take(tx, part.deduction_id, distribution.id, part.amount)
    return split


def _lines(row: NewPayout, taken: DeductedPayout) -> list[NewPayout]:
    if not taken.parts:
        return [row]
    numbers = ", ".join(str(part.deduction_id) for part in taken.parts)
    line = NewPayout(
        kind=PayoutKind.DEDUCTION,
        owed_to=row.owed_to,
        delegated_balance=row.delegated_balance,
        # What the payout itself says of gross and fee stays with it, while there is one.
        gross=row.gross if taken.remaining == 0 else Mutez(0),
        fee_basis_points=row.fee_basis_points,
        fee=row.fee if taken.remaining == 0 else NO_MUTEZ,
        net=taken.deducted,
        state=_state_of(row),
        reason=f"deducted, as agreed: it was paid too much before (deduction {numbers})",
    )
    return [replace(row, net=taken.remaining), line] if taken.remaining else [line]


def _state_of(row: NewPayout) -> PayoutState:
    return row.state if row.state is PayoutState.SIMULATED else PayoutState.DROPPED
