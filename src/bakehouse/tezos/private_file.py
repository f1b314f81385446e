"""Secrets in files that only their owner can read, and from file descriptors. Nothing is kept."""

import os
import stat
from pathlib import Path
from typing import Final

from bakehouse.errors import InputError, SignerError

#: No key, passphrase or list of words is longer.
_SIZE_MAX: Final = 4096
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path) -> str:
    """Read a secret file, without the blanks around it; SignerError if others can touch it."""
    return _read(path, is_for_owner_only=True)


def read_credential(path: Path) -> str:
    """Read a secret that the service manager guards by its folder, not by the file's mode."""
    return _read(path, is_for_owner_only=False)


def read_descriptor(number: int) -> str:
    """Read a secret from an open file descriptor to its end, and close it; raises SignerError."""
    try:
        with os.fdopen(number, "rb") as file:
            content = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise SignerError(
            f"the secret on file descriptor {number} cannot be read: {error.strerror}"
        ) from error
    return _text(content, f"file descriptor {number}")


def write_private(path: Path, text: str) -> None:
    """Write a new file for its owner alone; raises InputError, also for one that exists."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may read, write or enter a file or folder."""
    return not path.stat().st_mode & _OTHERS


def _read(path: Path, *, is_for_owner_only: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise SignerError(f"the secret file {path} cannot be read: {error.strerror}") from error
    if is_for_owner_only and mode & _OTHERS:
        raise SignerError(
            f"the secret file {path} is open to others than its owner: run chmod 600 {path}"
        )
    return _text(content, str(path))


def _text(content: bytes, where: str) -> str:
    if len(content) > _SIZE_MAX:
        raise SignerError(f"{where} holds more than {_SIZE_MAX} bytes: that is no secret of ours")
    return content.decode(errors="replace").strip()
