"""Old payments against the chain: nothing that was sent explains two, and nothing is lost."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.importers.checking import Checked, Searched, Sent, check, unchecked
from bakehouse.importers.moving_in import OldPayment, Outcome, Tool
from bakehouse.importers.place import Place
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from tests.fault_scale import FAULT_SCALE

CYCLES = {7: 100, 8: 200}

few = settings(max_examples=40 * FAULT_SCALE)

payments = st.builds(
    OldPayment,
    cycle=st.sampled_from(sorted(CYCLES)),
    kind=st.just(PayoutKind.DELEGATOR),
    owed_to=st.just("whoever"),
    address=st.sampled_from(["ann", "bob"]),
    amount=st.integers(1, 4).map(Mutez),
    outcome=st.sampled_from(Outcome),
    said=st.just("so"),
    place=st.just(Place("file", 1)),
    operation_hash=st.sampled_from([None, "o1", "o2"]),
    tolerance=st.sampled_from([0, 1]).map(Mutez),
)
transfers = st.builds(
    Sent,
    level=st.integers(90, 300),
    operation_hash=st.sampled_from(["o1", "o2", "o3"]),
    destination=st.sampled_from(["ann", "bob", "cat"]),
    amount=st.integers(1, 4).map(Mutez),
)


def checked(old: list[OldPayment], sent: list[Sent]) -> list[Checked]:
    return check(old, Searched(300, ("wallet",), tuple(sent), CYCLES), Tool.TAPS)


@few
@given(st.lists(payments, max_size=6), st.lists(transfers, max_size=6))
def test_each_payment_is_told_of_once_and_in_order(old: list[OldPayment], sent: list[Sent]) -> None:
    found = checked(old, sent)

    for before, after in zip(old, found, strict=True):
        assert replace(after.payment, amount=Mutez(1), operation_hash=None) == replace(
            before, amount=Mutez(1), operation_hash=None
        )
        assert abs(after.payment.amount - before.amount) <= before.tolerance
        # What is not on chain is never called paid, whatever the file says.
        on_chain = {(each.operation_hash, each.destination) for each in sent}
        key = (after.payment.operation_hash, after.payment.address)
        assert not after.is_paid or key in on_chain


@few
@given(st.lists(payments, max_size=6), st.lists(transfers, max_size=6))
def test_a_transfer_that_is_found_by_its_amount_explains_one_payment(
    old: list[OldPayment], sent: list[Sent]
) -> None:
    found = checked(old, sent)

    named = {(each.operation_hash, each.address) for each in old}
    by_amount = [
        (each.payment.operation_hash, each.payment.address)
        for before, each in zip(old, found, strict=True)
        if each.is_paid and each.payment.operation_hash != before.operation_hash
    ]
    for key in by_amount:
        assert key not in named
        there = [each for each in sent if (each.operation_hash, each.destination) == key]
        assert by_amount.count(key) <= len(there)


@few
@given(st.lists(payments, max_size=6), st.lists(transfers, max_size=6))
def test_who_is_provably_not_paid_got_nothing_that_is_unexplained(
    old: list[OldPayment], sent: list[Sent]
) -> None:
    found = checked(old, sent)

    explained = {
        (each.payment.operation_hash, each.payment.address) for each in found if each.is_paid
    }
    for each in found:
        if each.held_because is not None and "provably not paid" in each.held_because:
            loose = [
                transfer
                for transfer in sent
                if transfer.destination == each.payment.address
                and transfer.level > CYCLES[each.payment.cycle]
                and (transfer.operation_hash, transfer.destination) not in explained
            ]
            assert loose == []


@few
@given(st.lists(payments, max_size=6))
def test_without_a_chain_the_file_is_believed_and_its_doubts_are_held(
    old: list[OldPayment],
) -> None:
    found = unchecked(old, Tool.TRD)

    assert [each.payment for each in found] == old
    assert [each.is_paid for each in found] == [each.outcome is Outcome.PAID for each in old]


def test_a_transfer_before_the_cycles_end_pays_nothing_of_it() -> None:
    old = OldPayment(
        cycle=8,
        kind=PayoutKind.DELEGATOR,
        owed_to="ann",
        address="ann",
        amount=Mutez(3),
        outcome=Outcome.UNCLEAR,
        said="failed",
        place=Place("file", 1),
    )

    (early,) = checked([old], [Sent(200, "o1", "ann", Mutez(3))])
    (late,) = checked([old], [Sent(201, "o1", "ann", Mutez(3))])

    assert not early.is_paid
    assert late.is_paid
    assert late.found is not None
