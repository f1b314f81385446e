"""Taquito, which others wrote for real nodes, pays on the simulated chain without knowing."""

from typing import Any

import pytest

from bakehouse.sandbox.receipt import IncludedGroup, Status
from bakehouse.sandbox.server import SandboxServer
from bakehouse.tezos.operation import Reveal
from tests.referees.taquito_client import TaquitoClient
from tests.sandbox.sandbox_wallet import Wallet

PREFIX = "proto.025-PsUshuai."
BURN = 64_250


@pytest.fixture
def taquito(server: SandboxServer) -> TaquitoClient:
    return TaquitoClient(server)


@pytest.fixture
def revealed(server: SandboxServer, taquito: TaquitoClient) -> TaquitoClient:
    Wallet(server.chain, server.payout_secret_key).reveal_now()
    return taquito


def included(server: SandboxServer, hash_text: str) -> IncludedGroup:
    """Find an operation in the chain's own blocks."""
    block = server.chain.including_block(hash_text)
    assert block is not None, f"{hash_text} is in no block"
    (found,) = [each for each in block.operations if each.signed.hash == hash_text]
    return found


def paid(server: SandboxServer) -> list[tuple[str, int, int, Status]]:
    return [
        (transfer.destination, transfer.amount, transfer.burn, transfer.status)
        for transfer in server.transfers_from(server.payout_address)
    ]


def assert_is_buried(server: SandboxServer, confirmed: dict[str, Any]) -> None:
    """Check that what taquito calls confirmed is where it says, with a block on top."""
    block = server.chain.including_block(confirmed["hash"])
    assert block is not None
    assert (confirmed["status"], confirmed["level"]) == ("applied", block.level)
    assert server.chain.head.level >= block.level + 1


async def test_taquito_reveals_the_key_of_the_account_that_pays(
    server: SandboxServer, taquito: TaquitoClient
) -> None:
    confirmed = await taquito.play("reveal")

    assert_is_buried(server, confirmed)
    (content,) = included(server, confirmed["hash"]).signed.group.contents
    assert isinstance(content, Reveal)
    assert content.public_key == server.payout_secret_key.public_key.encode()
    account = server.chain.account(server.payout_address, server.chain.head.level)
    assert account is not None
    assert account.public_key == content.public_key


async def test_taquito_pays_one_account_after_another_whatever_their_kind(
    server: SandboxServer, revealed: TaquitoClient, recipients: list[str]
) -> None:
    payments = [(address, 1_000_000 + place) for place, address in enumerate(recipients)]

    confirmed = await revealed.play("pay", payments=payments)

    for each in confirmed:
        assert_is_buried(server, each)
    burns = [0] * 5 + [BURN]
    assert paid(server) == [
        (*payment, burn, Status.APPLIED) for payment, burn in zip(payments, burns, strict=True)
    ]


async def test_taquito_reveals_and_pays_a_batch_as_it_estimated(
    server: SandboxServer, taquito: TaquitoClient, recipients: list[str]
) -> None:
    payments = [(recipients[place % 6], 1_000 + place) for place in range(50)]

    confirmed = await taquito.play("payBatch", payments=payments)

    assert_is_buried(server, confirmed)
    operation = included(server, confirmed["hash"])
    reveal, *transfers = operation.signed.group.contents
    assert isinstance(reveal, Reveal)
    burns = [BURN if place == 5 else 0 for place in range(50)]
    assert paid(server) == [
        (*payment, burn, Status.APPLIED) for payment, burn in zip(payments, burns, strict=True)
    ]
    estimated = confirmed["estimates"][-50:]
    assert [each["storageLimit"] >= 257 for each in estimated] == [burn > 0 for burn in burns]
    assert [(each["fee"], each["gasLimit"], each["storageLimit"]) for each in estimated] == [
        (content.fee, content.gas_limit, content.storage_limit) for content in transfers
    ]
    # More than the reveal takes alone: it pays for checking the signature of the whole group.
    assert reveal.gas_limit > operation.receipts[0].gas_used > 250


async def test_taquitos_wallet_sees_its_payment_in_the_current_branch(
    server: SandboxServer, revealed: TaquitoClient, recipients: list[str]
) -> None:
    payment = (recipients[0], 5_000_000)

    seen = await revealed.play("payByWallet", payments=[payment])

    assert (seen["status"], seen["isInCurrentBranch"]) == ("applied", True)
    assert included(server, seen["hash"]).receipts[0].status is Status.APPLIED
    assert paid(server) == [(*payment, 0, Status.APPLIED)]


async def test_taquito_reads_the_state_that_the_chain_has(
    server: SandboxServer, revealed: TaquitoClient
) -> None:
    server.pause()
    chain, address = server.chain, server.payout_address
    account = chain.account(address, chain.head.level)
    assert account is not None

    seen = await revealed.play("look", address=address)

    assert seen["chainId"] == server.chain_id
    balance = str(account.balance)
    assert {seen[name] for name in ("balance", "spendable", "fullBalance")} == {balance}
    counter = str(account.counter)
    assert seen["contract"] == {"balance": balance, "counter": counter, "revealed": True}
    assert (seen["managerKey"], seen["delegate"]) == (account.public_key, None)
    assert (seen["gasPerBlock"], seen["costPerByte"]) == ("1040000", "250")
    assert seen["liveBlocks"] == chain.live_blocks(chain.head)
    assert seen["protocols"]["next_protocol"].startswith("PsUshuai")
    assert (seen["header"]["hash"], seen["header"]["level"]) == (chain.head.hash, chain.head.level)
    assert seen["pending"]["validated"] == []


async def test_taquito_sees_why_a_node_does_not_preapply(
    server: SandboxServer, revealed: TaquitoClient, recipients: list[str]
) -> None:
    reasons: dict[str, dict[str, str]] = {
        "branch contract.counter_in_the_past": {"counter": "1"},
        "temporary contract.counter_in_the_future": {"counter": "999999999"},
        "temporary contract.balance_too_low": {"fee": "999999999999999"},
        "permanent gas_limit_too_high": {"gas_limit": "1040001"},
        "permanent validate.operation.insufficient_gas_for_manager": {"gas_limit": "150"},
        "permanent storage_limit_too_high": {"storage_limit": "60001"},
    }

    seen = await revealed.play(
        "preapplyWrongly",
        payments=[(recipients[0], 1)],
        kinds=["transaction"],
        changes=list(reasons.values()),
    )

    assert {(each["name"], each["status"]) for each in seen} == {("HttpResponseError", 500)}
    errors = [each["errors"][0] for each in seen]
    assert [f"{error['kind']} {error['id'].removeprefix(PREFIX)}" for error in errors] == list(
        reasons
    )
    assert paid(server) == []


async def test_taquito_sees_that_a_key_is_not_revealed(
    server: SandboxServer, taquito: TaquitoClient, recipients: list[str]
) -> None:
    account = server.chain.account(server.payout_address, server.chain.head.level)
    assert account is not None

    (seen,) = await taquito.play(
        "preapplyWrongly",
        payments=[(recipients[0], 1)],
        kinds=["transaction"],
        changes=[{"counter": str(account.counter + 1)}],
    )

    (error,) = seen["errors"]
    assert error == {
        "kind": "branch",
        "id": PREFIX + "contract.unrevealed_key",
        "contract": server.payout_address,
    }


async def test_taquito_sees_why_a_transfer_would_fail(
    server: SandboxServer, revealed: TaquitoClient, recipients: list[str]
) -> None:
    *_, unallocated = recipients
    reasons: dict[str, dict[str, int]] = {
        "contract.balance_too_low tez.subtraction_underflow": {"amount": 10**15},
        "contract.empty_transaction": {"amount": 0},
        "storage_exhausted.operation": {"storageLimit": 256},
        "gas_exhausted.operation": {"gasLimit": 2_000},
    }

    seen = await revealed.play(
        "transferWrongly", payments=[(unallocated, 1)], changes=list(reasons.values())
    )

    assert {each["name"] for each in seen} == {"TezosOperationError"}
    ids = [[error["id"].removeprefix(PREFIX) for error in each["errors"]] for each in seen]
    assert [" ".join(each) for each in ids] == list(reasons)
    assert paid(server) == []


async def test_taquito_is_told_by_injection_in_words_that_a_fee_is_too_low(
    server: SandboxServer, revealed: TaquitoClient, recipients: list[str]
) -> None:
    (seen,) = await revealed.play(
        "transferWrongly", payments=[(recipients[0], 1)], changes=[{"fee": 1}]
    )

    (error,) = seen["errors"]
    assert (seen["status"], error["kind"], error["id"]) == (500, "temporary", "failure")
    assert "Operation fees are too low" in error["msg"]
    assert paid(server) == []
