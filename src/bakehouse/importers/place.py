"""Where something stands in a file of another tool, and how a mistake there is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bakehouse.errors import InputError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"

    def mistake(self, message: str) -> InputError:
        """Make the error that tells what is wrong here."""
        return InputError(f"{self}: {message}")

    def read(self, parse: Callable[[str], Value], text: str) -> Value:
        """Make something of a text that stands here; raises InputError with the place."""
        try:
            return parse(text)
        except InputError as error:
            raise self.mistake(error.message) from error
