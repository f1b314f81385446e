"""Payouts: what each delegator or bond-pool member is owed for a cycle, and what became of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, Select, bindparam, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.schema import payouts, transfers
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import Mode, PayoutState
from bakehouse.ledger.transition import move
from bakehouse.rewards.money import NO_MUTEZ, BasisPoints, Mutez

#: Payouts bound to transfers by one statement, which compares each row with all of them.
_ASSIGNED_AT_ONCE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class NewPayout:
    """A payout about to enter the ledger; amounts in mutez."""

    kind: str
    owed_to: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    state: PayoutState
    #: Where it is sent; empty: to whom it is owed.
    address: str = ""
    bears_fee: bool = False
    bears_burn: bool = False
    #: Why it waits, when it is carried.
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout as the ledger has it; amounts in mutez."""

    id: int
    #: The distribution whose operations pay it.
    paid_with_id: int
    cycle: int
    kind: str
    owed_to: str
    address: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    state: PayoutState
    transfer_id: int | None
    reason: str | None
    #: The newest level that was searched for payments by another tool when it was held.
    looked_back_level: int | None
    #: When a person let it go after it was held.
    released_at: datetime | None
    #: Whether the recipient bears the fee of its transfer, and what it burns.
    bears_fee: bool = False
    bears_burn: bool = False
    #: What of its transfer's cost it bears.
    withheld: Mutez = NO_MUTEZ
    #: What another tool paid it by, before Bakehouse did.
    imported_payment_id: int | None = None

    @property
    def received(self) -> Mutez:
        """What arrives, or has arrived."""
        return Mutez(self.net - self.withheld)


_NAMES: Final = tuple(each.name for each in fields(Payout))
#: What `payout_of` wants a row to begin with.
PAYOUT_COLUMNS: Final = tuple(payouts.c[name] for name in _NAMES)

_ENTER: Final = insert(payouts)
#: Built once, for each step of a payment asks for them.
_OF_THE_CYCLE: Final = payouts.c.distribution_id == bindparam("distribution_id")
_PAID_WITH: Final = payouts.c.paid_with_id == bindparam("distribution_id")
_IN_STATE: Final = (
    select(*PAYOUT_COLUMNS)
    .where(_PAID_WITH, payouts.c.state == bindparam("state"))
    .order_by(payouts.c.address, payouts.c.id)
)
_FIRST_IN_STATE: Final = _IN_STATE.limit(bindparam("limit", type_=Integer))
_COUNTS: Final = (
    select(payouts.c.state, func.count(), func.sum(payouts.c.net - payouts.c.withheld))
    .where(_PAID_WITH)
    .group_by(payouts.c.state)
)
_TOTAL: Final = select(func.coalesce(func.sum(payouts.c.net), 0)).where(_OF_THE_CYCLE)
_CARRIED: Final = select(*PAYOUT_COLUMNS).where(
    payouts.c.baker_id == bindparam("baker_id"),
    payouts.c.mode == bindparam("mode"),
    payouts.c.state == PayoutState.CARRIED,
)
_OF_BAKER: Final = (
    select(*PAYOUT_COLUMNS)
    .where(
        payouts.c.baker_id == bindparam("baker_id"),
        payouts.c.mode == Mode.ON,
        payouts.c.state == bindparam("state"),
    )
    .order_by(payouts.c.cycle, payouts.c.id)
)
_OF_CYCLE: Final = (
    select(*PAYOUT_COLUMNS)
    .where(or_(_OF_THE_CYCLE, _PAID_WITH), payouts.c.state == bindparam("state"))
    .order_by(payouts.c.id)
)
_IDS_OF_OPERATION: Final = (
    select(payouts.c.id)
    .join(transfers, transfers.c.id == payouts.c.transfer_id)
    .where(transfers.c.operation_id == bindparam("operation_id"))
)


async def add(tx: AsyncConnection, distribution: Distribution, rows: Iterable[NewPayout]) -> None:
    """Enter the payouts of a plan; the unique identity refuses to owe anything twice."""
    key = distribution.key
    values = [
        {
            "distribution_id": distribution.id,
            "paid_with_id": distribution.id,
            "network": key.network,
            "baker_id": key.baker_id,
            "cycle": key.cycle,
            "mode": key.mode,
            "kind": row.kind,
            "owed_to": row.owed_to,
            "address": row.address or row.owed_to,
            "delegated_balance": row.delegated_balance,
            "gross": row.gross,
            "fee_basis_points": row.fee_basis_points,
            "fee": row.fee,
            "net": row.net,
            "state": row.state,
            "bears_fee": row.bears_fee,
            "bears_burn": row.bears_burn,
            "reason": row.reason,
        }
        for row in rows
    ]
    if values:
        await tx.execute(_ENTER, values)


async def carried(tx: AsyncConnection, baker_id: str, mode: Mode) -> dict[str, list[Payout]]:
    """Give the payouts that wait below the minimum, by whom they are owed to."""
    by_address: dict[str, list[Payout]] = {}
    for payout in await _fetch(tx, _CARRIED, {"baker_id": baker_id, "mode": mode}):
        by_address.setdefault(payout.owed_to, []).append(payout)
    return by_address


async def carried_into(tx: AsyncConnection, distribution: Distribution) -> list[Payout]:
    """Give the payouts of earlier cycles that this distribution pays."""
    query = select(*PAYOUT_COLUMNS).where(
        payouts.c.paid_with_id == distribution.id, payouts.c.cycle < distribution.key.cycle
    )
    return await _fetch(tx, query)


async def release_carried(
    tx: AsyncConnection, distribution: Distribution, released: Sequence[Payout], to: PayoutState
) -> None:
    """Let carried payouts be paid (or simulated) together with this distribution."""
    ids = [payout.id for payout in released]
    await move(tx, payouts, ids, to, paid_with_id=distribution.id, reason=None)


async def carry(tx: AsyncConnection, ids: Collection[int], reason: str) -> None:
    """Let owed payouts wait for a later cycle after all."""
    await move(tx, payouts, ids, PayoutState.CARRIED, reason=reason)


async def redirect(tx: AsyncConnection, payout_id: int, address: str) -> None:
    """Have a payout sent elsewhere; it stays owed to whom it was."""
    await tx.execute(update(payouts).where(payouts.c.id == payout_id).values(address=address))


async def in_state(
    tx: AsyncConnection, distribution: Distribution, state: PayoutState, limit: int | None = None
) -> list[Payout]:
    """Give what this distribution pays and is in a state, in an order that never changes."""
    asked = {"distribution_id": distribution.id, "state": state}
    if limit is None:
        return await _fetch(tx, _IN_STATE, asked)
    return await _fetch(tx, _FIRST_IN_STATE, {**asked, "limit": limit})


async def of_distribution(
    tx: AsyncConnection, distribution: Distribution, *, offset: int = 0, limit: int | None = None
) -> list[Payout]:
    """Give the payouts planned for the distribution's cycle, largest first."""
    query = select(*PAYOUT_COLUMNS).where(payouts.c.distribution_id == distribution.id)
    # Both the same way: so the index gives a page without sorting the whole cycle.
    ordered = query.order_by(payouts.c.net.desc(), payouts.c.id.desc())
    return await _fetch(tx, ordered.offset(offset).limit(limit))


async def count_by_state(
    tx: AsyncConnection, distribution: Distribution
) -> dict[PayoutState, tuple[int, Mutez]]:
    """Count what this distribution pays, and sum what of it arrives or has arrived, by state."""
    rows = await tx.execute(_COUNTS, {"distribution_id": distribution.id})
    return {PayoutState(state): (count, Mutez(int(total))) for state, count, total in rows}


async def paid_by(tx: AsyncConnection, distribution: Distribution, kind: str) -> tuple[int, Mutez]:
    """Count the people that this distribution has paid in a kind, and sum what they got."""
    arrived = func.sum(payouts.c.net - payouts.c.withheld)
    query = select(func.count(payouts.c.owed_to.distinct()), func.coalesce(arrived, 0)).where(
        payouts.c.paid_with_id == distribution.id,
        payouts.c.state == PayoutState.PAID,
        payouts.c.kind == kind,
    )
    whom, total = (await tx.execute(query)).one()
    return whom, Mutez(int(total))


async def total_of_cycle(tx: AsyncConnection, distribution: Distribution) -> Mutez:
    """Sum every payout planned for the distribution's cycle, whatever became of it."""
    total = (await tx.execute(_TOTAL, {"distribution_id": distribution.id})).scalar_one()
    return Mutez(int(total))


async def assign(tx: AsyncConnection, settled: Sequence[tuple[int, int, Mutez]]) -> None:
    """Bind owed payouts to the transfers that settle them: ids of both, and what is withheld."""
    for part in in_parts(settled, most=_ASSIGNED_AT_ONCE_MAX):
        transfer_of = {payout_id: transfer_id for payout_id, transfer_id, _ in part}
        withheld_of = {payout_id: withheld for payout_id, _, withheld in part}
        await move(
            tx,
            payouts,
            [payout_id for payout_id, _, _ in part],
            PayoutState.ASSIGNED,
            transfer_id=case(transfer_of, value=payouts.c.id),
            withheld=case(withheld_of, value=payouts.c.id),
        )


async def of_transfer(tx: AsyncConnection, transfer_id: int) -> list[Payout]:
    """Give the payouts one transfer settles."""
    query = select(*PAYOUT_COLUMNS).where(payouts.c.transfer_id == transfer_id)
    return await _fetch(tx, query.order_by(payouts.c.id))


async def settle_operation(tx: AsyncConnection, operation_id: int) -> int:
    """Mark everything the operation paid as paid; gives how many payouts that were."""
    ids = await _ids_of_operation(tx, operation_id)
    await move(tx, payouts, ids, PayoutState.PAID)
    return len(ids)


async def release_operation(
    tx: AsyncConnection, operation_id: int, *, held: Sequence[tuple[int, str]]
) -> None:
    """Free what an operation did not pay: `held` (transfer, reason) waits for a person, rest owed.

    Only after it is proven that the operation will never pay them.
    """
    for transfer_id, reason in held:
        ids = [payout.id for payout in await of_transfer(tx, transfer_id)]
        await move(tx, payouts, ids, PayoutState.HELD, transfer_id=None, reason=reason, withheld=0)
    rest = await _ids_of_operation(tx, operation_id)
    await move(tx, payouts, rest, PayoutState.OWED, transfer_id=None, withheld=0)


async def hold(
    tx: AsyncConnection, ids: Collection[int], reason: str, *, looked_back_level: int | None = None
) -> None:
    """Keep owed payouts back until a person decides.

    `looked_back_level` is given when they seem to be paid by another tool, in a block up to there:
    should a person say otherwise, those blocks are not held against them again.
    """
    values = {} if looked_back_level is None else {"looked_back_level": looked_back_level}
    await move(tx, payouts, ids, PayoutState.HELD, reason=reason, **values)


async def release(tx: AsyncConnection, ids: Collection[int], *, at: datetime) -> None:
    """Let held payouts be paid after all; what they were held for is settled by a person's word."""
    await move(tx, payouts, ids, PayoutState.OWED, released_at=at, reason=None)


async def drop(tx: AsyncConnection, ids: Collection[int], reason: str) -> None:
    """Never pay held payouts."""
    await move(tx, payouts, ids, PayoutState.DROPPED, reason=reason)


async def of_baker(tx: AsyncConnection, baker_id: str, state: PayoutState) -> list[Payout]:
    """Give a baker's payouts in a state, of every cycle, oldest first."""
    return await _fetch(tx, _OF_BAKER, {"baker_id": baker_id, "state": state})


async def by_ids(tx: AsyncConnection, ids: Collection[int]) -> list[Payout]:
    """Give the payouts of these rows, in any order."""
    return [
        payout
        for part in in_parts(ids)
        for payout in await _fetch(tx, select(*PAYOUT_COLUMNS).where(payouts.c.id.in_(part)))
    ]


async def of_cycle(
    tx: AsyncConnection, distribution: Distribution, state: PayoutState, owed_to: str | None = None
) -> list[Payout]:
    """Give the payouts in a state that were planned for, or are paid with, the distribution."""
    query = _OF_CYCLE if owed_to is None else _OF_CYCLE.where(payouts.c.owed_to == owed_to)
    return await _fetch(tx, query, {"distribution_id": distribution.id, "state": state})


async def _ids_of_operation(tx: AsyncConnection, operation_id: int) -> list[int]:
    return list((await tx.execute(_IDS_OF_OPERATION, {"operation_id": operation_id})).scalars())


async def _fetch(
    tx: AsyncConnection, query: Select[Any], asked: Mapping[str, Any] | None = None
) -> list[Payout]:
    return [payout_of(row) for row in await tx.execute(query, asked)]


def payout_of(row: Row[Any]) -> Payout:
    """Read a payout from a row that begins with PAYOUT_COLUMNS."""
    # By place, not by name: there are thousands of them. A row may go on behind what is asked for.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=False))
    values["state"] = PayoutState(values["state"])
    return Payout(**values)


async def owed_from(tx: AsyncConnection, source: str) -> Mutez:
    """Sum what is still to be paid from a wallet, held and carried amounts included."""
    # Named like this they are looked up, instead of walking through all payouts.
    of_wallet = select(bakers.c.baker_id).where(bakers.c.payout_address == source)
    query = select(func.coalesce(func.sum(payouts.c.net), 0)).where(
        payouts.c.baker_id.in_(of_wallet),
        payouts.c.mode == Mode.ON,
        payouts.c.state.in_([PayoutState.OWED, PayoutState.HELD, PayoutState.CARRIED]),
    )
    return Mutez(int((await tx.execute(query)).scalar_one()))
