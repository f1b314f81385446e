"""Looking back before signing: whoever was paid by another tool is held, and nobody else."""

from dataclasses import replace

import pytest

from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import PayoutState
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.sandbox.hostile.fault import Fault
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker, altered
from tests.payments.lives import SHORT_LIVES
from tests.payments.surroundings import owed, small_chain
from tests.sandbox.sandbox_wallet import UNUSED

FOREIGN_MUTEZ = 5


@pytest.fixture
async def planned(hostile: HostileBaker) -> HostileBaker:
    await hostile.plan_only()
    return hostile


def pay_from_elsewhere(baker: HostileBaker, destination: str) -> str:
    """Have somebody else who has the key pay an address in the next block; gives the hash."""
    before = set(baker.sandbox.foreign)
    baker.sandbox.inflict(Fault.FOREIGN_COUNTER, destination=destination, amount=FOREIGN_MUTEZ)
    (signed,) = baker.sandbox.foreign - before
    baker.bake()
    assert baker.chain.including_block(signed) is not None
    return signed


async def held(baker: HostileBaker, key: DistributionKey | None = None) -> list[Payout]:
    return [row for row in await baker.payouts(key) if row.state is PayoutState.HELD]


def decision(baker: HostileBaker) -> Decision:
    return Decision("test", "that was a gift", baker.payer.clock())


async def assert_only_this_is_held(baker: HostileBaker, victim: Payout, foreign: str) -> None:
    step = await baker.pay()
    assert step.is_settled
    assert (step.held, step.paid) == (1, step.total - 1)
    (row,) = await held(baker)
    assert row.owed_to == victim.owed_to
    assert row.reason is not None
    assert row.reason.startswith("not-paid-elsewhere: the wallet has paid it since the cycle ended")
    assert f"0.000005 tez in {foreign}" in row.reason
    paid = baker.paid_on_chain()
    assert paid.pop(victim.address) == FOREIGN_MUTEZ
    assert paid == owed([each for each in await baker.payouts() if each.id != victim.id])


async def test_whom_another_tool_has_paid_is_held_with_the_hash_and_the_others_are_paid(
    planned: HostileBaker,
) -> None:
    victim = (await planned.payouts())[2]
    foreign = pay_from_elsewhere(planned, victim.address)

    await assert_only_this_is_held(planned, victim, foreign)


async def test_a_foreign_transfer_between_two_groups_is_seen_before_the_second(
    planned: HostileBaker,
) -> None:
    victim = max(await planned.payouts(), key=lambda row: row.address)
    await planned.step()
    planned.bake()
    foreign = pay_from_elsewhere(planned, victim.address)

    await assert_only_this_is_held(planned, victim, foreign)


async def test_a_held_payout_that_a_person_releases_is_paid(planned: HostileBaker) -> None:
    victim = (await planned.payouts())[0]
    pay_from_elsewhere(planned, victim.address)
    await planned.pay()
    async with planned.payer.ledger.write() as tx:
        assert await controls.release(tx, planned.key(), decision(planned)) == 1

    step = await planned.pay()

    assert (step.held, step.paid) == (0, step.total)
    paid = planned.paid_on_chain()
    assert paid[victim.address] == victim.net + FOREIGN_MUTEZ
    (released,) = [row for row in await planned.payouts() if row.id == victim.id]
    assert (released.reason, released.released_at is not None) == (None, True)


async def test_a_released_payout_is_held_again_when_it_is_paid_from_elsewhere_once_more(
    planned: HostileBaker,
) -> None:
    victim = (await planned.payouts())[0]
    pay_from_elsewhere(planned, victim.address)
    await planned.pay()
    async with planned.payer.ledger.write() as tx:
        await controls.release(tx, planned.key(), decision(planned))
    again = pay_from_elsewhere(planned, victim.address)

    step = await planned.pay()

    assert step.held == 1
    (row,) = await held(planned)
    assert row.reason is not None
    assert again in row.reason
    assert planned.paid_on_chain()[victim.address] == 2 * FOREIGN_MUTEZ


async def test_a_held_payout_that_a_person_drops_is_never_paid(planned: HostileBaker) -> None:
    victim = (await planned.payouts())[0]
    pay_from_elsewhere(planned, victim.address)
    await planned.pay()
    async with planned.payer.ledger.write() as tx:
        await controls.drop(tx, planned.key(), decision(planned), owed_to=victim.owed_to)

    assert (await planned.pay()).is_settled

    assert planned.paid_on_chain()[victim.address] == FOREIGN_MUTEZ
    (row,) = [each for each in await planned.payouts() if each.id == victim.id]
    assert (row.state, row.reason) == (PayoutState.DROPPED, "that was a gift (test)")


async def test_a_foreign_transfer_before_the_cycle_ended_holds_nobody(
    open_hostile: OpenHostileBaker,
) -> None:
    long = replace(small_chain(delegator_count=6), blocks_per_cycle=30)
    baker = await open_hostile(long, SHORT_LIVES)
    assert (await baker.pay()).is_settled
    victim, *_ = await baker.payouts()
    pay_from_elsewhere(baker, victim.address)
    second = baker.key(baker.first_cycle + 1)
    assert not await baker.exists(second)
    baker.finish_cycle()
    assert await baker.notice() == (second,)

    step = await baker.pay(second)

    assert (step.held, step.paid) == (0, step.total)
    both = owed([*await baker.payouts(), *await baker.payouts(second)])
    assert baker.paid_on_chain() - both == {victim.address: FOREIGN_MUTEZ}


@pytest.mark.parametrize("is_the_baker", [True, False], ids=["the baker", "a stranger"])
async def test_a_foreign_transfer_to_somebody_who_is_owed_nothing_holds_nobody(
    planned: HostileBaker, *, is_the_baker: bool
) -> None:
    destination = planned.baker_id if is_the_baker else UNUSED[0]
    pay_from_elsewhere(planned, destination)

    step = await planned.pay()

    assert (step.held, step.paid) == (0, step.total)
    paid = planned.paid_on_chain()
    assert paid.pop(destination) == FOREIGN_MUTEZ
    assert paid == owed(await planned.payouts())


@pytest.mark.parametrize("blocks", [1, 3])
async def test_a_foreign_transfer_in_a_block_that_the_indexer_has_not_read_yet_is_seen(
    planned: HostileBaker, blocks: int
) -> None:
    planned.sandbox.inflict(Fault.INDEXER_LAG, blocks=5)
    victim = (await planned.payouts())[1]
    foreign = pay_from_elsewhere(planned, victim.address)
    for _ in range(blocks):
        planned.bake()

    await planned.step()

    (row,) = await held(planned)
    assert row.owed_to == victim.owed_to
    assert row.reason is not None
    assert foreign in row.reason
    planned.sandbox.heal()
    await assert_only_this_is_held(planned, victim, foreign)


async def test_an_indexer_too_far_behind_to_tell_is_waited_for(planned: HostileBaker) -> None:
    for _ in range(34):
        planned.bake()
    planned.sandbox.inflict(Fault.INDEXER_LAG, blocks=31)

    for _ in range(3):
        step = await planned.step()
        assert step.trouble is not None
        assert "too far behind to tell whom this wallet has paid" in step.trouble
        planned.bake()

    assert await planned.operations() == []
    planned.sandbox.heal()
    assert (await planned.pay()).is_settled
    assert planned.paid_on_chain() == owed(await planned.payouts())


async def test_nothing_is_signed_while_node_and_indexer_tell_of_different_blocks(
    planned: HostileBaker,
) -> None:
    other = planned.chain.block_at(planned.chain.head.level - 1).hash
    planned.way.treat("indexer GET /v1/head", altered(lambda head: {**head, "hash": other}))

    step = await planned.step()

    assert step.trouble is not None
    assert "node and indexer differ about block" in step.trouble
    assert await planned.operations() == []
    planned.heal()
    assert (await planned.pay()).is_settled
    assert planned.paid_on_chain() == owed(await planned.payouts())
