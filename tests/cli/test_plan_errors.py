"""Whatever is wrong with what `bakehouse plan` is given: one line says it, nothing is printed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.cli import main
from bakehouse.tezos.base58check import Prefix, encode

WriteSplit = Callable[[Any], Path]
Document = dict[str, Any]
Refused = Callable[..., str]

ALICE = encode(Prefix.TZ1, bytes(20))


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must fail with one line on standard error alone; give that line."""

    def run(*arguments: str, code: int) -> str:
        assert main(arguments) == code
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("bakehouse: ")
        assert output.err.count("\n") == 1
        return output.err

    return run


def without(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"3",
        b"\xff\xfe{}",
        b"<html></html>",
        b'  <?xml version="1.0"?>',
        b'{"cycle": 1, "cycle": 2}',
        b'{"cycle": NaN}',
        b"[" * 100_000,
        b'{"cycle": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_file_that_is_no_split_is_refused_by_name(
    refused: Refused, split_file: WriteSplit, content: bytes
) -> None:
    path = split_file(content)

    assert refused("plan", "--split", str(path), code=1).startswith(f"bakehouse: {path}: ")


@pytest.mark.parametrize(
    "name",
    [
        "cycle",
        "ownDelegatedBalance",
        "externalDelegatedBalance",
        "blockRewardsDelegated",
        "attestationRewardsDelegated",
        "vdfRevelationRewardsDelegated",
        "nonceRevelationRewardsDelegated",
        "blockFees",
        "futureBlocks",
        "futureBlockRewards",
        "delegators",
    ],
)
def test_a_missing_field_is_refused_not_taken_for_0(
    refused: Refused, split_file: WriteSplit, split_document: Document, name: str
) -> None:
    path = split_file(without(split_document, name))

    assert name in refused("plan", "--split", str(path), code=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cycle", -1),
        ("blockRewardsDelegated", "12.5"),
        ("blockRewardsDelegated", 1e3),
        ("blockFees", None),
        ("ownDelegatedBalance", True),
        ("delegators", {}),
        ("delegators", [17]),
        ("delegators", [{"address": ALICE}]),
        ("delegators", [{"address": ALICE[:-1], "delegatedBalance": 900, "emptied": False}]),
    ],
)
def test_a_mistyped_field_is_refused(
    refused: Refused,
    split_file: WriteSplit,
    split_document: Document,
    name: str,
    value: object,
) -> None:
    path = split_file(split_document | {name: value})

    assert name in refused("plan", "--split", str(path), code=1)


@pytest.mark.parametrize(
    "name",
    [
        "futureBlocks",
        "futureAttestations",
        "futureBlockRewards",
        "futureAttestationRewards",
        "futureDalAttestationRewards",
    ],
)
def test_a_cycle_that_is_not_over_is_refused(
    refused: Refused, split_file: WriteSplit, split_document: Document, name: str
) -> None:
    path = split_file(split_document | {name: 1})

    assert "cycle 1400 is not over" in refused("plan", "--split", str(path), code=1)


@pytest.mark.parametrize("fee", ["", " ", "10,5", "1e1", "0x10", "100.01", "1000", "10\n20"])
def test_a_wrong_fee_is_refused_before_anything_is_read(refused: Refused, fee: str) -> None:
    message = refused("plan", "--split", "absent.json", "--fee", fee, code=2)

    assert "is not a percentage from 0 to 100" in message


@pytest.mark.parametrize(
    "baker", ["", "me", f"{ALICE}1", ALICE.lower(), f" {ALICE}", encode(Prefix.KT1, bytes(20))]
)
def test_a_wrong_baker_is_refused_before_anything_is_read(refused: Refused, baker: str) -> None:
    message = refused("plan", "--split", "absent.json", "--baker", baker, code=2)

    assert "is not a valid Tezos address" in message


def test_a_file_of_fees_that_is_wrong_in_one_line_plans_nothing(
    refused: Refused, split_file: WriteSplit, split_document: Document, tmp_path: Path
) -> None:
    fees = tmp_path / "fees.json"
    fees.write_text(f'{{\n  "{ALICE}": 5,\n  "{ALICE}": 6\n}}\n')

    message = refused(
        "plan", "--split", str(split_file(split_document)), "--fees", str(fees), code=2
    )

    assert message == f"bakehouse: {fees}, line 3: {ALICE} has a fee already, further up\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("plan", "--split"), "requires an argument"),
        (("plan", "--split", "a", "more"), "unexpected extra argument"),
        (("plan", "--split", "/"), "cannot read /: Is a directory"),
        (("plan", "--split", "two\nlines"), "cannot read two lines: No such file"),
        (("plan", "--split", "-", "--fees", "absent.csv"), "cannot read absent.csv: No such file"),
        (("plan", "--split", "a", "--share-block-fees=yes"), "does not take a value"),
        (("--nope",), "No such option: --nope"),
        (("",), "No such command ''"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    refused: Refused, arguments: tuple[str, ...], complaint: str
) -> None:
    assert complaint in refused(*arguments, code=2)
