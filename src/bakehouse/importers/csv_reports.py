"""Payment reports as CSV with a header, row by row with their lines; short rows are refused."""

from collections.abc import Iterator, Sequence

from bakehouse.errors import InputError
from bakehouse.importers.old_files import OldFile
from bakehouse.importers.old_tables import OldRow, csv_table


def report_rows(file: OldFile, required: Sequence[str]) -> Iterator[OldRow]:
    """Give the rows of a report that has these columns, named in capitals, and maybe others.

    Raises InputError with file and line: for a column that is missing, a row that is cut off, a
    last line without its end.
    """
    table = csv_table(file.path.stem, file.text, file.name)
    missing = [each for each in required if each not in table.columns]
    if missing:
        raise InputError(
            f"{file.name}, line 1: the column {missing[0].lower()} is missing: this is no such "
            "report"
        )
    if file.text and not file.text.endswith(("\n", "\r")):
        raise InputError(
            f"{file.name}, line {file.text.count(chr(10)) + 1}: the last line has no end: the file "
            "is cut off"
        )
    yield from table.rows
