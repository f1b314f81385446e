from dataclasses import replace

import pytest

from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.protocol import ALLOCATION_BURN
from tests.sandbox.hostile_world import HEAD, PAYMENT, HostileWorld
from tests.sandbox.sandbox_wallet import UNUSED, total_mutez, with_each


async def test_an_included_group_fails_and_costs_its_fees_and_counters(
    world: HostileWorld,
) -> None:
    payments = [(address, 1_000_000) for address in UNUSED]
    counter, before = world.payer.next_counter, world.payer.balance
    world.sandbox.inflict(Fault.INCLUDED_BUT_FAILED, position=1)
    world.bake()
    assert world.sandbox.struck == {}
    sent = await world.pay(*payments)

    world.bake()

    assert world.included() == [sent]
    assert world.statuses() == ["backtracked", "failed", "skipped"]
    (operation,) = await world.get(HEAD + "/operations/3")
    result = operation["contents"][1]["metadata"]["operation_result"]
    assert result["errors"][0]["id"].endswith("contract.balance_too_low")
    assert world.payer.next_counter == counter + 3
    assert world.payer.balance == before - 3_000
    assert world.sandbox.struck == {Fault.INCLUDED_BUT_FAILED: 1}
    await world.pay(*payments)
    world.bake()
    assert world.statuses() == ["applied"] * 3


@pytest.mark.parametrize("left", [0, 1, 500])
async def test_a_drained_account_cannot_pay_until_its_money_is_back(
    world: HostileWorld, left: int
) -> None:
    before = world.payer.balance
    total = total_mutez(world.chain) - world.chain.head.issued
    sent = await world.pay(PAYMENT)

    world.sandbox.inflict(Fault.BALANCE_DRAINED, left=left)
    world.bake(3)

    assert world.included() == []
    assert world.payer.balance == left
    assert world.sandbox.struck == {Fault.BALANCE_DRAINED: 1}
    world.sandbox.heal()
    world.bake()
    assert world.payer.balance == before
    assert total_mutez(world.chain) - world.chain.head.issued == total
    world.bake()
    # An account that was emptied has forgotten its key and counter, and our operation is no more.
    assert world.included() == ([] if left == 0 else [sent])


async def test_a_drained_account_that_can_pay_its_fees_loses_them_and_pays_nobody(
    world: HostileWorld,
) -> None:
    await world.pay(PAYMENT)

    world.sandbox.inflict(Fault.BALANCE_DRAINED, left=5_000)
    world.bake()

    assert world.statuses() == ["failed"]
    assert world.payer.balance == 4_000


async def test_a_reorg_undoes_a_draining_that_is_done_again_and_given_back_once(
    world: HostileWorld,
) -> None:
    before = world.payer.balance
    world.sandbox.inflict(Fault.BALANCE_DRAINED, left=1_000)
    world.bake()
    world.sandbox.inflict(Fault.REORG, depth=1)
    assert world.payer.balance == before
    world.bake()
    assert world.payer.balance == 1_000

    world.sandbox.heal()
    world.bake()
    world.sandbox.inflict(Fault.REORG, depth=1)
    world.bake()

    assert world.payer.balance == before
    world.bake(2)
    assert world.payer.balance == before


async def test_a_payee_emptied_after_the_simulation_fails_the_group(world: HostileWorld) -> None:
    payee = world.payees()[0]
    group = with_each(world.payer.group((payee, 5_000)), storage_limit=0)
    world.sandbox.inflict(Fault.DESTINATION_EMPTIED)
    world.bake()
    assert world.sandbox.struck == {}

    await world.inject(world.payer.sign(group))
    world.bake()

    assert world.statuses() == ["backtracked"]
    (error, *_) = world.chain.head.operations[0].receipts[0].errors
    assert error.id.endswith("storage_exhausted.operation")
    assert world.chain.account(payee, world.chain.head.level) is None
    assert world.sandbox.struck == {Fault.DESTINATION_EMPTIED: 1}
    before = world.payer.balance
    await world.pay((payee, 5_000))
    world.bake()
    assert world.statuses() == ["applied"]
    assert world.payer.balance == before - 5_000 - 1_000 - ALLOCATION_BURN


async def test_a_named_account_is_emptied_at_once_and_stays_so_through_a_reorg(
    world: HostileWorld,
) -> None:
    payee = world.payees()[0]
    world.sandbox.inflict(Fault.DESTINATION_EMPTIED, address=payee)
    world.bake()
    assert world.chain.account(payee, world.chain.head.level) is None

    world.sandbox.inflict(Fault.REORG, depth=1)
    assert world.chain.account(payee, world.chain.head.level) is not None
    world.bake()

    assert world.chain.account(payee, world.chain.head.level) is None
    assert world.sandbox.struck[Fault.DESTINATION_EMPTIED] == 1


async def test_movements_of_others_are_among_a_blocks_balance_updates(
    world: HostileWorld,
) -> None:
    world.sandbox.inflict(Fault.BALANCE_DRAINED, left=0)
    world.bake()

    updates = (await world.get(HEAD + "/metadata"))["balance_updates"]

    assert sum(int(update["change"]) for update in updates) == 0
    assert world.payer.address in {update.get("contract") for update in updates}


async def test_the_whole_balance_paid_to_oneself_allocates_nothing(world: HostileWorld) -> None:
    group = world.payer.group((world.payer.address, world.payer.balance - 1_000))
    sent = await world.inject(world.payer.sign(replace(group)))
    assert sent.status_code == 200
    world.bake()

    assert world.statuses() == ["applied"]
    assert world.chain.head.burned == 0
