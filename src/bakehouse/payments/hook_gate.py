"""Where payments stop for a baker's own hooks: nothing goes on without an answer that allows it.

A hook is asked while nobody holds the wallet; what it answers is stored before it counts. Fails
closed: no answer, a late one or junk keeps the distribution waiting.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from bakehouse.errors import HookFailedError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.hooks.answer import read_plan_answer
from bakehouse.hooks.question import Request
from bakehouse.ledger import bakers, hook_consultations, hooks, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.hook_consultations import Consultation, NewConsultation
from bakehouse.ledger.plan_adjustments import AcceptedAdjustment
from bakehouse.ledger.states import DistributionKind, HookPoint, PayoutState, Verdict
from bakehouse.payments.hook_questions import (
    HookToAsk,
    Question,
    paying_question,
    plan_question,
)
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import HookStop
from bakehouse.rewards.adjusted_plan import DraftPlan
from bakehouse.rewards.plan_values import PayoutPlan

_log = structlog.get_logger(__name__)

#: A step comes back after this at the latest: a person may have had the hook asked, or removed it.
_LOOK_SECONDS_MAX: Final = 60
_DOUBLINGS_MAX: Final = 10


async def adjusted(
    payer: Payer, distribution: Distribution, draft: DraftPlan
) -> tuple[PayoutPlan, Sequence[AcceptedAdjustment]]:
    """Give a plan as the baker's hooks leave it, and what each of them changed.

    Each sees what those before it left. Raises HookToAsk while one has not answered about exactly
    this plan.
    """
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, distribution.key.baker_id)
        asked = await hooks.at_point(tx, baker.baker_id, HookPoint.PLAN_MADE)
    accepted: list[AcceptedAdjustment] = []
    for hook in asked:
        # Sixty thousand delegators take a moment: not on the event loop.
        wanted = await asyncio.to_thread(plan_question, hook, distribution, baker.alias, draft)
        answer = await _allowing(payer, wanted)
        proposed = await asyncio.to_thread(read_plan_answer, answer.encode())
        draft = await asyncio.to_thread(draft.adjusted, proposed)
        accepted += [AcceptedAdjustment(hook.id, hook.name, each) for each in proposed]
    return draft.plan, accepted


async def require_allowed(payer: Payer, distribution: Distribution, baker: Baker) -> None:
    """Return once every hook lets the distribution be paid; raises HookToAsk before."""
    async with payer.ledger.read() as tx:
        asked = await hooks.at_point(tx, baker.baker_id, HookPoint.BEFORE_PAYING)
        if not asked or not await payouts.in_state(tx, distribution, PayoutState.OWED, limit=1):
            return
    for hook in asked:
        await _allowing(payer, paying_question(hook, distribution, baker.alias, payer.ledger))


async def planning_stop(payer: Payer, distribution: Distribution) -> HookStop | None:
    """Give what keeps a plan from being made just now, so that nothing is read for it in vain."""
    if distribution.key.kind is not DistributionKind.DELEGATORS:
        return None
    async with payer.ledger.read() as tx:
        refusing = await hook_consultations.refusing(tx, distribution.id)
    waiting = [
        each
        for each in refusing
        if each.point is HookPoint.PLAN_MADE and _is_early(each, payer.clock())
    ]
    return _stop(waiting[0], payer.clock()) if waiting else None


async def consult(payer: Payer, question: Question) -> HookStop | None:
    """Ask a hook, unless it was asked too short a while ago, and keep what it says.

    Gives why the distribution has to wait, or None when the hook allows it. A crash before the
    answer is kept has it asked once more: the same question, under the same id.
    """
    hook, distribution = question.hook, question.distribution
    async with payer.ledger.read() as tx:
        before = await hook_consultations.find(tx, distribution.id, hook.id, question.point)
    is_same = before is not None and before.question == question.sha256
    if before is not None and is_same and _is_early(before, payer.clock()):
        return _stop(before, payer.clock())
    failures = before.failures if before is not None and is_same else 0
    answered = await _ask(payer, question, failures)
    failpoint(Failpoint.HOOK_ANSWERED)
    async with payer.ledger.write() as tx:
        await hook_consultations.record(tx, answered, distribution.key, hook.name)
        stored = await hook_consultations.find(tx, distribution.id, hook.id, question.point)
    if stored is None or stored.verdict is Verdict.ALLOWED:
        return None
    _log.warning("hook-refuses", hook=hook.name, point=question.point, reason=stored.reason)
    return _stop(stored, payer.clock())


async def _allowing(payer: Payer, question: Question) -> str:
    """Give the answer by which a hook has allowed what is asked; raises HookToAsk without one."""
    async with payer.ledger.read() as tx:
        found = await hook_consultations.find(
            tx, question.distribution.id, question.hook.id, question.point
        )
    if (
        found is None
        or found.question != question.sha256
        or found.verdict is not Verdict.ALLOWED
        or found.answer is None
    ):
        raise HookToAsk(question)
    return found.answer


async def _ask(payer: Payer, question: Question, failures: int) -> NewConsultation:
    hook, point = question.hook, question.point
    verdict, reason, answer = Verdict.ALLOWED, None, None
    # The same for the same question, so that who is asked twice can tell.
    request_id = f"{point}-{hook.id}-{question.distribution.id}-{question.sha256[:32]}"
    try:
        request = Request(point, request_id, await question.body())
        received = await payer.hooks.call(hook, request)
        reason = await asyncio.to_thread(question.read, received)
        if reason is None:
            answer = received.decode()
        else:
            verdict = Verdict.VETOED
    except HookFailedError as error:
        verdict, reason = Verdict.FAILED, error.message
    except UnicodeDecodeError:
        verdict, reason = Verdict.FAILED, "its answer is not in UTF-8"
    now = payer.clock()
    failures = failures + 1 if verdict is Verdict.FAILED else 0
    return NewConsultation(
        distribution_id=question.distribution.id,
        hook_id=hook.id,
        point=point,
        question=question.sha256,
        verdict=verdict,
        reason=reason,
        answer=answer,
        failures=failures,
        asked_at=now,
        ask_again_at=_ask_again_at(payer, verdict, failures, now),
    )


def _ask_again_at(payer: Payer, verdict: Verdict, failures: int, now: datetime) -> datetime | None:
    patience = payer.hooks.patience
    match verdict:
        case Verdict.ALLOWED:
            return None
        case Verdict.VETOED:
            return now + timedelta(seconds=patience.after_veto_seconds)
    seconds = patience.after_failure_seconds << min(failures - 1, _DOUBLINGS_MAX)
    return now + timedelta(seconds=min(seconds, patience.after_failure_seconds_max))


def _is_early(consultation: Consultation, now: datetime) -> bool:
    return consultation.ask_again_at is not None and now < consultation.ask_again_at


def _stop(consultation: Consultation, now: datetime) -> HookStop:
    again = consultation.ask_again_at or now
    remaining = max(1, -(-(again - now) // timedelta(seconds=1)))
    return HookStop(
        hook=consultation.hook,
        point=consultation.point,
        is_veto=consultation.verdict is Verdict.VETOED,
        reason=consultation.reason or "",
        failures=consultation.failures,
        wait_seconds=min(remaining, _LOOK_SECONDS_MAX),
    )
