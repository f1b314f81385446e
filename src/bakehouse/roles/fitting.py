"""Whether a process fits those it works with: one ledger, queue, secret key and schema."""

import asyncio

from bakehouse.errors import ConflictError, SettingError
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.forever import forever
from bakehouse.ledger import installation
from bakehouse.ledger.database import Ledger
from bakehouse.secret_box import SecretKeyFile

_MARK = "bakehouse"


async def require_same_ledger(ledger: Ledger, engine: JobEngine) -> None:
    """Refuse a queue that jobs of another ledger are in; raises ConflictError."""
    async with ledger.read() as tx:
        ours = await installation.ledger_id(tx)
    theirs = await engine.owner(ours)
    if theirs != ours:
        raise ConflictError(
            f"Redis at {engine.address} holds the queues of another ledger ({theirs}, ours is "
            f"{ours}): name the Redis, or the database number, that goes with DATABASE_URL"
        )


async def require_same_key(ledger: Ledger, key: SecretKeyFile, *, has_to_be_there: bool) -> None:
    """Make sure that the secret key here opens what others have sealed.

    The first key that has to be there becomes that of all. Raises SettingError for another one,
    and for none where one is needed.
    """
    async with ledger.read() as tx:
        known = await installation.key_check(tx)
        sealed = known or await installation.something_sealed(tx)
    if known is None and not has_to_be_there:
        return
    if not key.path.exists():
        raise SettingError(
            f"the secret key {key.path} is not here: every process of one ledger has the same. "
            "Copy it from where it is, or make the first with `openssl rand -hex 32`, and set "
            "BAKEHOUSE_SECRET_KEY_FILE"
        )
    if sealed is not None:
        await _require_opens(key, sealed)
    if known is None:
        mark = await asyncio.to_thread(key.seal, _MARK)
        async with ledger.write() as tx:
            first = await installation.keep_key_check(tx, mark)
        # Another process may have been faster, with another key.
        await _require_opens(key, first)


async def replace_key(ledger: Ledger, key: SecretKeyFile) -> None:
    """Have the key that is here be that of all, because the one before is lost.

    What was sealed with that one stays unreadable, and has to be entered anew.
    """
    mark = await asyncio.to_thread(key.seal, _MARK)
    async with ledger.write() as tx:
        await installation.replace_key_check(tx, mark)


async def end_when_outdated(ledger: Ledger, seconds: float, end: asyncio.Event) -> None:
    """Set `end` once another version has changed the ledger's schema; looks until cancelled."""

    async def look() -> None:
        if not await ledger.is_current():
            end.set()

    await forever(look, seconds, "looking-at-the-schema-failed")


async def _require_opens(key: SecretKeyFile, sealed: bytes) -> None:
    try:
        await asyncio.to_thread(key.unseal, sealed)
    except SettingError as error:
        raise SettingError(
            f"the secret key {key.path} does not fit this ledger ({error.message}). If the key is "
            "lost for good, `bakehouse migrate --new-secret-key` takes this one, and what was "
            "sealed has to be entered anew"
        ) from None
