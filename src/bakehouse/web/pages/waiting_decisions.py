"""What a person can decide about what waits: how it is asked, done, and told afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bakehouse.desk import decisions as desk
from bakehouse.errors import InputError
from bakehouse.payments.payer import Payer
from bakehouse.web.pages.notice import Notice
from bakehouse.web.pages.waiting_item import WaitingItem

#: Does it for one item, in the name of an actor who says why.
Do = Callable[[Payer, WaitingItem, str, str], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDecision:
    """One decision; one that cannot be taken back `asks_again`."""

    title: str
    warning: str
    button: str
    notice: Notice
    do: Do
    asks_again: bool = False


async def _retry(payer: Payer, item: WaitingItem, actor: str, why: str) -> None:
    await desk.retry(payer, item.cycle, actor=actor, why=why)


async def _release(payer: Payer, item: WaitingItem, actor: str, why: str) -> None:
    await desk.release(payer, item.cycle, actor=actor, why=why, owed_to=item.owed_to)


async def _drop(payer: Payer, item: WaitingItem, actor: str, why: str) -> None:
    await desk.drop(payer, item.cycle, actor=actor, why=why, owed_to=item.owed_to)


async def _cancel(payer: Payer, item: WaitingItem, actor: str, why: str) -> None:
    await desk.cancel(payer, item.cycle.baker_id, _hash(item), actor=actor, why=why)


async def _declare_dead(payer: Payer, item: WaitingItem, actor: str, why: str) -> None:
    await desk.declare_dead(payer, item.cycle.baker_id, _hash(item), actor=actor, why=why)


def _hash(item: WaitingItem) -> str:
    if item.operation is None:
        raise InputError("this names no operation")
    return item.operation


#: By the section of the page, and the button's value.
DECISIONS: Final[Mapping[str, Mapping[str, WaitingDecision]]] = {
    "failed": {
        "retry": WaitingDecision(
            title="Retry",
            warning="Only what is not paid yet will be paid; the ledger sees to that.",
            button="Retry",
            notice=Notice.RETRIED,
            do=_retry,
        )
    },
    "held": {
        "release": WaitingDecision(
            title="Release held payouts",
            warning=(
                "They are paid at the next step. What they were held for is settled by your word."
            ),
            button="Release: pay them",
            notice=Notice.RELEASED,
            do=_release,
        ),
        "drop": WaitingDecision(
            title="Drop held payouts",
            warning="They are never paid. This cannot be taken back.",
            button="Drop: never pay them",
            notice=Notice.DROPPED,
            do=_drop,
            asks_again=True,
        ),
    },
    "operations": {
        "cancel": WaitingDecision(
            title="Cancel an operation",
            warning=(
                "A transfer to oneself takes its counters, if it gets into a block first. Blocks "
                "tell which of the two it was."
            ),
            button="Cancel: take its counters",
            notice=Notice.CANCEL_REQUESTED,
            do=_cancel,
        ),
        "declare-dead": WaitingDecision(
            title="Declare an operation dead",
            warning=(
                "You take it on yourself that it is in no block and never will be. If it is in one "
                "after all, whatever you release afterwards is paid twice. Look it up first."
            ),
            button="Declare dead",
            notice=Notice.DECLARED_DEAD,
            do=_declare_dead,
            asks_again=True,
        ),
    },
}
