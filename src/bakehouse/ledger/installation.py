"""What tells this ledger from others, and by what its secret key is known. One row."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    Table,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.alert_tables import alert_channels
from bakehouse.ledger.column_types import PlainText
from bakehouse.ledger.hook_tables import hooks
from bakehouse.ledger.table_parts import metadata

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Drawn when the table was made; a copy of a ledger has the same.
    Column("ledger_id", PlainText, nullable=False),
    # A known word, sealed with the key that all processes have.
    Column("key_check", LargeBinary),
    CheckConstraint("id = 1", name="one_row"),
)


async def ledger_id(tx: AsyncConnection) -> str:
    """Give the name of this ledger, which no other has."""
    return str((await tx.execute(select(installation.c.ledger_id))).scalar_one())


async def key_check(tx: AsyncConnection) -> bytes | None:
    """Give what the secret key of all opens, or None before a first process has kept one."""
    found: bytes | None = (await tx.execute(select(installation.c.key_check))).scalar_one()
    return found


async def keep_key_check(tx: AsyncConnection, sealed: bytes) -> bytes:
    """Keep what a key has sealed, unless there is something already; gives what is kept."""
    await tx.execute(
        update(installation).values(key_check=func.coalesce(installation.c.key_check, sealed))
    )
    return await key_check(tx) or sealed


async def replace_key_check(tx: AsyncConnection, sealed: bytes) -> None:
    """Keep what a new key has sealed."""
    await tx.execute(update(installation).values(key_check=sealed))


async def something_sealed(tx: AsyncConnection) -> bytes | None:
    """Give a secret of a channel or a hook as it is sealed, if there is any."""
    url: bytes | None = (await tx.execute(select(alert_channels.c.sealed_url).limit(1))).scalar()
    if url is not None:
        return url
    # One that was removed is emptied.
    kept = select(hooks.c.sealed_secret).where(func.length(hooks.c.sealed_secret) > 0).limit(1)
    secret: bytes | None = (await tx.execute(kept)).scalar()
    return secret
