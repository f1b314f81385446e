"""Users, and the one-time links by which they choose a password. Nothing is hashed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, InputError, NotFoundError
from bakehouse.ledger import audit, grants
from bakehouse.ledger.access_tables import one_time_links, sessions, user_bakers, users
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.roles import Grant, Role
from bakehouse.ledger.secrets_at_rest import fingerprint, new_secret

NAME_LENGTH_MAX: Final = 100
LINK_LIFE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class User:
    """A person with a name and a role; `has_password` once a link was followed."""

    id: int
    name: str
    grant: Grant
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None

    @property
    def actor(self) -> str:
        """Name the user in the audit trail."""
        return f"user:{self.name}"


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link that still works; of nobody yet for the first administrator."""

    user: User | None


async def add(tx: AsyncConnection, name: str, grant: Grant, *, actor: str, at: datetime) -> User:
    """Enter a user without a password; InputError for a bad name, ConflictError for a used one."""
    name = checked_name(name)
    await grants.check(tx, grant)
    if await find(tx, name) is not None:
        raise ConflictError(f"there is a user {name!r} already: choose another name")
    values = {"name": name, "role": grant.role, "all_bakers": grant.covers_all}
    added = await tx.execute(insert(users).values(created_at=at, **values).returning(users.c.id))
    user_id = int(added.scalar_one())
    await grants.store(tx, user_bakers, user_id, grant)
    await audit.record(tx, AuditEvent(at, actor, "user.added", name, _told(grant)))
    return await get(tx, user_id)


async def change_grant(
    tx: AsyncConnection, user_id: int, grant: Grant, *, actor: str, at: datetime
) -> User:
    """Give a user another role or other bakers, from the next request on."""
    user = await get(tx, user_id)
    await grants.check(tx, grant)
    if not _rules(grant):
        await _refuse_last_administrator(tx, user)
    await tx.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(role=grant.role, all_bakers=grant.covers_all)
    )
    await grants.store(tx, user_bakers, user_id, grant)
    await audit.record(tx, AuditEvent(at, actor, "user.changed", user.name, _told(grant)))
    return await get(tx, user_id)


async def set_password(
    tx: AsyncConnection, user_id: int, password_hash: str, *, actor: str, at: datetime
) -> None:
    """Keep the hash of a new password; every session of the user ends."""
    user = await get(tx, user_id)
    await tx.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))
    await end_sessions(tx, user_id)
    await audit.record(tx, AuditEvent(at, actor, "user.password", user.name, {}))


async def disable(tx: AsyncConnection, user_id: int, *, actor: str, at: datetime) -> None:
    """Shut a user out for good; every session ends. The last administrator stays."""
    user = await get(tx, user_id)
    await _refuse_last_administrator(tx, user)
    await tx.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))
    await end_sessions(tx, user_id)
    await audit.record(tx, AuditEvent(at, actor, "user.disabled", user.name, {}))


async def end_sessions(tx: AsyncConnection, user_id: int) -> None:
    """Sign a user out everywhere."""
    await tx.execute(delete(sessions).where(sessions.c.user_id == user_id))


async def everyone(tx: AsyncConnection) -> list[User]:
    """Give all users, by name."""
    return await _fetch(tx, list(await tx.execute(select(users).order_by(users.c.name))))


async def find(tx: AsyncConnection, name: str) -> User | None:
    """Give the user of a name, whatever its case, or None."""
    query = select(users).where(func.lower(users.c.name) == name.strip().lower())
    found = await _fetch(tx, list(await tx.execute(query)))
    return found[0] if found else None


async def get(tx: AsyncConnection, user_id: int) -> User:
    """Give a user; raises NotFoundError."""
    found = await _fetch(tx, list(await tx.execute(select(users).where(users.c.id == user_id))))
    if not found:
        raise NotFoundError(f"there is no user {user_id}")
    return found[0]


async def password_hash(tx: AsyncConnection, user_id: int) -> str | None:
    """Give the hash of a user's password, or None when there is none yet."""
    query = select(users.c.password_hash).where(users.c.id == user_id)
    found: str | None = (await tx.execute(query)).scalar_one()
    return found


async def has_administrator(tx: AsyncConnection) -> bool:
    """Whether somebody can sign in and do everything."""
    return bool(await _administrators(tx))


async def new_link(tx: AsyncConnection, user_id: int | None, *, at: datetime) -> str:
    """Make a one-time link's code, good for a day; earlier ones of the same user end."""
    owner = one_time_links.c.user_id
    same = owner.is_(None) if user_id is None else owner == user_id
    await tx.execute(delete(one_time_links).where(same))
    code = new_secret()
    await tx.execute(
        insert(one_time_links).values(
            code_sha256=fingerprint(code),
            user_id=user_id,
            created_at=at,
            expires_at=at + LINK_LIFE,
        )
    )
    return code


async def find_link(tx: AsyncConnection, code: str, *, at: datetime) -> Link | None:
    """Give what a link's code is good for, or None when it is for nothing (any more)."""
    query = select(one_time_links).where(
        one_time_links.c.code_sha256 == fingerprint(code),
        one_time_links.c.used_at.is_(None),
        one_time_links.c.expires_at > at,
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    if row.user_id is None:
        # Who found an old link must not become a second first administrator.
        return None if await has_administrator(tx) else Link(None)
    return Link(await get(tx, row.user_id))


async def use_link(tx: AsyncConnection, code: str, *, at: datetime) -> None:
    """Note that a link was followed: it works no more."""
    await tx.execute(
        update(one_time_links)
        .where(one_time_links.c.code_sha256 == fingerprint(code))
        .values(used_at=at)
    )


def checked_name(name: str) -> str:
    """Give a name as it is kept; InputError for one that cannot be told from others."""
    kept = name.strip()
    if not kept or len(kept) > NAME_LENGTH_MAX or not kept.isprintable():
        raise InputError(f"a name is 1 to {NAME_LENGTH_MAX} printable characters")
    return kept


def _rules(grant: Grant) -> bool:
    return grant.role is Role.ADMINISTRATOR and grant.covers_all


async def _administrators(tx: AsyncConnection) -> list[int]:
    query = select(users.c.id).where(
        users.c.role == Role.ADMINISTRATOR,
        users.c.all_bakers,
        users.c.disabled_at.is_(None),
        users.c.password_hash.is_not(None),
    )
    return list((await tx.execute(query)).scalars())


async def _refuse_last_administrator(tx: AsyncConnection, user: User) -> None:
    if await _administrators(tx) == [user.id]:
        raise ConflictError(f"{user.name} is the last administrator: make another one first")


async def _fetch(tx: AsyncConnection, rows: Sequence[Any]) -> list[User]:
    granted = await grants.read(tx, user_bakers, rows)
    return [
        User(
            row.id,
            row.name,
            granted[row.id],
            row.password_hash is not None,
            row.created_at,
            row.disabled_at,
        )
        for row in rows
    ]


def _told(grant: Grant) -> dict[str, Any]:
    return {
        "role": grant.role,
        "bakers": "all" if grant.bakers is None else sorted(grant.bakers),
    }
