"""Running seeds one after another, in this process or in one of a pool. Nothing is told here."""

import asyncio
import gc
import os
import tempfile
from pathlib import Path

import structlog

from bakehouse.ledger.database import Ledger
from tests.faults.mutants import MUTANTS, SOUND
from tests.faults.simulator import History, simulate
from tests.faults.world import Scale
from tests.logging_state import logging_given_back

#: Above the level of everything that is logged: thousands of histories would fill the terminal.
_SILENT = 50


def run_seeds(
    seeds: list[int], *, scale: Scale | None = None, mutant: str | None = None
) -> list[History]:
    """Run seeds one after another in this process; a mutant is a way to break the code."""
    with logging_given_back():
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_SILENT))
        return asyncio.run(_run_all(seeds, scale or Scale(), mutant))


def collect_seldom() -> None:
    """Spare a fifth of the time: a history leaves little behind."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _run_all(seeds: list[int], scale: Scale, mutant: str | None) -> list[History]:
    with tempfile.TemporaryDirectory(prefix="bakehouse-faults-", dir=_fast_directory()) as folder:
        empty = Path(folder) / "empty.db"
        await (await Ledger.open(f"sqlite:///{empty}")).close()
        histories = []
        for seed in seeds:
            database = Path(folder) / f"{seed}.db"
            broken = MUTANTS.get(mutant or "", SOUND)
            with broken.applied():
                histories.append(await simulate(seed, database, empty, scale, broken))
            _forget(Path(folder), seed)
        return histories


def _forget(folder: Path, seed: int) -> None:
    for file in folder.glob(f"{seed}*.db*"):
        file.unlink()


def _fast_directory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - memory, not a secret
