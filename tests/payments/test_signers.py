"""Signers that refuse, fail or lie: nothing unverified is stored, and everybody is paid once."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import httpx2
import pytest

from bakehouse.errors import SignerError
from bakehouse.ledger.states import OperationState
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import OPERATION_WATERMARK, SEED_SIZE, Curve, SecretKey
from bakehouse.tezos.signer import LocalSigner
from tests.fault_scale import some_of
from tests.payments.hostile_baker import HostileBaker, assert_paid_once

OTHER_KEY = SecretKey.from_seed(Curve.ED25519, bytes(range(SEED_SIZE)))

Answer = Callable[[SecretKey, bytes], Awaitable[bytes]]


async def refuse(_key: SecretKey, _forged: bytes) -> bytes:
    raise SignerError("the Ledger is locked")


async def time_out(_key: SecretKey, _forged: bytes) -> bytes:
    raise SignerError("the remote signer did not answer (TimeoutError)")


async def sign_with_another_key(_key: SecretKey, forged: bytes) -> bytes:
    return OTHER_KEY.sign(OPERATION_WATERMARK + forged)


async def sign_other_bytes(key: SecretKey, forged: bytes) -> bytes:
    return key.sign(OPERATION_WATERMARK + forged[:-1] + b"\x01")


async def sign_without_the_watermark(key: SecretKey, forged: bytes) -> bytes:
    return key.sign(forged)


async def answer_nonsense(_key: SecretKey, _forged: bytes) -> bytes:
    return bytes(64)


async def answer_nothing(_key: SecretKey, _forged: bytes) -> bytes:
    return b""


@dataclass(frozen=True)
class OddSigner(LocalSigner):
    """Answers as it likes."""

    answer: Answer

    async def sign(self, forged: bytes) -> bytes:
        return await self.answer(self.secret_key, forged)


@pytest.mark.parametrize(
    "answer",
    [
        refuse,
        time_out,
        sign_with_another_key,
        sign_other_bytes,
        sign_without_the_watermark,
        answer_nonsense,
        answer_nothing,
    ],
)
@pytest.mark.parametrize(
    "steps_before",
    some_of([pytest.param(1, id="a later group"), pytest.param(0, id="the first group")]),
)
async def test_nothing_is_stored_but_what_the_right_key_has_signed(
    hostile: HostileBaker, answer: Answer, steps_before: int
) -> None:
    for _ in range(steps_before):
        await hostile.step()
        hostile.bake()
    known = [each.hash for each in await hostile.operations()]
    odd = OddSigner(hostile.chain.world.payout_key, answer)
    sent = len(hostile.way.injected)

    for _ in range(3):
        with pytest.raises(SignerError):
            await hostile.other(signers=Keyring([odd])).step()
        hostile.bake()

    assert [each.hash for each in await hostile.operations()] == known
    assert len(hostile.way.injected) == sent
    await assert_paid_once(hostile)
    assert {each.state for each in await hostile.operations()} == {OperationState.FINAL}


async def test_a_signer_that_signs_and_then_fails_to_answer_is_asked_again_and_pays_once(
    hostile: HostileBaker,
) -> None:
    given: list[bytes] = []

    async def lose_the_first(key: SecretKey, forged: bytes) -> bytes:
        given.append(key.sign(OPERATION_WATERMARK + forged))
        if len(given) == 1:
            raise SignerError("the remote signer did not answer (ReadTimeout)")
        return given[-1]

    signer = OddSigner(hostile.chain.world.payout_key, lose_the_first)
    baker = hostile.other(signers=Keyring([signer]))
    with pytest.raises(SignerError):
        await baker.step()
    assert await baker.operations() == []

    await assert_paid_once(baker)

    assert len(given) == 1 + len(await baker.operations())


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (403, {"error": "policy"}, "HTTP 403"),
        (500, "the HSM is away", "HTTP 500"),
        (200, {"signature": "edsigtnonsense"}, "is not one"),
        (200, {}, "without a signature"),
        (None, "", "did not answer"),
    ],
)
async def test_a_remote_signer_that_fails_leaves_nothing_behind_and_is_asked_again_later(
    hostile: HostileBaker, status: int | None, body: object, why: str
) -> None:
    key = hostile.chain.world.payout_key
    is_well = False

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json={"public_key": key.public_key.encode()})
        if is_well:
            data = bytes.fromhex(json.loads(await request.aread()))
            signature = key.public_key.encode_signature(key.sign(data))
            return httpx2.Response(200, json={"signature": signature})
        if status is None:
            raise httpx2.ReadTimeout("the read operation timed out")
        return httpx2.Response(status, json=body)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        keyring = Keyring(remote_url="http://signer", client=client)
        baker = replace(hostile, payer=replace(hostile.payer, signers=keyring))
        for _ in range(2):
            with pytest.raises(SignerError, match=why):
                await baker.step()
        assert await baker.operations() == []
        assert baker.way.injected == []
        is_well = True

        await assert_paid_once(baker)
