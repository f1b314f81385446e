"""Guards: what makes the database itself refuse illegal moves and edits of what is append-only.

A guard is written once, as SQL that both databases understand; only its dress is theirs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic import op

#: How each database asks whether two values differ, with NULL as a value like others.
_DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}


@dataclass(frozen=True, slots=True)
class Guard:
    """A trigger that stops what is about to happen to a row, with a complaint."""

    table: str
    name: str
    #: What it looks at, as in `CREATE TRIGGER`.
    event: str
    complaint: str
    #: When it stops that, as SQL in which `{differs}` compares two values; None is always.
    when: str | None = None

    def statements(self, dialect: str) -> list[str]:
        """Give the SQL that creates it."""
        when = self.when and self.when.format(differs=_DIFFERS[dialect])
        name = f"{self.table}_{self.name}"
        trigger = f"CREATE TRIGGER {name} BEFORE {self.event} ON {self.table}"
        if dialect == "sqlite":
            condition = f"WHEN {when} " if when else ""
            return [f"{trigger} {condition}BEGIN SELECT RAISE(ABORT, '{self.complaint}'); END"]
        stop = (
            f"RAISE EXCEPTION USING MESSAGE = '{self.complaint}', "
            "ERRCODE = 'integrity_constraint_violation';"
        )
        body = f"IF {when} THEN {stop} END IF; RETURN NEW;" if when else stop
        function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
        each = "STATEMENT" if self.event == "TRUNCATE" else "ROW"
        return [
            f"{function} AS $guard$ BEGIN {body} END $guard$",
            f"{trigger} FOR EACH {each} EXECUTE FUNCTION {name}()",
        ]


def install(*guards: Guard) -> None:
    """Create guards in the database that is being migrated."""
    dialect = op.get_context().dialect.name
    for guard in guards:
        if guard.event == "TRUNCATE" and dialect == "sqlite":
            # There is no such statement: only DELETE.
            continue
        for statement in guard.statements(dialect):
            op.execute(statement)


def remove(table: str, name: str) -> None:
    """Drop a guard, for another to take its place."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {table}_{name}")
    else:
        op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
        op.execute(f"DROP FUNCTION {table}_{name}()")


def legal_moves(table: str, moves: Mapping[str, Iterable[str]]) -> Guard:
    """Let `state` change only along `moves`."""
    pairs = " OR ".join(
        f"(OLD.state = '{left}' AND NEW.state = '{entered}')"
        for left, all_entered in moves.items()
        for entered in all_entered
    )
    return Guard(
        table,
        "legal_moves",
        "UPDATE OF state",
        f"illegal move of {table}",
        f"OLD.state <> NEW.state AND NOT ({pairs})",
    )


def append_only(table: str) -> list[Guard]:
    """Refuse every change of a row that was once written."""
    return [
        Guard(table, f"no_{verb.lower()}", verb, f"{table} is append-only")
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ]


def never_deleted(table: str) -> list[Guard]:
    """Keep rows of money for ever."""
    return [
        Guard(table, f"no_{verb.lower()}", verb, f"{table} are kept for ever")
        for verb in ("DELETE", "TRUNCATE")
    ]


def fixed(table: str, columns: Iterable[str]) -> Guard:
    """Refuse to change columns which say what a row is."""
    changed = " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in columns)
    return Guard(table, "fixed", "UPDATE", f"what {table} say may not change", changed)


def withheld_until_paid() -> Guard:
    """Refuse to change what a payout bore of its transfer's cost once it is paid."""
    return Guard(
        "payouts",
        "withheld_fixed",
        "UPDATE",
        "what payouts say may not change",
        "OLD.state = 'paid' AND OLD.withheld <> NEW.withheld",
    )


def one_in_flight() -> Guard:
    """Refuse a second signed group while one of the source is in flight."""
    return Guard(
        "operations",
        "one_in_flight",
        "INSERT",
        "an operation of this source is in flight",
        "EXISTS (SELECT 1 FROM operations WHERE network = NEW.network "
        "AND source = NEW.source AND state IN ('signed', 'injected'))",
    )


def one_in_flight_or_its_cancellation() -> Guard:
    """Refuse to sign while a group of the source is in flight.

    Only what takes the place of that very group may be signed beside it.
    """
    return Guard(
        "operations",
        "one_in_flight",
        "INSERT",
        "an operation of this source is in flight",
        "EXISTS (SELECT 1 FROM operations WHERE network = NEW.network "
        "AND source = NEW.source AND state IN ('signed', 'injected', 'quarantined') "
        "AND id {differs} NEW.replaces_id)",
    )


def cancels_what_is_in_flight() -> Guard:
    """Refuse a cancellation that leaves its target alive: it has to take that group's counter."""
    return Guard(
        "operations",
        "cancels_in_flight",
        "INSERT",
        "a cancellation takes the counter of a payout group in flight",
        "NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM operations "
        "WHERE id = NEW.replaces_id AND network = NEW.network AND source = NEW.source "
        "AND counter_first = NEW.counter_first AND kind = 'payout' "
        "AND state IN ('signed', 'injected', 'quarantined'))",
    )


def cancels_any_that_is_in_flight() -> Guard:
    """Refuse a cancellation that leaves its target alive, whatever that was to pay."""
    return Guard(
        "operations",
        "cancels_in_flight",
        "INSERT",
        "a cancellation takes the counter of a payout group in flight",
        "NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM operations "
        "WHERE id = NEW.replaces_id AND network = NEW.network AND source = NEW.source "
        "AND counter_first = NEW.counter_first AND kind <> 'cancel' "
        "AND state IN ('signed', 'injected', 'quarantined'))",
    )


def within_what_is_deducted() -> Guard:
    """Refuse to deduct more than was agreed to, or anything that was waived."""
    return Guard(
        "deduction_parts",
        "within_deduction",
        "INSERT",
        "more would be deducted than is left of it",
        "(SELECT coalesce(sum(amount), 0) FROM deduction_parts "
        "WHERE deduction_id = NEW.deduction_id) + NEW.amount > "
        "(SELECT CASE WHEN waived_at IS NULL THEN amount ELSE 0 END FROM deductions "
        "WHERE id = NEW.deduction_id)",
    )
