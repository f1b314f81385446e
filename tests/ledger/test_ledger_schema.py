"""The migrations build exactly the tables that the code declares, and guard them."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect

from bakehouse.ledger import (
    access_tables,
    alert_tables,
    announcement_tables,
    by_hand_tables,
    hook_tables,
    import_tables,
    installation,
)
from tests.ledger.conftest import MakePlace
from tests.ledger.places import POSTGRESQL, SQLITE, FilePlace, Place

metadata = access_tables.users.metadata
assert alert_tables.alert_channels.metadata is metadata
assert by_hand_tables.deductions.metadata is import_tables.imports.metadata is metadata
assert installation.installation.metadata is metadata
assert announcement_tables.announcements.metadata is hook_tables.hooks.metadata is metadata

INDEXES = {
    SQLITE: "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    POSTGRESQL: "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "AND tablename <> 'alembic_version'",
}
TRIGGERS = {
    SQLITE: "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    POSTGRESQL: "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
}


def engine_of(place: Place) -> Engine:
    return create_engine(place.url.replace("postgresql:", "postgresql+psycopg:"))


@pytest.fixture(scope="module")
def built(migrated: Place) -> Iterator[Engine]:
    """What the migrations built. Nothing is copied from it while a test is connected."""
    engine = engine_of(migrated)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def declared(make_place: MakePlace) -> Iterator[Engine]:
    place = make_place()
    place.be_empty()
    if isinstance(place, FilePlace):
        place.path.parent.mkdir()
    engine = engine_of(place)
    metadata.create_all(engine)
    yield engine
    engine.dispose()
    place.clear()


def test_a_new_migration_would_have_nothing_to_do(built: Engine) -> None:
    with built.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("table", metadata.tables)
def test_each_table_is_migrated_as_it_is_declared(
    built: Engine, declared: Engine, table: str
) -> None:
    assert constraints_of(built, table) == constraints_of(declared, table)


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


def test_each_index_is_migrated_as_it_is_declared(
    built: Engine, declared: Engine, kind: str
) -> None:
    assert rows_of(built, INDEXES[kind]) == rows_of(declared, INDEXES[kind]) != []


def rows_of(engine: Engine, query: str) -> list[tuple[str, ...]]:
    with engine.connect() as connection:
        return sorted(tuple(row) for row in connection.exec_driver_sql(query))


def test_every_table_of_money_is_guarded(built: Engine, kind: str) -> None:
    kept = {
        *("attempts", "audit_events", "distributions", "operations", "payouts", "transfers"),
        *("manual_transfers", "deductions", "deduction_parts", "exclusions"),
    }
    kept |= {"announcements", "hooks", "plan_adjustments", "imports", "imported_payments"}
    kept |= {"snapshots"}
    never_emptied = {f"{table}_no_truncate" for table in kept}
    assert {name for (name,) in rows_of(built, TRIGGERS[kind])} == {
        *(never_emptied if kind == POSTGRESQL else ()),
        "announcements_legal_moves",
        "announcements_no_delete",
        "attempts_no_delete",
        "attempts_no_update",
        "audit_events_no_delete",
        "audit_events_no_update",
        "deduction_parts_no_delete",
        "deduction_parts_no_update",
        "deduction_parts_within_deduction",
        "deductions_fixed",
        "deductions_no_delete",
        "distributions_fixed",
        "distributions_imported_enters_closed",
        "distributions_imported_is_closed",
        "distributions_legal_moves",
        "distributions_no_delete",
        "exclusions_no_delete",
        "exclusions_no_update",
        "imported_payments_no_delete",
        "imported_payments_no_update",
        "imports_no_delete",
        "imports_no_update",
        "manual_transfers_fixed",
        "manual_transfers_legal_moves",
        "manual_transfers_no_delete",
        "hooks_no_delete",
        "operations_cancels_in_flight",
        "operations_fixed",
        "operations_legal_moves",
        "operations_no_delete",
        "operations_one_in_flight",
        "payouts_fixed",
        "payouts_imported_only_history",
        "payouts_legal_moves",
        "payouts_no_delete",
        "payouts_withheld_fixed",
        "plan_adjustments_no_delete",
        "plan_adjustments_no_update",
        "snapshots_no_delete",
        "transfers_fixed",
        "transfers_no_delete",
    }


@pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True)
def test_every_text_is_sorted_by_its_bytes(built: Engine) -> None:
    # An index in the order of a language breaks when an update changes that order.
    others = rows_of(
        built,
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'alembic_version' "
        "AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'",
    )
    assert others == []


def test_every_amount_of_money_is_a_wide_integer() -> None:
    of_money = {
        "amount", "burn", "counter_first", "cycle_cap", "delegated_balance", "dust", "fee", "gross",
        "minimum_payout", "net", "own_part", "payout_cap", "pool", "target_balance", "top_up_cap",
        "total_fee", "total_fees", "total_net",
    }  # fmt: skip
    narrow = {
        f"{table.name}.{column.name}": str(column.type)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name in of_money and str(column.type) != "BIGINT"
    }
    # A delegator's fee is in basis points.
    assert narrow == {"delegator_fees.fee": "INTEGER"}
