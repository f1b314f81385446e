"""Bakers with their settings, their delegators' fees and their bond-pool members."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError, SettingError
from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.schema import bakers, bond_pool_members, delegator_fees
from bakehouse.ledger.states import Mode
from bakehouse.rewards.bond_pool import BondPoolMember, check_members
from bakehouse.rewards.money import NO_MUTEZ, WHOLE, BasisPoints, Mutez

DEFAULT_FEE = BasisPoints(1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baker:
    """A baker and what it has set. `baker_id` is its address."""

    baker_id: str
    network: str
    payout_address: str
    first_cycle: int
    alias: str | None = None
    mode: Mode = Mode.SIMULATION
    default_fee: BasisPoints = DEFAULT_FEE
    #: Minutes between two looks at the chain's cycle.
    update_freq: int = 10
    payment_retries: int = 1
    minutes_between_retries: int = 1
    #: Blocks on top before an operation counts as final; the protocol's two at least.
    num_blocks_wait: int = 2
    #: Cycles to wait after a cycle's end: denunciations may come one cycle later.
    payout_delay_cycles: int = 1
    share_block_fees: bool = False
    minimum_payout: Mutez = NO_MUTEZ
    bond_pool_enabled: bool = False
    #: Whether its schedules run; removing them is remembered, so that nothing re-creates them.
    scheduled: bool = True
    #: What a whole cycle, and one recipient of it, may get without a person's word; None: no cap.
    cycle_cap: Mutez | None = None
    payout_cap: Mutez | None = None
    #: Whether the first cycle that is paid waits for a person's go.
    confirm_first_cycle: bool = True
    #: Whether anybody may look an address up and see what it was paid.
    public_page: bool = False
    #: Where the payout wallet is topped up from, to which balance, and how much in a UTC day at
    #: most; all three, or none: then it is not.
    funding_address: str | None = None
    target_balance: Mutez | None = None
    top_up_cap: Mutez | None = None

    def __post_init__(self) -> None:
        for name in _CAPS:
            cap = getattr(self, name)
            if cap is not None and not 1 <= cap < 2**63:
                raise SettingError(f"{name} must be 1 mutez or more, or none, not {cap!r}")
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise SettingError(
                    f"{name} must be a whole number from {least} to {most}, not {value!r}"
                )
        if not isinstance(self.mode, Mode):
            raise SettingError(f"mode must be {', '.join(Mode)}, not {self.mode!r}")
        self._require_whole_top_up()

    def _require_whole_top_up(self) -> None:
        missing = [name for name in TOP_UP_SETTINGS if getattr(self, name) is None]
        if missing and len(missing) < len(TOP_UP_SETTINGS):
            raise SettingError(
                f"topping up takes {', '.join(TOP_UP_SETTINGS)} together, or none of them: "
                f"{' and '.join(missing)} is none"
            )
        if self.funding_address == self.payout_address:
            raise SettingError(
                f"funding_address and payout_address are both {self.payout_address}: a wallet "
                "cannot be topped up from itself"
            )

    @property
    def is_topped_up(self) -> bool:
        """Whether the payout wallet is topped up from another."""
        return self.funding_address is not None


RANGES: Mapping[str, tuple[int, int]] = {
    "default_fee": (0, WHOLE),
    "update_freq": (1, 10_080),
    "payment_retries": (0, 100),
    "minutes_between_retries": (1, 1_440),
    "num_blocks_wait": (2, 100),
    "first_cycle": (0, 2**31 - 1),
    "payout_delay_cycles": (0, 100),
    "minimum_payout": (0, 2**63 - 1),
}

_CAPS = ("cycle_cap", "payout_cap", "target_balance", "top_up_cap")

TOP_UP_SETTINGS = ("funding_address", "target_balance", "top_up_cap")

#: What `change` may change; the rest is who the baker is.
SETTINGS = (
    *RANGES,
    *_CAPS,
    "alias",
    "confirm_first_cycle",
    "funding_address",
    "mode",
    "payout_address",
    "public_page",
    "share_block_fees",
    "bond_pool_enabled",
    "scheduled",
)


async def add(tx: AsyncConnection, baker: Baker, *, actor: str, at: datetime) -> None:
    """Register a baker; raises ConflictError when it is there already."""
    if await find(tx, baker.baker_id):
        raise ConflictError(f"the baker {baker.baker_id} is registered already")
    values = asdict(baker)
    await tx.execute(insert(bakers).values(created_at=at, **values))
    await audit.record(tx, AuditEvent(at, actor, "baker.added", baker.baker_id, values))


async def change(
    tx: AsyncConnection, baker_id: str, settings: Mapping[str, Any], *, actor: str, at: datetime
) -> Baker:
    """Change settings by name, typed and in range; gives the baker as it is now.

    Raises NotFoundError for an unknown baker, SettingError for an unknown or impossible setting.
    """
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise SettingError(
            f"unknown setting {unknown[0]!r}: the settings are {', '.join(sorted(SETTINGS))}"
        )
    changed = replace(await get(tx, baker_id), **settings)
    if not settings:
        return changed
    await tx.execute(update(bakers).where(bakers.c.baker_id == baker_id).values(**settings))
    await audit.record(tx, AuditEvent(at, actor, "baker.changed", baker_id, settings))
    return changed


async def get(tx: AsyncConnection, baker_id: str) -> Baker:
    """Give a baker; raises NotFoundError."""
    baker = await find(tx, baker_id)
    if baker is None:
        raise NotFoundError(f"no baker {baker_id!r} is registered here")
    return baker


async def find(tx: AsyncConnection, baker_id: str) -> Baker | None:
    """Give a baker, or None."""
    row = (await tx.execute(select(bakers).where(bakers.c.baker_id == baker_id))).one_or_none()
    return _baker(row) if row else None


async def everyone(tx: AsyncConnection) -> list[Baker]:
    """Give all bakers in the order they came."""
    rows = await tx.execute(select(bakers).order_by(bakers.c.created_at, bakers.c.baker_id))
    return [_baker(row) for row in rows]


async def fees(tx: AsyncConnection, baker_id: str) -> dict[str, BasisPoints]:
    """Give the fees of single delegators, by address."""
    rows = await tx.execute(select(delegator_fees).where(delegator_fees.c.baker_id == baker_id))
    return {row.address: BasisPoints(row.fee) for row in rows}


async def replace_fees(
    tx: AsyncConnection,
    baker_id: str,
    by_address: Mapping[str, BasisPoints],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Set the fees of single delegators to exactly these.

    Raises NotFoundError for an unknown baker, SettingError for a fee out of range.
    """
    await get(tx, baker_id)
    for address, fee in by_address.items():
        if not 0 <= fee <= WHOLE:
            raise SettingError(f"the fee of {address} must be from 0 to 100 %")
    await tx.execute(delete(delegator_fees).where(delegator_fees.c.baker_id == baker_id))
    if by_address:
        rows = [
            {"baker_id": baker_id, "address": address, "fee": fee}
            for address, fee in by_address.items()
        ]
        await tx.execute(insert(delegator_fees), rows)
    await audit.record(tx, AuditEvent(at, actor, "fees.replaced", baker_id, dict(by_address)))


async def bond_pool(tx: AsyncConnection, baker_id: str) -> list[BondPoolMember]:
    """Give the bond-pool members, ordered by address."""
    table = bond_pool_members
    rows = await tx.execute(
        select(table).where(table.c.baker_id == baker_id).order_by(table.c.address)
    )
    return [
        BondPoolMember(
            row.address, Mutez(row.amount), BasisPoints(row.adm_charge), row.is_manager, row.name
        )
        for row in rows
    ]


async def replace_bond_pool(
    tx: AsyncConnection,
    baker_id: str,
    members: Sequence[BondPoolMember],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Set the bond-pool members to exactly these.

    Raises NotFoundError for an unknown baker, SettingError when the members cannot be.
    """
    await get(tx, baker_id)
    check_members(members)
    await tx.execute(delete(bond_pool_members).where(bond_pool_members.c.baker_id == baker_id))
    rows = [asdict(member) for member in members]
    if rows:
        await tx.execute(insert(bond_pool_members), [{"baker_id": baker_id, **row} for row in rows])
    detail = {"members": rows}
    await audit.record(tx, AuditEvent(at, actor, "bond_pool.replaced", baker_id, detail))


def _baker(row: Row[Any]) -> Baker:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    values.pop("created_at")
    return Baker(**{**values, "mode": Mode(values["mode"])})
