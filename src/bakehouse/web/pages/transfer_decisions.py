"""What a person decides about an order that is there: take it back, cancel it, give it again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from bakehouse.desk import decisions
from bakehouse.desk import orders as desk
from bakehouse.desk.orders import ShownOrder
from bakehouse.errors import BakehouseError, ConflictError
from bakehouse.ledger.roles import Role
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import format_tez
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, reason
from bakehouse.web.pages.notice import Notice, done
from bakehouse.web.pages.password_field import read_password_again
from bakehouse.web.pages.question import Question
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/transfers/{transfer_id}"
_CHANGED_MEANWHILE: Final = "this order has gone on since you opened this page: look at it again"

OrderId = Annotated[int, Path(ge=1, le=2**63 - 1)]

#: Does it for one order, in the name of who decides.
Do = Callable[[Payer, ShownOrder, Decision], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """One decision about an order."""

    name: str
    title: str
    warning: str
    button: str
    notice: Notice
    do: Do
    moves_money: bool = False


async def _give_up(payer: Payer, order: ShownOrder, by: Decision) -> None:
    await desk.give_up(payer, order.transfer.baker_id, order.transfer.id, by)


async def _give_again(payer: Payer, order: ShownOrder, by: Decision) -> None:
    await desk.give_again(payer, order.transfer.baker_id, order.transfer.id, by)


async def _cancel(payer: Payer, order: ShownOrder, by: Decision) -> None:
    if order.operation_hash is None:
        raise ConflictError(f"nothing is signed for {order.transfer.name}: give it up instead")
    baker_id = order.transfer.baker_id
    await decisions.cancel(payer, baker_id, order.operation_hash, actor=by.actor, why=by.why)


_GIVE_UP: Final = _Choice(
    name="give-up",
    title="Take a transfer back",
    warning="Nothing is signed for it yet: nothing has moved. It can be given again.",
    button="Take it back",
    notice=Notice.TRANSFER_GIVEN_UP,
    do=_give_up,
)
_AGAIN: Final = _Choice(
    name="again",
    title="Give a transfer again",
    warning="It failed, and nothing has moved. See that its reason is mended; it is done once.",
    button="Give it again",
    notice=Notice.TRANSFER_ORDERED,
    do=_give_again,
    moves_money=True,
)
_CANCEL: Final = _Choice(
    name="cancel",
    title="Cancel a transfer",
    warning=(
        "It is signed, and in no block yet. A transfer to oneself takes its counter, if it gets "
        "into a block first. Blocks tell which of the two it was."
    ),
    button="Cancel: take its counter",
    notice=Notice.CANCEL_REQUESTED,
    do=_cancel,
)


def _serve(choice: _Choice, role: Role) -> None:
    async def ask(
        request: Request, services: Services, baker_id: str, transfer_id: OrderId
    ) -> Response:
        order = await desk.find_order(services.workshop.payer, baker_id, transfer_id)
        return _question(choice, order, FilledForm()).page(request)

    async def decide(
        request: Request,
        services: Services,
        caller: CallerOf,
        baker_id: str,
        transfer_id: OrderId,
    ) -> Response:
        form = FilledForm(await read_form(request))
        order = await desk.find_order(services.workshop.payer, baker_id, transfer_id)
        form = await _decided(request, services, caller, choice, order, form)
        if not form.is_good:
            return _question(choice, order, form).page(request)
        return done(f"/bakers/{baker_id}/transfers", choice.notice)

    path, allowed = f"{_PATH}/{choice.name}", [needs(role)]
    router.add_api_route(path, ask, methods=["GET"], dependencies=allowed)
    router.add_api_route(path, decide, methods=["POST"], dependencies=allowed)


async def _decided(  # noqa: PLR0913, PLR0917 - one form, and what it is about
    request: Request,
    services: WebServices,
    caller: Caller,
    choice: _Choice,
    order: ShownOrder,
    form: FilledForm,
) -> FilledForm:
    """Do what the form asks for; gives the form, with what kept it from being done."""
    why = form.read("why", reason)
    if form.entered.get("seen") != _fingerprint(order):
        form = form.with_trouble(ConflictError(_CHANGED_MEANWHILE))
    if form.is_good and choice.moves_money:
        await read_password_again(request, services, caller, form)
    if why is None or not form.is_good:
        return form
    payer = services.workshop.payer
    try:
        await choice.do(payer, order, Decision(caller.actor, why, payer.clock()))
    except BakehouseError as error:
        return form.with_trouble(error)
    return form


def _question(choice: _Choice, order: ShownOrder, form: FilledForm) -> Question:
    transfer = order.transfer
    base = f"/bakers/{transfer.baker_id}/transfers"
    return Question(
        title=choice.title,
        warning=choice.warning,
        button=choice.button,
        action=f"{base}/{transfer.id}/{choice.name}",
        back=base,
        things=[
            (f"To {transfer.destination}", f"{format_tez(transfer.amount)} tez"),
            (f"From {transfer.source}", ""),
            (f"For: {transfer.why}", ""),
            *([(f"It failed: {transfer.reason}", "")] if transfer.reason else []),
        ],
        hidden=[("seen", _fingerprint(order))],
        asks_why=True,
        asks_password=choice.moves_money,
        form=form,
    )


def _fingerprint(order: ShownOrder) -> str:
    """Tell one moment of an order from another, so that nobody decides what they did not see."""
    transfer = order.transfer
    return f"{transfer.state}/{transfer.ordered_at.isoformat()}/{transfer.operation_id or 0}"


_serve(_GIVE_UP, Role.ADMINISTRATOR)
_serve(_AGAIN, Role.ADMINISTRATOR)
# As on the page of what waits: who watches at night may stop what is wrong.
_serve(_CANCEL, Role.OPERATOR)
