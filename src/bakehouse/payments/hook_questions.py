"""What hooks are asked about a distribution, and what of their answers is accepted.

Nothing here moves money: an answer can make a plan smaller, or a payment wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bakehouse.errors import HookFailedError, RefusalError
from bakehouse.hooks import question
from bakehouse.hooks.answer import read_paying_answer, read_plan_answer
from bakehouse.ledger import payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, PlanFigures
from bakehouse.ledger.hooks import Hook
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import HookPoint, PayoutState
from bakehouse.rewards.adjusted_plan import DraftPlan
from bakehouse.rewards.plan_values import PlannedPayout


@dataclass(frozen=True, slots=True)
class Question:
    """What one hook is to be asked; an answer counts for the question with the same hash alone."""

    hook: Hook
    point: HookPoint
    distribution: Distribution
    sha256: str
    #: Writes what is sent.
    body: Callable[[], Awaitable[bytes]]
    #: Gives the veto that an answer holds, or None; raises HookFailedError for no answer.
    read: Callable[[bytes], str | None]


class HookToAsk(Exception):  # noqa: N818 - not an error: the step leaves the wallet alone and asks
    """A hook has to be asked before the step goes on."""

    def __init__(self, asked: Question) -> None:
        self.question = asked
        super().__init__(f"ask {asked.hook.name}")


def plan_question(
    hook: Hook,
    distribution: Distribution,
    alias: str | None,
    draft: DraftPlan,
) -> Question:
    """Ask what is to be adjusted in a plan that is not stored yet; slow for a large one."""
    plan = draft.plan
    document = {
        **question.header(HookPoint.PLAN_MADE, distribution, alias, hook=hook.name),
        "plan": {
            "pool": str(plan.pool),
            "own_part": str(plan.own_part),
            "total_fees": str(plan.total_fees),
            "total_net": str(plan.total_net),
            "excluded_kept": str(plan.excluded_kept),
            "dust": str(plan.dust),
            "payouts": [_planned(payout) for payout in plan.payouts],
        },
    }
    body = question.encode(document)

    async def give() -> bytes:
        return body

    def read(answer: bytes) -> None:
        try:
            draft.adjusted(read_plan_answer(answer))
        except RefusalError as error:
            raise HookFailedError(f"its adjustments cannot be made: {error.message}") from error

    return Question(hook, HookPoint.PLAN_MADE, distribution, question.sha256(body), give, read)


def paying_question(
    hook: Hook, distribution: Distribution, alias: str | None, ledger: Ledger
) -> Question:
    """Ask whether a cycle may be paid: once each time that it is taken up."""
    document = {
        **question.header(HookPoint.BEFORE_PAYING, distribution, alias, hook=hook.name),
        "taken_up_at": distribution.updated_at.isoformat(),
        "plan": {
            "sha256": distribution.snapshot_sha256,
            **figures_document(distribution.figures),
        },
    }

    async def give() -> bytes:
        async with ledger.read() as tx:
            owed = await payouts.in_state(tx, distribution, PayoutState.OWED)
        return await asyncio.to_thread(write, owed)

    def write(owed: list[Payout]) -> bytes:
        total = str(sum(row.net for row in owed))
        rows = [payout_document(row) for row in owed]
        return question.encode({**document, "owed": {"total": total, "payouts": rows}})

    def read(answer: bytes) -> str | None:
        return read_paying_answer(answer).veto

    digest = question.sha256(question.encode(document))
    return Question(hook, HookPoint.BEFORE_PAYING, distribution, digest, give, read)


def figures_document(figures: PlanFigures) -> dict[str, Any]:
    """Write the sums of a plan as hooks read them."""
    return {
        "pool": str(figures.pool),
        "own_part": str(figures.own_part),
        "total_fees": str(figures.total_fees),
        "total_net": str(figures.total_net),
        "excluded_kept": str(figures.excluded_kept),
        "dust": str(figures.dust),
    }


def payout_document(payout: Payout) -> dict[str, Any]:
    """Write a payout as hooks read it."""
    return {
        "recipient": payout.owed_to,
        "address": payout.address,
        "cycle": payout.cycle,
        "kind": payout.kind,
        "net": str(payout.net),
    }


def _planned(payout: PlannedPayout) -> dict[str, Any]:
    return {
        "recipient": payout.recipient,
        "kind": payout.kind,
        "address": payout.address,
        "delegated_balance": str(payout.delegated_balance),
        "gross": str(payout.gross),
        "fee_basis_points": payout.fee_basis_points,
        "fee": str(payout.fee),
        "net": str(payout.net),
        "carried_in": str(payout.carried_in),
        "is_carried": payout.is_carried,
    }
