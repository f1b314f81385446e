"""Registering a baker: it begins in simulation, where nothing is signed."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import settings as desk
from bakehouse.errors import ConflictError, InputError, SourceError
from bakehouse.ledger.bakers import DEFAULT_FEE
from bakehouse.ledger.roles import Role
from bakehouse.rewards.money import format_percentage
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.notice import Notice, done
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.setting_fields import FIELDS
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(
    include_in_schema=False, dependencies=[needs(Role.ADMINISTRATOR, all_bakers=True)]
)

PATH: Final = "/bakers/new"

#: What is asked at once; the rest has defaults, and a page of its own.
_ASKED: Final = ("alias", "payout_address", "default_fee", "first_cycle")


@router.get(PATH)
async def new_baker_form(request: Request) -> Response:
    """Ask for as little as a baker needs."""
    return _page(request, FilledForm({"default_fee": format_percentage(DEFAULT_FEE)}))


@router.post(PATH)
async def register(request: Request, services: Services, caller: CallerOf) -> Response:
    """Register the baker, and show what it would pay."""
    form = FilledForm(await read_form(request))
    baker_id = form.read("baker_id", parse_implicit)
    settings = {name: form.read(name, FIELDS[name].read) for name in _given(form)}
    if not form.is_good or baker_id is None:
        return _page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        await desk.register(
            services.workshop, services.scheduler, baker_id, settings, actor=caller.actor
        )
    except (InputError, ConflictError) as error:
        return _page(request, form.with_trouble(error), HTTPStatus.UNPROCESSABLE_ENTITY)
    except SourceError as error:
        return _page(request, form.with_trouble(error), HTTPStatus.SERVICE_UNAVAILABLE)
    return done(f"/bakers/{baker_id}/settings", Notice.BAKER_ADDED)


def _given(form: FilledForm) -> list[str]:
    return [name for name in _ASKED if form.entered.get(name, "").strip()]


def _page(request: Request, form: FilledForm, status: int = HTTPStatus.OK) -> Response:
    return renderer_of(request).page(request, "baker_new.html", status=status, form=form)
