"""The key that seals: made once, for its owner's eyes, and missed when it is gone."""

import threading
from pathlib import Path

import pytest

from bakehouse.errors import SettingError
from bakehouse.secret_box import SecretKeyFile

SECRET = "tgram://123:secret/4"


@pytest.fixture
def key(tmp_path: Path) -> SecretKeyFile:
    return SecretKeyFile(tmp_path / "data" / "secret.key", made_when_missing=True)


def test_what_was_sealed_is_read_again_and_cannot_be_read_otherwise(key: SecretKeyFile) -> None:
    sealed = key.seal(SECRET)

    assert key.unseal(sealed) == SECRET
    assert SECRET.encode() not in sealed
    assert key.seal(SECRET) != sealed


def test_the_first_secret_makes_a_key_for_its_owner_alone(key: SecretKeyFile) -> None:
    assert not key.path.exists()

    key.seal(SECRET)

    assert key.path.stat().st_mode & 0o777 == 0o600
    assert key.path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in key.path.parent.iterdir()] == ["secret.key"]
    assert len(bytes.fromhex(key.path.read_text())) == 32


def test_a_key_that_is_there_is_kept(key: SecretKeyFile) -> None:
    sealed = key.seal(SECRET)
    before = key.path.read_text()

    assert SecretKeyFile(key.path, made_when_missing=True).unseal(sealed) == SECRET
    key.seal("another")
    assert key.path.read_text() == before


def test_many_who_need_a_key_at_once_get_one(key: SecretKeyFile) -> None:
    sealed: list[bytes] = []
    threads = [threading.Thread(target=lambda: sealed.append(key.seal(SECRET))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [key.unseal(each) for each in sealed] == [SECRET] * 8


def test_a_key_that_a_person_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"secret key .*/mine cannot be read: No such file"):
        SecretKeyFile(tmp_path / "mine").seal(SECRET)


def test_reading_makes_no_key_in_place_of_one_that_is_lost(key: SecretKeyFile) -> None:
    sealed = key.seal(SECRET)
    key.path.unlink()

    with pytest.raises(SettingError, match="cannot be read"):
        key.unseal(sealed)
    assert not key.path.exists()


def test_another_key_is_told_from_the_right_one(key: SecretKeyFile, tmp_path: Path) -> None:
    sealed = key.seal(SECRET)
    other = SecretKeyFile(tmp_path / "other.key", made_when_missing=True)
    other.seal(SECRET)

    with pytest.raises(SettingError, match="not the one this was sealed with") as refused:
        other.unseal(sealed)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("damage", [b"", b"\0\x01\xff", b"ab" * 31, b"ab" * 33, b"zz" * 32])
def test_what_is_no_key_is_refused(key: SecretKeyFile, damage: bytes) -> None:
    sealed = key.seal(SECRET)
    key.path.write_bytes(damage)

    for attempt in (lambda: key.seal(SECRET), lambda: key.unseal(sealed)):
        with pytest.raises(SettingError, match="holds no key: it takes 64 hexadecimal digits"):
            attempt()


def test_a_key_that_others_can_read_is_refused(key: SecretKeyFile) -> None:
    key.seal(SECRET)
    key.path.chmod(0o640)

    with pytest.raises(SettingError, match="open to others than its owner: run chmod 600"):
        key.seal(SECRET)
