"""Words become the keys that wallets and octez-client make of them, by vectors others published."""

import sys
import traceback
import warnings
from typing import Any

import pytest

from bakehouse.errors import InputError, SignerError
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.mnemonic_key import WALLET_PATH, DerivationPath, derive, key_of_words

WALLET = DerivationPath.parse(WALLET_PATH)
GYM = (
    "gym exact clown can answer hope sample mirror knife twenty powder super imitate lion churn "
    "almost shed chalk dust civil gadget pyramid helmet trade"
)
ZEBRA = " ".join(["zebra"] * 24)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("44'/1729'/0'/0'", "tz1TyyX7U6r6tB1uSS4aUnfKX9rj3y9NCEVL"),
        ("m/44h/1729h/0h/0h", "tz1TyyX7U6r6tB1uSS4aUnfKX9rj3y9NCEVL"),
        ("44'/1729'/1'/0'", "tz1WCBJKr1rRivyCnN9hREpRAMqrLdmqDcym"),
        ("44'/1729'/2147483647'/0'", "tz1WKKg7eN7rADsFrfzZmRrEECfBcZbXKtvS"),
    ],
)
def test_a_path_leads_where_wallets_say(path: str, address: str) -> None:
    """As published with the tests of Kukai's wallet library."""
    key = key_of_words(GYM, path=DerivationPath.parse(path))

    assert key.public_key.address == address


def test_a_path_gives_the_secret_key_that_wallets_say() -> None:
    key = key_of_words(ZEBRA, path=WALLET)

    assert encode(Prefix.EDSK_SEED, key.seed) == (
        "edsk2tUyhVvGj9B1S956ZzmaU4bC9J7t8xVBH52fkAoZL25MHEwacd"
    )


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("0'", "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3"),
        ("0'/1'", "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2"),
        (
            "0'/1'/2'/2'/1000000000'",
            "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
        ),
    ],
)
def test_derivation_is_that_of_slip_10(path: str, secret: str) -> None:
    """Test vector 1 for ed25519 of the standard itself."""
    seed = bytes.fromhex("000102030405060708090a0b0c0d0e0f")

    assert derive(seed, DerivationPath.parse(path)).hex() == secret


@pytest.mark.parametrize("passphrase", ["", "TREZOR"])
def test_without_a_path_it_is_the_key_of_octez_client_and_pytezos(passphrase: str) -> None:
    if sys.version_info >= (3, 14):
        pytest.skip("pytezos does not support Python 3.14 yet")
    with warnings.catch_warnings():
        # What pytezos' own dependencies warn about at import is not ours to answer for.
        warnings.simplefilter("ignore")
        from pytezos.crypto.key import Key  # noqa: PLC0415 - costs a second

    theirs: Any = Key.from_mnemonic(GYM, passphrase=passphrase)

    ours = key_of_words(GYM, path=None, passphrase=passphrase)
    assert ours.public_key.address == theirs.public_key_hash()


def test_how_words_are_written_does_not_matter() -> None:
    same = f"  {GYM.upper()}\n".replace(" ", "  ")

    assert key_of_words(same, path=WALLET).seed == key_of_words(GYM, path=WALLET).seed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (GYM.replace("gym", "gim"), "one is misspelt, missing, or in the wrong place"),
        (" ".join(reversed(GYM.split())), "not a mnemonic"),
        (GYM.removesuffix(" trade"), "these are 23 words: a mnemonic has 12, 15, 18, 21, 24"),
    ],
)
def test_words_that_are_no_mnemonic_are_refused_without_repeating_them(
    words: str, said: str
) -> None:
    with pytest.raises(SignerError, match=said) as refused:
        key_of_words(words, path=WALLET)

    shown = "".join(traceback.format_exception_only(refused.value))
    assert "clown" not in shown


@pytest.mark.parametrize(
    "path", ["", "m", "44'/1729'/0", "44/1729/0/0", "44'/x'", "2147483648'", "44'//0'", "none "]
)
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="is not a derivation path"):
        DerivationPath.parse(path)
