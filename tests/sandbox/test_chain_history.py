from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.settings import SandboxSettings
from tests.sandbox.sandbox_wallet import UNUSED, Payment, Wallet, total_mutez, with_each

RECIPIENTS = (*UNUSED, "delegator", "contract", "self")


def new_payer(seed: int = 3) -> Wallet:
    chain = Chain(
        SandboxSettings(
            seed=seed, delegator_count=30, blocks_per_cycle=6, blocks_before_first_turn=3
        )
    )
    wallet = Wallet(chain, chain.world.payout_key)
    wallet.reveal_now()
    return wallet


def named(chain: Chain, payer: Wallet, name: str) -> str:
    accounts = chain.accounts(chain.head.level)
    delegators = [a for a, account in accounts.items() if account.delegate == chain.world.baker]
    return {
        "delegator": next(a for a in delegators if a.startswith("tz") and a != chain.world.baker),
        "contract": next(a for a in delegators if a.startswith("KT1")),
        "self": payer.address,
    }.get(name, name)


@settings(max_examples=25, deadline=None)
@given(
    batches=st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.sampled_from(RECIPIENTS), st.integers(0, 3) | st.integers(1, 10**10)),
                min_size=1,
                max_size=5,
            ),
            st.sampled_from([257, 257, 257, 0]),
            st.integers(0, 3),
        ),
        max_size=6,
    )
)
def test_no_mutez_appears_or_vanishes_but_what_is_issued_and_burned(
    batches: list[tuple[list[Payment], int, int]],
) -> None:
    payer = new_payer()
    chain = payer.chain
    at_start = total_mutez(chain) - chain.head.issued + chain.head.burned

    for payments, storage_limit, empty_blocks in batches:
        payable = [(named(chain, payer, name), amount) for name, amount in payments]
        group = with_each(payer.group(*payable), storage_limit=storage_limit)
        chain.inject(payer.sign(group))
        for _ in range(1 + empty_blocks):
            chain.bake()
        assert total_mutez(chain) == at_start + chain.head.issued - chain.head.burned

    for _ in range(12):
        chain.bake()
    assert total_mutez(chain) == at_start + chain.head.issued - chain.head.burned


def test_fees_go_to_the_baker_of_the_block() -> None:
    payer = new_payer()
    chain = payer.chain

    def balance_of(address: str, block: Block) -> int:
        account = chain.account(address, block.level)
        return account.balance if account else 0

    for _ in range(20):
        before = chain.head
        payer.send((UNUSED[0], 1))
        block = chain.bake()
        liquid = sum(
            update.change
            for update in block.updates
            if update.kind == "contract" and update.contract == block.proposer
        )
        assert balance_of(block.proposer, block) - balance_of(block.proposer, before) == liquid
        assert sum(update.change for update in block.updates) == 0
        if block.proposer == chain.world.baker:
            assert block.earned.block_fees == 1_000

    assert {block.proposer for block in chain.simulated_blocks()} == {
        chain.world.baker,
        chain.world.network,
    }


def test_the_same_settings_make_the_same_chain_and_another_seed_another() -> None:
    def history(seed: int) -> list[str]:
        payer = new_payer(seed)
        for amount in range(1, 6):
            payer.send((UNUSED[amount % 3], amount))
            payer.chain.bake()
        return [payer.chain.chain_id, *(block.hash for block in payer.chain.simulated_blocks())]

    assert history(3) == history(3)
    assert not set(history(3)) & set(history(4))


def test_the_chain_starts_shortly_before_its_first_cycle_ends() -> None:
    chain = Chain(SandboxSettings(blocks_per_cycle=30, blocks_before_first_turn=8, first_cycle=50))

    cycles = [chain.cycle_length.cycle_of(chain.bake().level) for _ in range(9)]

    assert cycles == [50] * 8 + [51]


def test_accounts_are_read_as_they_were_after_any_block() -> None:
    payer = new_payer()
    chain, balances = payer.chain, {}
    for _ in range(30):
        payer.send((UNUSED[0], 1_000_000))
        level = chain.bake().level
        balances[level] = payer.balance

    for level, balance in balances.items():
        account = chain.account(payer.address, level)
        assert account is not None
        assert account.balance == balance
    assert chain.account(UNUSED[0], chain.start_level) is None


def test_600_blocks_before_the_first_simulated_one_can_be_named_and_follow_each_other() -> None:
    chain = Chain(SandboxSettings())

    hashes = chain.live_blocks(chain.head)

    assert len(set(hashes)) == 601
    blocks = [chain.block_with(hash_text) for hash_text in hashes]
    for block, predecessor in pairwise(blocks):
        assert block.predecessor == predecessor.hash
        assert block.level == predecessor.level + 1
        assert block.timestamp == predecessor.timestamp + 1


def test_a_reorganisation_takes_operations_out_and_puts_them_back() -> None:
    payer = new_payer()
    chain = payer.chain
    before, total = chain.head, total_mutez(chain)
    hash_text = payer.send((UNUSED[0], 1_000_000))
    chain.bake()
    chain.bake()
    gone = [block.hash for block in chain.simulated_blocks(before.level + 1)]

    chain.reorg(2)

    assert chain.head.level == before.level + 2
    assert chain.block_at(before.level).hash == before.hash
    assert chain.including_block(hash_text) is None
    for hash_of_gone in gone:
        with pytest.raises(LookupError):
            chain.block_with(hash_of_gone)
    assert total_mutez(chain) == total + chain.head.issued - before.issued
    assert [included.signed.hash for included in chain.bake().operations] == [hash_text]


def test_a_block_reorganised_twice_has_three_different_hashes() -> None:
    chain = new_payer().chain
    hashes = {chain.bake().hash}

    hashes |= {chain.reorg(1).hash, chain.reorg(1).hash}

    assert len(hashes) == 3


def test_a_reorganisation_over_a_cycles_end_ends_the_cycle_again() -> None:
    payer = new_payer()
    chain = payer.chain
    cycle = chain.cycle_length.cycle_of(chain.head.level)
    while chain.cycle_length.cycle_of(chain.head.level) == cycle:
        chain.bake()
    chain.bake()

    chain.reorg(3)

    attested = chain.rights.rates(cycle).attestation
    assert chain.earnings(cycle).attestation_rewards == attested


@pytest.mark.parametrize("depth", [0, 2])
def test_only_simulated_blocks_can_be_reorganised(depth: int) -> None:
    chain = Chain(SandboxSettings())
    chain.bake()

    with pytest.raises(ValueError, match="simulated"):
        chain.reorg(depth)
