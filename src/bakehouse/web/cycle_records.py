"""What the ledger says of one cycle's payment, read in one go for the API and for the page."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Path

from bakehouse.ledger import bakers, distributions, imports, operations, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.ledger.transfers import TransferSums, transfer_sums
from bakehouse.rewards.money import Mutez
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
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class PayoutRecord:
    """A payout, and the operation that pays it if it was signed for this cycle.

    A carried payout is paid by an operation of a later cycle, which is not named here.
    """

    payout: Payout
    operation_hash: str | None


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """An operation and the sums of its transfers."""

    operation: Operation
    transfers: TransferSums


@dataclass(frozen=True, slots=True)
class CycleRecords:
    """A distribution with one page of its payouts, largest first, and all its operations."""

    baker: Baker
    distribution: Distribution
    payouts: list[PayoutRecord]
    #: Where the next page begins, or None on the last.
    next_offset: int | None
    #: Count and sum of what this distribution pays, by state.
    counts: dict[PayoutState, tuple[int, Mutez]]
    #: Sum of every payout planned for the cycle, added up from the rows.
    payouts_total: Mutez
    operations: list[OperationRecord]


async def read_cycle(ledger: Ledger, wanted: Wanted) -> CycleRecords:
    """Read a distribution; raises AddressError, and NotFoundError for a baker or a cycle."""
    baker_id = parse_implicit(wanted.baker_id)
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        key = DistributionKey(baker.network, baker_id, wanted.cycle, wanted.kind, wanted.mode)
        distribution = await distributions.get(tx, key)
        # One more than is wanted tells whether there is a further page.
        page = await payouts.of_distribution(
            tx, distribution, offset=wanted.offset, limit=wanted.limit + 1
        )
        signed = await operations.of_distribution(tx, distribution.id)
        sums = await transfer_sums(tx, distribution.id)
        shown = page[: wanted.limit]
        hashes = await operations.hashes_by_transfer(
            tx, distribution.id, [each.transfer_id for each in shown if each.transfer_id]
        )
        imported = await imports.hashes_of(
            tx, [each.imported_payment_id for each in shown if each.imported_payment_id]
        )
        return CycleRecords(
            baker=baker,
            distribution=distribution,
            payouts=[
                PayoutRecord(
                    each,
                    hashes.get(each.transfer_id)
                    if each.transfer_id
                    else imported.get(each.imported_payment_id or 0),
                )
                for each in shown
            ],
            next_offset=wanted.offset + wanted.limit if len(page) > wanted.limit else None,
            counts=await payouts.count_by_state(tx, distribution),
            payouts_total=await payouts.total_of_cycle(tx, distribution),
            operations=[
                OperationRecord(each, sums.get(each.id, TransferSums())) for each in signed
            ],
        )
