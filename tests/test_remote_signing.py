"""Signing in to a remote signer that wants to know its clients, by settings alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bakehouse.asgi_server import serving
from bakehouse.config import Config, load_config
from bakehouse.errors import SignerError
from bakehouse.opening import open_payer
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.sealed_key import COST_MIN, SealedKey
from tests.cli.bakers_desk import Desk, open_desk
from tests.octez_signer import OctezSigner

PASSPHRASE = "correct horse battery staple"
PAYOUT = SecretKey.from_seed(Curve.SECP256K1, bytes(range(1, 33)))
CLIENT = SecretKey.from_seed(Curve.ED25519, bytes(range(2, 34)))
OTHER_CLIENT = SecretKey.from_seed(Curve.P256, bytes(range(3, 35)))
STRANGER = SecretKey.from_seed(Curve.ED25519, bytes(range(4, 36)))


def private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@pytest.fixture
def signer() -> OctezSigner:
    return OctezSigner(PAYOUT, (OTHER_CLIENT.public_key, CLIENT.public_key))


@pytest.fixture
async def url(signer: OctezSigner) -> AsyncIterator[str]:
    async with serving(signer.app()) as served:
        yield served


def settings(folder: Path, url: str, client: SecretKey | None) -> dict[str, str]:
    named = {
        "BAKEHOUSE_DATA_DIR": str(folder / "data"),
        "BAKEHOUSE_NODE_URLS": "http://127.0.0.1:1",
        "BAKEHOUSE_INDEXER_URLS": "http://127.0.0.1:1",
        "BAKEHOUSE_REMOTE_SIGNER_URL": url,
        "BAKEHOUSE_KEY_PASSPHRASE_FILE": str(private(folder / "passphrase", PASSPHRASE)),
    }
    if client is None:
        return named
    sealed = SealedKey.seal(client, PASSPHRASE, COST_MIN)
    file = private(folder / "client.key", sealed.text())
    return named | {"BAKEHOUSE_REMOTE_SIGNER_AUTH_KEY_FILE": str(file)}


async def sign(config: Config, forged: bytes) -> bytes:
    config.data_dir.mkdir()
    async with AsyncExitStack() as stack:
        payer = await open_payer(stack, config)
        signer = await payer.signers.of(PAYOUT.public_key.address)
        return await signer.sign(forged)


@pytest.mark.parametrize("client", [CLIENT, OTHER_CLIENT], ids=["ed25519", "p256"])
async def test_requests_are_signed_with_the_key_that_is_set(
    signer: OctezSigner, url: str, tmp_path: Path, client: SecretKey
) -> None:
    signature = await sign(load_config(settings(tmp_path, url, client)), b"forged")

    assert PAYOUT.public_key.verify(signature, b"\x03forged")
    assert signer.signed == [b"\x03forged"]


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (None, "missing authentication signature field"),
        (STRANGER, "invalid authentication signature"),
    ],
    ids=["nobody", "a stranger"],
)
async def test_whoever_it_does_not_know_gets_no_signature(
    signer: OctezSigner, url: str, tmp_path: Path, client: SecretKey | None, said: str
) -> None:
    with pytest.raises(SignerError, match=said):
        await sign(load_config(settings(tmp_path, url, client)), b"forged")

    assert signer.signed == []


# What the doctor says of it


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


DOCTOR_SAYS = {
    "known": (CLIENT, "ok", "it knows the key"),
    "nobody": (None, "fail", "it signs only for clients it knows"),
    "a stranger": (STRANGER, "fail", f"it does not know {STRANGER.public_key.address}"),
}


@pytest.mark.parametrize("who", DOCTOR_SAYS)
async def test_the_doctor_sees_whether_it_knows_us(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str, who: str
) -> None:
    client, verdict, said = DOCTOR_SAYS[who]
    for name, value in settings(desk.folder, url, client).items():
        monkeypatch.setenv(name, value)

    _, out, _ = await asyncio.to_thread(desk.run, "doctor", "--json")

    [found] = [each for each in json.loads(out)["findings"] if each["subject"] == "remote signer"]
    assert found["verdict"] == verdict
    assert said in found["seen"]
