"""Passwords: hashed with argon2id, compared in a thread. Nothing is stored here."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bakehouse.errors import InputError

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256

#: Salt and digest of no password.
_NOBODYS: Final = "c29tZXNhbHRzb21lc2FsdA$n0n8IXbkmtVVhYyPU5ZVNaiNR2YfHTOYdTW8nBjTvTc"


@dataclass(frozen=True, slots=True)
class Passwords:
    """Hashes and compares passwords, at the cost of RFC 9106 for little memory unless told."""

    hasher: PasswordHasher = field(default_factory=PasswordHasher)

    async def hashed(self, password: str, name: str) -> str:
        """Hash a new password; InputError for one that is easily guessed."""
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
            raise InputError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
        if len(set(password)) < LENGTH_MIN // 2 or name.lower() in password.lower():
            raise InputError("this password is easily guessed: use several words, not your name")
        return await asyncio.to_thread(self.hasher.hash, password)

    async def is_right(self, password: str, password_hash: str | None) -> bool:
        """Compare a password with a hash; None, of nobody, takes as long and is wrong."""
        if len(password) > LENGTH_MAX:
            return False
        return await asyncio.to_thread(self._matches, password, password_hash)

    @property
    def nobodys_hash(self) -> str:
        """A hash for users that are not there, whose answer must take as long."""
        cost = f"m={self.hasher.memory_cost},t={self.hasher.time_cost},p={self.hasher.parallelism}"
        return f"$argon2id$v=19${cost}${_NOBODYS}"

    def _matches(self, password: str, password_hash: str | None) -> bool:
        try:
            self.hasher.verify(password_hash or self.nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None
