"""A PostgreSQL of our own, from the programs of the system's package, on a socket in a folder.

It is set up unlike ours on purpose: another language, zone and way to write dates, commits that do
not wait for the disk. What the ledger needs, it must ask for itself.
"""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER = "bakehouse"

#: A role that has to give a password, unlike ours.
LOCKED_OUT = "locked_out"

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    # The machine under a test does not lose its power.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "synchronous_commit": "off",
    "timezone": "America/St_Johns",
    "datestyle": "German",
    "default_transaction_isolation": "serializable",
}


class PostgresqlServer:
    """A running server; each test makes a database of its own in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def url(self, database: str, user: str = USER) -> str:
        return f"postgresql://{user}@/{database}?host={self._folder}"

    def new_name(self) -> str:
        return f"ledger_{next(self._numbers)}"

    def create(self, database: str, *options: str) -> None:
        self.tell(f"CREATE DATABASE {database} {' '.join(options)}")

    def drop(self, database: str) -> None:
        self.tell(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def tell(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement as somebody with the database in hand."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


#: Starts a server, and stops it when the pipe to us closes: even if we were killed.
_GUARDIAN = """
"$1" --pgdata "$2/data" --wait --log "$2/log" start >/dev/null 2>&1 && echo ready || echo failed
cat >/dev/null
"$1" --pgdata "$2/data" --wait --mode immediate stop >/dev/null 2>&1
rm -r "$2"
"""


@contextmanager
def running_server() -> Iterator[PostgresqlServer]:
    """Run a server in a folder with a short name, as a socket needs."""
    programs = server_programs()
    folder = Path(tempfile.mkdtemp(prefix="bakehouse-pg-"))
    data = folder / "data"
    owner = _unprivileged()
    if owner:
        shutil.chown(folder, owner)
    made = subprocess.run(  # noqa: S603 - the program of the package
        [
            *(programs / "initdb", "--pgdata", data, "--username", USER, "--auth", "trust"),
            *("--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8"),
            *("--locale-provider", "icu", "--icu-locale", "en-US"),
        ],
        **_as(owner),
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.fail(f"PostgreSQL could not be set up: {made.stderr.decode()}")
    access = data / "pg_hba.conf"
    access.write_text(f"local all {LOCKED_OUT} scram-sha-256\n{access.read_text()}")
    settings = {**_SETTINGS, "unix_socket_directories": str(folder)}
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    guardian = subprocess.Popen(  # noqa: S603 - same
        ["/bin/sh", "-c", _GUARDIAN, "sh", programs / "pg_ctl", folder],
        **_as(owner),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Whoever interrupts the tests does not interrupt it.
        start_new_session=True,
    )
    with guardian:
        assert guardian.stdout
        if guardian.stdout.readline() != b"ready\n":
            pytest.fail(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        yield PostgresqlServer(folder)


def server_programs() -> Path:
    """Give the folder of the newest server's programs; fail where there is none."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(packaged, key=lambda path: int(path.parts[-3]), default=None)
    found = newest or shutil.which("postgres")
    if found is None:
        pytest.fail(
            "there is no PostgreSQL to test the ledger on: "
            "run requirements/system-packages as root, or install PostgreSQL"
        )
    return Path(found).parent


def _unprivileged() -> str | None:
    """Give who runs the server when we are root, as which it refuses to run."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _as(owner: str | None) -> dict[str, Any]:
    """Give how a program of the package is run."""
    return {
        "user": owner,
        "extra_groups": [] if owner else None,
        "cwd": "/",
        "env": {"LC_ALL": "C", "PATH": os.environ["PATH"], "USER": owner or getpass.getuser()},
    }
