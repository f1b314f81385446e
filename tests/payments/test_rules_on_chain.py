"""A baker's rules where they meet the chain: redirects, exclusions, income, intervals, delays."""

from collections import Counter

import pytest

from bakehouse.errors import SettingError
from bakehouse.ledger import exclusions
from bakehouse.ledger.page import Slice
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionState, PayoutState
from bakehouse.rewards.eligibility import ExclusionReason
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import ExcludedShare, IncomeShare, Leavers, Listing
from bakehouse.rewards.plan_values import Exclusion
from bakehouse.sandbox.chain import Chain
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

#: Funded by nobody: what it gets, it gets from us.
ELSEWHERE = "tz1Ke2h7sDdakHJQh8WX4Z372du1KChsksyU"
HALF = BasisPoints(5_000)
ALL = BasisPoints(10_000)


def largest_of(chain: Chain) -> tuple[str, int]:
    return chain.rights.snapshot(chain.settings.starting_cycle).delegators[0]


async def excluded(baker: PayingBaker) -> list[Exclusion]:
    async with baker.payer.ledger.read() as tx:
        page = await exclusions.page(tx, await baker.distribution(), Slice(0, 1_000))
    return list(page.rows)


async def rows_of(baker: PayingBaker, cycles: int) -> list[Payout]:
    numbers = range(baker.first_cycle, baker.first_cycle + cycles)
    return [row for number in numbers for row in await baker.payouts(baker.key(number))]


async def pay_cycles(baker: PayingBaker, cycles: int) -> None:
    for number in range(cycles):
        await baker.pay(baker.key(baker.first_cycle + number))
        baker.finish_cycle()
        await baker.notice()


# Redirects


async def test_a_redirected_payout_goes_elsewhere_and_stays_owed_to_whom_it_was(
    baker: PayingBaker,
) -> None:
    whom, _ = largest_of(baker.chain)
    await baker.set_rule(whom, recipient=ELSEWHERE)

    await baker.pay()

    [row] = [row for row in await baker.payouts() if row.owed_to == whom]
    assert (row.address, row.state) == (ELSEWHERE, PayoutState.PAID)
    paid = baker.paid_on_chain()
    assert paid[ELSEWHERE] == row.net
    assert paid[whom] == 0


async def test_changing_a_redirect_after_paying_never_pays_again(baker: PayingBaker) -> None:
    whom, _ = largest_of(baker.chain)
    await baker.pay()
    before = baker.paid_on_chain()

    await baker.set_rule(whom, recipient=ELSEWHERE)
    await baker.notice()
    await baker.pay()

    assert baker.paid_on_chain() == before


async def test_what_was_carried_goes_where_its_recipient_is_redirected_when_it_is_paid(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(minimum_payout=10**9)
    whom, _ = largest_of(baker.chain)
    await baker.pay()
    baker.finish_cycle()
    await baker.notice()
    await baker.change(minimum_payout=0)
    await baker.set_rule(whom, recipient=ELSEWHERE)

    await baker.pay(baker.key(baker.first_cycle + 1))

    rows = [row for row in await rows_of(baker, 2) if row.owed_to == whom]
    assert baker.paid_on_chain()[ELSEWHERE] == sum(row.net for row in rows)
    assert len([each for each in baker.transfers() if each.destination == ELSEWHERE]) == 1


async def test_whatever_would_have_the_wallet_pay_itself_is_refused(baker: PayingBaker) -> None:
    whom, _ = largest_of(baker.chain)

    with pytest.raises(SettingError, match="which is the wallet that pays"):
        await baker.set_rule(whom, recipient=baker.payout_address)
    with pytest.raises(SettingError, match=r"an income share goes to .* the wallet that pays"):
        await baker.set_income(IncomeShare(baker.payout_address, of_fees=HALF))
    await baker.set_rule(whom, recipient=ELSEWHERE)
    with pytest.raises(SettingError, match="which is the wallet that pays"):
        await baker.change(payout_address=ELSEWHERE)


# Exclusions and income


async def test_who_is_excluded_is_shown_with_its_share_and_gets_nothing(
    baker: PayingBaker,
) -> None:
    whom, balance = largest_of(baker.chain)
    await baker.set_rule(whom, listing=Listing.IGNORED)

    await baker.pay()

    [one] = await excluded(baker)
    assert (one.recipient, one.delegated_balance) == (whom, balance)
    assert (one.reason, one.share_goes_to) == (ExclusionReason.IGNORED, ExcludedShare.BAKER)
    figures = (await baker.distribution()).figures
    assert figures.excluded_kept == one.gross > 0
    assert figures.pool == (
        figures.own_part
        + figures.total_fees
        + figures.excluded_kept
        + figures.total_net
        + figures.dust
    )
    assert baker.paid_on_chain()[whom] == 0
    assert baker.paid_on_chain() == owed(await baker.payouts())


async def test_an_excluded_share_and_the_income_are_paid_to_named_addresses_in_one_transfer(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker()
    whom, _ = largest_of(baker.chain)
    await baker.set_income(IncomeShare(ELSEWHERE, of_bonds=HALF, of_fees=HALF, of_excluded=ALL))
    await baker.set_rule(whom, listing=Listing.IGNORED, excluded_share=ExcludedShare.NAMED)

    await baker.pay()

    kinds = {row.kind: row.net for row in await baker.payouts() if row.owed_to == ELSEWHERE}
    figures = (await baker.distribution()).figures
    [one] = await excluded(baker)
    assert kinds["excluded-share"] == one.gross
    assert kinds["fee-share"] in (figures.total_fees, figures.total_fees - 1)
    assert kinds["bond-share"] in (figures.own_part, figures.own_part - 1)
    assert baker.paid_on_chain()[ELSEWHERE] == sum(kinds.values())
    assert len([each for each in baker.transfers() if each.destination == ELSEWHERE]) == 1


async def test_a_rule_that_names_nobody_is_refused_and_the_last_good_ones_stay(
    baker: PayingBaker,
) -> None:
    with pytest.raises(SettingError, match="do not add up to 100 %"):
        await baker.change(excluded_share=ExcludedShare.NAMED)
    with pytest.raises(SettingError, match="do not add up to 100 %"):
        await baker.set_rule(ELSEWHERE, excluded_share=ExcludedShare.NAMED)

    await baker.pay()

    assert baker.paid_on_chain() == owed(await baker.payouts())


# When it is paid


@pytest.mark.parametrize("leavers", list(Leavers))
async def test_several_cycles_are_paid_in_one_transfer(
    open_baker: OpenBaker, leavers: Leavers
) -> None:
    baker = await open_baker(payout_interval=3, interval_offset=2, leavers=leavers)
    cycles = next(count for count in range(1, 4) if (baker.first_cycle + count - 1) % 3 == 2) + 3

    await pay_cycles(baker, cycles)

    rows = await rows_of(baker, cycles)
    assert {row.state for row in rows} == {PayoutState.PAID}
    assert baker.paid_on_chain() == owed(rows)
    per_recipient = Counter(transfer.destination for transfer in baker.transfers())
    assert set(per_recipient.values()) <= {1, 2}
    paying = {
        number
        for number in range(baker.first_cycle, baker.first_cycle + cycles)
        if await baker.operations(baker.key(number))
    }
    assert {number % 3 for number in paying} == {2}


async def test_between_paying_cycles_everything_waits_and_the_cycle_is_settled(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(payout_interval=1_000, interval_offset=999)

    step = await baker.pay()

    assert step.distribution.state is DistributionState.PAID
    rows = await baker.payouts()
    assert {(row.state, row.reason) for row in rows} == {
        (PayoutState.CARRIED, "not-a-paying-cycle")
    }
    assert baker.transfers() == []


async def test_the_bond_pool_waits_for_the_paying_cycle_too(open_baker: OpenBaker) -> None:
    baker = await open_baker(payout_interval=2, bond_pool_enabled=True)
    await baker.set_bond_pool({ELSEWHERE: 1_000_000})

    for number in range(3):
        for kind in baker.kinds:
            key = baker.key(baker.first_cycle + number, kind)
            if await baker.exists(key):
                await baker.pay(key)
        baker.finish_cycle()
        await baker.notice()

    rows = [
        row
        for number in range(3)
        for kind in baker.kinds
        for row in await baker.payouts(baker.key(baker.first_cycle + number, kind))
    ]
    paid = baker.paid_on_chain()
    assert paid == owed([row for row in rows if row.state is PayoutState.PAID])
    assert paid[ELSEWHERE] > 0
    last = baker.first_cycle + 2
    waiting = {row.cycle for row in rows if row.state is PayoutState.CARRIED}
    assert waiting == ({last} if last % 2 else set())


async def test_a_delay_is_drawn_once_and_kept(open_baker: OpenBaker) -> None:
    baker = await open_baker(delay_blocks_least=3, delay_blocks_most=6)
    cycle_length = baker.chain.cycle_length
    turn = cycle_length.first_level(baker.first_cycle + 1)
    drawn = (await baker.distribution()).not_before_level
    assert drawn is not None
    assert turn + 3 <= drawn <= turn + 6

    while baker.chain.head.level < drawn:
        step = await baker.step()
        assert step.waiting_for.endswith("blocks of delay")
        await baker.notice()
        baker.bake()
    await baker.pay()

    assert (await baker.distribution()).not_before_level == drawn
    assert baker.paid_on_chain() == owed(await baker.payouts())


async def test_missed_cycles_have_waited_enough(open_baker: OpenBaker) -> None:
    baker = await open_baker()
    baker.finish_cycle()
    baker.finish_cycle()
    await baker.change(delay_blocks_least=4, delay_blocks_most=4)
    await baker.notice()

    levels = [
        (await baker.distribution(baker.key(baker.first_cycle + number))).not_before_level
        for number in range(3)
    ]

    assert levels[:2] == [None, None]
    assert levels[2] is not None


async def test_the_evidence_names_every_rule(baker: PayingBaker) -> None:
    await baker.change(minimum_balance=Mutez(5))
    await baker.pay()

    evidence = await baker.evidence()

    assert evidence["rules"]["minimum_balance"] == 5
    assert evidence["rules"]["rounding"] == "net-floor"
    assert evidence["expected_costs"] == {"fee": 0, "burn": 0}
