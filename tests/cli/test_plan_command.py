"""`bakehouse plan` as a person or a script meets it: exit codes, streams, and real processes.

What a process of its own adds is shown once for each exit code and stream; else the same command
runs in the process of the test.
"""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.cli import main
from bakehouse.cli.application import COMMANDS
from bakehouse.tezos.base58check import Prefix, encode

WriteSplit = Callable[[Any], Path]
Run = Callable[..., subprocess.CompletedProcess[bytes]]
Document = dict[str, Any]

ALICE, BOB, CAROL = (encode(Prefix.TZ1, index.to_bytes(20)) for index in range(3))
BAKER = encode(Prefix.TZ4, b"baker".ljust(20))


def bakehouse(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, as an installed one would run."""
    command = [sys.executable, "-m", "bakehouse", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603 - our own command


def called(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command here, on streams of its own."""
    command = [str(each) for each in arguments]
    streams = [io.TextIOWrapper(io.BytesIO(each), write_through=True) for each in (given, b"", b"")]
    out, err = (stream.buffer for stream in streams[1:])
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        code = main(command)
    assert isinstance(out, io.BytesIO)
    assert isinstance(err, io.BytesIO)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def planned(*arguments: str | Path, given: bytes = b"", run: Run = called) -> Document:
    """Run a plan that must succeed without a word on standard error; give its document."""
    finished = run("plan", *arguments, "--json", given=given)
    assert (finished.returncode, finished.stderr) == (0, b"")
    assert finished.stdout.endswith(b"\n")
    document: Document = json.loads(finished.stdout)
    return document


def refused(*arguments: str | Path, code: int, given: bytes = b"", run: Run = called) -> str:
    """Run a command that must fail with one line on standard error; give that line."""
    finished = run(*arguments, given=given)
    assert finished.returncode == code
    assert finished.stdout == b""
    message = finished.stderr.decode()
    assert message.startswith("bakehouse: ")
    assert message.count("\n") == 1
    assert message.endswith("\n")
    return message


def test_a_plan_is_printed_as_one_json_object(
    split_file: WriteSplit, split_document: Document
) -> None:
    split = split_file(split_document)

    document = planned("--split", split, "--baker", BAKER, run=bakehouse)

    assert document.pop("rules")["default_fee"] == 1000
    assert document == {
        "baker": BAKER,
        "cycle": 1400,
        "pool": 1000,
        "baker_share": 190,
        "own_part": 100,
        "total_fees": 90,
        "excluded_kept": 0,
        "dust": 0,
        "total_net": 810,
        "zero_payouts": 1,
        "payouts": [
            {
                "recipient": ALICE,
                "kind": "delegator",
                "address": ALICE,
                "delegated_balance": 600,
                "gross": 600,
                "fee_basis_points": 1000,
                "fee": 60,
                "net": 540,
            },
            {
                "recipient": BOB,
                "kind": "delegator",
                "address": BOB,
                "delegated_balance": 300,
                "gross": 300,
                "fee_basis_points": 1000,
                "fee": 30,
                "net": 270,
            },
        ],
        "exclusions": [],
    }


def test_options_set_the_fees_and_what_is_shared(
    split_file: WriteSplit, split_document: Document, tmp_path: Path
) -> None:
    fees = tmp_path / "fees.csv"
    fees.write_text(f"address,percent\n{ALICE},0\n{BAKER},5\n")

    document = planned(
        "--split", split_file(split_document), "--fee", "9.95", "--fees", fees, "--share-block-fees"
    )

    assert (document["pool"], document["own_part"], document["baker"]) == (1100, 110, None)
    assert [(p["fee_basis_points"], p["gross"], p["net"]) for p in document["payouts"]] == [
        (0, 660, 660),
        (995, 330, 297),
    ]


def test_block_fees_are_kept_unless_shared(
    split_file: WriteSplit, split_document: Document
) -> None:
    path = split_file(split_document)

    assert planned("--split", path) == planned("--split", path, "--keep-block-fees")


def test_a_dash_reads_standard_input(split_document: Document) -> None:
    given = json.dumps(split_document).encode()

    assert planned("--split", "-", given=given, run=bakehouse)["total_net"] == 810


def test_a_baker_without_delegators_keeps_everything(
    split_file: WriteSplit, split_document: Document
) -> None:
    alone = split_document | {"delegators": [], "externalDelegatedBalance": 0, "delegatorsCount": 0}

    document = planned("--split", split_file(alone))

    assert (document["baker_share"], document["total_net"], document["payouts"]) == (1000, 0, [])


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("name", "baker_share", "total_net", "zero_payouts"),
    [("trd-tz1fikAG-420", 2_233_859, 31_766, 0), ("trd-tz1NRGxX-750", 3_854_230, 19_992_470, 4)],
)
def test_recorded_cycles_are_planned_to_the_mutez(
    chain_fixtures: Path, name: str, baker_share: int, total_net: int, zero_payouts: int
) -> None:
    document = planned("--split", chain_fixtures / "tzkt/rewards-split" / f"{name}.json")

    assert document["baker_share"] == baker_share
    assert document["total_net"] == total_net == sum(p["net"] for p in document["payouts"])
    assert document["pool"] == baker_share + total_net
    assert document["zero_payouts"] == zero_payouts


def test_a_truncated_split_is_refused(split_file: WriteSplit, split_document: Document) -> None:
    whole = json.dumps(split_document).encode()

    message = refused("plan", "--split", split_file(whole[:-40]), code=1, run=bakehouse)

    assert "split.json: this is not a reward split" in message


def test_an_html_page_is_refused_as_what_it_is(split_file: WriteSplit) -> None:
    page = b"<!DOCTYPE html>\n<html><body>429 Too Many Requests</body></html>\n"

    assert "HTML" in refused("plan", "--split", split_file(page), code=1)


@pytest.mark.parametrize(("balance", "gap"), [(601, "1 mutez"), (599, "1 mutez")])
def test_a_sum_that_is_off_by_one_mutez_is_refused(
    split_file: WriteSplit, split_document: Document, balance: int, gap: str
) -> None:
    split_document["delegators"][0]["delegatedBalance"] = balance

    assert gap in refused("plan", "--split", split_file(split_document), "--json", code=1)


def test_a_delegator_named_twice_is_refused(
    split_file: WriteSplit, split_document: Document
) -> None:
    split_document["delegators"][2]["address"] = ALICE

    message = refused("plan", "--split", split_file(split_document), code=1)

    assert f"{ALICE} twice" in message


@pytest.mark.parametrize("fee", ["100.5", "-1", "10.123", "abc"])
def test_a_wrong_fee_is_a_usage_error(
    split_file: WriteSplit, split_document: Document, fee: str
) -> None:
    message = refused("plan", "--split", split_file(split_document), "--fee", fee, code=2)

    assert f"{fee!r} is not a percentage" in message


def test_a_wrong_baker_is_a_usage_error(split_file: WriteSplit, split_document: Document) -> None:
    cut, split = BAKER[:-1], split_file(split_document)

    message = refused("plan", "--split", split, "--baker", cut, code=2, run=bakehouse)

    assert f"{cut!r} is not a valid Tezos address" in message


def test_a_mistake_in_a_file_of_fees_is_a_usage_error_with_its_line(
    split_file: WriteSplit, split_document: Document, tmp_path: Path
) -> None:
    fees = tmp_path / "fees.csv"
    fees.write_text(f"{ALICE},5\n{BOB},105\n")

    message = refused("plan", "--split", split_file(split_document), "--fees", fees, code=2)

    assert f"{fees}, line 2: '105' is not a percentage" in message


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("plan",), "Missing option '--split'"),
        (("plan", "--split", "a", "--nope"), "No such option: --nope"),
        (("plan", "--split", "absent.json"), "cannot read absent.json: No such file"),
        (("bake",), "No such command 'bake'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], complaint: str
) -> None:
    assert complaint in refused(*arguments, code=2)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_reader_that_goes_away_ends_the_command_quietly(
    split_document: Document, form: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "bakehouse", "plan", "--split", "-", *form]

    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.close()
        # The command has nothing to print before it is given its split.
        _, complaint = process.communicate(json.dumps(split_document).encode())
        assert (process.returncode, complaint) == (1, b"")


def test_ctrl_c_ends_the_command_quietly_with_exit_code_130(tmp_path: Path) -> None:
    pipe = tmp_path / "split"
    os.mkfifo(pipe)
    # Whoever runs the tests may ignore Ctrl-C, and children inherit that.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"from bakehouse.cli import main; sys.exit(main(['plan', '--split', {str(pipe)!r}]))"
    )

    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        # A pipe opens once someone opens its other end: the command is reading it now.
        with pipe.open("wb"):
            process.send_signal(signal.SIGINT)
            output = process.communicate()
        assert (process.returncode, *output) == (130, b"", b"")


def test_a_full_disk_is_one_line_and_exit_code_1(
    split_file: WriteSplit, split_document: Document
) -> None:
    split = str(split_file(split_document))
    command = [sys.executable, "-m", "bakehouse", "plan", "--split", split]

    with Path("/dev/full").open("wb") as full:
        finished = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)  # noqa: S603 - our own command

    assert finished.returncode == 1
    assert finished.stderr == b"bakehouse: [Errno 28] No space left on device\n"


def test_help_names_every_command() -> None:
    finished = bakehouse("--help")

    assert (finished.returncode, finished.stderr) == (0, b"")
    assert all(name in finished.stdout.decode() for name in COMMANDS)
