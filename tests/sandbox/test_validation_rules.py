from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_error import Kind, OperationRefusedError
from bakehouse.sandbox.protocol import GAS_LIMIT_PER_BLOCK_MAX, STORAGE_LIMIT_MAX
from bakehouse.sandbox.validation import (
    check_fee,
    check_signed_group,
    read_signed,
)
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.operation import OperationGroup, Reveal
from tests.sandbox.sandbox_wallet import UNUSED, Wallet, with_contents, with_each

ID_PREFIX = "proto.025-PsUshuai."
OTHER_KEY = SecretKey.from_seed(Curve.ED25519, b"\x01" * 32)
BLS_KEY = encode(Prefix.BLPK, bytes(48))
PAYMENT = (UNUSED[0], 1_000_000)

Change = Callable[[Wallet, OperationGroup], OperationGroup]


def check(wallet: Wallet, group: OperationGroup) -> None:
    """Judge a group as a node does, and show the protocol's own errors."""
    chain = wallet.chain
    signed = read_signed(wallet.sign(group))
    check_fee(signed)
    check_signed_group(lambda address: chain.account(address, chain.head.level), signed)


def refusal(wallet: Wallet, group: OperationGroup) -> OperationRefusedError:
    with pytest.raises(OperationRefusedError) as refused:
        check(wallet, group)
    return refused.value


def change_last(group: OperationGroup, **changes: Any) -> OperationGroup:
    *others, last = group.contents
    return with_contents(group, *others, replace(last, **changes))


REFUSED: list[tuple[str, Kind, Change]] = [
    (
        "prefilter.fees_too_low",
        Kind.PERMANENT,
        lambda _, group: with_each(group, fee=Mutez(100)),
    ),
    (
        "validate.operation.inconsistent_sources",
        Kind.PERMANENT,
        lambda _, group: change_last(group, source=OTHER_KEY.public_key.address),
    ),
    (
        "validate.operation.inconsistent_counters",
        Kind.PERMANENT,
        lambda _, group: change_last(group, counter=group.contents[-1].counter + 1),
    ),
    (
        "validate.operation.inconsistent_counters",
        Kind.PERMANENT,
        lambda _, group: change_last(group, counter=group.contents[0].counter),
    ),
    (
        "validate.operation.incorrect_reveal_position",
        Kind.PERMANENT,
        lambda wallet, group: with_contents(
            group, group.contents[0], wallet.reveal(group.contents[1].counter)
        ),
    ),
    (
        "contract.counter_in_the_past",
        Kind.BRANCH,
        lambda wallet, group: with_contents(
            group, replace(group.contents[0], counter=wallet.next_counter - 1)
        ),
    ),
    (
        "contract.counter_in_the_future",
        Kind.TEMPORARY,
        lambda wallet, group: with_contents(
            group, replace(group.contents[0], counter=wallet.next_counter + 1)
        ),
    ),
    (
        "gas_limit_too_high",
        Kind.PERMANENT,
        lambda _, group: with_each(
            group, gas_limit=GAS_LIMIT_PER_BLOCK_MAX + 1, fee=Mutez(1_000_000)
        ),
    ),
    (
        "gas_limit_too_high",
        Kind.PERMANENT,
        lambda _, group: with_each(
            group, gas_limit=GAS_LIMIT_PER_BLOCK_MAX // 2 + 1, fee=Mutez(1_000_000)
        ),
    ),
    (
        "validate.operation.insufficient_gas_for_manager",
        Kind.PERMANENT,
        lambda _, group: change_last(group, gas_limit=99),
    ),
    (
        "storage_limit_too_high",
        Kind.PERMANENT,
        lambda _, group: change_last(group, storage_limit=STORAGE_LIMIT_MAX + 1),
    ),
    (
        "contract.balance_too_low",
        Kind.TEMPORARY,
        lambda wallet, group: change_last(group, fee=Mutez(wallet.balance)),
    ),
    (
        "implicit.empty_implicit_contract",
        Kind.BRANCH,
        # The fee of the first content takes all there is.
        lambda wallet, group: with_contents(
            group, replace(group.contents[0], fee=Mutez(wallet.balance)), group.contents[1]
        ),
    ),
    (
        "validate.operation.missing_bls_proof",
        Kind.PERMANENT,
        # Gas for checking the group's BLS signature comes before the proof.
        lambda wallet, group: with_contents(
            group,
            replace(wallet.reveal(wallet.next_counter), public_key=BLS_KEY, gas_limit=5_000),
        ),
    ),
    (
        "contract.manager.inconsistent_hash",
        Kind.PERMANENT,
        lambda wallet, group: with_contents(
            group,
            replace(wallet.reveal(wallet.next_counter), public_key=OTHER_KEY.public_key.encode()),
        ),
    ),
]


@pytest.mark.parametrize(("error_id", "kind", "change"), REFUSED)
def test_a_group_that_breaks_a_rule_is_refused_with_the_rules_own_error(
    payer: Wallet, error_id: str, kind: Kind, change: Change
) -> None:
    valid = payer.group(PAYMENT, PAYMENT)
    check(payer, valid)

    refused = refusal(payer, change(payer, valid))

    assert refused.errors[0].id == ID_PREFIX + error_id
    assert refused.kind is kind


def test_a_counter_error_names_the_counter_expected_and_the_one_found(payer: Wallet) -> None:
    expected = payer.next_counter
    refused = refusal(payer, with_each(payer.group(PAYMENT), counter=expected + 5))

    assert refused.errors[0].json() == {
        "kind": "temporary",
        "id": ID_PREFIX + "contract.counter_in_the_future",
        "contract": payer.address,
        "expected": str(expected),
        "found": str(expected + 5),
    }


def test_gas_of_a_group_above_the_blocks_is_refused_for_good_with_the_block_in_the_trace(
    payer: Wallet,
) -> None:
    too_much = with_each(
        payer.group(PAYMENT, PAYMENT), gas_limit=GAS_LIMIT_PER_BLOCK_MAX // 2 + 1, fee=1_000_000
    )

    ids = [error.id for error in refusal(payer, too_much).errors]

    assert ids == [ID_PREFIX + "gas_limit_too_high", ID_PREFIX + "gas_exhausted.block"]


def test_a_group_may_use_all_the_gas_of_a_block(payer: Wallet) -> None:
    whole = with_each(
        payer.group(PAYMENT, PAYMENT), gas_limit=GAS_LIMIT_PER_BLOCK_MAX // 2, fee=1_000_000
    )

    check(payer, whole)


def test_an_account_whose_key_is_not_revealed_cannot_send(unrevealed: Wallet) -> None:
    refused = refusal(unrevealed, unrevealed.group(PAYMENT))

    assert refused.errors[0].id == ID_PREFIX + "contract.unrevealed_key"
    assert refused.kind is Kind.BRANCH


def test_a_reveal_makes_the_rest_of_its_group_valid(unrevealed: Wallet) -> None:
    check(unrevealed, unrevealed.group(PAYMENT, reveals=True))


def test_an_account_that_holds_nothing_cannot_send(chain: Chain) -> None:
    stranger = Wallet(chain, OTHER_KEY)

    refused = refusal(stranger, stranger.group(PAYMENT, reveals=True))

    assert refused.errors[0].id == ID_PREFIX + "implicit.empty_implicit_contract"


def test_a_signature_of_another_key_is_refused(payer: Wallet) -> None:
    group = payer.group(PAYMENT)
    impostor = Wallet(payer.chain, OTHER_KEY)
    signed = read_signed(impostor.sign(group))

    with pytest.raises(OperationRefusedError) as refused:
        check_signed_group(lambda address: payer.chain.account(address, 10**9), signed)

    assert refused.value.errors[0].id == ID_PREFIX + "operation.invalid_signature"
    assert refused.value.kind is Kind.PERMANENT


def test_a_signature_that_claims_a_bls_key_never_verifies(payer: Wallet) -> None:
    reveal = Reveal(
        source=payer.address,
        fee=Mutez(4_000),
        counter=payer.next_counter,
        gas_limit=4_000,
        storage_limit=0,
        public_key=BLS_KEY,
        proof=encode(Prefix.BLSIG, bytes(96)),
    )

    with pytest.raises(OperationRefusedError, match="signature is invalid"):
        check(payer, OperationGroup(payer.chain.head.hash, (reveal,)))


def test_fees_are_judged_for_the_group_as_a_whole(payer: Wallet) -> None:
    first, second = payer.group(PAYMENT, PAYMENT).contents
    group = with_contents(
        payer.group(PAYMENT), replace(first, fee=Mutez(1_200)), replace(second, fee=Mutez(0))
    )

    check(payer, group)


def test_the_minimal_fee_is_enough_and_one_mutez_less_is_not(payer: Wallet) -> None:
    def with_fee(fee: int) -> OperationGroup:
        return with_each(payer.group(PAYMENT), fee=fee, gas_limit=2_300)

    size = len(payer.sign(with_fee(500)))
    minimal = 100 + 2_300 // 10 + size

    check(payer, with_fee(minimal))
    assert refusal(payer, with_fee(minimal - 1)).errors[0].id.endswith("fees_too_low")


def test_an_operation_above_32_kib_is_refused_by_its_size(payer: Wallet) -> None:
    with pytest.raises(OperationRefusedError) as refused:
        read_signed(payer.sign(payer.group(*[PAYMENT] * 600)))

    error = refused.value.errors[0]
    assert error.id == "node.prevalidation.oversized_operation"
    assert error.fields["max_size"] == 32_768


def test_bytes_that_are_no_operation_are_refused() -> None:
    with pytest.raises(OperationRefusedError) as refused:
        read_signed(b"\x00" * 200)

    assert refused.value.errors[0].id == "node.prevalidation.parse_error"


def test_fees_may_not_empty_an_account_that_delegates(payer: Wallet) -> None:
    chain = payer.chain
    delegating = replace(
        chain.account(payer.address, chain.head.level) or pytest.fail("no payer"),
        delegate=Address(chain.world.baker),
    )
    group = with_each(payer.group(PAYMENT), fee=delegating.balance)

    with pytest.raises(OperationRefusedError) as refused:
        check_signed_group(lambda _: delegating, read_signed(payer.sign(group)))

    assert refused.value.errors[0].id == ID_PREFIX + "implicit.empty_implicit_delegated_contract"
