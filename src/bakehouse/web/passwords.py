"""Passwords: hashed with argon2id, compared in a thread. Nothing is stored here."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bakehouse.errors import InputError

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256

#: Of no password: for users that are not there, whose answer must take as long.
_NOBODYS: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$"
    "n0n8IXbkmtVVhYyPU5ZVNaiNR2YfHTOYdTW8nBjTvTc"
)


async def hashed(password: str, name: str) -> str:
    """Hash a new password with argon2id (RFC 9106); InputError for one that is easily guessed."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise InputError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if len(set(password)) < LENGTH_MIN // 2 or name.lower() in password.lower():
        raise InputError("this password is easily guessed: use several words, not your name")
    return await asyncio.to_thread(PasswordHasher().hash, password)


async def is_right(password: str, password_hash: str | None) -> bool:
    """Compare a password with a hash; None, of nobody, takes as long and is wrong."""
    if len(password) > LENGTH_MAX:
        return False
    return await asyncio.to_thread(_matches, password, password_hash)


def _matches(password: str, password_hash: str | None) -> bool:
    try:
        PasswordHasher().verify(password_hash or _NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
