from dataclasses import replace

import pytest

from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.mempool import REMEMBERED_MAX, Refusal
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.protocol import GAS_LIMIT_PER_BLOCK_MAX, OPERATIONS_TTL
from bakehouse.sandbox.validation import read_signed
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.operation import OperationGroup
from bakehouse.tezos.signed_operation import operation_hash
from tests.sandbox.sandbox_wallet import UNUSED, Wallet, with_each

PAYMENT = (UNUSED[0], 1_000_000)


def with_fee(group: OperationGroup, fee: int) -> OperationGroup:
    return with_each(group, fee=Mutez(fee))


def refusal(wallet: Wallet, group: OperationGroup) -> OperationRefusedError:
    with pytest.raises(OperationRefusedError) as refused:
        wallet.chain.inject(wallet.sign(group))
    return refused.value


def waiting_fees(chain: Chain) -> list[int]:
    return [signed.fee for signed in chain.mempool.validated()]


@pytest.fixture
def second_payer(payer: Wallet) -> Wallet:
    second = Wallet(payer.chain, SecretKey.from_seed(Curve.SECP256K1, b"\x02" * 32))
    payer.send((second.address, 10_000_000))
    payer.chain.bake()
    second.reveal_now()
    return second


def test_the_injection_of_an_invalid_operation_is_refused_in_words_without_ids(
    payer: Wallet,
) -> None:
    group = with_each(payer.group(PAYMENT), counter=payer.next_counter - 1)

    (error,) = refusal(payer, group).errors

    assert error.id == "failure"
    assert error.text.startswith("Error while validating injected operation o")
    assert f"Counter {payer.next_counter - 1} already used" in error.text


def test_the_same_bytes_are_accepted_again_while_they_wait(payer: Wallet) -> None:
    signed_bytes = payer.sign(payer.group(PAYMENT))

    assert payer.chain.inject(signed_bytes) == payer.chain.inject(signed_bytes)
    assert len(payer.chain.bake().operations) == 1


def test_the_same_bytes_are_accepted_again_when_included_and_are_not_included_twice(
    payer: Wallet,
) -> None:
    chain, signed_bytes = payer.chain, payer.sign(payer.group(PAYMENT))
    hash_text = chain.inject(signed_bytes)
    chain.bake()

    assert chain.inject(signed_bytes) == hash_text
    assert chain.bake().operations == ()


def test_a_source_has_one_operation_waiting_and_the_next_counter_is_in_the_future(
    payer: Wallet,
) -> None:
    payer.send(PAYMENT)

    group = with_each(payer.group(PAYMENT), counter=payer.next_counter + 1)

    assert "not yet reached" in str(refusal(payer, group))


def test_a_second_operation_of_a_source_conflicts_and_is_told_the_fee_it_needs(
    payer: Wallet,
) -> None:
    chain = payer.chain
    chain.inject(payer.sign(with_fee(payer.group(PAYMENT), 1_001)))

    refused = refusal(payer, with_fee(payer.group((UNUSED[1], 1)), 1_051))

    assert "conflicting operation" in str(refused)
    assert "1052 mutez" in str(refused)
    assert waiting_fees(chain) == [1_001]


def test_a_fee_five_percent_better_replaces_and_only_one_is_included(payer: Wallet) -> None:
    chain = payer.chain
    old = chain.inject(payer.sign(with_fee(payer.group(PAYMENT), 1_001)))
    new = chain.inject(payer.sign(with_fee(payer.group((UNUSED[1], 1)), 1_052)))

    assert waiting_fees(chain) == [1_052]
    replaced = chain.mempool.refused[Refusal.OUTDATED][old]
    assert [error.id for error in replaced.errors] == ["prevalidation.operation_replacement"]
    assert [included.signed.hash for included in chain.bake().operations] == [new]
    assert chain.bake().operations == ()


def test_a_better_fee_for_proportionally_more_gas_does_not_replace(payer: Wallet) -> None:
    payer.chain.inject(payer.sign(with_fee(payer.group(PAYMENT), 1_000)))
    thirstier = with_each(payer.group((UNUSED[1], 1)), fee=Mutez(1_200), gas_limit=7_000)

    assert "2100 mutez" in str(refusal(payer, thirstier))


def test_operations_of_different_sources_share_a_block(payer: Wallet, second_payer: Wallet) -> None:
    payer.send(PAYMENT)
    second_payer.send(PAYMENT)

    assert len(payer.chain.bake().operations) == 2


def test_a_block_takes_the_better_paying_operation_when_gas_is_not_enough_for_both(
    payer: Wallet, second_payer: Wallet
) -> None:
    chain = payer.chain
    thirsty = GAS_LIMIT_PER_BLOCK_MAX - 3_000
    chain.inject(payer.sign(with_each(payer.group(PAYMENT), fee=Mutez(105_000), gas_limit=thirsty)))
    better = chain.inject(
        second_payer.sign(
            with_each(second_payer.group(PAYMENT), fee=Mutez(106_000), gas_limit=thirsty)
        )
    )

    first, second = chain.bake(), chain.bake()

    assert [included.signed.hash for included in first.operations] == [better]
    assert [included.signed.source for included in second.operations] == [payer.address]


@pytest.mark.parametrize(
    ("age", "is_included"), [(OPERATIONS_TTL, True), (OPERATIONS_TTL + 1, False)]
)
def test_an_operation_can_be_included_up_to_601_levels_above_its_branch(
    payer: Wallet, age: int, *, is_included: bool
) -> None:
    chain = payer.chain
    branch = chain.block_at(chain.head.level - age)
    group = replace(payer.group(PAYMENT), branch=branch.hash)
    assert (branch.hash in chain.live_blocks(chain.head)) == is_included

    if is_included:
        chain.inject(payer.sign(group))
        assert chain.bake().level == branch.level + OPERATIONS_TTL + 1
        assert len(chain.head.operations) == 1
    else:
        assert "601 blocks in the past" in str(refusal(payer, group))


def test_an_operation_whose_branch_grows_too_old_while_it_waits_is_forgotten(
    payer: Wallet, second_payer: Wallet
) -> None:
    chain = payer.chain
    oldest = chain.block_at(chain.head.level - OPERATIONS_TTL)
    thirsty = GAS_LIMIT_PER_BLOCK_MAX - 3_000
    expiring = replace(
        with_each(payer.group(PAYMENT), fee=Mutez(105_000), gas_limit=thirsty), branch=oldest.hash
    )
    hash_text = chain.inject(payer.sign(expiring))
    chain.inject(
        second_payer.sign(
            with_each(second_payer.group(PAYMENT), fee=Mutez(300_000), gas_limit=thirsty)
        )
    )

    chain.bake()

    assert hash_text not in chain.mempool
    assert chain.bake().operations == ()
    assert chain.account(payer.address, chain.head.level) is not None
    assert payer.next_counter == expiring.contents[0].counter


def test_an_unknown_branch_is_refused(payer: Wallet) -> None:
    elsewhere = Chain(replace(payer.chain.settings, seed=99))
    group = replace(payer.group(PAYMENT), branch=elsewhere.head.hash)

    assert "alternative branch" in str(refusal(payer, group))


def test_operations_heard_of_are_remembered_by_why_they_cannot_be_included(payer: Wallet) -> None:
    chain, group = payer.chain, payer.group(PAYMENT)
    counter = payer.next_counter
    for number, fee in ((counter - 1, 1_000), (counter + 4, 1_000), (counter, 0), (counter, 1_000)):
        chain.hear_of(read_signed(payer.sign(with_each(group, counter=number, fee=Mutez(fee)))))

    refused = {
        refusal.value: [error.id for one in remembered.values() for error in one.errors]
        for refusal, remembered in chain.mempool.refused.items()
    }
    assert refused == {
        "refused": ["proto.025-PsUshuai.prefilter.fees_too_low"],
        "outdated": [],
        "branch_refused": ["proto.025-PsUshuai.contract.counter_in_the_past"],
        "branch_delayed": ["proto.025-PsUshuai.contract.counter_in_the_future"],
    }
    assert waiting_fees(chain) == [1_000]


def test_a_delayed_operation_is_included_once_its_counter_is_reached(payer: Wallet) -> None:
    chain = payer.chain
    later = read_signed(payer.sign(with_each(payer.group(PAYMENT), counter=payer.next_counter + 1)))
    chain.hear_of(later)
    payer.send(PAYMENT)

    assert [len(chain.bake().operations) for _ in range(3)] == [1, 1, 0]


def test_only_so_many_refused_operations_are_remembered(payer: Wallet) -> None:
    chain, group = payer.chain, with_fee(payer.group(PAYMENT), 0)
    payers = [
        payer.sign(with_each(group, amount=amount)) for amount in range(1, REMEMBERED_MAX + 2)
    ]

    for signed_bytes in payers:
        chain.hear_of(read_signed(signed_bytes))

    remembered = list(chain.mempool.refused[Refusal.REFUSED])
    assert remembered == [operation_hash(signed_bytes) for signed_bytes in payers[1:]]


def test_bytes_that_are_no_operation_are_refused_in_words(payer: Wallet) -> None:
    with pytest.raises(OperationRefusedError, match="Operation parsing error in prevalidation"):
        payer.chain.inject(b"\x01" * 120)
