"""Secrets at rest that have to be read again: sealed with a key that is in no database.

A copy of the ledger alone tells none of them. What only has to be recognised is hashed instead.
"""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from bakehouse.errors import SettingError

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FILE_SIZE_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class SecretKeyFile:
    """A file with the key: 32 bytes in hexadecimal, for its owner's eyes only.

    The key is read when it is needed, so this may be handed around and shown. Both methods read a
    file: keep them off an event loop.
    """

    path: Path
    #: Whether the first secret makes the key. A file that was named by a person has to be there.
    made_when_missing: bool = False

    def seal(self, secret: str) -> bytes:
        """Encrypt; raises SettingError for a key that cannot be used."""
        if self.made_when_missing and not self.path.exists():
            _make(self.path)
        return bytes(self._box().encrypt(secret.encode()))

    def unseal(self, sealed: bytes) -> str:
        """Decrypt; raises SettingError for a key that cannot be used, or is not the one."""
        try:
            return self._box().decrypt(sealed).decode()
        except CryptoError:
            raise SettingError(
                f"the key in {self.path} is not the one this was sealed with: put that key back, "
                "or enter the secret anew"
            ) from None

    def _box(self) -> SecretBox:
        try:
            key = bytes.fromhex(_read_private(self.path))
        except ValueError:
            key = b""
        if len(key) != SecretBox.KEY_SIZE:
            raise SettingError(
                f"{self.path} holds no key: it takes 64 hexadecimal digits, as "
                "`openssl rand -hex 32` writes them"
            )
        return SecretBox(key)


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_FILE_SIZE_MAX)
    except OSError as error:
        raise SettingError(f"the secret key {path} cannot be read: {error.strerror}") from error
    if mode & _OTHERS:
        raise SettingError(
            f"the secret key {path} is open to others than its owner: run chmod 600 {path}"
        )
    return content.decode(errors="replace").strip()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(SecretBox.KEY_SIZE) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # Whole or not at all; and when two make one at the same time, the first one's is it.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
