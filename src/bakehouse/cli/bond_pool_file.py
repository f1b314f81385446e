"""Bond-pool members in a CSV file."""

from pathlib import Path

from bakehouse.cli.input_file import read_text
from bakehouse.desk.bond_pool_text import parse_bond_pool
from bakehouse.rewards.bond_pool import BondPoolMember


def read_bond_pool(path: Path) -> list[BondPoolMember]:
    """Read members; raises InputError naming the file and the line, or SettingError."""
    return parse_bond_pool(read_text(path), str(path))
