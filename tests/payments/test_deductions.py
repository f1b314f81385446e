"""What was paid too much is deducted from coming cycles, as agreed: to the mutez, no further."""

import pytest

from bakehouse.desk import deductions as desk
from bakehouse.ledger import bakers, deductions, distributions
from bakehouse.ledger.deductions import Deduction
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionState, Mode, PayoutState
from bakehouse.payments.controls import Decision
from bakehouse.payments.verify import verify
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from tests.payments.hostile_baker import HostileBaker
from tests.payments.surroundings import utc_now


async def agree(baker: HostileBaker, owed_to: str, amount: int, key: str = "oo1") -> Deduction:
    by = Decision("cli:anna", "paid twice by hand", utc_now())
    return await desk.agree(
        baker.payer.ledger, baker.baker_id, owed_to, Mutez(amount), by, consent="by mail", key=key
    )


async def left(baker: HostileBaker) -> list[int]:
    async with baker.payer.ledger.read() as tx:
        return [each.left for each in await deductions.of_baker(tx, baker.baker_id)]


async def largest(baker: HostileBaker) -> Payout:
    """Look at what a simulation says, which takes nothing."""
    key = baker.key(mode=Mode.SIMULATION)
    await baker.change(mode=Mode.SIMULATION)
    await baker.enter(key)
    await baker.pay(key)
    await baker.change(mode=Mode.ON)
    return max(await baker.payouts(key), key=lambda row: row.net)


def lines_of(rows: list[Payout], owed_to: str) -> dict[str, Payout]:
    return {row.kind: row for row in rows if row.owed_to == owed_to}


async def test_a_deduction_is_a_line_of_its_own_until_it_is_made_good(
    hostile: HostileBaker,
) -> None:
    whole = await largest(hostile)
    await agree(hostile, whole.owed_to, whole.net + 5)
    await hostile.pay()
    first = lines_of(await hostile.payouts(), whole.owed_to)
    # All that the first cycle owes is taken; a payout of nothing is none.
    assert set(first) == {PayoutKind.DEDUCTION}
    line = first[PayoutKind.DEDUCTION]
    assert (line.net, line.gross, line.fee) == (whole.net, whole.gross, whole.fee)
    assert line.state is PayoutState.DROPPED
    assert line.reason is not None
    assert "deducted, as agreed" in line.reason
    assert await left(hostile) == [5]
    assert hostile.paid_on_chain()[whole.address] == 0

    hostile.finish_cycle()
    *_, key = await hostile.notice()
    await hostile.pay(key)

    second = lines_of(await hostile.payouts(key), whole.owed_to)
    payout, line = second[PayoutKind.DELEGATOR], second[PayoutKind.DEDUCTION]
    assert (line.net, line.state) == (5, PayoutState.DROPPED)
    assert payout.net == payout.gross - payout.fee - line.net
    assert hostile.paid_on_chain()[whole.address] == payout.net
    assert await left(hostile) == [0]
    for each in (hostile.key(), key):
        distribution = await hostile.distribution(each)
        assert distribution.state is DistributionState.PAID
        rows = await hostile.payouts(each)
        assert sum(row.net for row in rows) == distribution.figures.total_net
    assert await differences(hostile) == []
    assert await hostile.audit_is_unbroken()


async def differences(baker: HostileBaker) -> list[str]:
    async with baker.payer.ledger.read() as tx:
        registered = await bakers.get(tx, baker.baker_id)
        chosen = await distributions.of_baker(tx, baker.baker_id)
    found = await verify(baker.payer, registered, chosen)
    return [each.words for each in found.differences]


async def test_others_are_paid_as_if_there_were_no_deduction(hostile: HostileBaker) -> None:
    whole = await largest(hostile)
    simulated = await hostile.payouts(hostile.key(mode=Mode.SIMULATION))
    await agree(hostile, whole.owed_to, 7)

    await hostile.pay()

    expected = {row.address: row.net for row in simulated}
    expected[whole.address] = Mutez(expected[whole.address] - 7)
    assert dict(hostile.paid_on_chain()) == expected


async def test_a_simulation_shows_the_line_and_takes_nothing(hostile: HostileBaker) -> None:
    key = hostile.key(mode=Mode.SIMULATION)
    rows = await largest(hostile)
    await agree(hostile, rows.owed_to, 7)
    hostile.finish_cycle()
    await hostile.change(mode=Mode.SIMULATION)
    *_, key = await hostile.notice()

    await hostile.pay(key)

    lines = lines_of(await hostile.payouts(key), rows.owed_to)
    assert (lines[PayoutKind.DEDUCTION].net, lines[PayoutKind.DEDUCTION].state) == (
        7,
        PayoutState.SIMULATED,
    )
    assert await left(hostile) == [7]


@pytest.mark.parametrize("is_waived", [False, True])
async def test_a_carried_payout_is_deducted_from_as_well_and_a_waived_one_is_not(
    hostile: HostileBaker, *, is_waived: bool
) -> None:
    whole = await largest(hostile)
    await hostile.change(minimum_payout=Mutez(10**14))
    agreed = await agree(hostile, whole.owed_to, 7)
    if is_waived:
        by = Decision("cli:anna", "let it be", utc_now())
        await desk.waive(hostile.payer.ledger, hostile.baker_id, agreed.id, by)

    await hostile.pay()

    lines = lines_of(await hostile.payouts(), whole.owed_to)
    taken = 0 if is_waived else 7
    assert (lines[PayoutKind.DELEGATOR].net, lines[PayoutKind.DELEGATOR].state) == (
        whole.net - taken,
        PayoutState.CARRIED,
    )
    assert (PayoutKind.DEDUCTION in lines) is not is_waived
