"""Keys of three curves: deterministic, low-s, refusing what is not a key, and never showing one."""

import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.errors import EncodingError, SignerError
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.keys import Curve, PublicKey, SecretKey

SEED = bytes(range(1, 33))
MESSAGE = b"\x03 what is signed"

ORDERS = {
    Curve.SECP256K1: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    Curve.P256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
SECRET_PREFIXES = {
    Curve.ED25519: Prefix.EDSK_SEED,
    Curve.SECP256K1: Prefix.SPSK,
    Curve.P256: Prefix.P2SK,
}

every_curve = pytest.mark.parametrize("curve", Curve)
ecdsa_curves = pytest.mark.parametrize("curve", ORDERS)
unhurried = settings(deadline=None, max_examples=30)


@every_curve
def test_a_key_is_the_same_from_its_text_and_from_its_seed(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, SEED)

    assert SecretKey.parse(encode(SECRET_PREFIXES[curve], SEED)).public_key == key.public_key
    assert PublicKey.parse(key.public_key.encode()) == key.public_key


def test_the_long_form_of_an_ed25519_key_is_read_too() -> None:
    key = SecretKey.from_seed(Curve.ED25519, SEED)
    text = encode(Prefix.EDSK_SECRET, SEED + key.public_key.raw)

    assert SecretKey.parse(text).public_key == key.public_key


def test_a_long_form_with_a_foreign_public_half_is_refused() -> None:
    text = encode(Prefix.EDSK_SECRET, SEED + bytes(32))

    with pytest.raises(SignerError, match="carries a public key that is not its own"):
        SecretKey.parse(text)


@every_curve
def test_a_signature_fits_its_message_and_key_and_nothing_else(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, SEED)
    other_key = SecretKey.from_seed(curve, bytes(31) + b"\x07")
    signature = key.sign(MESSAGE)

    assert len(signature) == 64
    assert key.public_key.verify(signature, MESSAGE)
    assert not key.public_key.verify(signature, MESSAGE + b"\x00")
    assert not key.public_key.verify(signature[:-1] + bytes([signature[-1] ^ 1]), MESSAGE)
    assert not other_key.public_key.verify(signature, MESSAGE)


@every_curve
@pytest.mark.parametrize(
    "signature", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64, bytes(32) + b"\xff" * 32]
)
def test_what_is_not_a_signature_does_not_fit_and_does_not_raise(
    curve: Curve, signature: bytes
) -> None:
    assert not SecretKey.from_seed(curve, SEED).public_key.verify(signature, MESSAGE)


@every_curve
@unhurried
@given(seed=st.binary(min_size=32, max_size=32).filter(any), message=st.binary())
def test_signing_is_deterministic(curve: Curve, seed: bytes, message: bytes) -> None:
    signature = SecretKey.from_seed(curve, seed).sign(message)

    assert SecretKey.from_seed(curve, seed).sign(message) == signature
    assert SecretKey.from_seed(curve, seed).public_key.verify(signature, message)


@ecdsa_curves
@unhurried
@given(message=st.binary())
def test_of_the_two_signatures_that_ecdsa_allows_the_lower_is_made(
    curve: Curve, message: bytes
) -> None:
    signature = SecretKey.from_seed(curve, SEED).sign(message)

    assert int.from_bytes(signature[32:]) <= ORDERS[curve] // 2


@ecdsa_curves
def test_the_higher_of_the_two_is_taken_only_where_the_chain_takes_it(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, SEED)
    signature = key.sign(MESSAGE)
    higher_s = ORDERS[curve] - int.from_bytes(signature[32:])
    higher = signature[:32] + higher_s.to_bytes(32)

    assert key.public_key.verify(higher, MESSAGE) is (curve is Curve.P256)


@every_curve
def test_a_signature_is_read_in_its_curve_s_spelling_and_in_the_generic_one(curve: Curve) -> None:
    public_key = SecretKey.from_seed(curve, SEED).public_key
    signature = bytes(range(64))

    assert public_key.decode_signature(public_key.encode_signature(signature)) == signature
    assert public_key.decode_signature(encode(Prefix.SIG, signature)) == signature


@every_curve
def test_another_curve_s_signature_is_not_read(curve: Curve) -> None:
    public_key = SecretKey.from_seed(curve, SEED).public_key

    for other in set(Curve) - {curve}:
        text = SecretKey.from_seed(other, SEED).public_key.encode_signature(bytes(64))
        with pytest.raises(EncodingError):
            public_key.decode_signature(text)


@ecdsa_curves
def test_a_scalar_outside_the_curve_s_order_is_not_a_key(curve: Curve) -> None:
    order = ORDERS[curve]

    for scalar in (0, order, 2**256 - 1):
        with pytest.raises(SignerError, match=f"not a secret key of {curve.value}"):
            SecretKey.from_seed(curve, scalar.to_bytes(32))


@every_curve
@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_size_is_not_a_key(curve: Curve, size: int) -> None:
    with pytest.raises(SignerError, match=f"made of 32 bytes, not {size}"):
        SecretKey.from_seed(curve, bytes(size))


@pytest.mark.parametrize(
    "text",
    [
        encode(Prefix.SPPK, b"\x02" + b"\xff" * 32),
        encode(Prefix.SPPK, b"\x05" + SEED),
        encode(Prefix.P2PK, b"\x02" + b"\xff" * 32),
        encode(Prefix.P2PK, b"\x05" + SEED),
    ],
)
def test_bytes_that_are_no_point_on_the_curve_are_no_public_key(text: str) -> None:
    with pytest.raises(EncodingError, match="is not a point on the curve"):
        PublicKey.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "edpk", encode(Prefix.BLPK, bytes(48)), encode(Prefix.EDSK_SEED, SEED)],
)
def test_what_is_not_a_public_key_that_can_pay_is_refused(text: str) -> None:
    with pytest.raises(EncodingError):
        PublicKey.parse(text)


@every_curve
def test_a_secret_shows_in_no_text_of_its_key(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, SEED)

    for text in (repr(key), str(key), f"{key}", repr([key]), repr(key.public_key)):
        assert key.public_key.encode() in text
        assert SEED.hex() not in text
        assert repr(SEED) not in text
        assert encode(SECRET_PREFIXES[curve], SEED) not in text


@every_curve
def test_a_secret_that_is_refused_shows_in_no_text_of_the_error(curve: Curve) -> None:
    secret = encode(SECRET_PREFIXES[curve], SEED)
    for text in (secret[:-1], f"{secret} ", f"unencrypted:{secret}", secret.swapcase()):
        with pytest.raises(SignerError) as refusal:
            SecretKey.parse(text)
        shown = "".join(traceback.format_exception(refusal.value)) + repr(refusal.value.facts)
        assert secret[8:20] not in shown
        assert secret.swapcase()[8:20] not in shown
