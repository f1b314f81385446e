"""Operations as bytes: equal to what other implementations write, and read back strictly."""

import json
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import EncodingError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address, parse_address
from bakehouse.tezos.forging import content_size, forge
from bakehouse.tezos.operation import (
    NUMBER_MAX,
    Content,
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
    group_from_json,
    group_to_json,
)
from bakehouse.tezos.unforging import unforge

TZ1 = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
KT1 = parse_address("KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat")
EDPK = "edpkvGfYw3LyB1UcCahKQk4rF2tvbMUk8GFiTuMjL75uGXrpvKXhjn"
BRANCH = "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU"

#: What the parts above are in bytes.
BRANCH_BYTES = bytes.fromhex("8fcf233671b6a04fcf679d2a381c2544ea6c1ea29ba6157776ed842426e5cab8")
TZ1_HASH = bytes.fromhex("6b82198cb179e8306c1bedd08f12dc863f328886")
KT1_HASH = bytes.fromhex("38560805b4c8d7b7fbbafad5c59dbfa3878ca705")

#: One transfer of 128 mutez to a contract, spelt field by field.
LAYOUT = {
    "tag": b"\x6c",
    "source": b"\x00" + TZ1_HASH,
    "fee": b"\xac\x02",
    "counter": b"\x01",
    "gas limit": b"\xdd\x11",
    "storage limit": b"\x00",
    "amount": b"\x80\x01",
    "destination": b"\x01" + KT1_HASH + b"\x00",
    "parameters": b"\x00",
}


def transfer(*, amount: int = 128, destination: Address = KT1) -> Transaction:
    return Transaction(TZ1, Mutez(300), 1, 2269, 0, Mutez(amount), destination)


def group_of(*contents: Content) -> OperationGroup:
    return OperationGroup(BRANCH, contents)


def expected_of(folder: Path, kind: str) -> dict[str, bytes]:
    """Read octez-codec's `name: hex` lines."""
    text = (folder / f"encoding-regression-{kind}.out").read_text()
    lines = (line.split(": ") for line in text.splitlines() if line.startswith(f"{kind}-"))
    return {name: bytes.fromhex(written) for name, written in lines}


def sample_of(folder: Path, kind: str, name: str) -> Any:
    return json.loads((folder / kind / f"{name}.sample.json").read_text())


@pytest.fixture
def octez_codec(chain_fixtures: Path) -> Path:
    return chain_fixtures / "forging" / "octez-codec" / "u025"


@pytest.mark.conformance
@pytest.mark.parametrize(
    "name",
    [
        "operation.unsigned-transaction-to-implicit",
        "operation.unsigned-delegation",
        "operation.unsigned-delegation-withdrawal",
        "operation.unsigned-reveal",
        "operation.unsigned-reveal-with-proof",
    ],
)
def test_unsigned_operations_are_octez_own_bytes(octez_codec: Path, name: str) -> None:
    document = sample_of(octez_codec, "operation.unsigned", name)
    expected = expected_of(octez_codec, "operation.unsigned")[name]
    group = group_from_json(document)

    assert forge(group) == expected
    assert unforge(expected) == group
    assert group_to_json(group) == document


@pytest.mark.conformance
@pytest.mark.parametrize(
    "name",
    [
        "operation-transaction-to-implicit",
        "operation-delegation",
        "operation-delegation-withdrawal",
        "operation-reveal",
        "operation-reveal-with-proof",
        "operation-batch-reveal-transaction",
    ],
)
def test_signed_operations_begin_with_octez_own_bytes(octez_codec: Path, name: str) -> None:
    document = sample_of(octez_codec, "operation", name)
    expected = expected_of(octez_codec, "operation")[name]
    forged = forge(group_from_json(document))

    assert expected.startswith(forged)
    signature_size = 98 if name == "operation-reveal-with-proof" else 64
    assert len(expected) - len(forged) == signature_size


@pytest.mark.conformance
@pytest.mark.parametrize("name", ["transaction-to-originated", "origination"])
@pytest.mark.parametrize("kind", ["operation", "operation.unsigned"])
def test_operations_that_payouts_never_need_are_refused_in_both_forms(
    octez_codec: Path, kind: str, name: str
) -> None:
    with pytest.raises(EncodingError, match="supported"):
        group_from_json(sample_of(octez_codec, kind, f"{kind}-{name}"))
    with pytest.raises(EncodingError, match="supported"):
        unforge(expected_of(octez_codec, kind)[f"{kind}-{name}"])


def test_a_transfer_is_laid_out_field_by_field() -> None:
    forged = b"".join((BRANCH_BYTES, *LAYOUT.values()))

    assert forge(group_of(transfer())) == forged
    assert unforge(forged) == group_of(transfer())


def test_the_size_of_a_content_is_what_it_adds_to_a_group() -> None:
    contents: tuple[Content, ...] = (
        Reveal(TZ1, Mutez(276), 2, 171, 0, EDPK),
        transfer(),
        Delegation(TZ1, Mutez(0), 4, 1000, 0, None),
    )

    assert len(forge(group_of(*contents))) == 32 + sum(map(content_size, contents))


@pytest.mark.parametrize("amount", [-1, NUMBER_MAX + 1])
def test_a_number_outside_63_bits_is_not_written(amount: int) -> None:
    with pytest.raises(EncodingError, match=f"{amount} cannot stand in an operation"):
        forge(group_of(transfer(amount=amount)))


def test_a_group_needs_contents() -> None:
    with pytest.raises(EncodingError, match="without contents"):
        forge(group_of())
    with pytest.raises(EncodingError, match="without contents"):
        unforge(BRANCH_BYTES)


@pytest.mark.parametrize(
    "content",
    [
        transfer(destination=Address(f"{KT1[:-1]}u")),
        transfer(destination=Address("")),
        Delegation(Address(KT1), Mutez(1), 1, 1, 0, None),
        Delegation(TZ1, Mutez(1), 1, 1, 0, KT1),
        Reveal(TZ1, Mutez(1), 1, 1, 0, EDPK[:-1]),
        Reveal(TZ1, Mutez(1), 1, 1, 0, EDPK, proof=EDPK),
    ],
)
def test_a_text_that_is_not_what_its_field_holds_is_never_forged(content: Content) -> None:
    with pytest.raises(EncodingError):
        forge(group_of(content))


def test_every_cut_is_noticed() -> None:
    forged = forge(group_of(transfer()))

    for size in range(len(forged)):
        with pytest.raises(EncodingError):
            unforge(forged[:size])


def test_bytes_too_many_are_noticed() -> None:
    forged = forge(group_of(transfer()))

    for extra in (b"\x00", b"\xff", b"\x6c", bytes(64)):
        with pytest.raises(EncodingError):
            unforge(forged + extra)


@pytest.mark.parametrize(
    ("field", "replacement", "reason"),
    [
        ("tag", b"\x6d", "0x6d before byte 33 does not say an operation that is supported"),
        ("source", b"\x05" + TZ1_HASH, "does not say a key hash"),
        ("fee", b"\xac\x82\x00", "written longer than needed"),
        ("counter", b"\x81\x00", "written longer than needed"),
        ("storage limit", b"\x80\x00", "written longer than needed"),
        ("amount", b"\xff" * 9 + b"\x01", f"above {NUMBER_MAX}"),
        ("amount", b"\xff" * 40, f"above {NUMBER_MAX}"),
        ("destination", b"\x01" + KT1_HASH + b"\x01", "padding is not zero"),
        ("destination", b"\x02" + KT1_HASH + b"\x00", "does not say a destination"),
        ("destination", b"\x00\x07" + KT1_HASH, "does not say a key hash"),
        ("parameters", b"\xff", "calls an entrypoint is not supported"),
        ("parameters", b"\x01", "does not say presence"),
    ],
)
def test_a_field_that_octez_would_not_write_is_refused(
    field: str, replacement: bytes, reason: str
) -> None:
    fields = {**LAYOUT, field: replacement}

    with pytest.raises(EncodingError, match=reason):
        unforge(b"".join((BRANCH_BYTES, *fields.values())))


def test_a_proof_of_another_size_is_refused() -> None:
    reveal = forge(group_of(Reveal(TZ1, Mutez(1), 1, 1, 0, EDPK)))
    with_short_proof = reveal[:-1] + b"\xff" + (64).to_bytes(4) + bytes(64)

    with pytest.raises(EncodingError, match="a proof of possession has 64 bytes, not 96"):
        unforge(with_short_proof)
