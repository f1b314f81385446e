"""The plan against a second one, written from the document alone, over the product of all rules."""

from collections import Counter

import pytest

from bakehouse.errors import RefusalError
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan
from tests.fault_scale import FAULT_SCALE
from tests.rewards.random_cases import Case, case_of
from tests.rewards.reference_plan import Books, CannotBeKnown, Surroundings, books_of

#: `FAULT_SCALE=40` compares 100,000 cases.
CASES = 2_500 * FAULT_SCALE
PARTS = 5


def planned(case: Case) -> PayoutPlan | None:
    try:
        return plan_payouts(case.cycle, case.rules, case.carried, case.costs, case.staying)
    except RefusalError:
        return None


def written_down(case: Case) -> Books | None:
    around = Surroundings(case.carried, case.costs.fee, case.costs.burn, case.staying)
    try:
        return books_of(case.cycle, case.rules, around)
    except CannotBeKnown:
        return None


def books_from(plan: PayoutPlan, case: Case) -> Books:
    """Tell a plan in the reference's words."""
    books = Books(plan.pool, plan.own_part, plan.total_fees, plan.excluded_kept, plan.dust)
    sent = Counter(plan.released)
    waiting: dict[str, tuple[int, str]] = {}
    for row in plan.payouts:
        books.earned[row.recipient, row.kind.value] = row.net
        if row.kind == "delegator":
            books.borne[row.recipient] = row.cost_borne
        if row.carry_reason is None:
            sent[row.recipient] += row.due
        else:
            before, _ = waiting.get(row.recipient, (0, ""))
            waiting[row.recipient] = (before + row.due, row.carry_reason.value)
    for whom, amount in case.carried.items():
        if amount and whom not in sent and whom not in waiting:
            waiting[whom] = (amount, "it went on waiting")
    books.sent, books.waiting, books.nothing_left = dict(sent), waiting, plan.zero_payouts
    books.excluded = {
        each.recipient: (each.reason.value, each.share_goes_to.value, each.gross)
        for each in plan.exclusions
    }
    return books


def differences(plan: PayoutPlan, books: Books, case: Case) -> list[str]:
    ours = books_from(plan, case)
    said = {whom for whom, _ in ours.earned}
    theirs_waiting = {
        whom: (amount, why if whom in said else "it went on waiting")
        for whom, (amount, why) in books.waiting.items()
    }
    compared = {
        "pool": (ours.pool, books.pool),
        "own part": (ours.own_part, books.own_part),
        "fees": (ours.fees, books.fees),
        "kept": (ours.excluded_kept, books.excluded_kept),
        "dust": (ours.dust, books.dust),
        "gross": (plan.total_gross, sum(books.grosses.values())),
        "earned": (Counter(ours.earned), Counter(books.earned)),
        "excluded": (ours.excluded, books.excluded),
        "nothing": (ours.nothing_left, books.nothing_left),
        "sent": (ours.sent, books.sent),
        "waiting": (ours.waiting, theirs_waiting),
        "borne": (ours.borne, {whom: books.borne[whom] for whom in ours.borne}),
    }
    return [f"{name}: {one} != {other}" for name, (one, other) in compared.items() if one != other]


def adds_up(plan: PayoutPlan, case: Case) -> bool:
    """Every mutez of the cycle and of what waited is on one line, and on one line only."""
    kept = plan.own_part + plan.total_fees + plan.excluded_kept + plan.dust
    carried_in = sum(row.carried_in for row in plan.payouts)
    untouched = sum(case.carried.values()) - carried_in - sum(plan.released.values())
    carried_on = sum(row.due for row in plan.payouts if row.is_carried)
    return (
        kept + plan.total_net == plan.pool
        and untouched >= 0
        and plan.total_net + carried_in + sum(plan.released.values())
        == plan.total_due_now + carried_on
    )


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(60 * FAULT_SCALE)
def test_every_plan_is_that_of_the_reference_to_the_mutez(part: int) -> None:
    refused = 0
    for seed in range(part, CASES, PARTS):
        case = case_of(seed)
        plan, books = planned(case), written_down(case)
        assert (plan is None) == (books is None), f"seed {seed}: one of them refuses"
        if plan is None or books is None:
            refused += 1
            continue
        assert not differences(plan, books, case), f"seed {seed}"
        assert adds_up(plan, case), f"seed {seed}"

    assert 0 < refused < CASES // PARTS // 4
