"""Bakers and their settings: to read, to register, to change, to take out of service."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bakehouse.desk import settings
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import RANGES, Baker
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Mode
from bakehouse.web.api.etag import NOT_MODIFIED, tagged
from bakehouse.web.api.fields import (
    BakerOfPath,
    Body,
    FeeSent,
    ImplicitSent,
    MutezSent,
    MutezText,
)
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api",
    tags=["bakers"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(),
)

_OF_BAKER: Final = refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
_CHANGING: Final = {**_OF_BAKER, **refusals(HTTPStatus.FORBIDDEN)}


#: Not required, and nothing in its place: a default would be read as what becomes of the setting.
_LEFT_OUT: Final[Any] = Field(default_factory=lambda: None)


def _range(name: str) -> Any:
    least, most = RANGES[name]
    return Field(ge=least, le=most, examples=[max(least, 10)])


class BakerView(BaseModel):
    """A baker and its settings."""

    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    network: Annotated[str, Field(description="Id of the chain.", examples=["NetXdQprcVkpaWU"])]
    alias: Annotated[str | None, Field(examples=["Bake Nug"])]
    payout_address: Annotated[
        str, Field(description="The wallet that pays.", examples=[EXAMPLE_BAKER])
    ]
    mode: Mode
    default_fee_basis_points: Annotated[int, Field(examples=[1000])]
    first_cycle: Annotated[int, Field(examples=[750])]
    payout_delay_cycles: Annotated[int, Field(examples=[1])]
    share_block_fees: bool
    minimum_payout: MutezText
    update_freq: Annotated[
        int, Field(description="Minutes between two looks at the chain.", examples=[10])
    ]
    payment_retries: Annotated[int, Field(examples=[1])]
    minutes_between_retries: Annotated[int, Field(examples=[1])]
    num_blocks_wait: Annotated[
        int, Field(description="Blocks on top that make a block final.", examples=[2])
    ]
    bond_pool_enabled: bool
    scheduled: bool
    cycle_cap: Annotated[
        str | None, Field(description="In mutez; none: no cap.", examples=["5000000000"])
    ]
    payout_cap: Annotated[
        str | None, Field(description="In mutez; none: no cap.", examples=["250000000"])
    ]
    confirm_first_cycle: Annotated[
        bool, Field(description="The first cycle that is paid waits for a person's go.")
    ]
    public_page: Annotated[bool, Field(description="Anybody may look up what was paid to whom.")]
    funding_address: Annotated[
        str | None,
        Field(description="Where it is topped up from; none: it is not.", examples=[EXAMPLE_BAKER]),
    ]
    target_balance: Annotated[
        str | None, Field(description="Topped up to this, in mutez.", examples=["5000000000"])
    ]
    top_up_cap: Annotated[
        str | None, Field(description="In a day of UTC, in mutez.", examples=["5000000000"])
    ]


class BakerList(BaseModel):
    """Every baker registered here that the caller may see."""

    bakers: list[BakerView]


class SettingsBody(Body):
    """Settings to change; what is left out stays as it is."""

    alias: Annotated[str | None, Field(max_length=100, examples=["Bake Nug"])] = _LEFT_OUT
    payout_address: ImplicitSent = _LEFT_OUT
    default_fee_basis_points: FeeSent = _LEFT_OUT
    first_cycle: Annotated[int, _range("first_cycle")] = _LEFT_OUT
    payout_delay_cycles: Annotated[int, _range("payout_delay_cycles")] = _LEFT_OUT
    share_block_fees: bool = _LEFT_OUT
    minimum_payout: MutezSent = _LEFT_OUT
    update_freq: Annotated[int, _range("update_freq")] = _LEFT_OUT
    payment_retries: Annotated[int, _range("payment_retries")] = _LEFT_OUT
    minutes_between_retries: Annotated[int, _range("minutes_between_retries")] = _LEFT_OUT
    num_blocks_wait: Annotated[int, _range("num_blocks_wait")] = _LEFT_OUT
    bond_pool_enabled: bool = _LEFT_OUT
    scheduled: bool = _LEFT_OUT
    cycle_cap: Annotated[MutezSent | None, Field(description="Null: no cap.")] = _LEFT_OUT
    payout_cap: Annotated[MutezSent | None, Field(description="Null: no cap.")] = _LEFT_OUT
    confirm_first_cycle: bool = _LEFT_OUT
    public_page: bool = _LEFT_OUT
    funding_address: Annotated[
        ImplicitSent | None, Field(description="With the two below; null: no topping up.")
    ] = _LEFT_OUT
    target_balance: Annotated[MutezSent | None, Field(description="Null: none.")] = _LEFT_OUT
    top_up_cap: Annotated[MutezSent | None, Field(description="Null: none.")] = _LEFT_OUT

    def chosen(self) -> dict[str, Any]:
        """Give what was sent, by the ledger's names."""
        sent = {name: getattr(self, name) for name in self.model_fields_set & _NAMES}
        if "default_fee_basis_points" in sent:
            sent["default_fee"] = sent.pop("default_fee_basis_points")
        return sent


_NAMES: Final = frozenset(SettingsBody.model_fields)


class NewBakerBody(SettingsBody):
    """A baker to register, with settings that differ from the defaults."""

    baker_id: ImplicitSent


@router.get("/bakers", summary="All bakers")
async def list_bakers(services: Services, caller: CallerOf) -> BakerList:
    """List the registered bakers with their settings."""
    async with services.workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
    return BakerList(
        bakers=[baker_view(each) for each in registered if caller.may_see(each.baker_id)]
    )


@router.post(
    "/bakers",
    status_code=HTTPStatus.CREATED,
    summary="Register a baker",
    dependencies=[needs(Role.ADMINISTRATOR, all_bakers=True)],
    responses=refusals(
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
async def register_baker(body: NewBakerBody, services: Services, caller: CallerOf) -> BakerView:
    """Register a baker in simulation; a second time is a 409.

    Without `first_cycle` a node is asked for the cycle that runs now, so that nothing older is
    paid; 503 when none answers. Without `payout_address` the baker pays from its own address.
    """
    registered = await settings.register(
        services.workshop, services.scheduler, body.baker_id, body.chosen(), actor=caller.actor
    )
    return baker_view(registered)


@router.get(
    "/bakers/{baker_id}",
    summary="One baker",
    response_model=BakerView,
    responses={**_OF_BAKER, **NOT_MODIFIED},
)
async def get_baker(request: Request, baker_id: BakerOfPath, services: Services) -> Response:
    """Give a baker's settings, with an ETag."""
    async with services.workshop.payer.ledger.read() as tx:
        return tagged(request, baker_view(await bakers.get(tx, baker_id)))


@router.patch(
    "/bakers/{baker_id}",
    summary="Change settings",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def change_baker(
    baker_id: BakerOfPath, body: SettingsBody, services: Services, caller: CallerOf
) -> BakerView:
    """Change the settings that are sent, at once; sending them again changes nothing further.

    A new `update_freq` reaches the schedules with this request. The mode has a route of its own.
    """
    changed = await settings.change(
        services.workshop, services.scheduler, baker_id, body.chosen(), actor=caller.actor
    )
    return baker_view(changed)


@router.delete(
    "/bakers/{baker_id}",
    summary="Take a baker out of service",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def remove_baker(baker_id: BakerOfPath, services: Services, caller: CallerOf) -> BakerView:
    """Switch a baker off and remove its schedules; repeating it changes nothing further.

    Nothing is deleted: what was paid stays on record, and the baker can be switched on again.
    """
    removed = await settings.remove(
        services.workshop, services.scheduler, baker_id, actor=caller.actor
    )
    return baker_view(removed)


def baker_view(baker: Baker) -> BakerView:
    """Show a baker's settings."""
    return BakerView(
        baker_id=baker.baker_id,
        network=baker.network,
        alias=baker.alias,
        payout_address=baker.payout_address,
        mode=baker.mode,
        default_fee_basis_points=baker.default_fee,
        first_cycle=baker.first_cycle,
        payout_delay_cycles=baker.payout_delay_cycles,
        share_block_fees=baker.share_block_fees,
        minimum_payout=str(baker.minimum_payout),
        update_freq=baker.update_freq,
        payment_retries=baker.payment_retries,
        minutes_between_retries=baker.minutes_between_retries,
        num_blocks_wait=baker.num_blocks_wait,
        bond_pool_enabled=baker.bond_pool_enabled,
        scheduled=baker.scheduled,
        cycle_cap=_optional(baker.cycle_cap),
        payout_cap=_optional(baker.payout_cap),
        confirm_first_cycle=baker.confirm_first_cycle,
        public_page=baker.public_page,
        funding_address=baker.funding_address,
        target_balance=_optional(baker.target_balance),
        top_up_cap=_optional(baker.top_up_cap),
    )


def _optional(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
