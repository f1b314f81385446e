"""Everything that waits for a person, over all bakers, each with its reason."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import distributions, waiting
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind


class WaitingKind(StrEnum):
    """What a person is asked."""

    FAILED = "failed"  # retry a distribution
    GO_NEEDED = "go-needed"  # let the first live cycle go
    QUARANTINED = "quarantined"  # look an operation up, and declare it dead
    HELD = "held"  # release or drop a payout


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits; what is about a payout or an operation names it."""

    kind: WaitingKind
    baker_id: str
    cycle: int
    distribution_kind: DistributionKind
    mode: Mode
    reason: str
    #: What is at stake, in mutez.
    amount: Mutez
    since: datetime | None = None
    owed_to: str | None = None
    operation: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingList:
    """All that waits; held payouts by page, for there may be thousands."""

    #: Failed distributions, cycles that need a go and quarantined operations.
    pressing: list[Waiting]
    held: Page[Waiting]
    held_count: int
    held_total: Mutez


async def waiting_list(
    ledger: Ledger, part: Slice, *, of: Collection[str] | None = None
) -> WaitingList:
    """Give what waits for a person, of these bakers or of all; `part` is of the held payouts."""
    async with ledger.read() as tx:
        count, total = await waiting.held_sums(tx, of)
        pressing = [
            *(_failed(each) for each in await waiting.failed(tx, of)),
            *(_go_needed(each) for each in await waiting.awaiting_go(tx, of)),
            *[await _quarantined(tx, each) for each in await waiting.quarantined(tx, of)],
        ]
        held = await waiting.held(tx, of, part)
    return WaitingList(pressing, held.of_each(lambda each: _held(*each)), count, total)


def _failed(distribution: Distribution) -> Waiting:
    return _of_distribution(
        distribution, WaitingKind.FAILED, distribution.message or "it failed without a message"
    )


def _go_needed(distribution: Distribution) -> Waiting:
    return _of_distribution(
        distribution,
        WaitingKind.GO_NEEDED,
        "it would be the first cycle that is paid: look at the plan, then let it go",
    )


def _of_distribution(distribution: Distribution, kind: WaitingKind, reason: str) -> Waiting:
    key = distribution.key
    return Waiting(
        kind=kind,
        baker_id=key.baker_id,
        cycle=key.cycle,
        distribution_kind=key.kind,
        mode=key.mode,
        reason=reason,
        amount=distribution.figures.total_net,
        since=distribution.updated_at,
    )


async def _quarantined(tx: AsyncConnection, operation: Operation) -> Waiting:
    # Only those of a cycle are listed.
    distribution = await distributions.by_id(tx, operation.distribution_id or 0)
    key = distribution.key
    return Waiting(
        kind=WaitingKind.QUARANTINED,
        baker_id=key.baker_id,
        cycle=key.cycle,
        distribution_kind=key.kind,
        mode=key.mode,
        reason=(
            "it is in no block, as far as can be seen, but that could not be proven: look it up, "
            "and declare it dead if it is"
        ),
        amount=distribution.figures.total_net,
        since=operation.created_at,
        operation=operation.hash,
    )


def _held(baker_id: str, payout: Payout) -> Waiting:
    is_bond = payout.kind == PayoutKind.BOND_MEMBER
    return Waiting(
        kind=WaitingKind.HELD,
        baker_id=baker_id,
        cycle=payout.cycle,
        distribution_kind=DistributionKind.BOND_POOL if is_bond else DistributionKind.DELEGATORS,
        mode=Mode.ON,
        reason=payout.reason or "it was held without a reason",
        amount=payout.net,
        owed_to=payout.owed_to,
    )
