"""Hooks as stored: a baker's own programs and webhooks. Secrets are in here only sealed."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import audit, hook_deliveries
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.hook_tables import hooks
from bakehouse.ledger.states import HookKind, HookPoint

SECONDS_DEFAULT: Final = 10

#: Built once, for each step of a payment asks for it.
_OF_BAKER: Final = (
    select(hooks)
    .where(hooks.c.baker_id == bindparam("baker_id"), hooks.c.removed_at.is_(None))
    .order_by(hooks.c.name)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHook:
    """A hook about to be entered."""

    baker_id: str
    name: str
    points: frozenset[HookPoint]
    #: Of a program: its file and arguments; empty for a webhook.
    arguments: tuple[str, ...] = ()
    #: Of a webhook: where it is; it is shown, and holds no secret.
    url: str | None = None
    #: What a webhook's requests are signed with.
    sealed_secret: bytes | None = field(default=None, repr=False)
    #: How long it may take to answer, in seconds.
    seconds_max: int = SECONDS_DEFAULT

    @property
    def kind(self) -> HookKind:
        """What it is."""
        return HookKind.WEBHOOK if self.url is not None else HookKind.PROGRAM

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        return self.url or " ".join(self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook(NewHook):
    """A hook as the ledger has it."""

    id: int
    enabled: bool
    created_at: datetime
    removed_at: datetime | None = None

    @property
    def is_in_use(self) -> bool:
        """Whether it is asked and told."""
        return self.enabled and self.removed_at is None


async def add(tx: AsyncConnection, new: NewHook, *, actor: str, at: datetime) -> Hook:
    """Enter a hook; raises ConflictError for a name that the baker uses for another."""
    if await _find(tx, new.baker_id, new.name) is not None:
        raise ConflictError(f"there is a hook {new.name!r} already: choose another name")
    row = insert(hooks).values(
        baker_id=new.baker_id,
        name=new.name,
        points=json.dumps(sorted(new.points)),
        kind=new.kind,
        arguments=json.dumps(new.arguments) if new.kind is HookKind.PROGRAM else None,
        url=new.url,
        sealed_secret=new.sealed_secret,
        seconds_max=new.seconds_max,
        enabled=True,
        created_at=at,
    )
    hook_id = int((await tx.execute(row.returning(hooks.c.id))).scalar_one())
    found = await get(tx, hook_id)
    await _record(tx, "hook.added", found, actor=actor, at=at)
    return found


async def switch(
    tx: AsyncConnection, hook_id: int, *, enabled: bool, actor: str, at: datetime
) -> Hook:
    """Have a hook be asked and told, or not; raises NotFoundError."""
    await get(tx, hook_id)
    await tx.execute(update(hooks).where(hooks.c.id == hook_id).values(enabled=enabled))
    changed = await get(tx, hook_id)
    await _record(tx, "hook.on" if enabled else "hook.off", changed, actor=actor, at=at)
    return changed


async def remove(tx: AsyncConnection, hook_id: int, *, actor: str, at: datetime) -> None:
    """Take a hook away, with its secret and what it was still to be told; raises NotFoundError.

    What it answered and changed stays on record.
    """
    hook = await get(tx, hook_id)
    await hook_deliveries.give_up(tx, hook_id)
    values: dict[str, Any] = {"removed_at": at, "enabled": False}
    if hook.kind is HookKind.WEBHOOK:
        values["sealed_secret"] = b""
    await tx.execute(update(hooks).where(hooks.c.id == hook_id).values(values))
    await _record(tx, "hook.removed", hook, actor=actor, at=at)


async def get(tx: AsyncConnection, hook_id: int) -> Hook:
    """Give a hook that is there; raises NotFoundError."""
    query = select(hooks).where(hooks.c.id == hook_id, hooks.c.removed_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no hook {hook_id}")
    return hook_of(row)


async def named(tx: AsyncConnection, baker_id: str, name: str) -> Hook:
    """Give a baker's hook of a name; raises NotFoundError."""
    found = await _find(tx, baker_id, name)
    if found is None:
        raise NotFoundError(f"the baker {baker_id} has no hook {name!r}")
    return found


async def of_baker(tx: AsyncConnection, baker_id: str) -> list[Hook]:
    """Give a baker's hooks by name."""
    return [hook_of(row) for row in await tx.execute(_OF_BAKER, {"baker_id": baker_id})]


async def at_point(tx: AsyncConnection, baker_id: str, point: HookPoint) -> list[Hook]:
    """Give the hooks of a baker that are asked or told at a point, in the order of their names."""
    found = await of_baker(tx, baker_id)
    return [hook for hook in found if hook.is_in_use and point in hook.points]


async def _find(tx: AsyncConnection, baker_id: str, name: str) -> Hook | None:
    query = select(hooks).where(
        hooks.c.baker_id == baker_id, hooks.c.name == name, hooks.c.removed_at.is_(None)
    )
    row = (await tx.execute(query)).one_or_none()
    return hook_of(row) if row else None


async def _record(
    tx: AsyncConnection, action: str, hook: Hook, *, actor: str, at: datetime
) -> None:
    detail = {
        "name": hook.name,
        "points": sorted(hook.points),
        "kind": hook.kind,
        "place": hook.place,
        "seconds_max": hook.seconds_max,
    }
    await audit.record(tx, AuditEvent(at, actor, action, hook.baker_id, detail))


def hook_of(row: Row[Any]) -> Hook:
    """Read a hook from a row that has all its columns."""
    return Hook(
        id=row.id,
        baker_id=row.baker_id,
        name=row.name,
        points=frozenset(HookPoint(each) for each in json.loads(row.points)),
        arguments=tuple(json.loads(row.arguments or "[]")),
        url=row.url,
        sealed_secret=row.sealed_secret,
        seconds_max=row.seconds_max,
        enabled=row.enabled,
        created_at=row.created_at,
        removed_at=row.removed_at,
    )
