"""A client that others wrote, for real nodes, works on the sandbox without knowing."""

import asyncio
import sys
import warnings
from typing import Any

import pytest

from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
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


def pay(client: Any, payments: list[Payment], *, reveals: bool) -> Any:
    """Reveal, pay in one batch, and wait for two confirmations, all by the client's own means."""
    operations = [client.transaction(destination=to, amount=amount) for to, amount in payments]
    if reveals:
        operations.insert(0, client.reveal())
    batch = client.bulk(*operations).autofill().sign()
    return batch.inject(min_confirmations=2, num_blocks_wait=50, time_between_blocks=1)


async def test_pytezos_reveals_pays_and_sees_its_payments_confirmed(pytezos: Any) -> None:
    settings = SandboxSettings(seed=7, delegator_count=5, block_seconds=0.05)
    async with await SandboxServer.start(settings) as server:
        secret_key = encode(Prefix.EDSK_SEED, server.payout_secret_key.seed)
        client = pytezos.using(shell=server.node_url, key=secret_key)

        first = await asyncio.to_thread(pay, client, PAYMENTS, reveals=True)
        second = await asyncio.to_thread(pay, client, PAYMENTS, reveals=False)

        transfers = server.transfers_from(server.payout_address)

    assert [content["kind"] for content in first["contents"]][:2] == ["reveal", "transaction"]
    assert [content["kind"] for content in second["contents"]] == ["transaction"] * 3
    assert [(transfer.destination, transfer.amount) for transfer in transfers] == PAYMENTS * 2
    assert {transfer.status for transfer in transfers} == {Status.APPLIED}
    assert [transfer.burn for transfer in transfers] == [64_250] * 3 + [0] * 3
