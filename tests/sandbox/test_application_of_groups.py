from dataclasses import replace

import pytest

from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.protocol import ALLOCATION_BURN
from bakehouse.sandbox.receipt import Receipt, Status
from bakehouse.tezos.address import Address
from bakehouse.tezos.operation import Delegation, OperationGroup
from tests.sandbox.sandbox_wallet import UNUSED, Payment, Wallet, with_contents, with_each

TRANSFER_GAS = 2_169
#: An amount (mutez) as long in bytes as those of the transfers whose gas is known from mainnet.
MAINNET = 1_000_000
PREFIX = "proto.025-PsUshuai."
ROLLUP = "sr1Ghq66tYK9y3r8CC1Tf8i8m5nxh8nTvZEf"
MISSING_CONTRACT = "KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn"


def implicit_delegator(chain: Chain) -> str:
    return next(address for address in delegators(chain) if address.startswith("tz"))


def contract_delegator(chain: Chain) -> str:
    return next(address for address in delegators(chain) if address.startswith("KT1"))


def delegators(chain: Chain) -> list[str]:
    accounts = chain.accounts(chain.head.level)
    return [a for a, account in accounts.items() if account.delegate == chain.world.baker != a]


def included(payer: Wallet, group: OperationGroup) -> tuple[Receipt, ...]:
    """Have a group included, and check that it does what simulation said."""
    simulated = payer.chain.simulate(group, payer.chain.head)
    payer.chain.inject(payer.sign(group))
    (only,) = payer.chain.bake().operations
    assert only.receipts == simulated
    return only.receipts


def statuses(receipts: tuple[Receipt, ...]) -> list[str]:
    return [receipt.status.value for receipt in receipts]


def test_a_transfer_moves_its_amount_and_costs_what_it_costs_on_mainnet(payer: Wallet) -> None:
    recipient = implicit_delegator(payer.chain)
    before = payer.chain.accounts(payer.chain.head.level)

    (receipt,) = included(payer, with_each(payer.group((recipient, MAINNET)), storage_limit=0))

    after = payer.chain.accounts(payer.chain.head.level)
    assert receipt.status is Status.APPLIED
    assert receipt.consumed_milligas == 2_168_788
    assert receipt.gas_used == TRANSFER_GAS
    assert after[recipient].balance == before[recipient].balance + MAINNET
    assert after[payer.address].balance == before[payer.address].balance - MAINNET - 1_000
    assert after[payer.address].counter == before[payer.address].counter + 1


def test_paying_an_unallocated_account_burns_64250_mutez_of_the_sender(payer: Wallet) -> None:
    balance, head = payer.balance, payer.chain.head

    (receipt,) = included(payer, payer.group((UNUSED[0], MAINNET)))

    assert receipt.allocated
    assert receipt.consumed_milligas == 2_168_821
    assert payer.balance == balance - MAINNET - 1_000 - 64_250
    assert payer.chain.head.burned - head.burned == ALLOCATION_BURN == 64_250


def test_the_first_content_pays_for_the_signature_of_the_whole_group(payer: Wallet) -> None:
    recipient = implicit_delegator(payer.chain)

    first, *others = included(payer, payer.group(*((recipient, 1),) * 16))

    assert {receipt.consumed_milligas for receipt in others} == {2_100_040}
    size = len(payer.sign(payer.group(*((recipient, 1),) * 16))) - 64
    signature = 65_800 + size + size // 8 + 32 * size
    assert first.consumed_milligas == 2_100_040 + signature


def test_a_group_whose_first_content_cannot_pay_for_its_signature_is_refused(
    payer: Wallet,
) -> None:
    group = with_each(payer.group(*((UNUSED[0], 1),) * 16), gas_limit=190)

    with pytest.raises(OperationRefusedError, match="Gas limit is too low to cover"):
        payer.chain.simulate(group, payer.chain.head)


def test_the_second_payment_to_a_new_account_in_one_group_burns_nothing(payer: Wallet) -> None:
    first, second = included(payer, payer.group((UNUSED[0], 1), (UNUSED[0], 1)))

    assert (first.allocated, second.allocated) == (True, False)


@pytest.mark.parametrize(("storage_limit", "status"), [(256, "backtracked"), (257, "applied")])
def test_allocation_needs_a_storage_limit_of_257(
    payer: Wallet, storage_limit: int, status: str
) -> None:
    group = with_each(payer.group((UNUSED[0], 1)), storage_limit=storage_limit)

    (receipt,) = included(payer, group)

    assert receipt.status.value == status
    expected = [] if status == "applied" else [PREFIX + "storage_exhausted.operation"]
    assert [error.id for error in receipt.errors] == expected


@pytest.mark.parametrize(("gas_limit", "status"), [(2_168, "failed"), (2_169, "applied")])
def test_gas_above_the_limit_fails_a_transfer(payer: Wallet, gas_limit: int, status: str) -> None:
    recipient = implicit_delegator(payer.chain)

    (receipt,) = included(payer, with_each(payer.group((recipient, 1)), gas_limit=gas_limit))

    assert receipt.status.value == status


def test_a_contract_takes_more_gas_and_takes_nothing_too(payer: Wallet) -> None:
    contract = contract_delegator(payer.chain)

    (receipt,) = included(payer, payer.group((contract, 0)))

    assert receipt.status is Status.APPLIED
    assert receipt.gas_used > TRANSFER_GAS


@pytest.mark.parametrize(
    ("payment", "error_id"),
    [
        ((UNUSED[0], 0), "contract.empty_transaction"),
        ((UNUSED[0], 10**15), "contract.balance_too_low"),
        ((MISSING_CONTRACT, 1), "contract.non_existing_contract"),
        ((ROLLUP, 1), "operations.invalid_transfer_to_smart_rollup_from_implicit_account"),
    ],
)
def test_one_content_that_fails_undoes_the_group_but_not_its_fees(
    payer: Wallet, payment: Payment, error_id: str
) -> None:
    recipient = implicit_delegator(payer.chain)
    before = payer.chain.accounts(payer.chain.head.level)

    receipts = included(payer, payer.group((recipient, 1), payment, (recipient, 1), (recipient, 1)))

    after = payer.chain.accounts(payer.chain.head.level)
    assert statuses(receipts) == ["backtracked", "failed", "skipped", "skipped"]
    assert receipts[1].errors[0].id == PREFIX + error_id
    assert after[recipient] == before[recipient]
    assert after[payer.address].balance == before[payer.address].balance - 4 * 1_000
    assert after[payer.address].counter == before[payer.address].counter + 4


def test_a_sender_who_cannot_pay_the_burn_fails(payer: Wallet) -> None:
    amount = payer.balance - 1_000 - ALLOCATION_BURN + 1

    (receipt,) = included(payer, payer.group((UNUSED[0], amount)))

    ids = [error.id.removeprefix(PREFIX) for error in receipt.errors]
    assert ids[:2] == ["contract.cannot_pay_storage_fee", "contract.balance_too_low"]


def test_sending_everything_removes_the_account_with_its_key_and_counter(payer: Wallet) -> None:
    recipient = implicit_delegator(payer.chain)

    (receipt,) = included(payer, payer.group((recipient, payer.balance - 1_000)))

    chain = payer.chain
    assert receipt.status is Status.APPLIED
    assert chain.account(payer.address, chain.head.level) is None
    with pytest.raises(OperationRefusedError, match="Empty implicit contract"):
        chain.simulate(payer.group((recipient, 1)), chain.head)


def test_an_account_that_comes_back_counts_on_from_the_global_counter(payer: Wallet) -> None:
    included(payer, payer.group((UNUSED[0], 1)))

    chain = payer.chain
    account = chain.account(UNUSED[0], chain.head.level)
    assert account is not None
    assert account.counter == chain.head.global_counter
    assert account.public_key is None


def test_a_delegator_cannot_empty_itself(payer: Wallet) -> None:
    chain = payer.chain
    delegation = Delegation(
        source=payer.address,
        fee=Mutez(1_000),
        counter=payer.next_counter,
        gas_limit=1_000,
        storage_limit=0,
        delegate=Address(chain.world.baker),
    )
    included(payer, OperationGroup(chain.head.hash, (delegation,)))

    (receipt,) = included(payer, payer.group((implicit_delegator(chain), payer.balance - 1_000)))

    expected = PREFIX + "implicit.empty_implicit_delegated_contract"
    assert [error.id for error in receipt.errors] == [expected]


def test_only_a_baker_can_be_delegated_to(payer: Wallet) -> None:
    delegation = Delegation(
        source=payer.address,
        fee=Mutez(1_000),
        counter=payer.next_counter,
        gas_limit=1_000,
        storage_limit=0,
        delegate=Address(implicit_delegator(payer.chain)),
    )

    (receipt,) = included(payer, OperationGroup(payer.chain.head.hash, (delegation,)))

    assert receipt.errors[0].id == PREFIX + "contract.manager.unregistered_delegate"


def test_a_key_is_revealed_once(payer: Wallet) -> None:
    (receipt,) = included(payer, payer.group(reveals=True))

    assert receipt.errors[0].id == PREFIX + "contract.previously_revealed_key"


def test_a_reveal_that_is_undone_leaves_the_key_unrevealed(unrevealed: Wallet) -> None:
    receipts = included(unrevealed, unrevealed.group((UNUSED[0], 0), reveals=True))

    account = unrevealed.chain.account(unrevealed.address, unrevealed.chain.head.level)
    assert statuses(receipts) == ["backtracked", "failed"]
    assert account is not None
    assert account.public_key is None


def test_simulation_on_an_old_block_sees_the_accounts_of_that_block(payer: Wallet) -> None:
    chain, group = payer.chain, payer.group((UNUSED[0], 1))
    before = chain.head
    included(payer, group)

    (then,) = chain.simulate(group, before)
    (now,) = chain.simulate(payer.group((UNUSED[0], 1)), chain.head)

    assert (then.allocated, now.allocated) == (True, False)


def test_preapplication_checks_the_signature(payer: Wallet) -> None:
    chain, group = payer.chain, payer.group((UNUSED[0], 1))
    signed_bytes = payer.sign(group)
    forged_by_another = signed_bytes[:-1] + bytes([signed_bytes[-1] ^ 1])
    chain.inject(signed_bytes)
    (waiting,) = chain.mempool.validated()

    (receipt,) = chain.preapply(waiting, chain.head)

    assert receipt.status is Status.APPLIED
    with pytest.raises(OperationRefusedError, match="signature is invalid"):
        chain.preapply(replace(waiting, signature=forged_by_another[-64:]), chain.head)


def test_contents_of_every_kind_fit_one_group(unrevealed: Wallet) -> None:
    chain = unrevealed.chain
    group = unrevealed.group((UNUSED[0], 1), (contract_delegator(chain), 2), reveals=True)
    withdrawal = Delegation(
        source=unrevealed.address,
        fee=Mutez(1_000),
        counter=group.contents[-1].counter + 1,
        gas_limit=1_000,
        storage_limit=0,
        delegate=None,
    )

    receipts = included(unrevealed, with_contents(group, *group.contents, withdrawal))

    assert statuses(receipts) == ["applied"] * 4
