"""Files a person names on the command line; what cannot be read is their InputError."""

import sys
from pathlib import Path

from bakehouse.errors import InputError

STANDARD_INPUT = "-"


def read_file(path: Path) -> bytes:
    """Read a file; raises InputError saying why it cannot be."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_text(path: Path) -> str:
    """Read a text in UTF-8, with or without a byte-order mark; raises InputError."""
    try:
        return read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text in UTF-8") from error


def read_file_or_input(name: str) -> bytes:
    """Read a file, or standard input where its name is '-'; raises InputError."""
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    return read_file(Path(name))
