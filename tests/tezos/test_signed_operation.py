"""Sealing: known bytes, signature and hash; and no seal on what is not exactly what was meant."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import EncodingError, SignerError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos import signed_operation
from bakehouse.tezos.address import Address, parse_address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.forging import forge
from bakehouse.tezos.keys import OPERATION_WATERMARK, Curve, PublicKey, SecretKey
from bakehouse.tezos.operation import (
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
    group_from_json,
)
from bakehouse.tezos.signed_operation import decode_signed, operation_hash, seal
from bakehouse.tezos.signer import LocalSigner

KEY = SecretKey.from_seed(Curve.ED25519, bytes(range(1, 33)))
OTHER_KEY = SecretKey.from_seed(Curve.ED25519, bytes(range(2, 34)))
RECIPIENT = parse_address("KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat")
BRANCH = "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU"

every_curve = pytest.mark.parametrize("curve", Curve)


def transfers_from(source: Address, *, count: int = 2) -> OperationGroup:
    return OperationGroup(
        BRANCH,
        tuple(
            Transaction(source, Mutez(300), 10 + index, 2269, 0, Mutez(1 + index), RECIPIENT)
            for index in range(count)
        ),
    )


@dataclass(frozen=True)
class DishonestSigner:
    """Holds the right key, and answers what a test makes it answer."""

    answer: Callable[[bytes], bytes]
    public_key: PublicKey = KEY.public_key
    address: Address = KEY.public_key.address

    async def sign(self, forged: bytes) -> bytes:
        return self.answer(forged)


@pytest.mark.conformance
async def test_all_vectors_of_taquito_are_met_to_the_byte(chain_fixtures: Path) -> None:
    document = json.loads((chain_fixtures / "forging" / "taquito-24.2.0-vectors.json").read_text())
    vectors: list[dict[str, Any]] = document["vectors"]
    assert len(vectors) == 12

    for vector in vectors:
        key = SecretKey.parse(vector["secret_key"])
        group = group_from_json(vector["operation"])
        signed = await seal(group, LocalSigner(key))

        assert key.public_key.encode() == vector["public_key"]
        assert key.public_key.address == vector["source"]
        assert signed.group == group
        assert signed.forged.hex() == vector["forged"]
        assert key.public_key.encode_signature(signed.signature) == vector["signature"]
        assert encode(Prefix.SIG, signed.signature) == vector["generic_signature"]
        assert key.public_key.decode_signature(vector["signature"]) == signed.signature
        assert signed.signed_bytes.hex() == vector["signed_bytes"]
        assert signed.hash == vector["hash"]


@pytest.mark.conformance
def test_the_bytes_of_a_signed_batch_of_octez_are_split_and_verified(chain_fixtures: Path) -> None:
    folder = chain_fixtures / "forging" / "octez-codec" / "u025"
    name = "operation-batch-reveal-transaction"
    lines = (folder / "encoding-regression-operation.out").read_text().splitlines()
    signed_bytes = bytes.fromhex(
        next(line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: "))
    )
    document = json.loads((folder / "operation" / f"{name}.sample.json").read_text())

    group, signature = decode_signed(signed_bytes)

    assert group == group_from_json(document)
    assert encode(Prefix.SIG, signature) == document["signature"]
    reveal = group.contents[0]
    assert isinstance(reveal, Reveal)
    public_key = PublicKey.parse(reveal.public_key)
    assert public_key.address == reveal.source
    assert public_key.verify(signature, OPERATION_WATERMARK + forge(group))


@every_curve
async def test_what_was_sealed_is_read_back_from_the_signed_bytes(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, bytes(range(1, 33)))
    group = transfers_from(key.public_key.address)

    signed = await seal(group, LocalSigner(key))

    assert decode_signed(signed.signed_bytes) == (group, signed.signature)
    assert signed.signed_bytes == signed.forged + signed.signature
    assert signed.hash == operation_hash(signed.signed_bytes)
    assert signed.hash.startswith("o")
    assert key.public_key.verify(signed.signature, b"\x03" + signed.forged)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(KEY.sign, id="no watermark"),
        pytest.param(lambda forged: KEY.sign(b"\x05" + forged), id="another watermark"),
        pytest.param(lambda forged: KEY.sign(b"\x03" + forged + b"\x00"), id="other bytes"),
        pytest.param(lambda forged: OTHER_KEY.sign(b"\x03" + forged), id="another key"),
        pytest.param(lambda forged: KEY.sign(b"\x03" + forged)[:-1], id="cut"),
        pytest.param(lambda forged: KEY.sign(b"\x03" + forged) + b"\x00", id="too long"),
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda _: bytes(64), id="zeros"),
    ],
)
async def test_a_signature_that_does_not_fit_is_refused(answer: Callable[[bytes], bytes]) -> None:
    signer = DishonestSigner(answer)

    with pytest.raises(SignerError, match="a signature that does not fit this operation"):
        await seal(transfers_from(signer.address), signer)


async def test_a_group_of_another_account_is_not_signed() -> None:
    mine = transfers_from(KEY.public_key.address)
    theirs = transfers_from(OTHER_KEY.public_key.address)
    mixed = replace(mine, contents=mine.contents + theirs.contents)

    for group in (theirs, mixed):
        with pytest.raises(SignerError, match="cannot sign for"):
            await seal(group, LocalSigner(KEY))


async def test_a_key_reveals_itself_only() -> None:
    own = KEY.public_key.address
    with pytest.raises(SignerError, match="would reveal another key"):
        await seal(
            OperationGroup(
                BRANCH, (Reveal(own, Mutez(1), 1, 200, 0, OTHER_KEY.public_key.encode()),)
            ),
            LocalSigner(KEY),
        )

    group = OperationGroup(
        BRANCH,
        (
            Reveal(own, Mutez(1), 1, 200, 0, KEY.public_key.encode()),
            Delegation(own, Mutez(1), 2, 200, 0, None),
        ),
    )
    assert (await seal(group, LocalSigner(KEY))).group == group


async def test_an_address_with_one_wrong_character_is_never_signed() -> None:
    own = KEY.public_key.address
    wrong = Address(f"{RECIPIENT[:-1]}u")
    damaged = OperationGroup(
        BRANCH, (Transaction(own, Mutez(300), 10, 2269, 0, Mutez(1), destination=wrong),)
    )

    with pytest.raises(EncodingError, match="its checksum is wrong"):
        await seal(damaged, LocalSigner(KEY))


async def test_bytes_that_read_back_as_something_else_are_never_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forge_one_mutez_more(group: OperationGroup) -> bytes:
        forged = bytearray(forge(group))
        amount_position = len(forged) - 24
        forged[amount_position] += 1
        return bytes(forged)

    group = transfers_from(KEY.public_key.address, count=1)
    monkeypatch.setattr(signed_operation, "forge", forge_one_mutez_more)

    with pytest.raises(EncodingError, match="read back as another operation; nothing was signed"):
        await seal(group, LocalSigner(KEY))


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 96, 200])
def test_bytes_that_are_no_signed_operation_are_refused(size: int) -> None:
    with pytest.raises(EncodingError):
        decode_signed(bytes(size))


@pytest.mark.conformance
def test_a_bls_signed_operation_is_refused(chain_fixtures: Path) -> None:
    path = chain_fixtures / "forging/octez-codec/u025/encoding-regression-operation.out"
    line = next(
        line for line in path.read_text().splitlines() if "operation-reveal-with-proof" in line
    )

    with pytest.raises(EncodingError):
        decode_signed(bytes.fromhex(line.split(": ")[1]))
