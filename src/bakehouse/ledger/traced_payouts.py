"""Payouts, each with the transfer and the operation that pay it. Read only.

Of a distribution page by page, or of one person through the cycles.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.import_tables import imported_payments
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.payouts import PAYOUT_COLUMNS, Payout, payout_of
from bakehouse.ledger.schema import distributions, operations, payouts, transfers
from bakehouse.ledger.states import Mode, OperationState, PayoutState
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind

#: The last character there is: what begins with a text is not after the text and this.
_LAST: Final = "\U0010ffff"

#: Both the same way: so the index gives a page without sorting the whole cycle.
_LARGEST_FIRST: Final = (payouts.c.net.desc(), payouts.c.id.desc())


@dataclass(frozen=True, slots=True)
class TracedPayout:
    """A payout and where its money went; amounts in mutez."""

    payout: Payout
    #: The cycle of the distribution that pays it: a later one, if it was carried over.
    paid_with_cycle: int
    #: Of what another tool paid, that tool's; its state is then nobody's here.
    operation_hash: str | None
    operation_state: OperationState | None
    included_level: int | None
    #: What its transfer cost; a transfer may settle several payouts, and costs once.
    transfer_fee: Mutez | None
    burn: Mutez | None


@dataclass(frozen=True, slots=True)
class PayoutFilter:
    """Which payouts of a distribution are wanted; an empty filter wants all."""

    states: frozenset[PayoutState] = field(default=frozenset())
    #: Whom they are owed to: an address, or how it begins.
    owed_to: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything pass."""
        return not self.states and not self.owed_to

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give what it asks of a payout's row."""
        found: list[ColumnElement[bool]] = []
        if self.states:
            found.append(payouts.c.state.in_(sorted(self.states)))
        if self.owed_to:
            # A range, not LIKE: an address is told apart by the case of its letters.
            found.append(payouts.c.owed_to.between(self.owed_to, self.owed_to + _LAST))
        return found


async def of_distribution(
    tx: AsyncConnection,
    distribution: Distribution,
    wanted: PayoutFilter,
    *,
    offset: int,
    limit: int,
) -> list[TracedPayout]:
    """Give payouts planned for the distribution's cycle, largest first."""
    ids = _ids(distribution, wanted, offset=offset, limit=limit)
    return await _fetch(tx, _traced().where(payouts.c.id.in_(ids)).order_by(*_LARGEST_FIRST))


def _ids(
    distribution: Distribution, wanted: PayoutFilter, *, offset: int, limit: int
) -> Select[int]:
    """Choose a page by an index alone: what is left out is neither read nor joined."""
    return (
        select(payouts.c.id)
        .where(payouts.c.distribution_id == distribution.id, *wanted.conditions())
        .order_by(*_LARGEST_FIRST)
        .offset(offset)
        .limit(limit)
    )


async def with_own_hashes(
    tx: AsyncConnection, distribution: Distribution, part: Slice
) -> Page[tuple[Payout, str | None]]:
    """Give a page of the payouts planned for the distribution's cycle, largest first.

    Each with the hash of the distribution's own operation that pays it, or of what another tool
    paid it by. A carried payout is paid by an operation of a later cycle, which is not told.
    """
    ids = _ids(distribution, PayoutFilter(), offset=part.offset, limit=part.limit_and_one)
    its_own = operations.c.distribution_id == distribution.id
    query: Select[Any] = (
        select(
            *PAYOUT_COLUMNS,
            func.coalesce(operations.c.hash, imported_payments.c.operation_hash).label("hash"),
        )
        .outerjoin(transfers, transfers.c.id == payouts.c.transfer_id)
        .outerjoin(operations, and_(operations.c.id == transfers.c.operation_id, its_own))
        .outerjoin(imported_payments, imported_payments.c.id == payouts.c.imported_payment_id)
        .where(payouts.c.id.in_(ids))
        .order_by(*_LARGEST_FIRST)
    )
    return Page.of([(payout_of(row), row.hash) for row in await tx.execute(query)], part)


async def count(tx: AsyncConnection, distribution: Distribution, wanted: PayoutFilter) -> int:
    """Count the payouts of the distribution's cycle that a filter lets pass."""
    query = (
        select(func.count())
        .select_from(payouts)
        .where(payouts.c.distribution_id == distribution.id, *wanted.conditions())
    )
    return int((await tx.execute(query)).scalar_one())


async def of_person(
    tx: AsyncConnection, network: str, baker_id: str, owed_to: str, cycles: Sequence[int]
) -> list[TracedPayout]:
    """Give what a person was owed in live mode for these cycles, newest first.

    The cycles are named so that the index of what a payout is finds each of them.
    """
    query = _traced().where(*owed_to_person(network, baker_id, owed_to, cycles))
    return await _fetch(tx, query.order_by(payouts.c.cycle.desc(), payouts.c.kind.desc()))


@dataclass(frozen=True, slots=True)
class OwedSums:
    """What was owed, in mutez, and what of it went into the costs of its transfers."""

    net: Mutez
    withheld: Mutez


async def sums_of_person(
    tx: AsyncConnection, network: str, baker_id: str, owed_to: str, cycles: Sequence[int]
) -> dict[PayoutState, OwedSums]:
    """Sum what a person was owed in live mode for these cycles, by what became of it."""
    # A row or two for each cycle, added up here: asked to group by state, a database reads the
    # index of states instead, and with it everybody's payouts.
    query = select(payouts.c.state, payouts.c.net, payouts.c.withheld)
    owed: Counter[str] = Counter()
    withheld: Counter[str] = Counter()
    for row in await tx.execute(query.where(*owed_to_person(network, baker_id, owed_to, cycles))):
        owed[row.state] += row.net
        withheld[row.state] += row.withheld
    return {
        PayoutState(state): OwedSums(Mutez(net), Mutez(withheld[state]))
        for state, net in owed.items()
    }


async def live_cycles(tx: AsyncConnection, network: str, baker_id: str) -> list[int]:
    """Give the cycles that a baker has planned in live mode, newest first."""
    query = (
        select(distributions.c.cycle)
        .where(
            distributions.c.network == network,
            distributions.c.baker_id == baker_id,
            distributions.c.mode == Mode.ON,
            or_(
                distributions.c.snapshot_sha256.is_not(None),
                distributions.c.import_id.is_not(None),
            ),
        )
        .distinct()
        .order_by(distributions.c.cycle.desc())
    )
    return list((await tx.execute(query)).scalars())


def owed_to_person(
    network: str, baker_id: str, owed_to: str, cycles: Collection[int]
) -> tuple[ColumnElement[bool], ...]:
    """Give the conditions on a payout that a person is owed live; an index tells them all."""
    return (
        payouts.c.network == network,
        payouts.c.baker_id == baker_id,
        payouts.c.cycle.in_(cycles),
        payouts.c.kind.in_(list(PayoutKind)),
        payouts.c.owed_to == owed_to,
        payouts.c.mode == Mode.ON,
    )


def _traced() -> Select[Any]:
    return (
        select(
            *PAYOUT_COLUMNS,
            distributions.c.cycle.label("paid_with_cycle"),
            func.coalesce(operations.c.hash, imported_payments.c.operation_hash).label(
                "operation_hash"
            ),
            operations.c.state.label("operation_state"),
            func.coalesce(operations.c.included_level, imported_payments.c.level).label(
                "included_level"
            ),
            transfers.c.fee.label("transfer_fee"),
            transfers.c.burn,
        )
        .join(distributions, distributions.c.id == payouts.c.paid_with_id)
        .outerjoin(transfers, transfers.c.id == payouts.c.transfer_id)
        .outerjoin(operations, operations.c.id == transfers.c.operation_id)
        .outerjoin(imported_payments, imported_payments.c.id == payouts.c.imported_payment_id)
    )


async def _fetch(tx: AsyncConnection, query: Select[Any]) -> list[TracedPayout]:
    return [_traced_payout(row) for row in await tx.execute(query)]


def _traced_payout(row: Row[Any]) -> TracedPayout:
    state = row.operation_state
    return TracedPayout(
        payout=payout_of(row),
        paid_with_cycle=row.paid_with_cycle,
        operation_hash=row.operation_hash,
        operation_state=None if state is None else OperationState(state),
        included_level=row.included_level,
        transfer_fee=None if row.transfer_fee is None else Mutez(row.transfer_fee),
        burn=None if row.burn is None else Mutez(row.burn),
    )
