"""Blocks that others use, too: what they take is told like any operation, and left out of ours."""

import pytest

from bakehouse.errors import SettingError
from bakehouse.sandbox import node_json
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.crowd import NOBODY, Crowd
from bakehouse.sandbox.protocol import GAS_LIMIT_PER_BLOCK_MAX, MANAGER_PASS_SIZE_MAX
from bakehouse.sandbox.settings import SandboxSettings
from tests.sandbox.sandbox_wallet import Wallet, with_each


def crowded_chain(crowd: Crowd) -> Chain:
    return Chain(SandboxSettings(block_seconds=None, crowd=crowd))


def inject_transfer(chain: Chain, gas_limit: int) -> str:
    wallet = Wallet(chain, chain.world.payout_key)
    group = wallet.group((chain.world.baker, 1), reveals=True)
    return chain.inject(wallet.sign(with_each(group, gas_limit=gas_limit, fee=50_000)))


def test_nobody_takes_anything_unless_told() -> None:
    assert crowded_chain(NOBODY).bake().others == ()


@pytest.mark.parametrize("percent", [1, 50, 100])
def test_others_take_their_part_of_a_blocks_gas_and_bytes(percent: int) -> None:
    chain = crowded_chain(Crowd((percent, percent), (percent, percent)))

    others = chain.bake().others

    assert sum(each.gas_limit for each in others) == GAS_LIMIT_PER_BLOCK_MAX * percent // 100
    assert sum(each.size for each in others) == MANAGER_PASS_SIZE_MAX * percent // 100
    assert max(each.size for each in others) <= 32_768


def test_between_two_numbers_each_block_is_drawn_and_the_same_each_time() -> None:
    crowd = Crowd(gas_percent=(20, 80))

    def drawn() -> list[int]:
        chain = crowded_chain(crowd)
        blocks = [chain.bake() for _ in range(20)]
        return [sum(each.gas_limit for each in block.others) for block in blocks]

    gas = drawn()
    assert gas == drawn()
    assert len(set(gas)) > 10
    assert all(20 <= each * 100 / GAS_LIMIT_PER_BLOCK_MAX <= 80 for each in gas)


@pytest.mark.parametrize(("gas_limit", "fits"), [(249_000, True), (251_000, False)])
def test_what_does_not_fit_beside_others_waits(gas_limit: int, *, fits: bool) -> None:
    chain = crowded_chain(Crowd(gas_percent=(52, 52)))
    # A reveal and a transfer: two contents of this limit.
    sent = inject_transfer(chain, gas_limit)

    block = chain.bake()

    assert [each.signed.hash for each in block.operations] == [sent] * fits
    chain.crowd = NOBODY
    chain.bake()
    assert chain.including_block(sent) is not None


def test_no_bytes_left_leave_no_room_either() -> None:
    chain = crowded_chain(Crowd(bytes_percent=(100, 100)))
    inject_transfer(chain, 10_000)

    assert chain.bake().operations == ()


def test_a_node_lists_the_operations_of_others_among_all() -> None:
    chain = crowded_chain(Crowd(gas_percent=(50, 50)))
    sent = inject_transfer(chain, 10_000)

    block = chain.bake()

    hashes = node_json.operation_hashes_json(block)[node_json.MANAGER_PASS]
    listed = node_json.operations_json(chain, block)[node_json.MANAGER_PASS]
    assert hashes == [each["hash"] for each in listed]
    assert hashes == [sent, *(each.hash for each in block.others)]
    consumed = int(node_json.metadata_json(chain, block)["consumed_milligas"])
    assert consumed > 1_000 * GAS_LIMIT_PER_BLOCK_MAX // 2


@pytest.mark.parametrize("percent", [(-1, 0), (0, 101), (60, 40)])
def test_percents_that_are_none_are_refused(percent: tuple[int, int]) -> None:
    with pytest.raises(SettingError, match="0 to 100 percent"):
        Crowd(gas_percent=percent)
