"""Keys at rest: octez' own encrypted form, in files that only their owner reads."""

import stat
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import SignerError
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.key_file import (
    decrypt_secret_key,
    encrypt_secret_key,
    read_key_address,
    read_key_file,
)
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.sealed_key import COST_MIN, SealedKey

SEED = bytes(range(1, 33))
PASSPHRASE = "cr\N{LATIN SMALL LETTER E WITH GRAVE}me br\N{LATIN SMALL LETTER U WITH CIRCUMFLEX}l"

every_curve = pytest.mark.parametrize("curve", Curve)


@pytest.fixture(scope="module")
def pytezos_key() -> Any:
    if sys.version_info >= (3, 14):
        pytest.skip("pytezos does not support Python 3.14 yet")
    with warnings.catch_warnings():
        # What pytezos' own dependencies warn about at import is not ours to answer for.
        warnings.simplefilter("ignore")
        from pytezos.crypto.key import Key  # noqa: PLC0415 - costs a second
    return Key


def write(path: Path, text: str, *, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@every_curve
def test_an_encrypted_key_opens_with_its_passphrase_only(curve: Curve) -> None:
    key = SecretKey.from_seed(curve, SEED)
    text = encrypt_secret_key(key, PASSPHRASE)

    assert text[:5] in {"edesk", "spesk", "p2esk"}
    assert decrypt_secret_key(text, PASSPHRASE).seed == SEED
    for wrong in ("", "creme brul", PASSPHRASE + " "):
        with pytest.raises(SignerError, match="the passphrase does not open this secret key"):
            decrypt_secret_key(text, wrong)


def test_encrypting_twice_gives_two_texts() -> None:
    key = SecretKey.from_seed(Curve.ED25519, SEED)

    assert encrypt_secret_key(key, PASSPHRASE) != encrypt_secret_key(key, PASSPHRASE)


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(SignerError, match="needs a passphrase"):
        encrypt_secret_key(SecretKey.from_seed(Curve.ED25519, SEED), "")


@every_curve
def test_the_encrypted_form_is_the_one_that_others_read_and_write(
    pytezos_key: Any, curve: Curve
) -> None:
    key = SecretKey.from_seed(curve, SEED)
    ours = encrypt_secret_key(key, PASSPHRASE)
    theirs = pytezos_key.from_encoded_key(ours, PASSPHRASE)

    assert theirs.public_key_hash() == key.public_key.address
    written_by_them = theirs.secret_key(passphrase=PASSPHRASE.encode())
    assert decrypt_secret_key(written_by_them, PASSPHRASE).seed == SEED


def test_a_key_file_is_read_with_or_without_the_mark_that_octez_client_puts(
    tmp_path: Path,
) -> None:
    key = SecretKey.from_seed(Curve.ED25519, SEED)
    text = encrypt_secret_key(key, PASSPHRASE)

    for content in (text, f"{text}\n", f"encrypted:{text}\n"):
        path = write(tmp_path / "key", content)
        assert read_key_file(path, PASSPHRASE).public_key == key.public_key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622, 0o611, 0o777])
def test_a_key_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    text = encrypt_secret_key(SecretKey.from_seed(Curve.ED25519, SEED), PASSPHRASE)
    path = write(tmp_path / "key", text, mode=mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode

    with pytest.raises(SignerError, match=f"run chmod 600 {path}"):
        read_key_file(path, PASSPHRASE)


@pytest.mark.parametrize("mark", ["", "unencrypted:"])
@pytest.mark.parametrize("prefix", [Prefix.EDSK_SEED, Prefix.SPSK, Prefix.P2SK])
def test_an_unencrypted_key_is_refused_with_the_way_to_encrypt_it(
    tmp_path: Path, prefix: Prefix, mark: str
) -> None:
    path = write(tmp_path / "key", mark + encode(prefix, SEED))

    with pytest.raises(SignerError, match="`octez-client encrypt secret key`") as refusal:
        read_key_file(path, PASSPHRASE)
    assert encode(prefix, SEED)[8:20] not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("content", ["", "edesk", "[]", "x" * 4_096, "\0", "tz1\N{SNOWMAN}"])
def test_a_file_with_something_else_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "key", content)

    with pytest.raises(SignerError, match=f"{path}: this is not an encrypted secret key"):
        read_key_file(path, PASSPHRASE)


def test_a_file_too_long_for_a_key_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "key", "x" * 4_097)

    with pytest.raises(SignerError, match=f"{path} holds more than 4096 bytes"):
        read_key_file(path, PASSPHRASE)


def test_bakehouses_own_form_is_read_where_octez_form_is(tmp_path: Path) -> None:
    key = SecretKey.from_seed(Curve.ED25519, SEED)
    path = write(tmp_path / "key", SealedKey.seal(key, PASSPHRASE, COST_MIN).text())

    assert read_key_file(path, PASSPHRASE).seed == SEED
    assert read_key_address(path) == key.public_key.address
    with pytest.raises(SignerError, match=f"{path}: the passphrase does not open"):
        read_key_file(path, "another")
    path.write_text("{}")
    with pytest.raises(SignerError, match=f"{path}: this is not a key file of Bakehouse"):
        read_key_file(path, PASSPHRASE)


def test_octez_form_names_no_address(tmp_path: Path) -> None:
    text = encrypt_secret_key(SecretKey.from_seed(Curve.ED25519, SEED), PASSPHRASE)

    assert read_key_address(write(tmp_path / "key", text)) is None


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "key", "")
    path.write_bytes(b"\xff\xfe\x00\x80")

    with pytest.raises(SignerError, match="this is not an encrypted secret key"):
        read_key_file(path, PASSPHRASE)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SignerError, match=f"{tmp_path / 'key'} cannot be read: No such file"):
        read_key_file(tmp_path / "key", PASSPHRASE)


def test_neither_key_nor_passphrase_shows_when_the_passphrase_is_wrong(tmp_path: Path) -> None:
    text = encrypt_secret_key(SecretKey.from_seed(Curve.ED25519, SEED), PASSPHRASE)
    path = write(tmp_path / "key", text)

    wrong = PASSPHRASE[::-1]
    with pytest.raises(SignerError) as refusal:
        read_key_file(path, wrong)
    shown = "".join(traceback.format_exception(refusal.value))
    assert wrong not in shown
    assert text[8:20] not in shown
