"""Sessions of users in browsers: opaque, ended here and not by what a browser keeps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import users
from bakehouse.ledger.access_tables import sessions
from bakehouse.ledger.secrets_at_rest import fingerprint, new_secret
from bakehouse.ledger.users import User

LIFE: Final = timedelta(days=30)
_CLIENT_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A session that its owner may recognise and end."""

    created_at: datetime
    expires_at: datetime
    client: str


async def begin(tx: AsyncConnection, user_id: int, client: str, *, at: datetime) -> str:
    """Begin a session; gives the secret that its cookie holds."""
    await tx.execute(delete(sessions).where(sessions.c.expires_at <= at))
    secret = new_secret()
    await tx.execute(
        insert(sessions).values(
            token_sha256=fingerprint(secret),
            user_id=user_id,
            created_at=at,
            expires_at=at + LIFE,
            client=client[:_CLIENT_LENGTH_MAX],
        )
    )
    return secret


async def user_of(tx: AsyncConnection, secret: str, *, at: datetime) -> User | None:
    """Give whose session a cookie's secret is, or None when it is over or never was."""
    query = select(sessions.c.user_id).where(
        sessions.c.token_sha256 == fingerprint(secret), sessions.c.expires_at > at
    )
    user_id = (await tx.execute(query)).scalar_one_or_none()
    if user_id is None:
        return None
    user = await users.get(tx, user_id)
    return None if user.disabled_at else user


async def of_user(tx: AsyncConnection, user_id: int, *, at: datetime) -> list[Session]:
    """Give a user's sessions, the newest first."""
    query = (
        select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.expires_at > at)
        .order_by(sessions.c.created_at.desc())
    )
    rows = await tx.execute(query)
    return [Session(row.created_at, row.expires_at, row.client) for row in rows]


async def end(tx: AsyncConnection, secret: str) -> None:
    """End one session."""
    await tx.execute(delete(sessions).where(sessions.c.token_sha256 == fingerprint(secret)))
