"""Simulations: what a cycle would pay, by a baker's rules or by others, kept under a hash if asked.

The ledger's payouts are not touched. What is shown again is read from the stored document, so
amounts never come back from a browser.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.desk.changes import Change, ChangeSummary, changes_of, summary_of
from bakehouse.ledger import bakers, simulations
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.simulations import SimulationHead, StoredSimulation
from bakehouse.payments.payer import Payer
from bakehouse.payments.preview_document import document_sha256, preview_document
from bakehouse.payments.what_if import AS_SET, OtherRules, preview


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulation, kept or not; `document` is what `payments.preview_document` wrote."""

    head: SimulationHead
    document: Mapping[str, Any]
    changes: list[Change]
    summary: ChangeSummary


async def try_out(
    payer: Payer,
    baker_id: str,
    cycle: int | None = None,
    other: OtherRules = AS_SET,
    *,
    actor: str,
) -> Simulation:
    """Work out what a cycle (by default the newest that is over) would pay, and keep nothing.

    Raises NotFoundError for an unknown baker, InputError for a cycle that has not begun or a rule
    out of range, RefusalError for a split that must not be paid from, SourceError when the indexer
    does not tell.
    """
    made = await _made(payer, baker_id, cycle, other, actor)
    return await asyncio.to_thread(_read, made)


async def simulate(
    payer: Payer,
    baker_id: str,
    cycle: int | None = None,
    other: OtherRules = AS_SET,
    *,
    actor: str,
) -> Simulation:
    """Work out what a cycle would pay, and keep it; raises what `try_out` raises."""
    made = await _made(payer, baker_id, cycle, other, actor)
    async with payer.ledger.write() as tx:
        stored = await simulations.store(tx, made)
    return await asyncio.to_thread(_read, stored)


async def get_simulation(ledger: Ledger, baker_id: str, sha256: str) -> Simulation:
    """Give a stored simulation; raises NotFoundError for one that is not (any more) kept."""
    async with ledger.read() as tx:
        stored = await simulations.get(tx, baker_id, sha256)
    return await asyncio.to_thread(_read, stored)


async def list_simulations(ledger: Ledger, baker_id: str, part: Slice) -> Page[SimulationHead]:
    """Give a page of a baker's stored simulations, newest first; NotFoundError."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        return await simulations.page(tx, baker_id, part)


async def _made(
    payer: Payer, baker_id: str, cycle: int | None, other: OtherRules, actor: str
) -> StoredSimulation:
    document = preview_document(await preview(payer, baker_id, cycle, other))
    text, sha256 = await asyncio.to_thread(_written, document)
    head = SimulationHead(sha256, baker_id, document["cycle"], actor, payer.clock())
    return StoredSimulation(head, text)


def _written(document: Mapping[str, Any]) -> tuple[str, str]:
    return json.dumps(document, sort_keys=True), document_sha256(document)


def _read(stored: StoredSimulation) -> Simulation:
    document = json.loads(stored.document)
    changes = changes_of(document)
    return Simulation(stored.head, document, changes, summary_of(changes))
