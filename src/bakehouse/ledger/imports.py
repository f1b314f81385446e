"""History of another tool in the ledger: cycles it has paid, each payment with its operation.

What is imported is closed for good: its distributions enter as paid and are never planned, its
payouts are paid, or held until a person decides. The database refuses anything else.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import audit
from bakehouse.ledger import distributions as cycles
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.import_tables import imported_payments, imports
from bakehouse.ledger.schema import distributions, payouts
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import DistributionState, PayoutState
from bakehouse.rewards.money import BasisPoints, Mutez


@dataclass(frozen=True, slots=True)
class NewImport:
    """What was read, by whom and when."""

    network: str
    baker_id: str
    tool: str
    #: SHA-256 of each file, by its name.
    files: Mapping[str, str]
    sha256: str
    checked_level: int | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImportedPayout:
    """One payment of another tool, or one that it owed; amounts in mutez."""

    kind: str
    owed_to: str
    address: str
    delegated_balance: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    #: How the other tool calls what became of it, and where that stands.
    said: str
    place: str
    operation_hash: str | None = None
    #: The block it is in; of one that is held, the newest block that was searched for it.
    level: int | None = None
    paid_at: datetime | None = None
    #: Why it waits for a person; None: it was paid.
    held_because: str | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """Tell what it is within its cycle."""
        return self.kind, self.owed_to


@dataclass(frozen=True, slots=True)
class KnownPayout:
    """A payout of an imported cycle that the ledger has already."""

    id: int
    net: Mutez
    state: PayoutState


@dataclass(frozen=True, slots=True)
class KnownCycle:
    """What the ledger has of an imported cycle already, payouts by kind and whom they are owed to.

    Payments are told by kind, recipient, operation and amount.
    """

    payouts: Mapping[tuple[str, str], KnownPayout]
    payments: frozenset[tuple[str, str, str | None, int]]

    def has_payment(self, row: ImportedPayout) -> bool:
        """Whether this very payment was entered before."""
        return (row.kind, row.owed_to, row.operation_hash, row.net) in self.payments

    def hashes(self, identity: tuple[str, str]) -> frozenset[str]:
        """Give the operations that have paid a payout, as far as they are known."""
        return frozenset(
            operation_hash
            for kind, owed_to, operation_hash, _ in self.payments
            if (kind, owed_to) == identity and operation_hash is not None
        )


async def add(tx: AsyncConnection, new: NewImport) -> int:
    """Enter an import; gives the row's id."""
    row = insert(imports).values(
        network=new.network,
        baker_id=new.baker_id,
        tool=new.tool,
        files=json.dumps(new.files, sort_keys=True),
        sha256=new.sha256,
        checked_level=new.checked_level,
        actor=new.actor,
        at=new.at,
    )
    import_id = int((await tx.execute(row.returning(imports.c.id))).scalar_one())
    detail = {"tool": new.tool, "sha256": new.sha256, "checked_level": new.checked_level}
    await audit.record(tx, AuditEvent(new.at, new.actor, "history.imported", new.baker_id, detail))
    return import_id


async def close_cycle(
    tx: AsyncConnection, key: DistributionKey, import_id: int, words: str, *, at: datetime
) -> Distribution:
    """Enter a cycle as paid by another tool; it can never be entered, planned or paid anew."""
    await tx.execute(
        insert(distributions).values(
            network=key.network,
            baker_id=key.baker_id,
            cycle=key.cycle,
            kind=key.kind,
            mode=key.mode,
            state=DistributionState.PAID,
            message=words,
            import_id=import_id,
            created_at=at,
            updated_at=at,
        )
    )
    event = AuditEvent(at, "bakehouse", "distribution.imported", str(key), {"import": import_id})
    await audit.record(tx, event)
    return await cycles.get(tx, key)


async def known(tx: AsyncConnection, distribution: Distribution) -> KnownCycle:
    """Give what is there of an imported cycle already."""
    owed = select(
        payouts.c.id, payouts.c.kind, payouts.c.owed_to, payouts.c.net, payouts.c.state
    ).where(payouts.c.distribution_id == distribution.id)
    found = {
        (row.kind, row.owed_to): KnownPayout(row.id, Mutez(row.net), PayoutState(row.state))
        for row in await tx.execute(owed)
    }
    table, key = imported_payments, distribution.key
    paid = select(table.c.kind, table.c.owed_to, table.c.operation_hash, table.c.amount).where(
        table.c.network == key.network,
        table.c.baker_id == key.baker_id,
        table.c.cycle == key.cycle,
    )
    return KnownCycle(found, frozenset(tuple(row) for row in await tx.execute(paid)))


async def add_payouts(
    tx: AsyncConnection, distribution: Distribution, import_id: int, rows: Sequence[ImportedPayout]
) -> None:
    """Enter payouts of an imported cycle: paid by the other tool, or held with the reason."""
    ids = await add_payments(
        tx, distribution.key, import_id, [row for row in rows if row.held_because is None]
    )
    values = [
        {
            "distribution_id": distribution.id,
            "paid_with_id": distribution.id,
            "network": distribution.key.network,
            "baker_id": distribution.key.baker_id,
            "cycle": distribution.key.cycle,
            "mode": distribution.key.mode,
            "kind": row.kind,
            "owed_to": row.owed_to,
            "address": row.address,
            "delegated_balance": row.delegated_balance,
            "gross": row.net + row.fee,
            "fee_basis_points": row.fee_basis_points,
            "fee": row.fee,
            "net": row.net,
            "state": PayoutState.PAID if row.held_because is None else PayoutState.HELD,
            "reason": row.held_because,
            # Nothing older is held against it, should a person let it go: that was looked at.
            "looked_back_level": row.level if row.held_because is not None else None,
            "imported_payment_id": ids.get(row.identity),
        }
        for row in rows
    ]
    if values:
        await tx.execute(insert(payouts), values)
    await _sum_up(tx, distribution)


async def add_payments(
    tx: AsyncConnection, key: DistributionKey, import_id: int, rows: Sequence[ImportedPayout]
) -> dict[tuple[str, str], int]:
    """Enter payments alone; gives the rows' ids by kind and whom they were owed to."""
    if not rows:
        return {}
    values = [
        {
            "import_id": import_id,
            "network": key.network,
            "baker_id": key.baker_id,
            "cycle": key.cycle,
            "kind": row.kind,
            "owed_to": row.owed_to,
            "address": row.address,
            "amount": row.net,
            "operation_hash": row.operation_hash,
            "level": row.level,
            "paid_at": row.paid_at,
            "said": row.said,
            "place": row.place,
        }
        for row in rows
    ]
    table = imported_payments
    stored = await tx.execute(
        insert(table).returning(table.c.kind, table.c.owed_to, table.c.id), values
    )
    return {(row.kind, row.owed_to): row.id for row in stored}


async def transfers_paid(
    tx: AsyncConnection, network: str, hashes: Collection[str]
) -> set[tuple[str, str]]:
    """Give what another tool paid by these operations: each hash with whom it paid."""
    table = imported_payments
    found: set[tuple[str, str]] = set()
    for part in in_parts(hashes):
        query = select(table.c.operation_hash, table.c.address).where(
            table.c.network == network, table.c.operation_hash.in_(part)
        )
        found.update((row.operation_hash, row.address) for row in await tx.execute(query))
    return found


@dataclass(frozen=True, slots=True)
class PaidBefore:
    """A payout that another tool paid, to be held against the chain."""

    owed_to: str
    address: str
    amount: Mutez
    operation_hash: str | None
    level: int | None


async def paid_before(tx: AsyncConnection, distribution: Distribution) -> list[PaidBefore]:
    """Give the payouts of a cycle that another tool paid."""
    table = imported_payments
    query = (
        select(table)
        .join(payouts, payouts.c.imported_payment_id == table.c.id)
        .where(payouts.c.distribution_id == distribution.id)
        .order_by(payouts.c.id)
    )
    return [
        PaidBefore(row.owed_to, row.address, Mutez(row.amount), row.operation_hash, row.level)
        for row in await tx.execute(query)
    ]


async def _sum_up(tx: AsyncConnection, distribution: Distribution) -> None:
    """Have the cycle's sums be those of its payouts: the old files tell no others."""
    query = select(
        func.coalesce(func.sum(payouts.c.net), 0),
        func.coalesce(func.sum(payouts.c.fee), 0),
    ).where(payouts.c.distribution_id == distribution.id)
    net, fees = (int(each) for each in (await tx.execute(query)).one())
    await tx.execute(
        update(distributions)
        .where(distributions.c.id == distribution.id)
        .values(pool=net + fees, total_fees=fees, total_net=net)
    )
