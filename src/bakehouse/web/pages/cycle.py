"""One cycle: its plan with the proof that it adds up, its payouts, what they cost, its story."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from bakehouse.errors import NotFoundError
from bakehouse.ledger import (
    audit,
    bakers,
    distributions,
    exclusions,
    hook_consultations,
    operations,
    payout_sums,
    payouts,
    plan_adjustments,
    traced_payouts,
)
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.exclusions import ExclusionSum
from bakehouse.ledger.hook_consultations import Consultation
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.plan_adjustments import AcceptedAdjustment
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    OperationState,
    PayoutState,
)
from bakehouse.ledger.traced_payouts import TracedPayout
from bakehouse.ledger.transfers import TransferSums, transfer_sums
from bakehouse.payments.guards_told import guards_told
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.cycle_records import OFFSET_MAX, CycleNumber
from bakehouse.web.pages.cycle_steps import steps_of
from bakehouse.web.pages.payout_query import PayoutQuery
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

_ROWS: Final = 100
_EVENTS: Final = 50
_ADJUSTMENTS: Final = 100


class CycleQuery(PayoutQuery):
    """What of the cycle is shown, and from which payout on."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@dataclass(frozen=True, slots=True)
class OnChain:
    """An operation and the sums of its transfers."""

    operation: Operation
    transfers: TransferSums


@dataclass(frozen=True, slots=True)
class CycleView:
    """What the ledger says of a distribution, with one page of its payouts, largest first."""

    baker: Baker
    distribution: Distribution
    rows: list[TracedPayout]
    #: How many payouts the filter lets pass.
    matching: int
    #: Count and sum of what this distribution pays, by state.
    counts: dict[PayoutState, tuple[int, Mutez]]
    #: Sum of every payout planned for the cycle, added up from the rows.
    payouts_total: Mutez
    #: What named addresses are owed of the income, by kind, and what recipients bear of costs.
    income: dict[PayoutKind, Mutez]
    withheld: Mutez
    exclusions: list[ExclusionSum]
    operations: list[OnChain]
    #: The newest first.
    events: list[AuditEvent]
    #: What hooks changed of the plan, as far as it is shown, and how many changes there are.
    adjustments: list[AcceptedAdjustment]
    adjustment_count: int
    #: What hooks answered.
    consultations: list[Consultation]
    #: Every distribution of the same cycle, this one included.
    same_cycle: list[DistributionKey]
    previous_cycle: int | None
    next_cycle: int | None

    @property
    def adds_up(self) -> bool:
        """Whether the plan's parts are its pool."""
        figures = self.distribution.figures
        kept = figures.own_part + figures.total_fees + figures.excluded_kept + figures.dust
        return kept + figures.total_net == figures.pool

    @property
    def is_complete(self) -> bool:
        """Whether the payouts come to what is planned for them."""
        return self.payouts_total == self.distribution.figures.total_net

    @property
    def cost(self) -> tuple[Mutez, Mutez]:
        """Fees and burns of what is in blocks, in mutez."""
        included = [each for each in self.operations if each.operation.state in _IN_BLOCKS]
        fees = sum(each.operation.total_fee for each in included)
        return Mutez(fees), Mutez(sum(each.transfers.burn for each in included))

    @property
    def approval(self) -> AuditEvent | None:
        """Who let the distribution go, and why; only the first live one needs that."""
        return next((each for each in self.events if each.action == "distribution.approved"), None)


_IN_BLOCKS: Final = (OperationState.INCLUDED, OperationState.FINAL)


@router.get("/bakers/{baker_id}/cycles/{cycle}")
async def cycle_page(
    request: Request,
    services: Services,
    baker_id: str,
    cycle: CycleNumber,
    query: Annotated[CycleQuery, Query()],
) -> HTMLResponse:
    """Show a distribution with a page of its payouts."""
    view = await _read(services.workshop.payer.ledger, parse_implicit(baker_id), cycle, query)
    held, _ = view.counts.get(PayoutState.HELD, (0, None))
    signed = [each.operation for each in view.operations]
    return renderer_of(request).page(
        request,
        "cycle.html",
        is_live=view.distribution.state not in SETTLED_DISTRIBUTIONS,
        view=view,
        query=query,
        steps=steps_of(view.distribution, held),
        guards=guards_told(view.distribution, signed),
        payout_states=list(PayoutState),
        previous_offset=max(0, query.offset - _ROWS) if query.offset else None,
        next_offset=query.offset + _ROWS if query.offset + _ROWS < view.matching else None,
    )


async def _read(ledger: Ledger, baker_id: str, cycle: int, query: CycleQuery) -> CycleView:
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        key = DistributionKey(baker.network, baker_id, cycle, query.kind, query.mode)
        same_cycle = await distributions.of_cycle(tx, key.network, baker_id, cycle)
        distribution = _named(key, same_cycle)
        signed = await operations.of_distribution(tx, distribution.id)
        sums = await transfer_sums(tx, distribution.id)
        is_for_delegators = key.kind is DistributionKind.DELEGATORS
        known = await distributions.states_by_cycle(tx, baker_id, key.kind, key.mode)
        return CycleView(
            baker=baker,
            distribution=distribution,
            rows=await traced_payouts.of_distribution(
                tx, distribution, query.wanted, offset=query.offset, limit=_ROWS
            ),
            matching=await traced_payouts.count(tx, distribution, query.wanted),
            counts=await payouts.count_by_state(tx, distribution),
            payouts_total=await payouts.total_of_cycle(tx, distribution),
            income=await payout_sums.income_sums(tx, distribution) if is_for_delegators else {},
            withheld=await payout_sums.withheld_total(tx, distribution),
            exclusions=await exclusions.sums(tx, distribution),
            operations=[OnChain(each, sums.get(each.id, TransferSums())) for each in signed],
            events=await audit.about(tx, [str(key), *(each.hash for each in signed)], _EVENTS),
            adjustments=await plan_adjustments.of_distribution(
                tx, distribution.id, limit=_ADJUSTMENTS
            ),
            adjustment_count=await plan_adjustments.count(tx, distribution.id),
            consultations=await hook_consultations.of_distribution(tx, distribution.id),
            same_cycle=[each.key for each in same_cycle],
            previous_cycle=max((each for each in known if each < cycle), default=None),
            next_cycle=min((each for each in known if each > cycle), default=None),
        )


def _named(key: DistributionKey, same_cycle: Sequence[Distribution]) -> Distribution:
    for each in same_cycle:
        if each.key == key:
            return each
    raise NotFoundError(f"there is no distribution {key}")
