"""Payouts become transfers and transfers become groups: sums are kept, and order is no matter."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import PayoutState
from bakehouse.payments.batch import fitting, intents
from bakehouse.rewards.money import BasisPoints, Mutez

ADDRESSES = ("KT1-a", "tz1-a", "tz1-b", "tz2-a", "tz4-a")


def payout(row_id: int, address: str, net: int) -> Payout:
    return Payout(
        id=row_id,
        paid_with_id=1,
        cycle=1_400,
        kind="delegator",
        owed_to=address,
        address=address,
        delegated_balance=Mutez(0),
        gross=Mutez(net),
        fee_basis_points=BasisPoints(0),
        fee=Mutez(0),
        net=Mutez(net),
        state=PayoutState.OWED,
        transfer_id=None,
        reason=None,
        looked_back_level=None,
        released_at=None,
    )


@st.composite
def owed_payouts(draw: st.DrawFn) -> list[Payout]:
    amounts = st.tuples(st.sampled_from(ADDRESSES), st.integers(1, 10**15))
    drawn = draw(st.lists(amounts, max_size=30))
    return [payout(row_id, address, net) for row_id, (address, net) in enumerate(drawn)]


@given(owed_payouts())
def test_each_address_gets_one_transfer_of_all_it_is_owed(owed: list[Payout]) -> None:
    expected: Counter[str] = Counter()
    for row in owed:
        expected[row.address] += row.net

    merged = intents(owed)

    assert {intent.destination: intent.amount for intent in merged} == expected
    assert len(merged) == len(expected)


@given(owed_payouts())
def test_each_payout_is_settled_by_one_transfer_of_its_address(owed: list[Payout]) -> None:
    by_id = {row.id: row for row in owed}

    merged = intents(owed)

    settled = [row_id for intent in merged for row_id in intent.payout_ids]
    assert sorted(settled) == sorted(by_id)
    for intent in merged:
        assert {by_id[row_id].address for row_id in intent.payout_ids} == {intent.destination}
        assert sum(by_id[row_id].net for row_id in intent.payout_ids) == intent.amount


@given(owed_payouts().flatmap(lambda owed: st.tuples(st.just(owed), st.permutations(owed))))
def test_the_order_in_which_payouts_are_read_changes_nothing(
    both: tuple[list[Payout], list[Payout]],
) -> None:
    owed, shuffled = both

    assert intents(shuffled) == intents(owed)
    destinations = [intent.destination for intent in intents(owed)]
    assert destinations == sorted(destinations)


@given(st.lists(st.integers(0, 1_000), max_size=30), st.integers(0, 5_000))
def test_the_longest_beginning_that_fits_is_taken(costs: list[int], cost_max: int) -> None:
    count = fitting(costs, cost_max)

    assert sum(costs[:count]) <= cost_max
    assert count == len(costs) or sum(costs[: count + 1]) > cost_max


def test_what_fills_a_group_to_the_last_unit_fits() -> None:
    assert fitting([5, 5], 10) == 2
    assert fitting([5, 6], 10) == 1
    assert fitting([11], 10) == 0
    assert fitting([], 10) == 0
