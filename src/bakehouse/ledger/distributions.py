"""Distributions: one cycle's payment to delegators or to the bond pool, in one mode.

Lists of them for those who look back are beside.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, Select, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.schema import distributions
from bakehouse.ledger.snapshots import keep_snapshot
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
)
from bakehouse.ledger.transition import move, state_of
from bakehouse.rewards.money import NO_MUTEZ, Mutez

#: Built once, for every look at the chain and each step of a payment asks for them.
_STATES_BY_CYCLE: Final = select(distributions.c.cycle, distributions.c.state).where(
    distributions.c.baker_id == bindparam("baker_id"),
    distributions.c.kind == bindparam("kind"),
    distributions.c.mode == bindparam("mode"),
)
_OF_KEY: Final = select(distributions).where(
    distributions.c.network == bindparam("network"),
    distributions.c.baker_id == bindparam("baker_id"),
    distributions.c.cycle == bindparam("cycle"),
    distributions.c.kind == bindparam("kind"),
    distributions.c.mode == bindparam("mode"),
)
_OF_BAKER: Final = (
    select(distributions)
    .where(distributions.c.baker_id == bindparam("baker_id"))
    .order_by(distributions.c.cycle.desc(), distributions.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
_EARLIER: Final = select(func.count()).where(
    distributions.c.baker_id == bindparam("baker_id"),
    distributions.c.network == bindparam("network"),
    distributions.c.mode == bindparam("mode"),
    distributions.c.kind == bindparam("kind"),
    distributions.c.cycle < bindparam("cycle"),
    distributions.c.state.in_(bindparam("states", expanding=True)),
)
_UNSETTLED_IDS: Final = select(distributions.c.id).where(
    distributions.c.state.not_in({*SETTLED_DISTRIBUTIONS, DistributionState.FAILED})
)
# Their ids first: an index tells them, where whole rows would have to be read.
_UNSETTLED, _UNSETTLED_OF = (
    select(distributions)
    .where(distributions.c.id.in_(ids))
    .order_by(distributions.c.cycle, distributions.c.id)
    for ids in (
        _UNSETTLED_IDS,
        _UNSETTLED_IDS.where(distributions.c.baker_id.in_(bindparam("baker_ids", expanding=True))),
    )
)
_UNVERIFIED: Final = (
    select(distributions)
    .where(
        distributions.c.state == DistributionState.PAID,
        distributions.c.verified_at.is_(None),
        # What others have paid was matched when it was imported.
        distributions.c.import_id.is_(None),
    )
    .order_by(distributions.c.updated_at)
    .limit(bindparam("limit", type_=Integer))
)
_ENTER: Final = insert(distributions)
_OF_ROW: Final = update(distributions).where(distributions.c.id == bindparam("row_id"))


@dataclass(frozen=True, slots=True)
class DistributionKey:
    """What a distribution is: there is one row for it, ever."""

    network: str
    baker_id: str
    cycle: int
    kind: DistributionKind
    mode: Mode

    def __str__(self) -> str:
        """Write it as the audit trail and the logs name it."""
        return f"{self.baker_id}/{self.cycle}/{self.kind}/{self.mode}"


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """The sums of a plan, in mutez.

    `pool == own_part + total_fees + excluded_kept + total_net + dust`.
    """

    pool: Mutez
    own_part: Mutez
    total_fees: Mutez
    total_net: Mutez
    dust: Mutez
    zero_payouts: int
    #: Shares of excluded delegators that stayed with the baker.
    excluded_kept: Mutez = NO_MUTEZ


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution as the ledger has it."""

    id: int
    key: DistributionKey
    state: DistributionState
    message: str | None
    snapshot_sha256: str | None
    figures: PlanFigures
    created_at: datetime
    updated_at: datetime
    #: When a person let it go: only the first live one needs that.
    approved_at: datetime | None
    #: When the chain was read again after it was paid.
    verified_at: datetime | None
    #: Drawn when it was first seen: nothing is planned before the chain is there; None: at once.
    not_before_level: int | None = None
    #: The import that closed it, when another tool had paid the cycle.
    import_id: int | None = None

    @property
    def is_planned(self) -> bool:
        """Whether payouts were written, now or before a failure; an import writes them too."""
        return self.snapshot_sha256 is not None or self.is_imported

    @property
    def is_imported(self) -> bool:
        """Whether another tool had paid the cycle: it is never planned here."""
        return self.import_id is not None


async def ensure(
    tx: AsyncConnection,
    key: DistributionKey,
    *,
    at: datetime,
    not_before_level: int | None = None,
) -> Distribution:
    """Give the distribution, entering it as seen when it is new; then its level is kept."""
    found = await find(tx, key)
    if found:
        return found
    values = {
        **_asked(key),
        "state": DistributionState.SEEN,
        "not_before_level": not_before_level,
        "created_at": at,
        "updated_at": at,
    }
    await tx.execute(_ENTER, values)
    await audit.record(tx, AuditEvent(at, "bakehouse", "distribution.seen", str(key), {}))
    return await get(tx, key)


async def find(tx: AsyncConnection, key: DistributionKey) -> Distribution | None:
    """Give the distribution, or None."""
    rows = await _fetch(tx, _OF_KEY, _asked(key))
    return rows[0] if rows else None


async def get(tx: AsyncConnection, key: DistributionKey) -> Distribution:
    """Give the distribution; raises NotFoundError."""
    found = await find(tx, key)
    if found is None:
        raise NotFoundError(f"there is no distribution {key}")
    return found


async def of_cycle(
    tx: AsyncConnection, network: str, baker_id: str, cycle: int
) -> list[Distribution]:
    """Give every distribution of a cycle: the live ones first, delegators before bond pool."""
    query = select(distributions).where(
        distributions.c.network == network,
        distributions.c.baker_id == baker_id,
        distributions.c.cycle == cycle,
    )
    return sorted(
        await _fetch(tx, query),
        key=lambda each: (
            each.key.mode is not Mode.ON,
            each.key.kind is not DistributionKind.DELEGATORS,
        ),
    )


async def by_id(tx: AsyncConnection, distribution_id: int) -> Distribution:
    """Give the distribution of a row that refers to it."""
    (found,) = await _fetch(tx, select(distributions).where(distributions.c.id == distribution_id))
    return found


async def by_ids(tx: AsyncConnection, ids: Collection[int]) -> list[Distribution]:
    """Give the distributions of these rows, in any order."""
    return [
        distribution
        for part in in_parts(ids)
        for distribution in await _fetch(
            tx, select(distributions).where(distributions.c.id.in_(part))
        )
    ]


async def unsettled(tx: AsyncConnection, *baker_ids: str) -> list[Distribution]:
    """Give what is neither paid, simulated nor failed, oldest cycle first; of all, or of some."""
    if not baker_ids:
        return await _fetch(tx, _UNSETTLED)
    return await _fetch(tx, _UNSETTLED_OF, {"baker_ids": baker_ids})


async def failed(tx: AsyncConnection, baker_id: str, mode: Mode) -> list[Distribution]:
    """Give what failed and waits for a person, oldest cycle first."""
    query = select(distributions).where(
        distributions.c.baker_id == baker_id,
        distributions.c.mode == mode,
        distributions.c.state == DistributionState.FAILED,
    )
    return await _fetch(tx, query.order_by(distributions.c.cycle, distributions.c.id))


async def of_baker(tx: AsyncConnection, baker_id: str, limit: int = 50) -> list[Distribution]:
    """Give a baker's distributions, newest cycle first."""
    return await _fetch(tx, _OF_BAKER, {"baker_id": baker_id, "limit": limit})


async def states_by_cycle(
    tx: AsyncConnection, baker_id: str, kind: DistributionKind, mode: Mode
) -> dict[int, DistributionState]:
    """Give the state of every cycle the ledger knows of, in this kind and mode."""
    asked = {"baker_id": baker_id, "kind": kind, "mode": mode}
    rows = await tx.execute(_STATES_BY_CYCLE, asked)
    return {row.cycle: DistributionState(row.state) for row in rows}


async def enter_state(  # noqa: PLR0913 - keyword-only facts of one change
    tx: AsyncConnection,
    distribution: Distribution,
    to: DistributionState,
    *,
    at: datetime,
    message: str | None = None,
    actor: str = "bakehouse",
) -> None:
    """Move a distribution; raises IllegalTransitionError."""
    left = await state_of(tx, distributions, distribution.id)
    # What goes on has to be matched with the chain once more when it is done.
    await move(
        tx, distributions, [distribution.id], to, message=message, updated_at=at, verified_at=None
    )
    detail = {"from": left, "message": message}
    event = AuditEvent(at, actor, f"distribution.{to}", str(distribution.key), detail)
    await audit.record(tx, event)


async def approve(tx: AsyncConnection, distribution: Distribution, *, at: datetime) -> None:
    """Note that a person lets the distribution be paid."""
    await tx.execute(_OF_ROW, {"row_id": distribution.id, "approved_at": at})


async def mark_verified(tx: AsyncConnection, distribution: Distribution, *, at: datetime) -> None:
    """Note that the chain was read again, and matched, after the distribution was paid."""
    await tx.execute(_OF_ROW, {"row_id": distribution.id, "verified_at": at})


async def unverified(tx: AsyncConnection, limit: int) -> list[Distribution]:
    """Give what is paid but was not matched with the chain since, oldest first."""
    return await _fetch(tx, _UNVERIFIED, {"limit": limit})


async def store_plan(  # noqa: PLR0913 - keyword-only facts of one change
    tx: AsyncConnection,
    distribution: Distribution,
    figures: PlanFigures,
    *,
    snapshot: str,
    snapshot_sha256: str,
    at: datetime,
) -> None:
    """Keep the plan's figures with the evidence they were computed from."""
    values: dict[str, Any] = {
        "pool": figures.pool,
        # The database adds up five parts: what is kept of others stands in one with the own part.
        "own_part": figures.own_part + figures.excluded_kept,
        "excluded_kept": figures.excluded_kept,
        "total_fees": figures.total_fees,
        "total_net": figures.total_net,
        "dust": figures.dust,
        "zero_payouts": figures.zero_payouts,
        "snapshot_sha256": snapshot_sha256,
    }
    await tx.execute(_OF_ROW, {"row_id": distribution.id, **values})
    await keep_snapshot(tx, distribution.id, snapshot)
    event = AuditEvent(at, "bakehouse", "distribution.plan", str(distribution.key), values)
    await audit.record(tx, event)


async def has_earlier_unsettled(
    tx: AsyncConnection, distribution: Distribution, waiting_for: Collection[DistributionState]
) -> bool:
    """Whether an earlier distribution of the same baker and mode is in one of these states."""
    asked = {**_asked(distribution.key), "states": list(waiting_for)}
    return bool((await tx.execute(_EARLIER, asked)).scalar_one())


def _asked(key: DistributionKey) -> dict[str, Any]:
    return {
        "network": key.network,
        "baker_id": key.baker_id,
        "cycle": key.cycle,
        "kind": key.kind,
        "mode": key.mode,
    }


async def _fetch(
    tx: AsyncConnection, query: Select[Any], asked: Mapping[str, Any] | None = None
) -> list[Distribution]:
    return [distribution_of(row) for row in await tx.execute(query, asked)]


def distribution_of(row: Row[Any]) -> Distribution:
    """Read a distribution from a row that has all its columns."""
    return Distribution(
        id=row.id,
        key=DistributionKey(
            row.network, row.baker_id, row.cycle, DistributionKind(row.kind), Mode(row.mode)
        ),
        state=DistributionState(row.state),
        message=row.message,
        snapshot_sha256=row.snapshot_sha256,
        figures=PlanFigures(
            Mutez(row.pool),
            Mutez(row.own_part - row.excluded_kept),
            Mutez(row.total_fees),
            Mutez(row.total_net),
            Mutez(row.dust),
            row.zero_payouts,
            Mutez(row.excluded_kept),
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        approved_at=row.approved_at,
        verified_at=row.verified_at,
        not_before_level=row.not_before_level,
        import_id=row.import_id,
    )
