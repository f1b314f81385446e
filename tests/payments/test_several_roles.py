"""One person in several roles, redirected, excluded in one of them, over cycles paid together."""

from collections import Counter

import pytest

from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import PayoutState
from bakehouse.payments.payer import SourceLocks
from bakehouse.payments.wallet_transfers import WalletTransfers
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import IncomeShare, Listing
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker
from tests.payments.surroundings import owed, small_chain

#: Funded by nobody: what it gets, it gets from us.
VAULT = "tz1Ke2h7sDdakHJQh8WX4Z372du1KChsksyU"
QUARTER = BasisPoints(2_500)


async def pay_cycle(baker: HostileBaker, cycle: int) -> list[Payout]:
    """Pay what a cycle is due, in a process of its own; gives the payouts planned for it."""
    process = baker.other(
        holder=f"of {cycle}", locks=SourceLocks(), wallet_transfers=WalletTransfers()
    )
    await process.notice()
    rows: list[Payout] = []
    for kind in baker.kinds:
        await process.pay(process.key(cycle, kind))
        rows += await process.payouts(process.key(cycle, kind))
    baker.finish_cycle()
    return rows


@pytest.mark.parametrize("is_ignored", [False, True], ids=["delegator", "ignored"])
async def test_all_is_paid_in_the_paying_cycle_and_where_it_is_redirected_then(
    open_hostile: OpenHostileBaker, *, is_ignored: bool
) -> None:
    baker = await open_hostile(
        small_chain(delegator_count=2),
        payout_interval=2,
        interval_offset=1,
        bond_pool_enabled=True,
    )
    first = baker.first_cycle
    assert first % 2 == 0
    whom, _ = baker.chain.rights.snapshot(baker.first_cycle).delegators[0]
    await baker.set_bond_pool({whom: 1_000_000})
    await baker.set_income(IncomeShare(whom, of_bonds=QUARTER, of_fees=QUARTER))
    listing = Listing.IGNORED if is_ignored else None
    await baker.set_rule(whom, recipient="tz1burnburnburnburnburnburnburjAYjjX", listing=listing)

    waiting = await pay_cycle(baker, first)
    assert {row.state for row in waiting} == {PayoutState.CARRIED}
    await baker.set_rule(whom, recipient=VAULT, listing=listing)
    await pay_cycle(baker, first + 1)

    rows = [
        row
        for cycle in (first, first + 1)
        for kind in baker.kinds
        for row in await baker.payouts(baker.key(cycle, kind))
    ]
    kinds = Counter(row.kind for row in rows if row.owed_to == whom)
    expected = {"bond-member", "bond-share", "fee-share"}
    if not is_ignored:
        expected.add("delegator")
    assert kinds == dict.fromkeys(expected, 2)
    assert {row.state for row in rows} == {PayoutState.PAID}
    paid = baker.paid_on_chain()
    assert paid == owed(rows)
    assert paid[VAULT] == sum(row.net for row in rows if row.owed_to == whom)
    assert paid[whom] == 0
