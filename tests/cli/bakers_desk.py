"""The command line in this process, with a ledger and settings of its own."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.cli import main
from bakehouse.ledger.database import Ledger
from bakehouse.tezos.base58check import Prefix, encode
from tests.logging_state import logging_given_back

BAKER, PAYOUT, ANN, BOB = (encode(Prefix.TZ1, bytes([index] * 20)) for index in range(4))
CONTRACT = encode(Prefix.KT1, bytes(20))
ROLLUP = encode(Prefix.SR1, bytes(20))

#: A file of bond-pool members without a mistake in it.
MEMBERS = f"address,amount,adm_charge,is_manager,name\n{ANN},10,5,yes,Ann\n{BOB},2.5,7.5,no,Bob\n"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Desk:
    """Runs commands and looks at what they left in the ledger."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def ledger_file(self) -> Path:
        return self.folder / "data" / "ledger.db"

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Give the exit code, standard output and standard error of a command."""
        code = main(arguments)
        out, err = self.capsys.readouterr()
        return code, out, err

    def done(self, *arguments: str) -> str:
        """Give the output of a command that must succeed."""
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, "")
        return out

    def refused(self, code: int, *arguments: str) -> str:
        """Give the one line with which a command refuses; it must leave the ledger as it was."""
        before = self.rows()
        line = self.refused_line(code, *arguments)
        assert self.rows() == before
        return line

    def refused_line(self, code: int, *arguments: str) -> str:
        """Give the one line with which a command refuses, whatever it entered before that."""
        refused, out, err = self.run(*arguments)
        assert (refused, out) == (code, "")
        assert err.startswith("bakehouse: ")
        assert err.count("\n") == 1
        return err.removeprefix("bakehouse: ").removesuffix("\n")

    def register(self, *settings: str) -> None:
        self._migrate()
        self.done("baker", "add", BAKER, "first_cycle=750", *settings)

    def _migrate(self) -> None:
        """Spare the first command its longest part; what it does by itself is tested elsewhere."""
        migrated = self.folder.parent / "migrated.db"
        if not migrated.exists():
            asyncio.run(_made(migrated))
        if not self.ledger_file.exists():
            self.ledger_file.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copy(migrated, self.ledger_file)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def rows(self) -> list[str]:
        """Everything in the ledger, as SQL."""
        if not self.ledger_file.exists():
            return []
        connection = sqlite3.connect(self.ledger_file)
        rows = [line for line in connection.iterdump() if line.startswith("INSERT")]
        connection.close()
        # What every ledger has, also one that nothing was entered in.
        made = tuple(f'INSERT INTO "{name}"' for name in ("alembic_version", "installation"))
        return [row for row in rows if not row.startswith(made)]

    def read(self, query: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        async def opened() -> Result:
            ledger = await Ledger.open(f"sqlite:///{self.ledger_file}")
            try:
                async with ledger.read() as tx:
                    return await query(tx)
            finally:
                await ledger.close()

        return asyncio.run(opened())


async def _made(database: Path) -> None:
    await (await Ledger.open(f"sqlite:///{database}")).close()


@contextmanager
def open_desk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """A desk on which nothing is set but its own data directory."""
    for name in os.environ:
        if name.startswith("BAKEHOUSE_") or name in {
            "DATABASE_URL",
            "REDIS_URL",
            "REDIS_HOST",
            "REDIS_PORT",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("BAKEHOUSE_DATA_DIR", str(folder / "data"))
    with logging_given_back():
        yield Desk(folder, capsys)
