"""What the ledger says of one cycle's payouts, read in one go, and what may be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Path

from bakehouse.ledger import bakers, distributions, operations, traced_payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.ledger.transfers import TransferSums, transfer_sums
from bakehouse.tezos.address import parse_implicit

#: What a node can count to; anything beyond is no cycle, and no number for the database.
CYCLE_MAX: Final = 2**31 - 1
OFFSET_MAX: Final = 2**31 - 1

CycleNumber = Annotated[int, Path(ge=0, le=CYCLE_MAX, examples=[750])]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which distribution, and which of its payouts."""

    baker_id: str
    cycle: int
    kind: DistributionKind
    mode: Mode
    part: Slice


@dataclass(frozen=True, slots=True)
class CycleRecords:
    """One page of a distribution's payouts, largest first, and all its operations."""

    #: Each with the hash of this cycle's operation that pays it, once signed.
    payouts: Page[tuple[Payout, str | None]]
    #: Each with the sums of its transfers.
    operations: Sequence[tuple[Operation, TransferSums]]


async def read_cycle(ledger: Ledger, wanted: Wanted) -> CycleRecords:
    """Read a distribution; raises AddressError, and NotFoundError for a baker or a cycle."""
    baker_id = parse_implicit(wanted.baker_id)
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        key = DistributionKey(baker.network, baker_id, wanted.cycle, wanted.kind, wanted.mode)
        distribution = await distributions.get(tx, key)
        signed = await operations.of_distribution(tx, distribution.id)
        sums = await transfer_sums(tx, distribution.id)
        return CycleRecords(
            payouts=await traced_payouts.with_own_hashes(tx, distribution, wanted.part),
            operations=[(each, sums.get(each.id, TransferSums())) for each in signed],
        )
