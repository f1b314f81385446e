"""Bond-pool members in a CSV file: every line is understood, or none counts."""

from pathlib import Path

import pytest

from bakehouse.cli.bond_pool_file import read_bond_pool
from bakehouse.errors import InputError, SettingError
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.cli.bakers_desk import ANN, BOB, CONTRACT, ROLLUP

HEADER = "address,amount,adm_charge,is_manager,name"
ANN_IS_MANAGER = BondPoolMember(ANN, Mutez(10_000_000), BasisPoints(500), is_manager=True)
BOB_IS_NOT = BondPoolMember(BOB, Mutez(2_500_001), BasisPoints(0))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "members.csv"


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ANN},10,5,yes,\n{BOB},2.500001,0,no,\n",
        f"address,amount,adm_charge,is_manager\r\n{ANN},10,5,1\r\n{BOB},2.500001,0,0\r\n",
        f"is_manager,adm_charge,amount,address\nTRUE,5,10,{ANN}\n,0,2.500001,{BOB}\n",
        f"\ufeff{HEADER}\n\n{ANN}, 10 , 5 % , Yes ,\n\n{BOB},2.500001,0.00,False\n",
        f'{HEADER}\n"{ANN}","10","5","yes",""\n"{BOB}","2.500001","0","no",""\n',
        f"{HEADER},note\n{ANN},10,5,yes,,old friend\n{BOB},2.500001,0,no,,\n",
    ],
    ids=["plain", "Windows, no name", "other order", "BOM and blanks", "quoted", "one more column"],
)
def test_members_are_read_however_the_file_is_written(file: Path, content: str) -> None:
    file.write_text(content, newline="")

    assert read_bond_pool(file) == [ANN_IS_MANAGER, BOB_IS_NOT]


def test_a_name_may_hold_a_comma_and_a_quote(file: Path) -> None:
    file.write_text(f'{HEADER}\n{ANN},10,5,yes,"Smith, Ann ""Nug"""\n')

    assert [member.name for member in read_bond_pool(file)] == ['Smith, Ann "Nug"']


def test_a_contract_may_be_a_member(file: Path) -> None:
    file.write_text(f"{HEADER}\n{CONTRACT},10,5,yes,\n")

    assert [member.address for member in read_bond_pool(file)] == [CONTRACT]


def test_a_file_with_a_header_alone_is_a_pool_of_nobody(file: Path) -> None:
    file.write_text(HEADER)

    assert read_bond_pool(file) == []


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (f"{BOB},1,5,no,Bob,extra", "more cells"),
        (f"{BOB},1,500,5,no,Bob", "more cells"),
        (f"{BOB},1;500,5,no,Bob", "'1;500' is not an amount of tez"),
        (f"{BOB},-1,5,no,Bob", "'-1' is not an amount of tez"),
        (f"{BOB},1.0000001,5,no,Bob", "at most six decimals"),
        (f"{BOB},,5,no,Bob", "'' is not an amount of tez"),
        (f"{BOB},1e6,5,no,Bob", "'1e6' is not an amount of tez"),
        (f"{BOB},1,100.01,no,Bob", "'100.01' is not a percentage"),
        (f"{BOB},1,,no,Bob", "'' is not a percentage"),
        (f"{BOB},1", "'' is not a percentage"),
        (f"{BOB},1,5,maybe,Bob", "is_manager is yes or no, not 'maybe'"),
        (f"{BOB[:-1]}x,1,5,no,Bob", "checksum"),
        (f"{ROLLUP},1,5,no,Bob", ROLLUP),
        (",1,5,no,Bob", "address"),
        ("Bob", "address"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(file: Path, second: str, said: str) -> None:
    file.write_text(f"{HEADER}\n{ANN},10,5,yes,Ann\n{second}\n")

    with pytest.raises(InputError) as refused:
        read_bond_pool(file)

    assert refused.value.message.startswith(f"{file}, line 3: ")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "must name the column address"),
        (f"{ANN},10,5,yes,Ann\n", "must name the column address"),
        ("address,amount,adm_charge,name\n", "must name the column is_manager"),
        ("address;amount;adm_charge;is_manager\n", "must name the column address"),
        ("Address,Amount,adm_charge,is_manager\n", "must name the column address"),
    ],
)
def test_a_file_whose_first_line_does_not_name_the_columns_is_refused(
    file: Path, content: str, said: str
) -> None:
    file.write_text(content)

    with pytest.raises(InputError) as refused:
        read_bond_pool(file)

    assert refused.value.message.startswith(f"{file}: the first line {said}")


@pytest.mark.parametrize(
    "broken",
    [
        f'{ANN},10,5,yes,"Ann\n{BOB},1,5,no,Bob\n',
        f'{ANN},10,5,yes,"Ann"x\n{BOB},1,5,no,Bob\n',
        f"{ANN},10,5,yes,{'x' * 200_000}\n",
    ],
    ids=["a quote that is never closed", "text after a quote", "a cell without end"],
)
def test_what_is_not_csv_is_refused_and_swallows_nobody(file: Path, broken: str) -> None:
    file.write_text(f"{HEADER}\n{broken}")

    with pytest.raises(InputError, match="this is not CSV: ") as refused:
        read_bond_pool(file)

    assert refused.value.message.startswith(f"{file}, line ")


def test_what_is_not_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InputError, match="is not a text in UTF-8"):
        read_bond_pool(file)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([f"{ANN},1,5,no,"], "a bond pool has exactly one manager"),
        ([f"{ANN},1,5,yes,", f"{BOB},1,5,yes,"], "a bond pool has exactly one manager"),
        ([f"{ANN},1,5,yes,", f"{ANN},1,5,no,"], "an address is twice in the bond pool"),
        ([f"{ANN},0,5,yes,"], f"the bond of {ANN} must be more than 0 mutez"),
    ],
)
def test_members_that_cannot_be_a_pool_together_are_refused(
    file: Path, lines: list[str], said: str
) -> None:
    file.write_text("\n".join([HEADER, *lines]))

    with pytest.raises(SettingError, match=said):
        read_bond_pool(file)
