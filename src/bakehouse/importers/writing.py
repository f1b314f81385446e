"""Entering what is moved in: all of it in one transaction, and nothing that is there already."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.importers.checking import Checked
from bakehouse.importers.moving_in import MovingIn, OldSettings
from bakehouse.importers.old_files import digest_of_all
from bakehouse.ledger import audit, bakers, distributions, imports, payout_rules, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.imports import ImportedPayout, KnownCycle, NewImport
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.rewards.money import format_tez


@dataclass(frozen=True, slots=True)
class Deed:
    """Who moves in, when, and on which chain; up to which block it was searched, if it was."""

    network: str
    actor: str
    at: datetime
    checked_level: int | None


@dataclass(slots=True)
class Written:
    """What an import enters that was not there."""

    #: Whether the baker is entered; else its settings stay as they are.
    is_new_baker: bool = False
    cycles: set[int] = field(default_factory=set)
    paid: int = 0
    held: int = 0
    #: Payments to whom a cycle had paid already: the other tool paid twice.
    paid_twice: int = 0
    #: Payouts that were held here and that newer files, or the chain, call paid.
    settled: int = 0
    #: Payouts that are here already, and whose operation is known only now.
    proven: int = 0
    #: What is here already.
    known: int = 0

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to enter at all."""
        entered = self.paid + self.held + self.paid_twice + self.settled + self.proven
        return self.is_new_baker or bool(self.cycles) or bool(entered)


async def write(
    tx: AsyncConnection, moving: MovingIn, checked: Sequence[Checked], first_cycle: int, deed: Deed
) -> Written:
    """Enter a baker with its settings, if it is new, and close every cycle that was paid.

    Raises ConflictError for a cycle that is paid or under way here too, or that is here with other
    amounts; InputError for settings that contradict each other. Nothing of it stays then.
    """
    written = Written()
    baker = await bakers.find(tx, moving.settings.baker_id)
    if baker is None:
        written.is_new_baker = True
        baker = await _enter_baker(tx, moving, first_cycle, deed)
    elif baker.network != deed.network:
        raise ConflictError(f"{baker.baker_id} is registered on another chain, {baker.network}")
    failpoint(Failpoint.MID_IMPORT)
    writer = _HistoryWriter(tx, moving, deed, written)
    by_cycle: dict[int, list[Checked]] = {cycle: [] for cycle in moving.history.closed}
    for each in checked:
        # What was too little to be sent is owed to nobody.
        if each.payment.amount > 0:
            by_cycle[each.payment.cycle].append(each)
    for cycle, rows in by_cycle.items():
        await writer.enter_cycle(baker, cycle, rows)
        failpoint(Failpoint.MID_IMPORT)
    return written


async def _enter_baker(
    tx: AsyncConnection, moving: MovingIn, first_cycle: int, deed: Deed
) -> Baker:
    old = moving.settings
    baker = Baker(
        baker_id=old.baker_id,
        network=deed.network,
        **{
            **old.settings,
            "payout_address": old.payout_address or old.baker_id,
            "first_cycle": first_cycle,
            "mode": Mode.SIMULATION,
        },
    )
    await bakers.add(tx, baker, actor=deed.actor, at=deed.at, checks_rules=False)
    await _enter_tables(tx, baker, old, deed)
    await payout_rules.rules_of(tx, baker)
    return baker


async def _enter_tables(tx: AsyncConnection, baker: Baker, old: OldSettings, deed: Deed) -> None:
    actor, at = deed.actor, deed.at
    if old.fees:
        await bakers.replace_fees(tx, baker.baker_id, old.fees, actor=actor, at=at)
    if old.rules:
        await payout_rules.replace_delegators(
            tx, baker, old.rules, actor=actor, at=at, checks_rules=False
        )
    if old.income:
        await payout_rules.replace_income(
            tx, baker, old.income, actor=actor, at=at, checks_rules=False
        )
    if old.members:
        await bakers.replace_bond_pool(tx, baker.baker_id, old.members, actor=actor, at=at)


class _HistoryWriter:
    """Enters cycle after cycle; the import itself is entered with the first that is new."""

    def __init__(self, tx: AsyncConnection, moving: MovingIn, deed: Deed, written: Written) -> None:
        self._tx = tx
        self._moving = moving
        self._deed = deed
        self._written = written
        self._import_id: int | None = None

    async def enter_cycle(self, baker: Baker, cycle: int, rows: Sequence[Checked]) -> None:
        """Close a cycle for delegators and bond pool alike, and enter what was paid of it."""
        for kind in (DistributionKind.DELEGATORS, DistributionKind.BOND_POOL):
            key = DistributionKey(baker.network, baker.baker_id, cycle, kind, Mode.ON)
            found = await distributions.find(self._tx, key)
            if found is not None and not found.is_imported:
                raise ConflictError(
                    f"cycle {cycle} is {found.state} here, and {self._moving.tool.label} has paid "
                    f"it too ({key}): two tools have worked on one cycle; nothing was imported"
                )
            if found is None:
                found = await self._close(key)
            if kind is DistributionKind.DELEGATORS:
                await self._enter_payouts(found, rows)

    async def _close(self, key: DistributionKey) -> Distribution:
        self._written.cycles.add(key.cycle)
        words = f"paid by {self._moving.tool.label}, imported on {self._deed.at.date()}"
        return await imports.close_cycle(
            self._tx, key, await self._import(), words, at=self._deed.at
        )

    async def _import(self) -> int:
        if self._import_id is None:
            files = dict(self._moving.files)
            self._import_id = await imports.add(
                self._tx,
                NewImport(
                    network=self._deed.network,
                    baker_id=self._moving.settings.baker_id,
                    tool=self._moving.tool,
                    files=files,
                    sha256=digest_of_all(files),
                    checked_level=self._deed.checked_level,
                    actor=self._deed.actor,
                    at=self._deed.at,
                ),
            )
        return self._import_id

    async def _enter_payouts(self, distribution: Distribution, rows: Sequence[Checked]) -> None:
        known = await imports.known(self._tx, distribution)
        new: dict[tuple[str, str], ImportedPayout] = {}
        again: list[ImportedPayout] = []
        # Of one recipient's rows, the one that was paid says what became of it.
        for each in sorted(rows, key=lambda each: not each.is_paid):
            row = _imported(each)
            if row.identity in known.payouts:
                await self._compare(distribution, known, each, row)
            elif row.identity not in new:
                new[row.identity] = row
            elif each.is_paid:
                again.append(row)
        if not new:
            return
        added = list(new.values())
        await imports.add_payouts(self._tx, distribution, await self._import(), added)
        await imports.add_payments(self._tx, distribution.key, await self._import(), again)
        self._written.paid_twice += len(again)
        self._written.held += sum(each.held_because is not None for each in added)
        self._written.paid += sum(each.held_because is None for each in added)

    async def _compare(
        self, distribution: Distribution, known: KnownCycle, each: Checked, row: ImportedPayout
    ) -> None:
        """Leave what is there as it is; let newer files settle or prove what was open."""
        there = known.payouts[row.identity]
        where = f"{each.payment.place}: cycle {distribution.key.cycle}, {row.owed_to}"
        if not each.is_paid or known.has_payment(row):
            self._written.known += 1
            return
        if there.state is PayoutState.HELD:
            await self._settle(distribution, there.id, row)
            return
        if there.state not in {PayoutState.PAID, PayoutState.DROPPED}:
            raise ConflictError(
                f"{where} was released here and is {there.state}, and these files call it paid: "
                "hold it, and look at the chain; nothing was imported"
            )
        hashes = known.hashes(row.identity)
        if row.operation_hash is not None and row.operation_hash not in hashes:
            await self._add_payment(distribution, row)
            if hashes:
                self._written.paid_twice += 1
            else:
                self._written.proven += 1
            return
        if abs(there.net - row.net) > each.payment.tolerance:
            raise ConflictError(
                f"{where} is here with {format_tez(there.net)} tez, and these files say "
                f"{format_tez(row.net)}: nothing was imported"
            )
        self._written.known += 1

    async def _settle(
        self, distribution: Distribution, payout_id: int, row: ImportedPayout
    ) -> None:
        reason = f"{self._moving.tool.label} has paid it: {row.operation_hash or row.place}"
        await payouts.drop(self._tx, [payout_id], reason)
        await self._add_payment(distribution, row)
        key = distribution.key
        subject = f"{key.baker_id}/{key.cycle}/{row.kind}/{row.owed_to}"
        event = AuditEvent(
            self._deed.at, self._deed.actor, "payout.dropped", subject, {"why": reason}
        )
        await audit.record(self._tx, event)
        self._written.settled += 1

    async def _add_payment(self, distribution: Distribution, row: ImportedPayout) -> None:
        await imports.add_payments(self._tx, distribution.key, await self._import(), [row])


def _imported(each: Checked) -> ImportedPayout:
    old = each.payment
    return ImportedPayout(
        kind=old.kind,
        owed_to=old.owed_to,
        address=old.address,
        delegated_balance=old.delegated_balance,
        fee_basis_points=old.fee_basis_points,
        fee=old.fee,
        net=old.amount,
        said=old.said,
        place=str(old.place),
        operation_hash=old.operation_hash,
        level=each.level,
        paid_at=old.paid_at,
        held_because=each.held_because,
    )
