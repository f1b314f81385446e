"""How an error becomes one line for a person and an exit code for a program."""

from typing import Final

from bakehouse.errors import BakehouseError, InputError, NotFoundError

#: Understood and refused, or a source that failed.
REFUSED: Final = 1
#: What was typed or configured is wrong.
USAGE: Final = 2
#: Stopped with Ctrl-C: 128 and the number of SIGINT, as shells have it.
INTERRUPTED: Final = 130


def exit_code_of(error: BakehouseError) -> int:
    """Tell mistakes in what was entered (2) from refusals and failing sources (1)."""
    return USAGE if isinstance(error, InputError | NotFoundError) else REFUSED


def as_line(message: str) -> str:
    """Write a message on one line that no text quoted in it can break or colour."""
    line = " ".join(message.split())
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
