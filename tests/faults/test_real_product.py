"""The whole product, killed with -9: the process, its Valkey, the node; one of two. All are paid.

What kills at each single place are `test_real_kills`.
"""

import asyncio
import os
import random
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.jobs import valkey_launcher
from bakehouse.jobs.valkey import _server_binary
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from tests.e2e.command_line import Commands, commands_for, eventually, service
from tests.fault_scale import FAULT_SCALE
from tests.faults.auditor import audit

_PATIENCE_SECONDS = 300

#: One cycle takes several groups, and the next one ends long after all is over.
SLOW = SandboxSettings(
    delegator_count=400, blocks_per_cycle=600, block_seconds=0.5, blocks_before_first_turn=3
)
_HOST = "127.0.0.1"


class Product:
    """A chain, settings to pay on it, and what the ledger says."""

    def __init__(self, chain: SandboxServer, commands: Commands) -> None:
        self.chain = chain
        self.commands = commands
        self.database = commands.data_dir / "ledger.db"

    def query(self, text: str) -> list[Any]:
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(text).fetchall()

    def events(self) -> int:
        """Count what was done to operations: signed, sent, seen, settled."""
        ((count,),) = self.query("SELECT count(*) FROM audit_events WHERE action LIKE 'operation%'")
        return int(count)

    async def goes_on(self, events: int = 1) -> None:
        before = self.events()

        async def has() -> bool:
            return self.events() >= before + events

        await eventually(has, f"{events} more events after {before}")

    async def is_paid(self) -> bool:
        paid = self.query("SELECT 1 FROM distributions WHERE state = 'paid' AND mode = 'on'")
        return bool(paid)

    async def stop_node_and_start_it_again(self) -> None:
        port = int(self.chain.node_url.rsplit(":", 1)[1])
        await self.chain.stop()
        self.chain = SandboxServer(self.chain.chain, socket.create_server((_HOST, port)))

    def everybody_was_paid_once(self) -> None:
        findings = audit(
            self.chain.chain, self.database, at_rest=True, last_cycle=SLOW.starting_cycle
        )
        assert findings.checked > 300
        assert findings.is_clean(), findings
        assert self.query("PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    chain = await SandboxServer.start(SLOW)
    commands = commands_for(chain, tmp_path)
    # Nobody reads what it writes while it runs: let that be little.
    commands.environment["BAKEHOUSE_LOG_LEVEL"] = "error"
    made = Product(chain, commands)
    try:
        added = await commands.run(
            *("baker", "add", chain.baker_address),
            f"payout_address={chain.payout_address}",
            f"first_cycle={SLOW.starting_cycle}",
            *("payout_delay_cycles=0", "confirm_first_cycle=no", "mode=on"),
        )
        assert added.code == 0, added.err
        for _ in range(SLOW.blocks_before_first_turn + 4):
            chain.bake()
        yield made
    finally:
        await made.chain.stop()


@pytest.mark.timeout(_PATIENCE_SECONDS * FAULT_SCALE)
@pytest.mark.parametrize("seed", range(FAULT_SCALE))
async def test_killed_three_times_within_a_cycle_it_pays_everybody_once(
    product: Product, seed: int
) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - the dice of a game
    for _ in range(3):
        async with service(product.commands) as running:
            # Thrice two is less than there is to do.
            await product.goes_on(chance.randint(1, 2))
            await running.kill()
    async with service(product.commands):
        await eventually(product.is_paid, "the cycle is paid", _PATIENCE_SECONDS)

    product.everybody_was_paid_once()


@pytest.mark.timeout(_PATIENCE_SECONDS)
async def test_when_its_valkey_and_the_node_die_beneath_it_it_pays_everybody_once(
    product: Product,
) -> None:
    async with service(product.commands) as running:
        await product.goes_on()
        os.kill(valkey_of(running.process.pid), signal.SIGKILL)
        await product.goes_on()
        await product.stop_node_and_start_it_again()
        await eventually(product.is_paid, "the cycle is paid", _PATIENCE_SECONDS)

    product.everybody_was_paid_once()


@pytest.mark.timeout(_PATIENCE_SECONDS)
async def test_of_two_that_share_queue_and_ledger_the_other_goes_on(
    product: Product, tmp_path: Path
) -> None:
    async with shared_valkey(tmp_path) as port:
        shared = {
            "REDIS_HOST": _HOST,
            "REDIS_PORT": str(port),
            "DATABASE_URL": f"sqlite:///{product.database}",
        }
        one = replace(product.commands, environment=product.commands.environment | shared)
        two = replace(
            one,
            data_dir=tmp_path / "other",
            environment=one.environment | {"BAKEHOUSE_PORT": str(free_port())},
        )
        async with service(one) as first, service(two) as second:
            await product.goes_on()
            ((holder,),) = product.query("SELECT holder FROM source_leases WHERE network <> 'duty'")
            at_work = int(holder.rsplit("-", 2)[1])
            both = {each.process.pid: each for each in (first, second)}
            await both[at_work].kill()
            await eventually(product.is_paid, "the other pays", _PATIENCE_SECONDS)

    product.everybody_was_paid_once()


def valkey_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    (valkey,) = [
        child for child in children if "valkey" in Path(f"/proc/{child}/cmdline").read_text()
    ]
    return int(valkey)


@asynccontextmanager
async def shared_valkey(folder: Path) -> AsyncIterator[int]:
    """Run a Valkey on a TCP port, which dies with this process if not before."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", valkey_launcher.__file__),
        *(str(os.getpid()), str(folder / "valkey.pid"), str(_server_binary())),
        *("--port", str(port), "--bind", _HOST, "--dir", str(folder), "--save", ""),
        *("--maxmemory-policy", "noeviction"),
        stdout=asyncio.subprocess.DEVNULL,
    )

    async def answers() -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(_HOST, port)
            writer.close()
            return True
        return False

    try:
        await eventually(answers, "Valkey answers")
        yield port
    finally:
        server.kill()
        await server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
