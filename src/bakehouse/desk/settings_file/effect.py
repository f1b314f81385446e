"""What other settings would have meant for the last planned cycle, to the mutez."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.desk.changes import Change
from bakehouse.desk.settings_file.state import BakerState
from bakehouse.errors import BakehouseError
from bakehouse.payments.replan import StoredCycle, last_cycle
from bakehouse.rewards.bond_pool import plan_bond_pool
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.plan_values import PayoutPlan


@dataclass(frozen=True, slots=True)
class Sums:
    """What a plan comes to, in mutez."""

    for_delegators: Mutez
    fees: Mutez
    for_the_baker: Mutez
    due_now: Mutez
    for_the_bond_pool: Mutez


@dataclass(frozen=True, slots=True)
class Effect:
    """One cycle by two sets of rules."""

    baker_id: str
    cycle: int
    before: Sums
    after: Sums
    #: Whoever gets something else, the largest difference first.
    delegators: tuple[Change, ...]
    members: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class NoEffect:
    """Why nothing can be said of a baker in mutez."""

    baker_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """A baker whose last cycle is to be worked out twice; `cycle` None: none was planned yet."""

    before: BakerState
    after: BakerState
    cycle: StoredCycle | None


async def question_of(
    tx: AsyncConnection, before: BakerState | None, after: BakerState
) -> Question | None:
    """Read what is needed to answer; None when nothing of what is paid follows from the change."""
    if before is None or _paying_part(before) == _paying_part(after):
        return None
    return Question(before, after, await last_cycle(tx, after.baker))


async def effect_of(question: Question) -> Effect | NoEffect:
    """Work the cycle out by the settings before and after."""
    baker_id, cycle = question.after.baker.baker_id, question.cycle
    if cycle is None:
        return NoEffect(baker_id, "no cycle was planned here yet")
    try:
        before = await cycle.planned_by(question.before.rules)
        after = await cycle.planned_by(question.after.rules)
        members = [
            _bond_pool(plan, state)
            for plan, state in ((before, question.before), (after, question.after))
        ]
    except BakehouseError as error:
        return NoEffect(baker_id, f"it cannot be worked out: {error.message}")
    return Effect(
        baker_id=baker_id,
        cycle=before.cycle,
        before=_sums(before, members[0]),
        after=_sums(after, members[1]),
        delegators=_changes(_nets(before), _nets(after)),
        members=_changes(*members),
    )


def _paying_part(state: BakerState) -> tuple[object, ...]:
    return state.rules, state.members, state.baker.bond_pool_enabled


def _bond_pool(plan: PayoutPlan, state: BakerState) -> Mapping[str, Mutez]:
    if not state.baker.bond_pool_enabled:
        return {}
    pool = Mutez(plan.pool - plan.total_net)
    return {each.recipient: each.net for each in plan_bond_pool(pool, state.members).payouts}


def _sums(plan: PayoutPlan, members: Mapping[str, Mutez]) -> Sums:
    return Sums(
        for_delegators=plan.total_net,
        fees=plan.total_fees,
        for_the_baker=plan.baker_share,
        due_now=plan.total_due_now,
        for_the_bond_pool=Mutez(sum(members.values())),
    )


def _nets(plan: PayoutPlan) -> dict[str, Mutez]:
    """Sum what each recipient gets: as a delegator, and of the income, too."""
    sums: dict[str, Mutez] = {}
    for payout in plan.payouts:
        sums[payout.recipient] = Mutez(sums.get(payout.recipient, 0) + payout.net)
    return sums


def _changes(before: Mapping[str, Mutez], after: Mapping[str, Mutez]) -> tuple[Change, ...]:
    every = (
        Change(whom, before.get(whom, NO_MUTEZ), after.get(whom, NO_MUTEZ))
        for whom in {**before, **after}
    )
    return tuple(
        sorted(
            (each for each in every if each.difference),
            key=lambda each: (-abs(each.difference), each.owed_to),
        )
    )
