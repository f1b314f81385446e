"""Files that a command writes: never over one that is there, and readable by their owner only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from bakehouse.errors import InputError


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Open a new text file, or standard output for None; raises InputError if it cannot be made."""
    if path is None:
        yield sys.stdout
        return
    with os.fdopen(_made(path), "w", newline="", encoding="utf-8") as file:
        yield file


@contextmanager
def opened_binary(path: Path | None) -> Iterator[BinaryIO]:
    """Open a new file of bytes, or standard output for None; raises InputError likewise."""
    if path is None:
        yield sys.stdout.buffer
        return
    with os.fdopen(_made(path), "wb") as file:
        yield file


def make_folder(path: Path) -> None:
    """Make a new folder; raises InputError when it is there already, or cannot be made."""
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}") from error


def _made(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
