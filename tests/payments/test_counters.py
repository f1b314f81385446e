"""The wallet's counter: somebody else uses it, or a node has not heard of our own groups yet."""

import pytest

from bakehouse.ledger.states import Death, Mode, OperationState, PayoutState
from bakehouse.payments.advance import watch_unfinished
from bakehouse.sandbox.node_json import header_json
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.chain_front import HEAD_HEADER, altered
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed
from tests.sandbox.sandbox_wallet import UNUSED, Wallet


@pytest.fixture
async def between_groups(baker: PayingBaker) -> PayingBaker:
    """A baker whose first group is final and whose second is not made yet."""
    await baker.step()
    await baker.change(mode=Mode.OFF)
    for _ in range(3):
        baker.bake()
    for _ in range(2):
        await watch_unfinished(baker.payer, baker.baker_id)
    (operation,) = await baker.operations()
    assert operation.state is OperationState.FINAL
    await baker.change(mode=Mode.ON)
    return baker


async def test_a_transfer_of_the_wallets_owner_between_two_groups_disturbs_nothing(
    between_groups: PayingBaker,
) -> None:
    baker = between_groups
    Wallet(baker.chain, baker.chain.world.payout_key).send((UNUSED[0], 1_000))
    baker.bake()

    await baker.pay()

    paid = baker.paid_on_chain()
    assert paid.pop(UNUSED[0]) == 1_000
    assert paid == owed(await baker.payouts())


async def test_a_counter_taken_by_the_wallets_owner_frees_payouts_once_that_is_final(
    between_groups: PayingBaker,
) -> None:
    baker = between_groups
    await baker.step()
    _, ours = await baker.operations()
    baker.chain.mempool.drop([ours.hash])
    Wallet(baker.chain, baker.chain.world.payout_key).send((UNUSED[0], 1_000))

    for _ in range(FINALITY_BLOCKS):
        baker.bake()
        assert (await baker.step()).waiting_for == "a block"
        assert len(await baker.operations()) == 2
        assigned = [row for row in await baker.payouts() if row.state is PayoutState.ASSIGNED]
        assert len(assigned) == 10
        assert not owed(assigned).keys() & baker.paid_on_chain().keys()
    baker.bake()
    await baker.step()

    _, dead, *anew = await baker.operations()
    assert (dead.hash, dead.state, dead.death) == (
        ours.hash,
        OperationState.DEAD,
        Death.SUPERSEDED,
    )
    assert len(anew) == 1
    await baker.pay()
    paid = baker.paid_on_chain()
    assert paid.pop(UNUSED[0]) == 1_000
    assert paid == owed(await baker.payouts())


async def test_a_node_that_is_behind_our_own_final_group_is_not_signed_on(
    between_groups: PayingBaker,
) -> None:
    baker = between_groups
    (operation,) = await baker.operations()
    assert operation.included_level is not None
    old = baker.chain.block_at(operation.included_level - 1)
    baker.front.treat(HEAD_HEADER, altered(lambda _: header_json(baker.chain, old)))

    step = await baker.step()

    assert "this one is not sent" in step.waiting_for
    assert step.wait_seconds == baker.payer.limits.lease_seconds
    assert len(await baker.operations()) == 1
    baker.front.be_good()
    await baker.pay()
    assert baker.paid_on_chain() == owed(await baker.payouts())
