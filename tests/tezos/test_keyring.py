"""Which signer signs for an address: a key here, else the remote signer, else nobody."""

import asyncio
from typing import Any

import httpx2
import pytest

from bakehouse.errors import SignerError
from bakehouse.tezos.address import Address
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.signer import LocalSigner
from tests.tezos.conftest import Stub

HERE = SecretKey.from_seed(Curve.ED25519, bytes(range(32)))
AWAY = SecretKey.from_seed(Curve.SECP256K1, bytes(range(1, 33)))
TZ4 = Address("tz4MvCEiLgK6vYRSkug9Nz64UNTbT4McNq8m")


def address_of(key: SecretKey) -> Address:
    return key.public_key.address


def path_of(key: SecretKey) -> str:
    return f"/keys/{address_of(key)}"


def has(stub: Stub, key: SecretKey) -> None:
    """Have the remote signer know a key."""
    stub.on(path_of(key), {"public_key": key.public_key.encode()})


async def test_a_key_of_this_machine_signs_for_its_own_address() -> None:
    keyring = Keyring([LocalSigner(HERE), LocalSigner(AWAY)])

    for key in (HERE, AWAY):
        signer = await keyring.of(address_of(key))
        assert (signer.address, signer.public_key) == (address_of(key), key.public_key)


async def test_an_address_without_a_key_is_refused_with_what_to_do() -> None:
    with pytest.raises(SignerError) as refused:
        await Keyring([LocalSigner(HERE)]).of(address_of(AWAY))

    assert refused.value.message == (
        f"there is no key for the payout address {address_of(AWAY)}: name its key file or a "
        "remote signer, or change the baker's payout_address"
    )


async def test_a_key_of_this_machine_goes_before_the_remote_signer(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    has(stub, HERE)
    keyring = Keyring([LocalSigner(HERE)], remote_url=stub.url, client=client)

    assert isinstance(await keyring.of(address_of(HERE)), LocalSigner)
    assert stub.asked == []


async def test_a_remote_signer_is_asked_for_its_public_key_once(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    has(stub, AWAY)
    keyring = Keyring(remote_url=stub.url, client=client)

    first = await keyring.of(address_of(AWAY))
    second = await keyring.of(address_of(AWAY))

    assert first is second
    assert (first.address, first.public_key) == (address_of(AWAY), AWAY.public_key)
    assert stub.count(path_of(AWAY)) == 1


async def test_each_address_has_a_signer_of_its_own(stub: Stub, client: httpx2.AsyncClient) -> None:
    for key in (HERE, AWAY):
        has(stub, key)
    keyring = Keyring(remote_url=stub.url, client=client)

    signers = await asyncio.gather(*(keyring.of(address_of(key)) for key in (HERE, AWAY)))

    assert [signer.address for signer in signers] == [address_of(HERE), address_of(AWAY)]


@pytest.mark.parametrize(
    "reply",
    [
        {"public_key": HERE.public_key.encode()},
        {"public_key": "edpk"},
        {},
        Stub.html(502),
        Stub.text(404, "No service found at this URL"),
    ],
    ids=["another key", "no key", "nothing", "HTML", "not found"],
)
async def test_a_remote_signer_that_failed_is_asked_again_the_next_time(
    stub: Stub, client: httpx2.AsyncClient, reply: Any
) -> None:
    stub.on(path_of(AWAY), reply, {"public_key": AWAY.public_key.encode()})
    keyring = Keyring(remote_url=stub.url, client=client)

    with pytest.raises(SignerError, match="remote signer"):
        await keyring.of(address_of(AWAY))

    assert (await keyring.of(address_of(AWAY))).address == address_of(AWAY)


async def test_a_remote_signer_that_is_not_there_is_a_refusal_that_names_no_url(
    resetting_url: str, client: httpx2.AsyncClient
) -> None:
    url = resetting_url.replace("http://", "http://user:hunter2@")

    with pytest.raises(SignerError) as refused:
        await Keyring(remote_url=url, client=client).of(address_of(AWAY))

    assert refused.value.message.startswith("the remote signer did not answer (")
    assert "hunter2" not in refused.value.message


async def test_a_tz4_address_cannot_pay_and_nobody_is_asked(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    with pytest.raises(SignerError, match=f"{TZ4} cannot pay"):
        await Keyring(remote_url=stub.url, client=client).of(TZ4)

    assert stub.asked == []
