"""A table of SQLite that is put in its own place again, with some of its words changed."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from bakehouse.errors import ConflictError


def copy_table(name: str, reworded: Mapping[str, str]) -> None:
    """Put a copy in the table's place, made by the words that made it but for what changes.

    SQLite alters no constraint. Whatever other migrations have added stays as it is, indexes and
    triggers too. `reworded` has to name the copy `{name}_next`. Raises ConflictError for a table
    that was not made by the words that are to change.
    """
    (table,) = _words(name, "table")
    around = _words(name, "index") + _words(name, "trigger")
    for old, new in reworded.items():
        if table.count(old) != 1:
            raise ConflictError(f"the ledger is damaged: no {old!r} in the table {name}")
        table = table.replace(old, new)
    op.execute(table)
    op.execute(f"INSERT INTO {name}_next SELECT * FROM {name}")  # noqa: S608 - our own names
    op.drop_table(name)
    op.rename_table(f"{name}_next", name)
    for each in around:
        op.execute(each)


def _words(name: str, kind: str) -> list[str]:
    query = sa.text(
        "SELECT sql FROM sqlite_master WHERE type = :kind AND tbl_name = :name "
        "AND sql IS NOT NULL ORDER BY name"
    )
    return list(op.get_bind().execute(query, {"kind": kind, "name": name}).scalars())
