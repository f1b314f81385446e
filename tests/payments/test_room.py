"""How large a group may be: what recent blocks had left free, and what many groups made of that."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.payments.payer import PaymentLimits
from bakehouse.payments.room import Room, best_share, room_for_group
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.crowd import NOBODY, Crowd
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.protocol import GAS_LIMIT_PER_BLOCK_MAX
from bakehouse.tezos.address import Address
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker, assert_paid_once
from tests.payments.surroundings import small_chain

#: Blocks with room for two dozen transfers.
SMALL_BLOCKS = {
    "in_blocks": 1,
    "gas_limit_per_block_max": 60_000,
    "gas_limit_per_operation_max": 60_000,
}

#: What is read of a block to size a group, and nothing else asks for.
MEASURED = "node-. GET .*/operations/3"


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12))
def test_no_other_size_would_have_got_more_through_those_blocks(free: list[int]) -> None:
    def got_through(size: int) -> int:
        return size * (sum(each >= size for each in free) - 1)

    best = best_share(free)

    assert best in free
    assert all(got_through(best) >= got_through(size) for size in free)
    assert all(size >= best for size in free if got_through(size) == got_through(best))


@pytest.mark.parametrize(
    ("free", "best"),
    [
        ([10_000] * 6, 10_000),
        ([5_000] * 6, 5_000),
        ([2_000, 2_000, 9_000, 9_000, 9_000, 9_000], 9_000),
        ([4_000, 4_000, 4_000, 4_000, 4_000, 10_000], 4_000),
        ([0, 0, 0, 0, 0, 8_000], 0),
        ([3_000], 3_000),
    ],
)
def test_the_size_follows_what_most_blocks_had_room_for(free: list[int], best: int) -> None:
    assert best_share(free) == best


async def room(baker: HostileBaker, *, expired: int = 0) -> Room:
    address = Address(baker.payout_address)
    context = await baker.payer.node.signing_context(address, life_blocks=6)
    return await room_for_group(baker.payer, address, context, expired=expired)


async def crowded(open_hostile: OpenHostileBaker, crowd: Crowd, **limits: Any) -> HostileBaker:
    baker = await open_hostile(limits=PaymentLimits(**limits))
    baker.chain.crowd = crowd
    for _ in range(6):
        baker.bake()
    return baker


@pytest.mark.parametrize(
    ("crowd", "gas_percent"),
    [
        (NOBODY, 100),
        (Crowd(gas_percent=(50, 50)), 50),
        (Crowd(gas_percent=(97, 97)), 3),
        # Nobody can pay less than one transfer.
        (Crowd(gas_percent=(100, 100)), 2),
        # Of 512 KiB, 1 % is a sixth of what the largest group takes; others' bytes are rounded up.
        (Crowd(bytes_percent=(99, 99)), 8),
        (Crowd(bytes_percent=(40, 40)), 100),
    ],
)
async def test_a_group_may_take_what_others_left_of_gas_and_of_bytes(
    open_hostile: OpenHostileBaker, crowd: Crowd, gas_percent: int
) -> None:
    baker = await crowded(open_hostile, crowd)

    found = await room(baker)

    assert found.gas * 100 // GAS_LIMIT_PER_BLOCK_MAX == gas_percent
    assert found.size_bytes <= 32_768 * (gas_percent + 1) // 100
    assert found.most_gas == GAS_LIMIT_PER_BLOCK_MAX


async def test_a_group_takes_no_more_than_it_is_allowed_to(open_hostile: OpenHostileBaker) -> None:
    baker = await crowded(open_hostile, NOBODY, block_gas_percent_max=30)

    found = await room(baker)

    assert (found.gas, found.most_gas) == (312_000, 312_000)


async def test_each_group_that_reached_no_block_halves_the_next(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await crowded(open_hostile, NOBODY)

    gas = [(await room(baker, expired=count)).gas for count in range(3)]

    assert gas == [1_040_000, 520_000, 260_000]


async def test_what_the_wallet_had_in_a_block_is_free_for_its_next_group(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=PaymentLimits(transfers_max=3))
    await baker.step()
    block = baker.bake()
    assert block.operations

    assert (await room(baker)).gas == GAS_LIMIT_PER_BLOCK_MAX


async def test_a_block_is_read_once(open_hostile: OpenHostileBaker) -> None:
    baker = await open_hostile()
    await room(baker)
    asked = baker.way.asked(MEASURED)
    baker.bake()

    await room(baker)

    assert (asked, baker.way.asked(MEASURED)) == (6, 7)


async def test_where_no_block_can_be_read_the_group_is_small_and_people_are_paid(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=PaymentLimits(transfers_max=3))
    baker.way.treat(MEASURED, BAD_GATEWAY, times=12)

    assert (await room(baker)).gas == GAS_LIMIT_PER_BLOCK_MAX // 4

    await assert_paid_once(baker)


def gas_by_level(blocks: list[Block]) -> Mapping[int, int]:
    return {
        block.level: sum(each.signed.gas_limit for each in block.operations) for block in blocks
    }


async def test_in_blocks_that_are_half_full_a_group_in_each_pays_everybody(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(small_chain(delegator_count=48))
    baker.sandbox.inflict(Fault.PROTOCOL_CHANGE, **SMALL_BLOCKS)
    baker.chain.crowd = Crowd(gas_percent=(50, 50))
    for _ in range(6):
        baker.bake()

    first = baker.chain.head.level + 1
    await assert_paid_once(baker)

    used = gas_by_level(baker.chain.simulated_blocks(first))
    levels = [level for level, gas in used.items() if gas]
    assert levels == list(range(levels[0], levels[-1] + 1))
    assert len(levels) >= 3
    assert max(used.values()) <= 30_000
    # But for the last, no group had room for two transfers more.
    assert all(used[level] > 30_000 - 2 * 3_311 - 1_200 for level in levels[:-1])


async def test_a_group_that_others_keep_out_is_sent_anew_as_a_smaller_one(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=PaymentLimits(life_blocks=6, proof_patience_blocks=4))
    await baker.step()
    (large,) = await baker.operations()
    # Just then others come, and take all but what one or two transfers need.
    baker.chain.crowd = Crowd(gas_percent=(99, 99))

    step = await baker.pay()

    assert step.is_settled
    assert step.paid == step.total
    operations = await baker.operations()
    assert baker.chain.including_block(large.hash) is None
    assert max(each.gas_limit for each in operations[1:]) <= GAS_LIMIT_PER_BLOCK_MAX // 50
    baker.chain.crowd = NOBODY
    await assert_paid_once(baker)
