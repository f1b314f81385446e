"""Everything that waits for a person, over all bakers. To read."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.desk.waiting import Waiting, WaitingKind, waiting_list
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.web.api.fields import (
    EXAMPLE_OPERATION,
    EXAMPLE_RECIPIENT,
    EXAMPLE_TIME,
    MutezText,
    NextOffset,
    PageQuery,
)
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/waiting",
    tags=["decisions"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.UNPROCESSABLE_ENTITY),
)


class WaitingView(BaseModel):
    """One thing that waits for a person, with its reason."""

    kind: WaitingKind
    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    cycle: Annotated[int, Field(examples=[750])]
    distribution_kind: DistributionKind
    mode: Mode
    reason: Annotated[str, Field(examples=["a transfer to it would fail"])]
    amount: MutezText
    since: Annotated[
        datetime | None, Field(description="Where it is known.", examples=[EXAMPLE_TIME])
    ]
    owed_to: Annotated[
        str | None, Field(description="Of a held payout.", examples=[EXAMPLE_RECIPIENT])
    ]
    operation: Annotated[
        str | None, Field(description="Of one in quarantine.", examples=[EXAMPLE_OPERATION])
    ]


class WaitingPage(BaseModel):
    """What waits: failed cycles, cycles to let go, operations in quarantine, and held payouts."""

    pressing: Annotated[list[WaitingView], Field(description="All but held payouts.")]
    held: Annotated[list[WaitingView], Field(description="A page of held payouts.")]
    held_count: Annotated[int, Field(examples=[3])]
    held_total: MutezText
    next_offset: NextOffset


@router.get("", summary="What waits for a person")
async def list_waiting(
    services: Services, caller: CallerOf, wanted: Annotated[PageQuery, Query()]
) -> WaitingPage:
    """List what waits for a person, of every baker the caller may see."""
    found = await waiting_list(
        services.workshop.payer.ledger, wanted.part, of=caller.visible_bakers
    )
    return WaitingPage(
        pressing=[_view(each) for each in found.pressing],
        held=[_view(each) for each in found.held.rows],
        held_count=found.held_count,
        held_total=str(found.held_total),
        next_offset=found.held.next_offset,
    )


def _view(waiting: Waiting) -> WaitingView:
    return WaitingView(
        kind=waiting.kind,
        baker_id=waiting.baker_id,
        cycle=waiting.cycle,
        distribution_kind=waiting.distribution_kind,
        mode=waiting.mode,
        reason=waiting.reason,
        amount=str(waiting.amount),
        since=waiting.since,
        owed_to=waiting.owed_to,
        operation=waiting.operation,
    )
