"""How an error becomes one line for a person and an exit code for a program."""

from bakehouse.cli.exit_codes import REFUSED, USAGE
from bakehouse.errors import BakehouseError, InputError, NotFoundError


def exit_code_of(error: BakehouseError) -> int:
    """Tell mistakes in what was entered (2) from refusals and failing sources (1)."""
    return USAGE if isinstance(error, InputError | NotFoundError) else REFUSED


def as_line(message: str) -> str:
    """Write a message on one line that no text quoted in it can break or colour."""
    line = " ".join(message.split())
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
