"""A plan for people: the largest payouts on a terminal of any width, every one in a pipe."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.cli import main
from bakehouse.tezos.base58check import Prefix, encode

WriteSplit = Callable[[Any], Path]
Document = dict[str, Any]

ANSI = re.compile(r"\x1b\[[0-9;]*m")
BAKER = encode(Prefix.TZ4, b"baker".ljust(20))


@pytest.fixture
def printed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    split_file: WriteSplit,
) -> Callable[..., list[str]]:
    """Plan a document; give the lines printed on a terminal of `width` columns, or in a pipe."""

    def run(document: Document, *options: str, width: int | None = None) -> list[str]:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("TTY_COMPATIBLE", "1" if width else "0")
        monkeypatch.setenv("COLUMNS", str(width or 80))
        assert main(["plan", "--split", str(split_file(document)), *options]) == 0
        output = capsys.readouterr()
        assert output.err == ""
        assert output.out.isascii() or width
        return [ANSI.sub("", line).strip() for line in output.out.splitlines()]

    return run


@pytest.fixture
def many_delegators(split_document: Document) -> Document:
    """Thirty delegators, of whom number 29 has most; the pool is a million tez."""
    balances = [1_000_000 * (index + 1) for index in range(30)]
    return split_document | {
        "delegators": [
            {
                "address": encode(Prefix.TZ1, index.to_bytes(20)),
                "delegatedBalance": balance,
                "emptied": False,
            }
            for index, balance in enumerate(balances)
        ],
        "externalDelegatedBalance": sum(balances),
        "blockRewardsDelegated": 10**12,
    }


def test_a_pipe_gets_every_row_in_columns_and_the_sum(
    printed: Callable[..., list[str]], split_document: Document
) -> None:
    alice, bob, _ = (row["address"] for row in split_document["delegators"])

    assert printed(split_document, "--baker", BAKER, "--fee", "9.95") == [
        f"Payout plan of cycle 1400, baker {BAKER} (in tez)",
        "",
        "recipient                             delegated     gross  fee %       fee       net",
        f"{alice}   0.000600  0.000600   9.95  0.000060  0.000540",
        f"{bob}   0.000300  0.000300   9.95  0.000030  0.000270",
        "",
        "own part            0.000100",
        "+ fees              0.000090",
        "+ dust of rounding  0.000000",
        "= the baker keeps   0.000190",
        "+ payouts           0.000810",
        "= pool              0.001000",
        "",
        "2 payouts; 1 more came to 0 and are left out.",
        "Proven: every row and every sum adds up to the mutez.",
    ]


def test_a_pipe_gets_all_of_many_rows_in_the_order_of_the_split(
    printed: Callable[..., list[str]], many_delegators: Document
) -> None:
    lines = printed(many_delegators)

    assert [line.split()[0] for line in lines[3:33]] == [
        row["address"] for row in many_delegators["delegators"]
    ]
    assert len({len(line) for line in lines[2:33]}) == 1


def test_a_wide_terminal_gets_the_largest_rows_first_and_the_number_of_the_others(
    printed: Callable[..., list[str]], many_delegators: Document
) -> None:
    lines = printed(many_delegators, width=140)

    rows = [line.split() for line in lines if line.startswith("tz1")]
    addresses = [row["address"] for row in many_delegators["delegators"]]
    assert [row[0] for row in rows] == addresses[:9:-1]
    assert {len(row) for row in rows} == {6}
    assert any("and 10 smaller payouts" in line for line in lines)
    assert "= pool              1,000,000.000600" in lines


def test_a_narrow_terminal_gets_whole_addresses_and_what_they_are_paid(
    printed: Callable[..., list[str]], many_delegators: Document
) -> None:
    lines = printed(many_delegators, width=80)

    rows = [line.split() for line in lines if line.startswith("tz1")]
    assert [len(row) for row in rows] == [3] * 20
    assert rows[0][0] == many_delegators["delegators"][29]["address"]
    assert rows[0][1:] == ["10", "58,064.503676"]
    assert max(map(len, lines)) <= 80


def test_a_very_narrow_terminal_folds_addresses_and_cuts_no_amount(
    printed: Callable[..., list[str]], split_document: Document
) -> None:
    lines = printed(split_document, width=40)

    folded = "".join(line.split(" ")[0] for line in lines)
    for row, net in zip(split_document["delegators"], ("0.000540", "0.000270"), strict=False):
        assert row["address"] in folded
        assert any(line.endswith(net) for line in lines)
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("width", [None, 80])
def test_a_cycle_that_pays_nobody_says_so(
    printed: Callable[..., list[str]], split_document: Document, width: int | None
) -> None:
    nobody = split_document | {"delegators": [], "externalDelegatedBalance": 0}

    lines = printed(nobody, width=width)

    assert "0 payouts; 0 more came to 0 and are left out." in lines
    assert not any("recipient" in line for line in lines)


def test_fees_of_strangers_are_counted(
    printed: Callable[..., list[str]], split_document: Document, tmp_path: Path
) -> None:
    fees = tmp_path / "fees.csv"
    fees.write_text(f"{split_document['delegators'][0]['address']},5\n{BAKER},5\n")

    lines = printed(split_document, "--fees", str(fees))

    assert "1 of the fees are for addresses that do not delegate in this cycle." in lines


@pytest.mark.parametrize("width", [None, 80, 160])
def test_what_rules_change_is_told_beside_the_payout_and_below(
    printed: Callable[..., list[str]],
    many_delegators: Document,
    tmp_path: Path,
    width: int | None,
) -> None:
    first, second, third = (encode(Prefix.TZ1, index.to_bytes(20)) for index in (29, 28, 27))
    rules = tmp_path / "rules.csv"
    rules.write_text(
        f"address,recipient,listing\n{first},{BAKER},\n{second},,ignored\n{third},,ignored\n"
    )

    options = ("--rules", str(rules), "--minimum-balance", "2.5", "--rounding", "fee-floor")
    lines = printed(many_delegators, *options, width=width)

    text = " ".join(" ".join(lines).split())
    assert second not in text
    assert "note" in text if width else "note" not in text
    assert "sent to" in text
    assert "2 not paid (ignored): their shares go" in text
    assert "2 not paid (below-minimum-balance): their shares go" in text
    assert "tez to the baker." in text
    assert any(line.startswith("+ excluded shares") for line in lines)
