"""What simulations take and answer in JSON. No routes here."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from bakehouse.desk.changes import ChangeKind
from bakehouse.ledger.states import Mode
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.plan_values import CarryReason
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    EXAMPLE_SHA256,
    EXAMPLE_TIME,
    Body,
    FeeSent,
    MutezSent,
    MutezText,
    NextOffset,
    PageQuery,
)
from bakehouse.web.api.plans import ExclusionView
from bakehouse.web.api.security import EXAMPLE_BAKER
from bakehouse.web.cycle_records import CYCLE_MAX


class SimulationBody(Body):
    """What to work out; rules that are left out are the baker's own."""

    cycle: Annotated[
        int | None,
        Field(
            ge=0,
            le=CYCLE_MAX,
            description="By default the newest that is over.",
            examples=[750],
        ),
    ] = None
    default_fee_basis_points: FeeSent | None = None
    minimum_payout: MutezSent | None = None


class SimulationHeadView(BaseModel):
    """A simulation that is kept, and who had it made first."""

    sha256: Annotated[str, Field(examples=[EXAMPLE_SHA256])]
    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    cycle: Annotated[int, Field(examples=[750])]
    made_by: Annotated[str, Field(examples=["user:anna"])]
    made_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]


class SimulationList(BaseModel):
    """A page of simulations, newest first."""

    simulations: list[SimulationHeadView]
    next_offset: NextOffset


class ChangeCounts(BaseModel):
    """How many recipients changed in which way against the cycle compared with."""

    new: Annotated[int, Field(examples=[2])]
    left: Annotated[int, Field(examples=[1])]
    changed: Annotated[int, Field(examples=[140])]
    same: Annotated[int, Field(examples=[7])]


class SimulationView(SimulationHeadView):
    """What would be paid, in sums; recipients and changes are read by page."""

    network: Annotated[str, Field(examples=["NetXdQprcVkpaWU"])]
    mode: Mode
    is_final: Annotated[
        bool, Field(description="False while the cycle runs: the plan will still change.")
    ]
    default_fee_basis_points: Annotated[int, Field(examples=[1000])]
    minimum_payout: MutezText
    share_block_fees: bool
    pool: MutezText
    own_part: MutezText
    total_fees: MutezText
    dust: MutezText
    excluded_kept: Annotated[
        str,
        Field(
            description="In mutez: shares of excluded delegators that the baker keeps.",
            examples=["0"],
        ),
    ]
    rules: Annotated[
        dict[str, Any],
        Field(description="Every rule by its name, amounts as strings of mutez."),
    ]
    baker_share: MutezText
    total_net: MutezText
    total_due_now: Annotated[
        str,
        Field(description="In mutez, amounts carried from before included.", examples=["150000"]),
    ]
    zero_payouts: Annotated[int, Field(examples=[3])]
    payouts: Annotated[int, Field(description="How many payouts there are.", examples=[150])]
    exclusions: Annotated[int, Field(description="How many are not paid.", examples=[12])]
    over_payout_cap: Annotated[
        list[str], Field(description="Who would be held for getting too much.")
    ]
    is_over_cycle_cap: bool
    hooks_to_ask: Annotated[
        list[str],
        Field(
            description="Hooks that were not asked, and may change it when the cycle is planned.",
            examples=[["limits"]],
        ),
    ]
    compared_with: Annotated[
        int | None, Field(description="The cycle compared with, if any.", examples=[749])
    ]
    changes: ChangeCounts
    difference: Annotated[
        str, Field(description="Of all together, in mutez; may be negative.", examples=["-1200"])
    ]


class SimulatedPayoutView(BaseModel):
    """What one recipient would get, and why."""

    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    kind: PayoutKind = PayoutKind.DELEGATOR
    address: Annotated[
        str,
        Field(description="Where it would be sent; empty: the same.", examples=[EXAMPLE_RECIPIENT]),
    ] = ""
    delegated_balance: MutezText
    gross: MutezText
    fee_basis_points: Annotated[int, Field(examples=[995])]
    fee: MutezText
    net: MutezText
    carried_in: MutezText
    is_carried: Annotated[bool, Field(description="Nothing is paid now: all of it waits.")]
    carry_reason: Annotated[
        CarryReason | None, Field(description="Why it waits.", examples=[CarryReason.MINIMUM])
    ] = None
    cost_borne: Annotated[
        str,
        Field(
            description="In mutez: what it is expected to bear of its transfer's cost.",
            examples=["0"],
        ),
    ] = "0"
    due: MutezText


class SimulatedPayoutList(BaseModel):
    """A page of what would be paid."""

    payouts: list[SimulatedPayoutView]
    next_offset: NextOffset


class SimulatedExclusionList(BaseModel):
    """A page of who would not be paid."""

    exclusions: list[ExclusionView]
    next_offset: NextOffset


class ChangeView(BaseModel):
    """One recipient, against the cycle compared with."""

    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    kind: ChangeKind
    before: MutezText
    now: MutezText
    difference: Annotated[str, Field(description="In mutez; may be negative.", examples=["-1200"])]
    per_mille: Annotated[
        int | None,
        Field(description="Of what it was, in parts per thousand.", examples=[-12]),
    ]


class ChangeList(BaseModel):
    """A page of changes, the largest first."""

    changes: list[ChangeView]
    next_offset: NextOffset


class ChangeQuery(PageQuery):
    """Which changes are wanted."""

    kind: Annotated[ChangeKind | None, Field(description="Only these.")] = None
