"""A file of fees counts whole or not at all; a mistake is named by file and line."""

import json
from pathlib import Path

import pytest

from bakehouse.cli.fees_file import read_fees
from bakehouse.errors import InputError
from bakehouse.tezos.base58check import Prefix, encode

ALICE = encode(Prefix.TZ1, b"alice".ljust(20))
BOB = encode(Prefix.TZ4, b"bob".ljust(20))
VAULT = encode(Prefix.KT1, b"vault".ljust(20))
ROLLUP = encode(Prefix.SR1, b"rollup".ljust(20))


@pytest.fixture
def fees_file(tmp_path: Path) -> Path:
    return tmp_path / "fees"


@pytest.mark.parametrize(
    "text",
    [
        f"{ALICE},9.95\n{BOB},0\n{VAULT},100\n",
        f"address,percent\n{ALICE},9.95\n{BOB},0\n{VAULT},100\n",
        f"\ufeffAddress,Fee %\r\n{ALICE},9.95\r\n{BOB},0\r\n{VAULT},100\r\n",
        f"# friends\n\n  {ALICE} , 9.95 %\n  # family\n{BOB},0\n\t\n{VAULT},100",
        f'"address","fee"\n"{ALICE}","9.95"\n"{BOB}","0"\n"{VAULT}","100"\n',
        f'{{"{ALICE}": "9.95", "{BOB}": "0", "{VAULT}": "100"}}',
        f'{{"{ALICE}": 9.95, "{BOB}": 0, "{VAULT}": 100}}',
        f' \n{{\n  "{ALICE}" : 9.95,\n  "{BOB}": 0.00,\n  "{VAULT}": "100 %"\n}}\n',
    ],
)
def test_csv_and_json_name_the_same_fees(fees_file: Path, text: str) -> None:
    fees_file.write_text(text, newline="")

    assert read_fees(fees_file) == {ALICE: 995, BOB: 0, VAULT: 10_000}


@pytest.mark.parametrize("text", ["", "\n\n", "# nobody yet\n", "address,percent\n", "{}"])
def test_a_file_without_fees_names_none(fees_file: Path, text: str) -> None:
    fees_file.write_text(text)

    assert read_fees(fees_file) == {}


def test_every_json_number_is_a_fee_to_its_last_decimal(fees_file: Path) -> None:
    fees = {encode(Prefix.TZ1, points.to_bytes(20)): points for points in range(10_001)}
    fees_file.write_text(
        json.dumps({address: points / 100 for address, points in fees.items()}, indent=1)
    )

    assert read_fees(fees_file) == fees


WRONG_CHECKSUM = f"{ALICE[:-1]}{'2' if ALICE[-1] == '1' else '1'}"


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        (f"{ALICE},5\n{WRONG_CHECKSUM},5\n", 2, "checksum is wrong"),
        (f"{ALICE},5\n{BOB[:-1]},5\n", 2, "checksum is wrong"),
        (f"{ROLLUP},5\n", 1, "smart rollup, which cannot be paid"),
        (f"# fees\n\n{ALICE},100.5\n", 3, "'100.5' is not a percentage"),
        (f"{ALICE},-1\n", 1, "'-1' is not a percentage"),
        (f"{ALICE},10.123\n", 1, "'10.123' is not a percentage"),
        (f"{ALICE},five\n", 1, "'five' is not a percentage"),
        (f"{ALICE},\n", 1, "'' is not a percentage"),
        (f"{ALICE}\n", 1, "a line is `address,percent`"),
        (f"{ALICE},9,95\n", 1, "a line is `address,percent`, the percentage with a point"),
        (f"{ALICE};9\n", 1, "a line is `address,percent`"),
        (f"{ALICE},5\n{BOB},5\n\n{ALICE},5\n", 4, f"{ALICE} has a fee already, further up"),
        (f"{ALICE},5\naddress,percent\n", 2, "'address' is not a valid Tezos address"),
        (f'"{ALICE},5\n', 1, "this is not CSV"),
        (f"{ALICE},5\rmore\n", 1, "this is not CSV"),
        (f'{{\n"{ALICE}": 5,\n"{WRONG_CHECKSUM}": 5}}', 3, "checksum is wrong"),
        (f'{{\n\n"{ALICE}": 100.5}}', 3, "'100.5' is not a percentage"),
        (f'{{"{ALICE}": 1e1}}', 1, "'1e1' is not a percentage"),
        (f'{{"{ALICE}": NaN}}', 1, "'NaN' is not a percentage"),
        (f'{{"{ALICE}": 5,\n"{BOB}": null}}', 2, f"the fee of {BOB} must be a percentage"),
        (f'{{"{ALICE}": {{"fee": 5}}}}', 1, f"the fee of {ALICE} must be a percentage"),
        (f'{{"{ALICE}": [5]}}', 1, f"the fee of {ALICE} must be a percentage"),
        (f'{{"{ALICE}": true}}', 1, f"the fee of {ALICE} must be a percentage"),
        (f'{{"{ALICE}": 5,\n "{BOB}": 5,\n "{ALICE}": 6}}', 3, f"{ALICE} has a fee already"),
        ('{"a\\"b": 5}', 1, "is not a valid Tezos address"),
        (f'{{"{ALICE}": 5,\n"{BOB}" 5}}', 2, "this is not JSON"),
        (f'{{\n"{ALICE}": 5\n', 3, "this is not JSON"),
    ],
)
def test_a_mistake_is_named_by_file_and_line(
    fees_file: Path, text: str, line: int, complaint: str
) -> None:
    fees_file.write_text(text, newline="")

    with pytest.raises(InputError) as refusal:
        read_fees(fees_file)

    assert refusal.value.message.startswith(f"{fees_file}, line {line}: ")
    assert complaint in refusal.value.message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[]", "must be one JSON object"),
        (b'["tz1"]', "must be one JSON object"),
        (b"[" * 100_000, "is nested too deep"),
        (b"\xff\xfe\x00", "is not a text in UTF-8"),
    ],
)
def test_a_file_that_is_no_list_of_fees_at_all_is_refused(
    fees_file: Path, content: bytes, complaint: str
) -> None:
    fees_file.write_bytes(content)

    with pytest.raises(InputError, match=complaint):
        read_fees(fees_file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*absent: No such file or directory"):
        read_fees(tmp_path / "absent")
    with pytest.raises(InputError, match=r"cannot read .*: Is a directory"):
        read_fees(tmp_path)
