"""`bakehouse wallet …`: encrypted files for their owner alone; a secret is never shown."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.cli import wallet_file
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.key_file import encrypt_secret_key, read_key_file
from bakehouse.tezos.keys import Curve, PublicKey, SecretKey
from bakehouse.tezos.mnemonic_key import WALLET_PATH
from bakehouse.tezos.sealed_key import COST_MIN, SealedKey
from tests.cli.bakers_desk import ANN, Desk, open_desk
from tests.cli.terminal import Terminal

PASSPHRASE = "correct horse battery staple"
SEED = bytes(range(1, 33))
SECRETS = {
    Curve.ED25519: encode(Prefix.EDSK_SEED, SEED),
    Curve.SECP256K1: encode(Prefix.SPSK, SEED),
    Curve.P256: encode(Prefix.P2SK, SEED),
}
#: Of no value anywhere; the address is that of wallets, along their usual path.
WORDS = " ".join(["zebra"] * 24)
WORDS_ADDRESS = "tz1dyX3B1CFYa2DfdFLyPtiJCfQRUgPVME6E"
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
        # What a guess of a passphrase costs is tested where keys are sealed.
        monkeypatch.setattr(wallet_file, "COST", COST_MIN)
        yield opened
    os.umask(before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "payout.key"


def test_a_new_key_is_written_encrypted_and_for_its_owner_alone(desk: Desk, file: Path) -> None:
    out = desk.done("wallet", "new", str(file))

    address = read_key_file(file, PASSPHRASE).public_key.address
    assert address.startswith("tz1")
    assert out == f"{file} holds the key of {address}, encrypted\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert SealedKey.parse(file.read_text()).address == address


def test_each_new_key_is_another_one(desk: Desk, file: Path) -> None:
    files = [file.with_suffix(f".{number}") for number in range(2)]
    for each in files:
        desk.done("wallet", "new", str(each))

    first, second = (read_key_file(each, PASSPHRASE) for each in files)
    assert first.public_key.address != second.public_key.address


def test_a_file_that_exists_is_never_written_over(desk: Desk, file: Path) -> None:
    file.write_text("the only key to a fortune")

    line = desk.refused(2, "wallet", "new", str(file))

    assert line == f"cannot write {file}: File exists"
    assert file.read_text() == "the only key to a fortune"


def test_a_link_to_nowhere_is_not_followed(desk: Desk, file: Path) -> None:
    file.symlink_to(file.with_name("elsewhere"))

    desk.refused(2, "wallet", "new", str(file))

    assert not file.with_name("elsewhere").exists()


def test_a_folder_that_does_not_exist_is_told(desk: Desk, tmp_path: Path) -> None:
    absent = tmp_path / "absent" / "payout.key"

    line = desk.refused(2, "wallet", "new", str(absent))

    assert line == f"cannot write {absent}: No such file or directory"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_passphrase_that_others_can_read_is_none(
    desk: Desk, file: Path, passphrase_file: Path, mode: int
) -> None:
    passphrase_file.chmod(mode)

    line = desk.refused(1, "wallet", "new", str(file))

    assert "is open to others than its owner: run chmod 600" in line
    assert PASSPHRASE not in line
    assert not file.exists()


def test_an_empty_passphrase_is_none(desk: Desk, file: Path, passphrase_file: Path) -> None:
    passphrase_file.write_text("\n")

    line = desk.refused(1, "wallet", "new", str(file))

    assert line == "the passphrase of the key files is empty where it is read from"
    assert not file.exists()


def test_a_secret_key_is_no_argument(desk: Desk, file: Path) -> None:
    code, out, _ = desk.run("wallet", "import", str(file), EDSK)

    assert (code, out) == (2, "")
    assert not file.exists()


def test_a_key_made_without_naming_a_file_is_kept_where_payments_look_for_it(desk: Desk) -> None:
    made = json.loads(desk.done("wallet", "new", "--json"))

    folder = desk.folder / "data" / "keys"
    assert Path(made["file"]) == folder / f"{made['address']}.key"
    assert folder.stat().st_mode & 0o777 == 0o700
    [shown] = json.loads(desk.done("wallet", "show", "--json"))["wallets"]
    assert shown == {**made, "balance": None, "is_revealed": None}
    assert desk.done("wallet", "address", made["file"]) == f"{made['address']}\n"
    text = desk.done("wallet", "public-key", made["file"]).strip()
    assert PublicKey.parse(text).address == made["address"]


def test_the_older_name_of_the_command_still_works(desk: Desk, file: Path) -> None:
    assert "holds the key of" in desk.done("key", "new", str(file))


# Importing


def descriptor_of(text: str) -> str:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe:
        pipe.write(text)
    return str(reader)


@pytest.mark.parametrize("curve", Curve)
def test_a_key_is_imported_from_a_private_file(
    desk: Desk, file: Path, tmp_path: Path, curve: Curve
) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(f"unencrypted:{SECRETS[curve]}\n")
    address = SecretKey.from_seed(curve, SEED).public_key.address

    desk.done("wallet", "import", str(file), "--secret-file", str(secret), "--expect", address)

    assert read_key_file(file, PASSPHRASE).seed == SEED


def test_the_64_bytes_that_wallets_export_are_imported(desk: Desk, file: Path) -> None:
    public = SecretKey.from_seed(Curve.ED25519, SEED).public_key
    secret = encode(Prefix.EDSK_SECRET, SEED + public.raw)

    desk.done("wallet", "import", str(file), "--secret-fd", descriptor_of(secret), "--yes")

    assert read_key_file(file, PASSPHRASE).public_key == public


def test_a_key_that_octez_encrypted_is_imported(desk: Desk, file: Path) -> None:
    secret = encrypt_secret_key(SecretKey.from_seed(Curve.P256, SEED), "theirs")
    opened = ["--secret-passphrase-fd", descriptor_of("theirs")]

    desk.done("wallet", "import", str(file), "--secret-fd", descriptor_of(secret), *opened, "--yes")

    assert read_key_file(file, PASSPHRASE).seed == SEED
    line = desk.refused(
        1, "wallet", "import", f"{file}.2", "--secret-fd", descriptor_of(secret), "--yes"
    )
    assert line == "the passphrase does not open this secret key"


@pytest.mark.parametrize(
    "how", [["--path", "44'/1729'/1'/0'"], ["--path", "none"], ["--expect", WORDS_ADDRESS]]
)
def test_words_are_imported_as_they_are_said_to_be_derived(
    desk: Desk, file: Path, how: list[str]
) -> None:
    yes = [] if "--expect" in how else ["--yes"]
    desk.done("wallet", "import", str(file), "--secret-fd", descriptor_of(WORDS), *how, *yes)

    address = read_key_file(file, PASSPHRASE).public_key.address
    assert (address == WORDS_ADDRESS) == ("--expect" in how)


def test_a_key_of_another_address_than_expected_is_not_stored(desk: Desk, file: Path) -> None:
    found = SecretKey.from_seed(Curve.ED25519, SEED).public_key.address

    line = desk.refused(
        1, "wallet", "import", str(file), "--secret-fd", descriptor_of(EDSK), "--expect", ANN
    )

    assert line == f"this is not the key of {ANN}, but of {found}: nothing is stored"
    assert not file.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say which address it must be, with --expect ADDRESS"),
        (["--yes", "--path", WALLET_PATH], "a key is not derived"),
        (["--yes", "--secret-file", "x"], "name a file or a file descriptor, not both"),
    ],
)
def test_an_import_that_leaves_something_open_is_refused(
    desk: Desk, file: Path, options: list[str], said: str
) -> None:
    line = desk.refused(
        2, "wallet", "import", str(file), "--secret-fd", descriptor_of(EDSK), *options
    )

    assert said in line
    assert not file.exists()


def test_words_need_more_than_a_yes(desk: Desk, file: Path) -> None:
    line = desk.refused(
        2, "wallet", "import", str(file), "--secret-fd", descriptor_of(WORDS), "--yes"
    )

    assert "how words are derived" in line


# Funding


def test_an_address_is_shown_with_a_code_to_fund_it(desk: Desk) -> None:
    first, *code = desk.done("wallet", "qr", ANN).splitlines()

    assert first == ANN
    assert len(code) > 10
    assert set("".join(code)) <= set("\u2588\u2580\u2584 ")


def test_the_code_can_be_written_as_a_picture(desk: Desk, tmp_path: Path) -> None:
    picture = tmp_path / "fund.svg"

    assert desk.done("wallet", "qr", ANN, "--svg", str(picture)).startswith(ANN)

    assert picture.read_text().startswith("<svg")
    line = desk.refused(2, "wallet", "qr", ANN, "--svg", str(tmp_path / "absent" / "x.svg"))
    assert "cannot write" in line


def test_an_address_with_a_typing_mistake_gets_no_code(desk: Desk) -> None:
    assert "checksum" in desk.refused(2, "wallet", "qr", f"{ANN[:-1]}x")


# At a terminal


def test_a_key_is_imported_without_any_secret_on_the_screen(file: Path) -> None:
    with Terminal(["wallet", "import", str(file)], {}) as terminal:
        terminal.answer_unseen("Secret key or words: ", f"{EDSK}\n")
        terminal.answer("Is this your address? [y/N]: ", "y\n")
        terminal.answer_unseen("Passphrase: ", f"{PASSPHRASE}\n")
        terminal.answer_unseen("Repeat for confirmation: ", f"{PASSPHRASE}\n")
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

    with Terminal(["wallet", "import", str(file)], environment) as terminal:
        terminal.answer_unseen("Secret key or words: ", f" {SECRETS[curve]} \n")
        terminal.answer("Is this your address? [y/N]: ", "y\n")
        seen = terminal.end()

    assert seen.code == 0, seen.screen
    assert read_key_file(file, PASSPHRASE).public_key == (
        SecretKey.from_seed(curve, SEED).public_key
    )


def test_what_is_no_secret_key_is_refused_without_repeating_it(
    file: Path, passphrase_file: Path
) -> None:
    environment = {"BAKEHOUSE_KEY_PASSPHRASE_FILE": str(passphrase_file)}
    secret = f"{EDSK[:-1]}x"

    with Terminal(["wallet", "import", str(file)], environment) as terminal:
        terminal.answer_unseen("Secret key or words: ", f"{secret}\n")
        seen = terminal.end()

    assert seen.code == 1
    assert "this is not an unencrypted secret key: its checksum is wrong" in seen.screen
    assert secret not in seen.screen
    assert "Traceback" not in seen.screen
    assert not file.exists()


def test_a_person_picks_which_address_the_words_of_a_wallet_mean(
    file: Path, passphrase_file: Path
) -> None:
    environment = {"BAKEHOUSE_KEY_PASSPHRASE_FILE": str(passphrase_file)}

    with Terminal(["wallet", "import", str(file)], environment) as terminal:
        terminal.answer_unseen("Secret key or words: ", f"{WORDS}\n")
        terminal.answer_unseen("empty if there is none: ", "\n")
        terminal.answer("Which of these is your address?: ", "1\n")
        seen = terminal.end()

    assert seen.code == 0, seen.screen
    assert f"1  {WORDS_ADDRESS}  along {WALLET_PATH}, as wallets do" in seen.screen
    assert "zebra" not in seen.screen
    assert read_key_file(file, PASSPHRASE).public_key.address == WORDS_ADDRESS


def test_an_address_that_is_not_confirmed_is_not_stored(file: Path, passphrase_file: Path) -> None:
    environment = {"BAKEHOUSE_KEY_PASSPHRASE_FILE": str(passphrase_file)}

    with Terminal(["wallet", "import", str(file)], environment) as terminal:
        terminal.answer_unseen("Secret key or words: ", f"{EDSK}\n")
        terminal.answer("Is this your address? [y/N]: ", "n\n")
        seen = terminal.end()

    assert seen.code == 130
    assert not file.exists()


def test_whoever_thinks_better_of_it_leaves_nothing_behind(file: Path) -> None:
    end_of_input = "\x04"

    with Terminal(["wallet", "import", str(file)], {}) as terminal:
        terminal.answer_unseen("Secret key or words: ", end_of_input)
        seen = terminal.end()

    assert seen.code == 130
    assert "Traceback" not in seen.screen
    assert not file.exists()
