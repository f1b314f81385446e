"""Where a key is in a TOML text. The parser is asked, so that every way to write it is known."""

import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

#: The keys that lead to a value, from the outermost on.
KeyPath: TypeAlias = tuple[str, ...]

#: A value may go on for this many lines before its place is given up.
_LINES_OF_A_VALUE: Final = 50


def written_path(path: KeyPath) -> str:
    """Write a path as it would stand in the file."""
    return ".".join(path)


def line_of(text: str, path: KeyPath) -> int | None:
    """Give the line in which a key is complete, counted from 1; None if it cannot be told.

    That is its own line, or the last one of a value that takes several.
    """
    lines = text.splitlines(keepends=True)
    if not path:
        return None
    least = _first_with_all(lines, path)
    if _has(lines, least, path):
        return least
    # What is there after some lines is still there after more of them.
    later = range(least + 1, len(lines) + 1)
    found = bisect_left(later, 1, key=lambda count: _has(lines, count, path))
    return later[found] if found < len(later) else None


def _first_with_all(lines: Sequence[str], path: KeyPath) -> int:
    """Give the first line by which every key was written; most often the very one."""
    missing = set(path)
    for number, line in enumerate(lines, start=1):
        missing = {key for key in missing if key not in line}
        if not missing:
            return number
    # Some key is written with escapes.
    return 1


def _has(lines: Sequence[str], count: int, path: KeyPath) -> bool:
    """Whether a key is in the first lines, and those that complete a value begun in them."""
    for end in range(count, min(count + _LINES_OF_A_VALUE, len(lines)) + 1):
        try:
            return _holds(tomllib.loads("".join(lines[:end])), path)
        except ValueError:
            continue
    return False


def _holds(document: Any, path: KeyPath) -> bool:
    for key in path:
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True
