"""A cycle turns and everybody is paid: noticed, planned, sent in groups, final, closed."""

from itertools import pairwise

from bakehouse.ledger.states import DistributionState, OperationState, PayoutState
from bakehouse.payments.payer import PaymentLimits
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.receipt import IncludedGroup, Status
from bakehouse.sandbox.validation import (
    MINIMAL_FEES,
    MINIMAL_NANOTEZ_PER_BYTE,
    MINIMAL_NANOTEZ_PER_GAS_UNIT,
)
from bakehouse.tezos.operation import Reveal, Transaction
from bakehouse.tezos.signed_operation import decode_signed
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

#: A little more than the margin of 2 %: each content may round up by a mutez.
FEE_OVER_MINIMUM_MAX = 1.05
GROUP_MAX = 10


def groups_in(blocks: list[Block]) -> list[tuple[Block, IncludedGroup]]:
    return [(block, group) for block in blocks for group in block.operations]


async def test_the_first_finished_cycle_is_noticed_and_paid_in_full(baker: PayingBaker) -> None:
    assert await baker.notice() == (baker.key(),)

    step = await baker.pay()

    assert step.is_settled
    assert (step.paid, step.held) == (step.total, 0)
    assert step.distribution.state is DistributionState.PAID
    assert {row.state for row in await baker.payouts()} == {PayoutState.PAID}
    assert await baker.notice() == ()


async def test_each_balance_rises_by_exactly_what_was_planned(baker: PayingBaker) -> None:
    await baker.step()
    plan = owed(await baker.payouts())
    before = {address: baker.balance(address) for address in plan}

    await baker.pay()

    risen = {address: baker.balance(address) - before[address] for address in plan}
    assert risen == plan
    assert len(plan) == 21


async def test_the_blocks_hold_the_plan_to_the_mutez(baker: PayingBaker) -> None:
    step = await baker.pay()

    paid = baker.paid_on_chain()
    assert paid == owed(await baker.payouts())
    assert paid.total() == step.distribution.figures.total_net
    destinations = [transfer.destination for transfer in baker.transfers()]
    assert len(destinations) == len(set(destinations))


async def test_every_transfer_in_the_ledger_is_the_one_in_its_block(baker: PayingBaker) -> None:
    await baker.pay()

    in_ledger = [
        (row.position, row.destination, row.amount, row.fee, row.status, row.burn)
        for operation in await baker.operations()
        for row in await baker.transfers_of(operation)
    ]
    in_blocks = [
        (row.position, row.destination, row.amount, row.fee, row.status, row.burn)
        for row in baker.transfers()
    ]
    assert in_ledger == in_blocks
    for operation in await baker.operations():
        block = baker.chain.including_block(operation.hash)
        assert block is not None
        assert operation.state is OperationState.FINAL
        assert operation.applied
        assert (operation.included_level, operation.included_block) == (block.level, block.hash)


async def test_the_key_is_revealed_in_the_first_group_only(baker: PayingBaker) -> None:
    await baker.pay()

    contents = [
        decode_signed(operation.signed_bytes)[0].contents for operation in await baker.operations()
    ]
    assert [type(content) for group in contents for content in group].count(Reveal) == 1
    assert isinstance(contents[0][0], Reveal)


async def test_groups_follow_each_other_one_in_a_block(baker: PayingBaker) -> None:
    await baker.pay()

    included = groups_in(baker.chain.simulated_blocks())
    sizes = [
        sum(isinstance(content, Transaction) for content in group.signed.group.contents)
        for _, group in included
    ]
    assert sizes == [GROUP_MAX, GROUP_MAX, 1]
    levels = [block.level for block, _ in included]
    assert all(left < right for left, right in pairwise(levels))
    counters = [content.counter for _, group in included for content in group.signed.group.contents]
    assert counters == list(range(counters[0], counters[0] + len(counters)))


async def test_the_next_group_is_signed_only_when_the_last_is_in_a_block(
    baker: PayingBaker,
) -> None:
    await baker.step()
    for _ in range(3):
        assert (await baker.step()).waiting_for == "a block"

    assert len(await baker.operations()) == 1
    assert baker.front.asked("POST /injection/operation") == 1


async def test_nothing_counts_as_paid_before_two_blocks_are_on_top(baker: PayingBaker) -> None:
    await baker.step()
    baker.bake()
    for _ in range(2):
        await baker.step()
        assert PayoutState.PAID not in {row.state for row in await baker.payouts()}
        baker.bake()

    step = await baker.step()

    assert step.paid == GROUP_MAX


async def test_more_confirmations_are_waited_for_where_the_baker_wants_them(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(num_blocks_wait=4)
    await baker.step()
    included = baker.bake()
    while baker.chain.head.level < included.level + 3:
        baker.bake()
    assert (await baker.step()).paid == 0

    baker.bake()

    assert (await baker.step()).paid == 21


async def test_fees_are_above_the_nodes_minimum_and_hardly_so(baker: PayingBaker) -> None:
    await baker.pay()

    for operation in await baker.operations():
        group, _ = decode_signed(operation.signed_bytes)
        minimum = (
            MINIMAL_FEES
            + (
                MINIMAL_NANOTEZ_PER_GAS_UNIT * sum(content.gas_limit for content in group.contents)
                + MINIMAL_NANOTEZ_PER_BYTE * len(operation.signed_bytes)
            )
            / 1_000
        )
        assert minimum <= operation.total_fee <= FEE_OVER_MINIMUM_MAX * minimum
        assert operation.total_fee == sum(content.fee for content in group.contents)


async def test_gas_limits_are_what_the_transfers_use_and_a_little_more(
    baker: PayingBaker,
) -> None:
    await baker.pay()

    for _, group in groups_in(baker.chain.simulated_blocks()):
        first, *others = zip(group.signed.group.contents, group.receipts, strict=True)
        for content, receipt in others:
            assert isinstance(content, Transaction)
            margin = 100 if content.destination.startswith("KT1") else 10
            assert content.gas_limit == receipt.gas_used + margin
        # It pays for the signature over every byte, and limits were longer when it was simulated.
        content, receipt = first
        assert receipt.gas_used + 100 <= content.gas_limit <= receipt.gas_used + 102


async def test_storage_is_paid_for_empty_accounts_alone_and_its_burn_is_booked(
    baker: PayingBaker,
) -> None:
    await baker.step()
    plan = owed(await baker.payouts())
    missing = {
        address for address in plan if baker.chain.account(address, baker.chain.head.level) is None
    }
    assert missing

    await baker.pay()

    limits = {
        content.destination: content.storage_limit
        for operation in await baker.operations()
        for content in decode_signed(operation.signed_bytes)[0].contents
        if isinstance(content, Transaction)
    }
    assert limits == {address: 257 if address in missing else 0 for address in plan}
    burns = {
        row.destination: row.burn
        for operation in await baker.operations()
        for row in await baker.transfers_of(operation)
    }
    assert burns == {address: 64_250 if address in missing else 0 for address in plan}


async def test_the_wallet_loses_what_was_paid_with_fees_and_burns_and_no_more(
    baker: PayingBaker,
) -> None:
    before = baker.balance(baker.payout_address)

    step = await baker.pay()

    fees = sum(operation.total_fee for operation in await baker.operations())
    burns = sum(transfer.burn for transfer in baker.transfers())
    spent = step.distribution.figures.total_net + fees + burns
    assert before - baker.balance(baker.payout_address) == spent


async def test_a_group_never_asks_for_more_than_its_part_of_a_blocks_gas(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(limits=PaymentLimits(block_gas_percent_max=1))

    step = await baker.pay()

    assert step.paid == step.total == 21
    for _, group in groups_in(baker.chain.simulated_blocks()):
        assert group.signed.gas_limit <= 10_400
    assert baker.paid_on_chain() == owed(await baker.payouts())


async def test_each_payout_is_settled_by_one_transfer_of_its_amount(baker: PayingBaker) -> None:
    await baker.pay()

    settled_ids = []
    for operation in await baker.operations():
        for transfer in await baker.transfers_of(operation):
            settled = await baker.settled_by(transfer)
            assert {row.address for row in settled} == {transfer.destination}
            assert sum(row.net for row in settled) == transfer.amount
            settled_ids += [row.id for row in settled]
    assert sorted(settled_ids) == sorted(row.id for row in await baker.payouts())
    assert {transfer.status for transfer in baker.transfers()} == {Status.APPLIED}


async def test_a_second_run_over_a_paid_cycle_does_nothing(baker: PayingBaker) -> None:
    await baker.pay()
    paid = baker.paid_on_chain()

    for _ in range(3):
        assert (await baker.step()).is_settled
        baker.bake()

    assert baker.paid_on_chain() == paid
    assert len(await baker.operations()) == 3


async def test_the_audit_trail_tells_the_whole_story_unbroken(baker: PayingBaker) -> None:
    await baker.pay()

    assert await baker.audit_is_unbroken()
    actions = await baker.audit_actions(str(baker.key()))
    assert actions == [
        "distribution.seen",
        "distribution.rewards_pending",
        "distribution.plan",
        "distribution.planned",
        "distribution.paying",
        "distribution.paid",
    ]
    for operation in await baker.operations():
        assert await baker.audit_actions(operation.hash) == [
            "operation.signed",
            "operation.injected",
            "operation.included",
            "operation.final",
        ]
