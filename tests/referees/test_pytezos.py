"""Pytezos, which others wrote for real nodes, pays on the simulated chain without knowing."""

import asyncio
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.server import SandboxServer
from bakehouse.tezos.base58check import Prefix, encode
from tests.sandbox.sandbox_wallet import Payment, Wallet

PREFIX = "proto.025-PsUshuai."
BURN = 64_250

Attempt = Callable[[Any, str], Any]


@pytest.fixture
def client(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give pytezos the key of the account that pays; what it does blocks its thread."""
    if sys.version_info >= (3, 14):
        pytest.skip("pytezos does not support Python 3.14 yet")
    with warnings.catch_warnings():
        # What pytezos' own dependencies warn about at import is not ours to answer for.
        warnings.simplefilter("ignore")
        from pytezos import pytezos  # noqa: PLC0415 - costs a second
    # It injects again, for six seconds, whatever a node calls temporary: also a fee too low.
    monkeypatch.setattr("pytezos.rpc.node.TRANSIENT_RETRY_ATTEMPTS", 1)
    secret_key = encode(Prefix.EDSK_SEED, server.payout_secret_key.seed)
    return pytezos.using(shell=server.node_url, key=secret_key)


@pytest.fixture
def revealed(server: SandboxServer, client: Any) -> Any:
    Wallet(server.chain, server.payout_secret_key).reveal_now()
    return client


def pay(client: Any, payments: list[Payment], *, reveals: bool) -> Any:
    """Fill in, sign and inject one batch, and wait for it, all by the client's own means."""
    operations = [client.transaction(destination=to, amount=amount) for to, amount in payments]
    if reveals:
        operations.insert(0, client.reveal())
    return client.bulk(*operations).autofill().sign().inject(min_confirmations=2)


async def test_pytezos_reveals_its_key_and_pays_in_batches(
    server: SandboxServer, client: Any, recipients: list[str]
) -> None:
    few = [(address, 1_000_000) for address in recipients[3:]]
    many = [(recipients[place % 6], 1_000 + place) for place in range(50)]

    first = await asyncio.to_thread(pay, client, few, reveals=True)
    second = await asyncio.to_thread(pay, client, many, reveals=False)
    server.pause()
    balance = await asyncio.to_thread(client.balance)

    transfers = server.transfers_from(server.payout_address)
    hashes = [transfer.operation_hash for transfer in transfers]
    assert hashes == [first["hash"]] * 3 + [second["hash"]] * 50
    assert [(transfer.destination, transfer.amount) for transfer in transfers] == few + many
    assert {transfer.status for transfer in transfers} == {Status.APPLIED}
    assert [transfer.burn for transfer in transfers] == [0, 0, BURN] + [0] * 50
    account = server.chain.account(server.payout_address, server.chain.head.level)
    assert account is not None
    assert account.public_key == server.payout_secret_key.public_key.encode()
    assert int(balance * 1_000_000) == account.balance
    assert server.chain.head.level > transfers[-1].level


async def test_pytezos_pays_a_single_transfer_and_reads_its_receipt(
    server: SandboxServer, revealed: Any, recipients: list[str]
) -> None:
    operation = await asyncio.to_thread(pay, revealed, [(recipients[0], 7)], reveals=False)

    (transfer,) = server.transfers_from(server.payout_address)
    block = server.chain.including_block(operation["hash"])
    assert block is not None
    assert (transfer.level, transfer.amount, transfer.status) == (block.level, 7, Status.APPLIED)
    (content,) = operation["contents"]
    assert int(content["counter"]) == transfer.counter
    assert int(content["fee"]) == transfer.fee
    assert content["metadata"]["operation_result"]["status"] == "applied"


def over_balance(client: Any, to: str) -> Any:
    return client.transaction(destination=to, amount=10**15).autofill()


def nothing(client: Any, to: str) -> Any:
    return client.transaction(destination=to, amount=0).autofill()


def used_counter(client: Any, to: str) -> Any:
    return client.transaction(destination=to, amount=1).autofill(counter=1)


def counter_to_come(client: Any, to: str) -> Any:
    return client.transaction(destination=to, amount=1).autofill(counter=10**9)


def revealed_twice(client: Any, _: str) -> Any:
    return client.reveal().autofill()


def fee_of_one_mutez(client: Any, to: str) -> Any:
    return client.transaction(destination=to, amount=1).autofill(fee=1).sign().inject()


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        # Of several errors, pytezos shows the last.
        (over_balance, f"temporary {PREFIX}tez.subtraction_underflow"),
        (nothing, f"branch {PREFIX}contract.empty_transaction"),
        (used_counter, f"branch {PREFIX}contract.counter_in_the_past"),
        (counter_to_come, f"temporary {PREFIX}contract.counter_in_the_future"),
        (revealed_twice, f"branch {PREFIX}contract.previously_revealed_key"),
        (fee_of_one_mutez, "temporary failure"),
    ],
)
async def test_pytezos_sees_why_a_node_refuses(
    server: SandboxServer, revealed: Any, recipients: list[str], attempt: Attempt, reason: str
) -> None:
    error = await refusal(attempt, revealed, recipients[0])

    assert f"{error['kind']} {error['id']}" == reason
    assert server.transfers_from(server.payout_address) == []


async def test_the_gas_that_pytezos_knows_for_a_reveal_is_too_little_before_a_large_batch(
    server: SandboxServer, client: Any, recipients: list[str]
) -> None:
    def reveal_and_pay(client: Any, to: str) -> Any:
        transfers = [client.transaction(destination=to, amount=1) for _ in range(10)]
        return client.bulk(client.reveal(), *transfers).autofill()

    # The first content pays for checking the signature over the whole group, also at a real node.
    error = await refusal(reveal_and_pay, client, recipients[0])

    assert error["id"] == PREFIX + "gas_exhausted.operation"


async def test_pytezos_sees_that_its_key_is_not_revealed(
    server: SandboxServer, client: Any, recipients: list[str]
) -> None:
    def pay_unrevealed(client: Any, to: str) -> Any:
        return client.transaction(destination=to, amount=1).autofill()

    error = await refusal(pay_unrevealed, client, recipients[0])

    assert error == {
        "kind": "branch",
        "id": PREFIX + "contract.unrevealed_key",
        "contract": server.payout_address,
    }


async def refusal(attempt: Attempt, client: Any, to: str) -> Any:
    from pytezos.rpc.node import RpcError  # noqa: PLC0415 - costs a second

    with pytest.raises(RpcError) as caught:
        await asyncio.to_thread(attempt, client, to)
    (error,) = caught.value.args
    return error
