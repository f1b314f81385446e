"""One baker and what happens to its money, in few words; for tests of the ledger only."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import (
    audit,
    bakers,
    distributions,
    leases,
    new_operations,
    operations,
    payouts,
)
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey, PlanFigures
from bakehouse.ledger.new_operations import NewOperation, NewTransfer
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import NewPayout, Payout
from bakehouse.ledger.states import (
    Death,
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.rewards.money import BasisPoints, Mutez

#: The clock of these tests stands still.
NOW = datetime(2026, 11, 24, 12, 30, 15, 250_000, tzinfo=UTC)

NETWORK = "NetXdQprcVkpaWU"
BAKER = "tz1-baker"
SOURCE = "tz1-payout"
CYCLE = 750


@dataclass(frozen=True, slots=True)
class Bakery:
    """A ledger in which one baker is registered."""

    ledger: Ledger

    @classmethod
    async def found(cls, ledger: Ledger) -> "Bakery":
        baker = Baker(
            baker_id=BAKER, network=NETWORK, payout_address=SOURCE, first_cycle=700, mode=Mode.ON
        )
        async with ledger.write() as tx:
            await bakers.add(tx, baker, actor="test", at=NOW)
        return cls(ledger)

    async def plan(self, nets: Mapping[str, int], cycle: int = CYCLE) -> Distribution:
        """Enter a cycle that owes each delegator its net, and let it be paid."""
        async with self.ledger.write() as tx:
            return await plan(tx, nets, cycle)

    async def sign(self, distribution: Distribution, counter: int) -> Operation:
        """Sign one group for everything that the distribution owes."""
        async with self.ledger.write() as tx:
            owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
            return await sign(tx, distribution, new_operation(counter, owed))

    async def lead(self, operation: Operation, *states: OperationState) -> None:
        """Take an operation through these states."""
        async with self.ledger.write() as tx:
            for state in states:
                await enter(tx, operation, state)


@asynccontextmanager
async def undone(ledger: Ledger) -> AsyncIterator[AsyncConnection]:
    """Give a transaction in which all may be tried, and nothing stays."""
    async with ledger.write() as tx:
        yield tx
        await tx.rollback()


def key_of(
    cycle: int = CYCLE,
    kind: DistributionKind = DistributionKind.DELEGATORS,
    mode: Mode = Mode.ON,
) -> DistributionKey:
    return DistributionKey(NETWORK, BAKER, cycle, kind, mode)


def new_payout(owed_to: str, net: int, state: PayoutState = PayoutState.OWED) -> NewPayout:
    """A tenth of the gross is the baker's fee, as far as whole mutez allow."""
    fee = net // 9
    return NewPayout(
        kind="delegator",
        owed_to=owed_to,
        delegated_balance=Mutez(1_000 * net),
        gross=Mutez(net + fee),
        fee_basis_points=BasisPoints(1_000),
        fee=Mutez(fee),
        net=Mutez(net),
        state=state,
    )


def figures_of(rows: Iterable[NewPayout]) -> PlanFigures:
    listed = list(rows)
    net, fees = sum(row.net for row in listed), sum(row.fee for row in listed)
    return PlanFigures(Mutez(net + fees + 7), Mutez(5), Mutez(fees), Mutez(net), Mutez(2), 0)


def new_operation(
    counter: int, settled: Iterable[Payout] = (), operation_hash: str = ""
) -> NewOperation:
    """A group whose one counter is `counter`, with one transfer for each address of `settled`."""
    by_address: dict[str, list[Payout]] = {}
    for payout in settled:
        by_address.setdefault(payout.address, []).append(payout)
    transfers = tuple(
        NewTransfer(
            position=position,
            destination=address,
            amount=Mutez(sum(row.net for row in rows)),
            fee=Mutez(400),
            gas_limit=200,
            storage_limit=0,
            payout_ids=tuple(row.id for row in rows),
        )
        for position, (address, rows) in enumerate(sorted(by_address.items()))
    )
    return NewOperation(
        source=SOURCE,
        hash=operation_hash or f"oo-{counter}",
        signed_bytes=f"group {counter}".encode(),
        protocol="PtSeouLou",
        branch="BLbranch",
        branch_level=1_000,
        last_includable_level=1_601,
        counter_first=counter,
        content_count=max(1, len(transfers)),
        total_fee=Mutez(400 * len(transfers)),
        gas_limit=200 * len(transfers),
        born_level=1_500,
        born_block="BLborn",
        transfers=transfers,
    )


async def store(
    tx: AsyncConnection, distribution: Distribution, new: NewOperation, *, at: datetime = NOW
) -> int:
    """Store a signed group as the one who holds the lease of its source."""
    lease = await leases.acquire(
        tx, distribution.key.network, new.source, holder="test", at=NOW, seconds=9
    )
    assert lease is not None
    return await new_operations.store_signed(tx, distribution, new, lease, at=at)


async def plan(tx: AsyncConnection, nets: Mapping[str, int], cycle: int = CYCLE) -> Distribution:
    rows = [new_payout(owed_to, net) for owed_to, net in nets.items()]
    distribution = await distributions.ensure(tx, key_of(cycle), at=NOW)
    await distributions.store_plan(
        tx, distribution, figures_of(rows), snapshot="{}", snapshot_sha256="44136fa3", at=NOW
    )
    await payouts.add(tx, distribution, rows)
    for state in (
        DistributionState.REWARDS_PENDING,
        DistributionState.PLANNED,
        DistributionState.PAYING,
    ):
        await distributions.enter_state(tx, distribution, state, at=NOW)
    return await distributions.get(tx, key_of(cycle))


async def sign(tx: AsyncConnection, distribution: Distribution, new: NewOperation) -> Operation:
    row_id = await store(tx, distribution, new)
    return await operation_of(tx, distribution, row_id)


async def operation_of(tx: AsyncConnection, distribution: Distribution, row_id: int) -> Operation:
    signed = await operations.of_distribution(tx, distribution.id)
    return next(operation for operation in signed if operation.id == row_id)


async def enter(tx: AsyncConnection, operation: Operation, state: OperationState) -> None:
    """Enter a state with what goes with it: a block when it is included, a cause of death."""
    block: dict[str, Any] = {}
    if state is OperationState.INCLUDED:
        block = {"included_level": 1_010, "included_block": "BLincluded", "applied": True}
    if state is OperationState.INJECTED:
        block = {"included_level": None, "included_block": None, "applied": None}
    if state is OperationState.DEAD:
        block = {"death": Death.EXPIRED}
    await operations.enter_state(tx, operation, state, at=NOW, **block)


async def operation_called(tx: AsyncConnection, cycle: int, operation_hash: str) -> Operation:
    distribution = await distributions.get(tx, key_of(cycle))
    signed = await operations.of_distribution(tx, distribution.id)
    return next(row for row in signed if row.hash == operation_hash)


async def payout_called(tx: AsyncConnection, cycle: int, owed_to: str) -> Payout:
    distribution = await distributions.get(tx, key_of(cycle))
    rows = await payouts.of_distribution(tx, distribution)
    return next(row for row in rows if row.owed_to == owed_to)


async def states_of(bakery: Bakery, distribution: Distribution) -> dict[str, PayoutState]:
    """What became of each payout that was planned for the cycle."""
    async with bakery.ledger.read() as tx:
        rows = await payouts.of_distribution(tx, distribution)
    return {row.owed_to: row.state for row in rows}


async def last_event(bakery: Bakery) -> AuditEvent:
    async with bakery.ledger.read() as tx:
        (event,) = await audit.latest(tx, limit=1)
    return event


async def lines_in(tx: AsyncConnection) -> dict[tuple[int, str], tuple[int, str, int, str | None]]:
    """Net, state, paying cycle and hash of the group, of each payout by cycle and person."""
    rows = await tx.exec_driver_sql(
        "SELECT p.cycle, p.owed_to, p.net, p.state, d.cycle AS paid_with, o.hash "
        "FROM payouts p JOIN distributions d ON d.id = p.paid_with_id "
        "LEFT JOIN transfers t ON t.id = p.transfer_id "
        "LEFT JOIN operations o ON o.id = t.operation_id"
    )
    return {(row.cycle, row.owed_to): (row.net, row.state, row.paid_with, row.hash) for row in rows}


async def groups_in(tx: AsyncConnection) -> dict[str, tuple[int, int, str]]:
    """Cycle, counter and state of each group by its hash."""
    rows = await tx.exec_driver_sql(
        "SELECT o.hash, d.cycle, o.counter_first, o.state "
        "FROM operations o JOIN distributions d ON d.id = o.distribution_id"
    )
    return {row.hash: (row.cycle, row.counter_first, row.state) for row in rows}
