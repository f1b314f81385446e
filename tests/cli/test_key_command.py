"""`bakehouse key …`: encrypted files for their owner alone; a secret is never shown."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.key_file import encrypt_secret_key, read_key_file
from bakehouse.tezos.keys import Curve, SecretKey
from tests.cli.bakers_desk import Desk, open_desk
from tests.cli.terminal import Terminal

PASSPHRASE = "correct horse battery staple"
SEED = bytes(range(1, 33))
SECRETS = {
    Curve.ED25519: encode(Prefix.EDSK_SEED, SEED),
    Curve.SECP256K1: encode(Prefix.SPSK, SEED),
    Curve.P256: encode(Prefix.P2SK, SEED),
}
EDSK = SECRETS[Curve.ED25519]


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.touch(mode=0o600)
    path.write_text(f"{PASSPHRASE}\n")
    return path


@pytest.fixture
def desk(
    tmp_path: Path,
    passphrase_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    # A key is for its owner alone whatever others may do with new files here.
    before = os.umask(0)
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        monkeypatch.setenv("BAKEHOUSE_KEY_PASSPHRASE_FILE", str(passphrase_file))
        yield opened
    os.umask(before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "payout.key"


def test_a_new_key_is_written_encrypted_and_for_its_owner_alone(desk: Desk, file: Path) -> None:
    out = desk.done("key", "new", str(file))

    address = read_key_file(file, PASSPHRASE).public_key.address
    assert address.startswith("tz1")
    assert out == f"{file} holds the key of {address}, encrypted\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("edesk")


def test_each_new_key_is_another_one(desk: Desk, file: Path) -> None:
    files = [file.with_suffix(f".{number}") for number in range(2)]
    for each in files:
        desk.done("key", "new", str(each))

    first, second = (read_key_file(each, PASSPHRASE) for each in files)
    assert first.public_key.address != second.public_key.address


def test_a_file_that_exists_is_never_written_over(desk: Desk, file: Path) -> None:
    file.write_text("the only key to a fortune")

    line = desk.refused(2, "key", "new", str(file))

    assert line == f"cannot write {file}: File exists"
    assert file.read_text() == "the only key to a fortune"


def test_a_link_to_nowhere_is_not_followed(desk: Desk, file: Path) -> None:
    file.symlink_to(file.with_name("elsewhere"))

    desk.refused(2, "key", "new", str(file))

    assert not file.with_name("elsewhere").exists()


def test_a_folder_that_does_not_exist_is_told(desk: Desk, tmp_path: Path) -> None:
    absent = tmp_path / "absent" / "payout.key"

    line = desk.refused(2, "key", "new", str(absent))

    assert line == f"cannot write {absent}: No such file or directory"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_passphrase_that_others_can_read_is_none(
    desk: Desk, file: Path, passphrase_file: Path, mode: int
) -> None:
    passphrase_file.chmod(mode)

    line = desk.refused(1, "key", "new", str(file))

    assert "is open to others than its owner: run chmod 600" in line
    assert PASSPHRASE not in line
    assert not file.exists()


def test_an_empty_passphrase_is_none(desk: Desk, file: Path, passphrase_file: Path) -> None:
    passphrase_file.write_text("\n")

    line = desk.refused(1, "key", "new", str(file))

    assert line == "a secret key needs a passphrase that is not empty"
    assert not file.exists()


def test_a_secret_key_is_no_argument(desk: Desk, file: Path) -> None:
    code, out, _ = desk.run("key", "import", str(file), EDSK)

    assert (code, out) == (2, "")
    assert not file.exists()


# At a terminal


def test_a_key_is_imported_without_any_secret_on_the_screen(file: Path) -> None:
    with Terminal(["key", "import", str(file)], {}) as terminal:
        terminal.answer("Secret key: ", f"{EDSK}\n")
        terminal.answer("Passphrase: ", f"{PASSPHRASE}\n")
        terminal.answer("Repeat for confirmation: ", f"{PASSPHRASE}\n")
        seen = terminal.end()

    key = read_key_file(file, PASSPHRASE)
    assert seen.code == 0
    assert key.seed == SEED
    assert f"holds the key of {key.public_key.address}, encrypted" in seen.screen
    assert EDSK not in seen.screen
    assert PASSPHRASE not in seen.screen
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("curve", [Curve.SECP256K1, Curve.P256])
def test_keys_of_other_curves_are_imported_too(
    file: Path, passphrase_file: Path, curve: Curve
) -> None:
    environment = {"BAKEHOUSE_KEY_PASSPHRASE_FILE": str(passphrase_file)}

    with Terminal(["key", "import", str(file)], environment) as terminal:
        terminal.answer("Secret key: ", f" {SECRETS[curve]} \n")
        seen = terminal.end()

    assert seen.code == 0, seen.screen
    assert read_key_file(file, PASSPHRASE).public_key == (
        SecretKey.from_seed(curve, SEED).public_key
    )


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (f"{EDSK[:-1]}x", "its checksum is wrong"),
        (encrypt_secret_key(SecretKey.from_seed(Curve.P256, SEED), "x"), "its prefix is not one"),
    ],
    ids=["mistyped", "encrypted already"],
)
def test_what_is_no_plain_secret_key_is_refused_without_repeating_it(
    file: Path, passphrase_file: Path, secret: str, said: str
) -> None:
    environment = {"BAKEHOUSE_KEY_PASSPHRASE_FILE": str(passphrase_file)}

    with Terminal(["key", "import", str(file)], environment) as terminal:
        terminal.answer("Secret key: ", f"{secret}\n")
        seen = terminal.end()

    assert seen.code == 1
    assert f"this is not an unencrypted secret key: {said}" in seen.screen
    assert secret not in seen.screen
    assert "Traceback" not in seen.screen
    assert not file.exists()


def test_whoever_thinks_better_of_it_leaves_nothing_behind(file: Path) -> None:
    end_of_input = "\x04"

    with Terminal(["key", "import", str(file)], {}) as terminal:
        terminal.answer("Secret key: ", end_of_input)
        seen = terminal.end()

    assert seen.code == 130
    assert "Traceback" not in seen.screen
    assert not file.exists()
