"""Tokens of programs: a role for some bakers, recognised by a hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import audit, grants
from bakehouse.ledger.access_tables import api_token_bakers, api_tokens
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.roles import Grant
from bakehouse.ledger.secrets_at_rest import fingerprint, new_secret
from bakehouse.ledger.users import checked_name

#: What every token begins with, so that people and scanners see what was left lying about.
TOKEN_PREFIX: Final = "bakehouse_"  # noqa: S105 - the part of it that is no secret
#: Its last use is noted no more often than this: a scrape each second need not be a write each.
_USE_NOTED_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it may be shown: never the token itself."""

    id: int
    name: str
    grant: Grant
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    @property
    def actor(self) -> str:
        """Name the token in the audit trail."""
        return f"token:{self.name}"


async def add(  # noqa: PLR0913 - keyword-only facts of one token
    tx: AsyncConnection,
    name: str,
    grant: Grant,
    *,
    actor: str,
    at: datetime,
    expires_at: datetime | None = None,
) -> str:
    """Make a token and give it, this once; InputError for a bad name or grant."""
    name = checked_name(name)
    await grants.check(tx, grant)
    token = TOKEN_PREFIX + new_secret()
    added = await tx.execute(
        insert(api_tokens)
        .values(
            name=name,
            token_sha256=fingerprint(token),
            role=grant.role,
            all_bakers=grant.covers_all,
            created_at=at,
            created_by=actor,
            expires_at=expires_at,
        )
        .returning(api_tokens.c.id)
    )
    await grants.store(tx, api_token_bakers, int(added.scalar_one()), grant)
    detail = {
        "role": grant.role,
        "bakers": "all" if grant.bakers is None else sorted(grant.bakers),
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    await audit.record(tx, AuditEvent(at, actor, "token.added", name, detail))
    return token


async def find(tx: AsyncConnection, token: str, *, at: datetime) -> ApiToken | None:
    """Give what a token is good for, or None when it is for nothing (any more)."""
    query = select(api_tokens).where(api_tokens.c.token_sha256 == fingerprint(token))
    found = await _fetch(tx, list(await tx.execute(query)))
    if not found or found[0].revoked_at:
        return None
    ends_at = found[0].expires_at
    return None if ends_at is not None and ends_at <= at else found[0]


def is_use_to_be_noted(token: ApiToken, at: datetime) -> bool:
    """Whether its last noted use is long enough ago."""
    return token.used_at is None or at - token.used_at >= _USE_NOTED_EVERY


async def note_use(tx: AsyncConnection, token_id: int, *, at: datetime) -> None:
    """Note when a token was used."""
    await tx.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(used_at=at))


async def everyone(tx: AsyncConnection) -> list[ApiToken]:
    """Give all tokens, the newest first, revoked ones too."""
    return await _fetch(
        tx, list(await tx.execute(select(api_tokens).order_by(api_tokens.c.id.desc())))
    )


async def revoke(tx: AsyncConnection, token_id: int, *, actor: str, at: datetime) -> ApiToken:
    """End a token at once; raises NotFoundError."""
    found = await _fetch(
        tx, list(await tx.execute(select(api_tokens).where(api_tokens.c.id == token_id)))
    )
    if not found:
        raise NotFoundError(f"there is no token {token_id}")
    if found[0].revoked_at is None:
        await tx.execute(
            update(api_tokens).where(api_tokens.c.id == token_id).values(revoked_at=at)
        )
        await audit.record(tx, AuditEvent(at, actor, "token.revoked", found[0].name, {}))
    return found[0]


async def _fetch(tx: AsyncConnection, rows: Sequence[Any]) -> list[ApiToken]:
    granted = await grants.read(tx, api_token_bakers, rows)
    return [
        ApiToken(
            row.id,
            row.name,
            granted[row.id],
            row.created_at,
            row.created_by,
            row.expires_at,
            row.revoked_at,
            row.used_at,
        )
        for row in rows
    ]
