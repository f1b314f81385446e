"""Reading TAPS: a script of its H2 database, or a folder with each table as CSV."""

from pathlib import Path

from bakehouse.errors import InputError
from bakehouse.importers import taps
from bakehouse.importers.h2_script import read_script
from bakehouse.importers.moving_in import MovingIn, Tool
from bakehouse.importers.old_files import OldFile, digests, files_below, read_old_file
from bakehouse.importers.old_tables import OldTable, csv_table


def read_taps(
    path: Path, *, baker: str | None = None, payout_address: str | None = None
) -> MovingIn:
    """Read what TAPS kept; raises InputError with file and line."""
    files, tables = _folder(path) if path.is_dir() else _script(path)
    for name in taps.REQUIRED:
        if name not in tables:
            raise InputError(
                f"{path} has no table {name}: it is cut off, or not of TAPS; export all six tables"
            )
    settings = taps.read_settings(tables, baker, payout_address)
    return MovingIn(
        tool=Tool.TAPS,
        files=digests(files),
        settings=settings,
        history=taps.read_history(tables, settings.baker_id),
    )


def _script(path: Path) -> tuple[list[OldFile], dict[str, OldTable]]:
    file = read_old_file(path)
    return [file], read_script(file.text, file.name, taps.TABLES)


def _folder(path: Path) -> tuple[list[OldFile], dict[str, OldTable]]:
    files: list[OldFile] = []
    tables: dict[str, OldTable] = {}
    for each in files_below(path, "*"):
        name = each.stem.upper()
        if each.suffix.lower() == ".csv" and name in taps.TABLES:
            file = read_old_file(each)
            files.append(file)
            tables[name] = csv_table(name, file.text, file.name)
    return files, tables
