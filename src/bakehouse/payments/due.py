"""Which cycles are due: every finished one since the baker's first, oldest first, none skipped."""

import hashlib
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import WrongChainError
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
)
from bakehouse.payments.payer import Payer
from bakehouse.tezos.block import BlockMetadata


@dataclass(frozen=True, slots=True)
class DueCycles:
    """What a look at the chain found for one baker."""

    #: With its settings of that moment.
    baker: Baker
    #: The cycle of the newest final block.
    current_cycle: int
    #: Blocks of that cycle before this one.
    cycle_position: int
    #: What is to be distributed, oldest first.
    due: tuple[DistributionKey, ...]
    #: What failed and waits for a person, oldest first.
    failed: tuple[DistributionKey, ...]
    #: What this look entered in the ledger.
    new: tuple[DistributionKey, ...]
    #: The protocol in force after the newest final block.
    protocol: str


async def final_cycle(payer: Payer) -> int:
    """Give the cycle of the newest final block; raises SourceStaleError when every head is old."""
    return (await _final_block(payer)).cycle


async def note_due_cycles(payer: Payer, baker_id: str) -> DueCycles:
    """Enter every finished cycle in the ledger and tell which still need distributing.

    A cycle is due once the newest final block is `payout_delay_cycles` past it. Raises SourceError
    when the chain cannot be read, NotFoundError for an unknown baker.
    """
    final = await _final_block(payer)
    chain_id = await payer.node.chain_id()
    async with payer.ledger.read() as tx:
        # Mostly there is nothing new: nobody has to wait for the lock to write then.
        found = await _look(tx, baker_id, final, chain_id)
    if not found.new:
        return found
    async with payer.ledger.write() as tx:
        found = await _look(tx, baker_id, final, chain_id)
        for key in found.new:
            not_before = first_level_to_pay(found.baker, key.cycle, final)
            await distributions.ensure(tx, key, at=payer.clock(), not_before_level=not_before)
    return found


async def _look(
    tx: AsyncConnection, baker_id: str, final: BlockMetadata, chain_id: str
) -> DueCycles:
    """Hold what is over against what the ledger has; raises NotFoundError, WrongChainError."""
    baker = await bakers.get(tx, baker_id)
    _refuse_other_chain(baker, chain_id)
    due: list[DistributionKey] = []
    failed: list[DistributionKey] = []
    new: list[DistributionKey] = []
    kind = DistributionKind.DELEGATORS
    if baker.mode is not Mode.OFF:
        known = await distributions.states_by_cycle(tx, baker_id, kind, baker.mode)
        for cycle in range(baker.first_cycle, final.cycle - baker.payout_delay_cycles):
            state = known.get(cycle)
            if state in SETTLED_DISTRIBUTIONS:
                continue
            key = DistributionKey(baker.network, baker_id, cycle, kind, baker.mode)
            (failed if state is DistributionState.FAILED else due).append(key)
            if state is None:
                new.append(key)
    return DueCycles(
        baker,
        final.cycle,
        final.cycle_position,
        tuple(due),
        tuple(failed),
        tuple(new),
        final.next_protocol,
    )


def first_level_to_pay(baker: Baker, cycle: int, final: BlockMetadata) -> int | None:
    """Draw the level from which on a cycle may be planned; None: at once.

    Only a cycle that has just become due waits, what was missed has waited enough. What is drawn
    depends on the block at which the cycle was found due, and on nothing that a restart forgets.
    """
    span = baker.delay_blocks_most - baker.delay_blocks_least + 1
    if cycle != final.cycle - 1 - baker.payout_delay_cycles or not baker.delay_blocks_most:
        return None
    seed = f"{baker.network}/{baker.baker_id}/{cycle}/{final.level}".encode()
    drawn = int.from_bytes(hashlib.sha256(seed).digest()[:8]) % span
    due_since = final.level - final.cycle_position
    return due_since + baker.delay_blocks_least + drawn


async def _final_block(payer: Payer) -> BlockMetadata:
    # It only tells that there is something to do; what is paid is checked when it is planned.
    return await payer.node.recent.final_block()


def _refuse_other_chain(baker: Baker, chain_id: str) -> None:
    if chain_id != baker.network:
        raise WrongChainError(
            f"the node is on chain {chain_id}, the baker {baker.baker_id} on {baker.network}"
        )
