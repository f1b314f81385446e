"""A passphrase comes from one named place, guarded, and is never taken for given."""

import os
from pathlib import Path

import pytest

from bakehouse.errors import SettingError, SignerError
from bakehouse.tezos.passphrase import CREDENTIAL, PassphraseSource


def private(path: Path, text: str, *, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def descriptor_of(text: str) -> int:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as file:
        file.write(text)
    return reader


def test_nothing_named_is_no_passphrase(tmp_path: Path) -> None:
    for source in (PassphraseSource(), PassphraseSource(credentials=tmp_path)):
        assert not source.is_named
        assert source.read() is None


def test_it_is_read_from_a_private_file(tmp_path: Path) -> None:
    source = PassphraseSource(file=private(tmp_path / "p", "secret\n"))

    assert source.is_named
    assert source.read() == "secret"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    source = PassphraseSource(file=private(tmp_path / "p", "secret", mode=0o644))

    with pytest.raises(SignerError, match="is open to others than its owner"):
        source.read()


def test_it_is_read_from_a_descriptor_which_is_closed() -> None:
    number = descriptor_of("secret\n")
    source = PassphraseSource(descriptor=number)

    assert source.is_named
    assert source.read() == "secret"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_a_descriptor_that_is_not_open_is_told() -> None:
    with pytest.raises(SignerError, match="file descriptor 987 cannot be read"):
        PassphraseSource(descriptor=987).read()


def test_it_is_read_from_systemd_whatever_the_mode_of_its_file(tmp_path: Path) -> None:
    private(tmp_path / CREDENTIAL, "secret\n", mode=0o440)
    source = PassphraseSource(credentials=tmp_path)

    assert source.is_named
    assert source.read() == "secret"


def test_what_a_person_names_goes_before_the_credential(tmp_path: Path) -> None:
    private(tmp_path / CREDENTIAL, "other")
    file = private(tmp_path / "p", "mine")

    assert PassphraseSource(file=file, credentials=tmp_path).read() == "mine"


def test_two_places_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="not both"):
        PassphraseSource(file=tmp_path / "p", descriptor=3)


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SignerError, match="is empty"):
        PassphraseSource(file=private(tmp_path / "p", "\n")).read()
