"""Ledgers with payments in every state, made on a simulated chain before a command is run."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bakehouse.ledger.database import Ledger
from bakehouse.payments.advance import fail
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.cli.bakers_desk import Desk
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker, hostile_baker
from tests.payments.lives import SHORT_LIVES, stuck

#: Brings a baker's payments into some state; gives what the test is about.
Scene = Callable[[HostileBaker], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Played:
    """Whose payments a ledger has, for which cycle, and what its scene gave."""

    baker_id: str
    cycle: int
    about: str

    @property
    def arguments(self) -> tuple[str, str]:
        """The baker and the cycle, as commands take them."""
        return self.baker_id, str(self.cycle)


def play(desk: Desk, scene: Scene, **settings: Any) -> Played:
    """Play a scene on a chain of its own; only the desk's ledger is left of it.

    Each scene is played once a process, and then copied.
    """
    assert not desk.ledger_file.exists()
    played, ledger = _play_once(scene, tuple(settings.items()))
    desk.ledger_file.parent.mkdir(mode=0o700, exist_ok=True)
    desk.ledger_file.touch(mode=0o600)
    desk.ledger_file.write_bytes(ledger)
    # What was said meanwhile is nothing that a command said.
    desk.capsys.readouterr()
    return played


@cache
def _play_once(scene: Scene, settings: tuple[tuple[str, Any], ...]) -> tuple[Played, bytes]:
    async def played(file: Path) -> Played:
        await (await Ledger.open(f"sqlite:///{file}")).close()
        async with hostile_baker(file, limits=SHORT_LIVES, node_count=1, **dict(settings)) as baker:
            about = await scene(baker)
            return Played(baker.baker_id, baker.first_cycle, about)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        return asyncio.run(played(file)), file.read_bytes()


async def planned(baker: HostileBaker) -> str:
    await baker.plan_only()
    return ""


async def waiting_for_a_go(baker: HostileBaker) -> str:
    assert (await baker.step()).awaits_go
    return ""


async def failed(baker: HostileBaker) -> str:
    await baker.step()
    await fail(baker.payer, baker.key(), "the wallet was empty")
    return ""


async def two_held(baker: HostileBaker) -> str:
    """Have the two largest payouts held; gives whose the largest is."""
    await baker.plan_only()
    largest, _, third, *_ = await baker.payouts()
    await baker.change(payout_cap=third.net)
    assert (await baker.pay()).held == 2
    return largest.owed_to


async def in_flight(baker: HostileBaker) -> str:
    """Have a group in flight; gives its hash."""
    await baker.step()
    (operation,) = await baker.operations()
    return operation.hash


async def included(baker: HostileBaker) -> str:
    """Have a group in a block; gives its hash."""
    operation_hash = await in_flight(baker)
    baker.bake()
    await baker.step()
    return operation_hash


async def quarantined(baker: HostileBaker) -> str:
    """Have a group of which nobody can tell what became of it; gives its hash."""
    operation = await stuck(baker)
    baker.way.treat("indexer .*", BAD_GATEWAY)
    late = operation.last_includable_level + SHORT_LIVES.proof_patience_blocks
    baker.bake_to(late + FINALITY_BLOCKS + 1)
    assert (await baker.step()).quarantined == (operation.hash,)
    return operation.hash
