"""Once the delegators are settled, the bond pool is: each member and the manager once."""

import pytest

from bakehouse.errors import ConflictError
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, PayoutState
from bakehouse.payments.payer import PaymentLimits
from bakehouse.rewards.bond_pool import BondPoolMember, plan_bond_pool
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.sandbox.draw import draw_text
from bakehouse.tezos.base58check import Prefix
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

MEMBERS = [draw_text(Prefix.TZ1, "bond-pool member", index) for index in range(3)]
MANAGER = MEMBERS[0]
BONDS = {MEMBERS[0]: 5_000_000, MEMBERS[1]: 3_000_000, MEMBERS[2]: 2_000_001}


def bond_pool_key(baker: PayingBaker) -> DistributionKey:
    return baker.key(kind=DistributionKind.BOND_POOL)


@pytest.fixture
async def lending(open_baker: OpenBaker) -> PayingBaker:
    """A baker with lenders, whose delegators are paid."""
    baker = await open_baker(bond_pool_enabled=True)
    await baker.set_bond_pool(BONDS)
    return baker


async def test_members_and_manager_are_paid_once_in_one_transfer_each(
    lending: PayingBaker,
) -> None:
    baker = lending
    delegators = (await baker.pay()).distribution
    paid_before = baker.paid_on_chain()
    sent_before = len(baker.transfers())

    step = await baker.pay(bond_pool_key(baker))

    assert (step.paid, step.total) == (3, 3)
    rows = await baker.payouts(bond_pool_key(baker))
    assert baker.paid_on_chain() - paid_before == owed(rows)
    assert sorted(each.destination for each in baker.transfers()[sent_before:]) == sorted(MEMBERS)
    pool = Mutez(delegators.figures.pool - delegators.figures.total_net)
    members = [
        BondPoolMember(address, Mutez(bond), BasisPoints(1_000), address == MANAGER)
        for address, bond in sorted(BONDS.items())
    ]
    expected = plan_bond_pool(pool, members)
    assert owed(rows) == {payout.recipient: payout.net for payout in expected.payouts}
    assert step.distribution.figures.total_net == expected.total_net
    for row in rows:
        assert row.gross == row.fee + row.net


async def test_the_bond_pool_is_entered_with_the_delegators_last_step(
    lending: PayingBaker,
) -> None:
    baker = lending
    await baker.step()
    assert not await baker.exists(bond_pool_key(baker))

    await baker.pay()

    assert (await baker.distribution(bond_pool_key(baker))).state is DistributionState.SEEN


async def test_the_bond_pool_waits_until_the_delegators_are_settled(
    lending: PayingBaker,
) -> None:
    baker = lending
    await baker.step()
    await baker.enter(bond_pool_key(baker))

    with pytest.raises(ConflictError, match="not settled yet"):
        await baker.step(bond_pool_key(baker))

    assert await baker.payouts(bond_pool_key(baker)) == []
    await baker.pay()
    assert (await baker.pay(bond_pool_key(baker))).is_settled


async def test_a_member_who_delegates_too_is_paid_for_both(open_baker: OpenBaker) -> None:
    baker = await open_baker(bond_pool_enabled=True)
    accounts = baker.chain.accounts(baker.chain.head.level)
    both = next(
        address
        for address, account in accounts.items()
        if account.delegate == baker.baker_id and account.balance > 10**9 and address[0] == "t"
    )
    await baker.set_bond_pool({both: 1, MEMBERS[1]: 2})
    before = baker.balance(both)

    await baker.pay()
    await baker.pay(bond_pool_key(baker))

    sent = [transfer for transfer in baker.transfers() if transfer.destination == both]
    as_delegator = owed(await baker.payouts())[both]
    as_member = owed(await baker.payouts(bond_pool_key(baker)))[both]
    assert [transfer.amount for transfer in sent] == [as_delegator, as_member]
    assert baker.balance(both) - before == as_delegator + as_member


@pytest.mark.parametrize(
    ("is_enabled", "bonds"), [(True, {}), (False, BONDS)], ids=["no members", "switched off"]
)
async def test_a_baker_without_members_or_without_a_pool_has_no_bond_pool_to_pay(
    open_baker: OpenBaker, *, is_enabled: bool, bonds: dict[str, int]
) -> None:
    baker = await open_baker(bond_pool_enabled=is_enabled)
    await baker.set_bond_pool(bonds)

    await baker.pay()

    assert not await baker.exists(bond_pool_key(baker))


async def test_the_pool_is_what_is_left_of_the_cycle_and_pays_no_more_than_that(
    lending: PayingBaker,
) -> None:
    baker = lending
    await baker.pay()
    await baker.pay(bond_pool_key(baker))

    figures = (await baker.distribution()).figures
    pool = (await baker.distribution(bond_pool_key(baker))).figures
    assert pool.pool == figures.own_part + figures.total_fees + figures.dust
    assert pool.total_net + pool.dust == pool.pool
    assert baker.paid_on_chain().total() <= figures.pool


async def test_a_member_who_cannot_be_paid_is_held_and_the_others_are_paid(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(bond_pool_enabled=True, limits=PaymentLimits(transfers_max=2))
    missing = draw_text(Prefix.KT1, "a contract that was never made")
    await baker.set_bond_pool({**BONDS, missing: 1_000_000})
    await baker.pay()

    step = await baker.pay(bond_pool_key(baker))

    assert (step.paid, step.held) == (3, 1)
    states = {row.address: row.state for row in await baker.payouts(bond_pool_key(baker))}
    assert states == {
        missing: PayoutState.HELD,
        **dict.fromkeys(MEMBERS, PayoutState.PAID),
    }
