"""Fees of single delegators in a file."""

from pathlib import Path

from bakehouse.cli.input_file import read_text
from bakehouse.desk.fees_text import parse_fees
from bakehouse.rewards.money import BasisPoints


def read_fees(path: Path) -> dict[str, BasisPoints]:
    """Read fees by address; raises InputError naming the file and the line of a mistake."""
    return parse_fees(read_text(path), str(path))
