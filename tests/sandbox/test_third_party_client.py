"""A client that others wrote, for real nodes, works on the sandbox without knowing."""

import asyncio
import sys
import warnings
from typing import Any

import pytest

from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.server import SandboxServer
from bakehouse.tezos.base58check import Prefix, encode
from tests.sandbox.sandbox_wallet import UNUSED, Payment

PAYMENTS = [(address, 1_000 + position) for position, address in enumerate(UNUSED)]


@pytest.fixture
def pytezos() -> Any:
    if sys.version_info >= (3, 14):
        pytest.skip("pytezos does not support Python 3.14 yet")
    with warnings.catch_warnings():
        # What pytezos' own dependencies warn about at import is not ours to answer for.
        warnings.simplefilter("ignore")
        from pytezos import pytezos as client  # noqa: PLC0415 - costs a second
    return client


def pay(client: Any, payments: list[Payment], *, reveals: bool) -> str:
    """Fill in, sign and inject one batch, all by the client's own means."""
    operations = [client.transaction(destination=to, amount=amount) for to, amount in payments]
    if reveals:
        operations.insert(0, client.reveal())
    return str(client.bulk(*operations).autofill().sign().inject()["hash"])


async def test_pytezos_reveals_its_key_and_pays_in_batches(
    server: SandboxServer, pytezos: Any
) -> None:
    secret_key = encode(Prefix.EDSK_SEED, server.payout_secret_key.seed)
    client = pytezos.using(shell=server.node_url, key=secret_key)

    first = await asyncio.to_thread(pay, client, PAYMENTS, reveals=True)
    server.bake()
    second = await asyncio.to_thread(pay, client, PAYMENTS, reveals=False)
    server.bake()
    balance = await asyncio.to_thread(client.balance)

    transfers = server.transfers_from(server.payout_address)
    assert [transfer.operation_hash for transfer in transfers] == [first] * 3 + [second] * 3
    assert [(transfer.destination, transfer.amount) for transfer in transfers] == PAYMENTS * 2
    assert {transfer.status for transfer in transfers} == {Status.APPLIED}
    assert [transfer.burn for transfer in transfers] == [64_250] * 3 + [0] * 3
    account = server.chain.account(server.payout_address, server.chain.head.level)
    assert account is not None
    assert int(balance * 1_000_000) == account.balance
