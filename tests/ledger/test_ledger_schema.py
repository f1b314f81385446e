"""The migrations build exactly the tables that the code declares, and guard them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect

from bakehouse.ledger.schema import metadata


@pytest.fixture(scope="module")
def migrated(migrated_file: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{migrated_file}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('declared') / 'ledger.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_a_new_migration_would_have_nothing_to_do(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("table", metadata.tables)
def test_each_table_is_migrated_as_it_is_declared(
    migrated: Engine, declared: Engine, table: str
) -> None:
    assert constraints_of(migrated, table) == constraints_of(declared, table)


def constraints_of(engine: Engine, table: str) -> list[str]:
    """Give columns, keys and checks, which may be written in any order."""
    seen = inspect(engine)
    found: list[Any] = [
        *seen.get_columns(table),
        *seen.get_check_constraints(table),
        *seen.get_foreign_keys(table),
        *seen.get_unique_constraints(table),
    ]
    return sorted(repr(sorted(item.items())) for item in found)


def test_each_index_is_migrated_as_it_is_declared(migrated: Engine, declared: Engine) -> None:
    assert stored_sql(migrated, "index") == stored_sql(declared, "index")


def stored_sql(engine: Engine, kind: str) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", (kind,)
        )
        return {row.name: row.sql for row in rows}


def test_every_table_of_money_is_guarded(migrated: Engine) -> None:
    assert set(stored_sql(migrated, "trigger")) == {
        "attempts_no_delete",
        "attempts_no_update",
        "audit_events_no_delete",
        "audit_events_no_update",
        "distributions_legal_moves",
        "distributions_no_delete",
        "operations_fixed",
        "operations_legal_moves",
        "operations_no_delete",
        "operations_one_in_flight",
        "payouts_fixed",
        "payouts_legal_moves",
        "payouts_no_delete",
        "transfers_fixed",
        "transfers_no_delete",
    }


def test_every_amount_of_money_is_a_wide_integer() -> None:
    of_money = {
        "amount", "burn", "counter_first", "delegated_balance", "dust", "fee", "gross",
        "minimum_payout", "net", "own_part", "pool", "total_fee", "total_fees", "total_net",
    }  # fmt: skip
    narrow = {
        f"{table.name}.{column.name}": str(column.type)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name in of_money and str(column.type) != "BIGINT"
    }
    # A delegator's fee is in basis points.
    assert narrow == {"delegator_fees.fee": "INTEGER"}
