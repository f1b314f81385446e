"""Ten cycles, paid every third, with carry-over, redirects and restarts: nothing lost, none twice.

What each delegator has earned is worked out anew from the indexer's documents, by the reference.
"""

from collections import Counter

from bakehouse.ledger.states import PayoutState
from bakehouse.rewards.payout_rules import DelegatorRule, PayoutRules
from bakehouse.sandbox.split_json import split_json
from tests.faults.audit_rules import cycle_of_split
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import small_chain
from tests.rewards.reference_plan import books_of

CYCLES = 10
#: After these cycles the process is another one, which knows nothing of those before.
RESTARTS = {3, 7}
#: Some reach it in three cycles, some never.
MINIMUM = 150_000
ELSEWHERE = "tz1Ke2h7sDdakHJQh8WX4Z372du1KChsksyU"


async def test_after_ten_cycles_all_is_paid_or_carried_by_the_rules(open_baker: OpenBaker) -> None:
    baker = await open_baker(
        small_chain(delegator_count=12),
        payout_interval=3,
        interval_offset=1,
        minimum_payout=MINIMUM,
    )
    (first, _), (second, _), *_ = baker.chain.rights.snapshot(baker.first_cycle).delegators
    await baker.set_rules(
        {first: DelegatorRule(recipient=ELSEWHERE), second: DelegatorRule(recipient=first)}
    )

    payer = baker.payer
    for number in range(CYCLES):
        if number in RESTARTS:
            payer = await baker.another_payer()
        await baker.pay(baker.key(baker.first_cycle + number), payer)
        baker.finish_cycle()
        await baker.notice()

    paid, carried = await _paid_and_carried(baker)
    assert paid + carried == _earned(baker)
    assert carried
    assert max(carried.values()) > MINIMUM, "cycles after the last paying one wait as well"
    sent = Counter(paid)
    sent[ELSEWHERE], sent[first] = sent.pop(first), sent.pop(second)
    assert baker.paid_on_chain() == sent
    paying = len(range(baker.first_cycle, baker.first_cycle + CYCLES)[::3])
    assert max(Counter(each.destination for each in baker.transfers()).values()) <= paying


async def _paid_and_carried(baker: PayingBaker) -> tuple[Counter[str], Counter[str]]:
    paid: Counter[str] = Counter()
    carried: Counter[str] = Counter()
    for number in range(CYCLES):
        for row in await baker.payouts(baker.key(baker.first_cycle + number)):
            assert row.state in {PayoutState.PAID, PayoutState.CARRIED}
            (paid if row.state is PayoutState.PAID else carried)[row.owed_to] += row.net
    return paid, carried


def _earned(baker: PayingBaker) -> Counter[str]:
    rules = PayoutRules(baker.default_fee)
    earned: Counter[str] = Counter()
    for number in range(CYCLES):
        document = split_json(baker.chain, baker.first_cycle + number, offset=0, limit=1_000)
        assert document is not None
        books = books_of(cycle_of_split(document), rules)
        earned.update({whom: net for (whom, _), net in books.earned.items()})
    return +earned
