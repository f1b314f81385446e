"""Bakers with their settings, their delegators' fees and their bond-pool members."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError, SettingError
from bakehouse.ledger import audit, payout_rules
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.baker_tables import bakers, bond_pool_members, delegator_fees
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import Mode
from bakehouse.rewards.bond_pool import BondPoolMember, check_members
from bakehouse.rewards.money import NO_MUTEZ, WHOLE, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    ExcludedShare,
    Leavers,
    RewardBasis,
    Rounding,
)

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
    share_block_rewards: bool = True
    share_attestation_rewards: bool = True
    share_dal_rewards: bool = True
    share_nonce_rewards: bool = True
    share_vdf_rewards: bool = True
    share_denunciation_rewards: bool = False
    reward_basis: RewardBasis = RewardBasis.ACTUAL
    over_delegation_protection: bool = False
    rounding: Rounding = Rounding.NET_FLOOR
    transfer_fee_payer: CostBearer = CostBearer.BAKER
    burn_payer: CostBearer = CostBearer.BAKER
    minimum_balance: Mutez = NO_MUTEZ
    maximum_balance: Mutez | None = None
    below_minimum_share: ExcludedShare = ExcludedShare.BAKER
    excluded_share: ExcludedShare = ExcludedShare.BAKER
    only_allowed: bool = False
    pay_emptied: bool = True
    contract_cost_cap: Mutez | None = None
    minimum_fee_multiple: int = 0
    leavers: Leavers = Leavers.KEEP
    payout_interval: int = 1
    interval_offset: int = 0
    delay_blocks_least: int = 0
    delay_blocks_most: int = 0

    #: Where the payout wallet is topped up from, to which balance, and how much in a UTC day at
    #: most; all three, or none: then it is not.
    funding_address: str | None = None
    target_balance: Mutez | None = None
    top_up_cap: Mutez | None = None

    def __post_init__(self) -> None:
        for name, setting in CATALOGUE.items():
            setting.check(getattr(self, name))
        if self.delay_blocks_least > self.delay_blocks_most:
            raise SettingError(
                f"delay_blocks_least {self.delay_blocks_least} is more than delay_blocks_most "
                f"{self.delay_blocks_most}: set both, the least first",
                setting="delay_blocks_most",
            )
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


TOP_UP_SETTINGS: Final = ("funding_address", "target_balance", "top_up_cap")


#: What `change` may change; the rest is who the baker is.
SETTINGS: Final = tuple(CATALOGUE)


_NAMES: Final = tuple(each.name for each in fields(Baker))
_COLUMNS: Final = tuple(bakers.c[name] for name in _NAMES)
_ENTER: Final = insert(bakers)
#: Built once, for every job begins with it.
_OF_ID: Final = select(*_COLUMNS).where(bakers.c.baker_id == bindparam("wanted"))
_BOND_POOL: Final = (
    select(bond_pool_members)
    .where(bond_pool_members.c.baker_id == bindparam("baker_id"))
    .order_by(bond_pool_members.c.address)
)
#: Rows whose bakers are kept at hand.
_REMEMBERED: Final = 20_000
_CHOICES: Final = {
    name: setting.choices for name, setting in CATALOGUE.items() if setting.choices is not None
}


async def add(
    tx: AsyncConnection, baker: Baker, *, actor: str, at: datetime, checks_rules: bool = True
) -> None:
    """Register a baker; raises ConflictError when it is there already.

    Who sets more in the same transaction checks the rules at its end, with `rules_of`.
    """
    if await find(tx, baker.baker_id):
        raise ConflictError(f"the baker {baker.baker_id} is registered already")
    if checks_rules:
        await payout_rules.rules_of(tx, baker)
    values = asdict(baker)
    await tx.execute(_ENTER, {"created_at": at, **values})
    await audit.record(tx, AuditEvent(at, actor, "baker.added", baker.baker_id, values))


async def change(  # noqa: PLR0913 - keyword-only facts of one change
    tx: AsyncConnection,
    baker_id: str,
    settings: Mapping[str, Any],
    *,
    actor: str,
    at: datetime,
    checks_rules: bool = True,
) -> Baker:
    """Change settings by name, typed and in range; gives the baker as it is now.

    Raises NotFoundError for an unknown baker, SettingError for a setting that is unknown,
    impossible, or contradicts what else is set.
    """
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise SettingError(
            f"unknown setting {unknown[0]!r}: the settings are {', '.join(sorted(SETTINGS))}"
        )
    changed = replace(await get(tx, baker_id), **settings)
    if not settings:
        return changed
    if checks_rules:
        await payout_rules.rules_of(tx, changed)
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
    row = (await tx.execute(_OF_ID, {"wanted": baker_id})).one_or_none()
    return _baker(row) if row else None


async def named(tx: AsyncConnection, baker_ids: Collection[str]) -> list[Baker]:
    """Give these bakers, in their order; what is not registered is left out."""
    found = {
        row.baker_id: _baker(row)
        for part in in_parts(baker_ids)
        for row in await tx.execute(select(*_COLUMNS).where(bakers.c.baker_id.in_(part)))
    }
    return [found[each] for each in baker_ids if each in found]


async def everyone(tx: AsyncConnection) -> list[Baker]:
    """Give all bakers in the order they came."""
    rows = await tx.execute(select(*_COLUMNS).order_by(bakers.c.created_at, bakers.c.baker_id))
    return [_baker(row) for row in rows]


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
    rows = await tx.execute(_BOND_POOL, {"baker_id": baker_id})
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
    return _baker_of(tuple(row))


@lru_cache(_REMEMBERED)
def _baker_of(row: tuple[Any, ...]) -> Baker:
    # To hold fifty settings against their rules takes a while, and most are as they were.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    for name, choices in _CHOICES.items():
        values[name] = choices(values[name])
    return Baker(**values)
