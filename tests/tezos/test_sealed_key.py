"""Bakehouse's own key files: opened by their passphrase, told apart from every damaged one."""

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from bakehouse.errors import SignerError
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.sealed_key import COST, COST_MIN, SealedKey

SEED = bytes(range(1, 33))
PASSPHRASE = "cr\N{LATIN SMALL LETTER E WITH GRAVE}me br\N{LATIN SMALL LETTER U WITH CIRCUMFLEX}l"
KEY = SecretKey.from_seed(Curve.ED25519, SEED)
OTHER = SecretKey.from_seed(Curve.ED25519, bytes(32))

#: Written by version 1: what stands in people's files must open for ever.
KEPT = """{
  "format": "bakehouse-key",
  "version": 1,
  "address": "tz1MsZxMSJdiUV9hVs4UKAMrXtksDvxWAZe2",
  "curve": "ed25519",
  "kdf": {
    "name": "argon2id",
    "passes": 1,
    "memory_kib": 8,
    "salt": "11a82392487feb047870df2d3e319a24"
  },
  "cipher": {
    "name": "xsalsa20-poly1305",
    "nonce": "a88d894ab3285ec2b9f8e16d3eb1c5deaacc8323263234e9",
    "box": "dbd5b70fe0684856041c2af13301c5f5dcd8728d1cc10cfc5c4ad5b26d50bbbed8eebbcdd17ede1654dbbbcb1324b1d0"
  }
}
"""  # noqa: E501 - as it stands in a file


def changed(change: Callable[[dict[str, Any]], None]) -> str:
    document = json.loads(SealedKey.seal(KEY, PASSPHRASE, COST_MIN).text())
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize("curve", Curve)
def test_a_key_opens_with_its_passphrase_only(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, SEED)

    sealed = SealedKey.parse(SealedKey.seal(key, PASSPHRASE, COST_MIN).text())

    assert (sealed.address, sealed.curve) == (key.public_key.address, curve)
    assert sealed.open(PASSPHRASE).seed == SEED
    for wrong in ("", "creme brul", PASSPHRASE + " "):
        with pytest.raises(SignerError, match="the passphrase does not open this secret key"):
            sealed.open(wrong)


def test_a_file_of_version_1_opens_and_is_written_back_the_same() -> None:
    sealed = SealedKey.parse(KEPT)

    assert sealed.open(PASSPHRASE).seed == SEED
    assert sealed.text() == KEPT


def test_the_cost_is_in_the_file_and_what_is_made_now_costs_256_mib() -> None:
    kdf = json.loads(SealedKey.seal(KEY, PASSPHRASE).text())["kdf"]

    assert (kdf["passes"], kdf["memory_kib"]) == (COST.passes, COST.memory_kib) == (3, 262_144)


def test_sealing_twice_gives_two_files() -> None:
    first, second = (SealedKey.seal(KEY, PASSPHRASE, COST_MIN) for _ in range(2))

    assert len({first.box, second.box, first.salt, second.salt}) == 4


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(SignerError, match="needs a passphrase"):
        SealedKey.seal(KEY, "", COST_MIN)


def test_a_file_that_names_another_address_is_not_believed() -> None:
    text = changed(lambda document: document.update(address=OTHER.public_key.address))

    with pytest.raises(SignerError, match=f"says {OTHER.public_key.address}, but its key is"):
        SealedKey.parse(text).open(PASSPHRASE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.pop("kdf"), "kdf is missing"),
        (lambda it: it.update(version=2), "its version is 2, this Bakehouse knows 1"),
        (lambda it: it.update(format="wallet"), "format must be bakehouse-key"),
        (lambda it: it.update(curve="bls"), "curve must be one of"),
        (lambda it: it.update(address="tz1x"), "address is not what it should be"),
        (lambda it: it["kdf"].update(name="pbkdf2"), "kdf.name must be argon2id"),
        (lambda it: it["kdf"].update(memory_kib=10**9), "kdf.memory_kib must be from 8 to"),
        (lambda it: it["kdf"].update(passes=0), "kdf.passes must be from 1 to 32"),
        (lambda it: it["kdf"].update(salt="00"), "kdf.salt must be 16 bytes"),
        (lambda it: it["cipher"].update(nonce="zz" * 24), "cipher.nonce must be 24 bytes"),
        (lambda it: it["cipher"].update(box=""), "cipher.box must be a text"),
    ],
)
def test_a_damaged_file_is_refused_by_what_is_wrong_with_it(
    change: Callable[[dict[str, Any]], None], said: str
) -> None:
    with pytest.raises(SignerError, match=f"not a key file of Bakehouse: {said}"):
        SealedKey.parse(changed(change))


def test_neither_key_nor_passphrase_shows_anywhere() -> None:
    sealed = SealedKey.seal(KEY, PASSPHRASE, COST_MIN)
    wrong = PASSPHRASE[::-1]

    with pytest.raises(SignerError) as refusal:
        sealed.open(wrong)

    shown = "".join(traceback.format_exception(refusal.value)) + repr(sealed)
    assert wrong not in shown
    assert sealed.box.hex() not in shown
    assert SEED.hex() not in sealed.text()
