"""Cycle after cycle under rules that change each time: nothing is lost, and nothing paid twice."""

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import NO_MUTEZ, NO_SHARE, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan, TransferCosts
from tests.fault_scale import FAULT_SCALE
from tests.rewards.random_cases import EVERYBODY, amount_of, cycle_of, rules_of

CHAINS = 40 * FAULT_SCALE
CYCLES = 12


class Books:
    """What everybody earned, was paid and still waits for, as the ledger would keep it."""

    def __init__(self) -> None:
        self.earned: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.waiting: dict[str, Mutez] = {}

    def enter(self, plan: PayoutPlan) -> None:
        before = self.paid.total()
        waiting = Counter(self.waiting)
        for row in plan.payouts:
            self.earned[row.recipient] += row.net
            if row.is_carried:
                waiting[row.recipient] += row.net
            else:
                self.paid[row.recipient] += row.due
                waiting[row.recipient] -= row.carried_in
        for whom, amount in plan.released.items():
            self.paid[whom] += amount
            waiting[whom] -= amount
        assert min(waiting.values(), default=0) >= 0
        assert self.paid.total() - before == plan.total_due_now
        self.waiting = {whom: Mutez(amount) for whom, amount in waiting.items() if amount}
        assert self.paid + Counter(self.waiting) == self.earned


@pytest.mark.parametrize("part", range(4))
@pytest.mark.timeout(60 * FAULT_SCALE)
def test_paid_and_carried_is_always_what_everybody_has_earned(part: int) -> None:
    paid_late = 0
    for seed in range(part, CHAINS, 4):
        chance, books = Random(f"chain {seed}"), Books()  # noqa: S311 - repeatable, not a secret
        for number in range(CYCLES):
            before: Mapping[str, Mutez] = books.waiting
            cycle = cycle_of(chance, cycle=1_000 + number, is_told=True)
            plan = plan_payouts(
                cycle,
                rules_of(chance),
                before,
                TransferCosts(amount_of(chance), amount_of(chance)),
                frozenset(chance.sample(EVERYBODY, 2)),
            )
            books.enter(plan)
            paid_late += len(before.keys() - books.waiting.keys())
        books.enter(plan_payouts(_nobody_delegates(), PayoutRules(NO_SHARE), books.waiting))
        assert books.waiting == {}
        assert books.paid == books.earned

    assert paid_late > CHAINS // 4 * CYCLES // 2


def _nobody_delegates() -> CycleRewards:
    return CycleRewards(2_000, *(NO_MUTEZ,) * 8, delegators=())
