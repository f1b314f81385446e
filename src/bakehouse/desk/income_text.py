"""Income shares as texts, in percent: read, and written as they are read. Nothing is stored."""

from typing import Final

from bakehouse.desk.address_table import address_rows, mistake
from bakehouse.rewards.money import BasisPoints, format_percentage, parse_percentage
from bakehouse.rewards.payout_rules import IncomeShare
from bakehouse.tezos.address import parse_recipient

#: What somebody may have a share of.
SHARES: Final = ("of_bonds", "of_fees", "of_excluded")


def parse_income(text: str, name: str) -> list[IncomeShare]:
    """Read shares: CSV with a header, or a JSON object address → shares; percentages in both.

    Raises InputError with the name of the text and the line of the first mistake.
    """
    shares: dict[str, IncomeShare] = {}
    for row in address_rows(text, name, SHARES):
        address = row.address.read(parse_recipient)
        if address in shares:
            raise mistake(name, row.address.line, f"{address} has shares already, further up")
        parts = {column: cell.read(parse_percentage) for column, cell in row.cells.items()}
        if not any(parts.values()):
            raise mistake(name, row.address.line, f"{address} has no share of anything")
        shares[address] = IncomeShare(address, **parts)
    return list(shares.values())


def income_cells(share: IncomeShare) -> dict[str, str]:
    """Write what somebody has of each, in percent."""
    return {name: format_percentage(BasisPoints(getattr(share, name))) for name in SHARES}
