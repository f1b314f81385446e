"""SQL that makes the database itself refuse illegal moves and edits of what is append-only."""

from collections.abc import Iterable, Mapping


def legal_moves(table: str, moves: Mapping[str, Iterable[str]]) -> str:
    """Give a trigger that lets `state` change only along `moves`."""
    pairs = " OR ".join(
        f"(OLD.state = '{left}' AND NEW.state = '{entered}')"
        for left, all_entered in moves.items()
        for entered in all_entered
    )
    return (
        f"CREATE TRIGGER {table}_legal_moves BEFORE UPDATE OF state ON {table} "
        f"WHEN OLD.state <> NEW.state AND NOT ({pairs}) "
        f"BEGIN SELECT RAISE(ABORT, 'illegal move of {table}'); END"
    )


def append_only(table: str) -> list[str]:
    """Give triggers that refuse every change of a row that was once written."""
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ]


def never_deleted(table: str) -> str:
    """Give a trigger that keeps rows of money for ever."""
    return (
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are kept for ever'); END"
    )


def fixed(table: str, columns: Iterable[str]) -> str:
    """Give a trigger that refuses to change columns which say what a row is."""
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)
    return (
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} WHEN {changed} "
        f"BEGIN SELECT RAISE(ABORT, 'what {table} say may not change'); END"
    )


def one_in_flight() -> str:
    """Give a trigger that refuses a second signed group while one of the source is in flight."""
    return (
        "CREATE TRIGGER operations_one_in_flight BEFORE INSERT ON operations "
        "WHEN EXISTS (SELECT 1 FROM operations WHERE network = NEW.network "
        "AND source = NEW.source AND state IN ('signed', 'injected')) "
        "BEGIN SELECT RAISE(ABORT, 'an operation of this source is in flight'); END"
    )


def one_in_flight_or_its_cancellation() -> str:
    """Give a trigger that refuses to sign while a group of the source is in flight.

    Only what takes the place of that very group may be signed beside it.
    """
    return (
        "CREATE TRIGGER operations_one_in_flight BEFORE INSERT ON operations "
        "WHEN EXISTS (SELECT 1 FROM operations WHERE network = NEW.network "
        "AND source = NEW.source AND state IN ('signed', 'injected', 'quarantined') "
        "AND id IS NOT NEW.replaces_id) "
        "BEGIN SELECT RAISE(ABORT, 'an operation of this source is in flight'); END"
    )
