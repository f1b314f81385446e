"""Where lives are lived and taken: a zygote and a chain beside it, and one scene after another.

What is to happen in a scene, and whether it ended well, is for tests to say.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import PaymentLimits
from bakehouse.sandbox.hostile.fault import Fault
from tests.faults.audit_findings import Findings
from tests.faults.real_life import register
from tests.faults.real_orders import ChainFacts, End, Order
from tests.faults.real_program import Program

#: Few are enough for several groups; each costs time in every life.
_DELEGATORS = 5
LIMITS = PaymentLimits(transfers_max=3, life_blocks=8, proof_patience_blocks=40)


@dataclass(frozen=True, slots=True)
class Arena:
    """The two programs, started once for many scenes."""

    zygote: Program
    chain: Program
    folder: Path
    empty: Path

    def scene(
        self,
        seed: int,
        *,
        cycles: int = 1,
        limits: PaymentLimits = LIMITS,
        delegators: int = _DELEGATORS,
    ) -> "Scene":
        """Make a chain whose first cycles are to be paid, and a ledger that knows its baker."""
        facts: ChainFacts = self.chain.ask("new", seed, delegators, cycles)
        for left in self.folder.glob("scene*"):
            left.unlink()
        database = self.folder / "scene.db"
        shutil.copy(self.empty, database)
        last_cycle = facts.first_cycle + cycles - 1
        order = Order(facts, database, database.with_suffix(".log"), last_cycle, limits)
        asyncio.run(register(database, order))
        return Scene(self, order)


@dataclass(slots=True)
class Scene:
    """One chain and one ledger, and all lives that are lived on them, one after another or not."""

    arena: Arena
    order: Order
    lives: int = 0
    _away_seconds: int = 0
    _reports: dict[int, Path] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        return self.order.database

    def start(self, **how: Any) -> int:
        """Begin a life and give its process id."""
        self.lives += 1
        report = self.database.with_suffix(f".{self.lives}.log")
        order = replace(
            self.order,
            **{"clock_ahead_seconds": self._away_seconds, **how, "report": report},
        )
        pid: int = self.arena.zygote.ask("fork", order)
        self._reports[pid] = report
        return pid

    def wait(self, pid: int = -1) -> End:
        """Wait until a life, by default any, ends or is stopped."""
        pid, status = self.arena.zygote.ask("wait", pid)
        return End(pid, status, self._reports[pid])

    def live(self, **how: Any) -> End:
        """Live one life to its end."""
        return self.wait(self.start(**how))

    def stay_away(self) -> None:
        """Let the machine be away for longer than a lease lasts."""
        self._away_seconds += self.order.limits.lease_seconds + 1

    def go_on(self, pid: int) -> End:
        """Wake a life that was stopped, and wait for its end."""
        os.kill(pid, signal.SIGCONT)
        return self.wait(pid)

    def inflict(self, fault: Fault, **how: Any) -> None:
        self.arena.chain.ask("inflict", fault, how)

    def bake(self, blocks: int) -> None:
        self.arena.chain.ask("bake", blocks)

    def heal(self) -> None:
        self.arena.chain.ask("heal")

    def audit(self) -> Findings:
        """Let the auditor judge, all being over."""
        findings: Findings = self.arena.chain.ask("audit", self.database, self.order.last_cycle)
        return findings

    def is_intact(self) -> bool:
        """Whether the database file is as SQLite wants it."""
        return self.query("PRAGMA integrity_check") == [("ok",)]

    def lease(self) -> tuple[int, timedelta]:
        """Give the token of the wallet's lease, and for how long it is still held."""
        ((token, expires_at),) = self.query("SELECT token, expires_at FROM source_leases")
        return token, datetime.fromisoformat(expires_at).replace(tzinfo=UTC) - datetime.now(UTC)

    def query(self, text: str) -> list[Any]:
        uri = f"{self.database.as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=60)) as connection:
            return connection.execute(text).fetchall()

    def forge(self, *statements: str) -> None:
        """Change rows behind the back of everything that guards them."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in guards.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """Start both programs, and end them with everything they have started."""
    empty = folder / "empty.db"

    async def make() -> None:
        await (await Ledger.open(f"sqlite:///{empty}")).close()

    with (
        Program("tests.faults.real_zygote") as zygote,
        Program("tests.faults.real_chain") as chain,
    ):
        asyncio.run(make())
        yield Arena(zygote, chain, folder, empty)
