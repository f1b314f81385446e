"""Files of another tool as texts, found and read before anything is made of them."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bakehouse.errors import InputError

#: More than any history is.
_SIZE_MAX: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file: how it is named to people, and what is in it."""

    path: Path
    #: Never shown: there may be secrets in it.
    text: str = field(repr=False)
    sha256: str

    @property
    def name(self) -> str:
        """Give the name by which mistakes in it are told."""
        return str(self.path)


def read_old_file(path: Path) -> OldFile:
    """Read a text in UTF-8; raises InputError."""
    try:
        if path.stat().st_size > _SIZE_MAX:
            raise InputError(f"{path} is larger than {_SIZE_MAX // 1024**2} MB: it is no such file")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: this is not a text in UTF-8") from error
    if "\0" in text:
        raise InputError(f"{path} is no text: export it first, as docs/moving-in.md says")
    return OldFile(path, text, hashlib.sha256(data).hexdigest())


def digests(files: Iterable[OldFile]) -> dict[str, str]:
    """Give the SHA-256 of files by their names; the same file named twice counts once."""
    return {each.name: each.sha256 for each in files}


def digest_of_all(by_name: dict[str, str]) -> str:
    """Give one digest that says whether the same contents were read."""
    return hashlib.sha256("\n".join(sorted(by_name.values())).encode()).hexdigest()


def files_below(folder: Path, pattern: str) -> Iterator[Path]:
    """Give the files of a folder that fit a pattern, by name."""
    yield from sorted(each for each in folder.glob(pattern) if each.is_file())
