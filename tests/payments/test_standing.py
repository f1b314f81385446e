"""Where bakers stand: the ledger's states become what a person asks in the morning."""

import pytest

from bakehouse.errors import SourceError
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.advance import fail
from bakehouse.payments.standing import Standing, standings, wallet_standing
from bakehouse.rewards.money import Mutez
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker
from tests.payments.lives import SHORT_LIVES


@pytest.fixture
async def baker(open_hostile: OpenHostileBaker) -> HostileBaker:
    return await open_hostile(limits=SHORT_LIVES, node_count=1)


async def look(baker: HostileBaker) -> Standing:
    [standing] = await standings(baker.payer.ledger)
    return standing


async def test_a_cycle_is_open_while_it_waits_and_settled_once_paid(baker: HostileBaker) -> None:
    waiting = await look(baker)
    assert [each.key for each in waiting.open] == [baker.key()]
    assert (waiting.under_way, waiting.last_settled, waiting.cycle_cost) == ([], None, None)

    await baker.step()
    paying = await look(baker)
    [progress] = paying.under_way
    assert (progress.paid, progress.total) == (0, len(await baker.payouts()))

    await baker.pay()
    paid = await look(baker)
    assert paid.last_settled is not None
    assert paid.last_settled.key == baker.key()
    assert (paid.open, paid.under_way, paid.failed) == ([], [], [])


async def test_how_long_a_wallet_lasts_follows_from_what_cycles_cost(baker: HostileBaker) -> None:
    assert (await look(baker)).cycles_covered(Mutez(10**12)) is None

    await baker.pay()

    standing = await look(baker)
    fees = sum(each.total_fee for each in await baker.operations())
    cost = (await baker.distribution()).figures.total_net + fees
    assert standing.cycle_cost == cost
    assert standing.cycles_covered(Mutez(3 * cost - 1)) == 2


async def test_the_bond_pool_is_part_of_what_a_cycle_costs(baker: HostileBaker) -> None:
    await baker.change(bond_pool_enabled=True)
    await baker.set_bond_pool({baker.payout_address: 1_000_000})
    await baker.pay()
    pool_key = baker.key(kind=DistributionKind.BOND_POOL)
    await baker.pay(pool_key)

    cost = 0
    for key in (baker.key(), pool_key):
        cost += (await baker.distribution(key)).figures.total_net
        cost += sum(each.total_fee for each in await baker.operations(key))
    assert (await look(baker)).cycle_cost == cost


async def test_what_failed_and_what_is_held_waits_for_a_person(baker: HostileBaker) -> None:
    await baker.plan_only()
    largest, second, *_ = await baker.payouts()
    await baker.change(payout_cap=second.net)
    await baker.step()
    await fail(baker.payer, baker.key(), "the wallet was empty")

    standing = await look(baker)
    assert [each.key for each in standing.failed] == [baker.key()]
    assert [each.owed_to for each in standing.held] == [largest.owed_to]
    assert standing.held_total == largest.net
    assert standing.open == []


async def test_a_baker_in_simulation_stands_where_its_simulations_do(baker: HostileBaker) -> None:
    await baker.pay()
    await baker.change(mode=Mode.SIMULATION)

    assert (await look(baker)).last_settled is None

    await baker.notice()
    await baker.pay(baker.key(mode=Mode.SIMULATION))
    settled = (await look(baker)).last_settled
    assert settled is not None
    assert settled.key.mode is Mode.SIMULATION


async def test_what_the_wallet_holds_is_the_nodes_word(baker: HostileBaker) -> None:
    before = await wallet_standing(baker.payer, baker.payout_address)
    assert (before.balance, before.is_revealed) == (baker.balance(baker.payout_address), False)

    await baker.pay()

    after = await wallet_standing(baker.payer, baker.payout_address)
    assert after.is_revealed
    assert after.balance < before.balance
    baker.way.treat("node-.*", BAD_GATEWAY)
    with pytest.raises(SourceError):
        await wallet_standing(baker.payer, baker.payout_address)
