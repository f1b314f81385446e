"""Operations and their JSON in the node's shape: read strictly, written canonically."""

from typing import Any

import pytest

from bakehouse.errors import EncodingError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import parse_address
from bakehouse.tezos.operation import (
    NUMBER_MAX,
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
    content_from_json,
    content_to_json,
    group_from_json,
    group_to_json,
)

TZ1 = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
KT1 = parse_address("KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat")
SR1 = parse_address("sr1Ghq66tYK9y3r8CC1Tf8i8m5nxh8nTvZEf")
EDPK = "edpkvGfYw3LyB1UcCahKQk4rF2tvbMUk8GFiTuMjL75uGXrpvKXhjn"
BRANCH = "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU"

TRANSACTION = {
    "kind": "transaction",
    "source": TZ1,
    "fee": "300",
    "counter": "97949834",
    "gas_limit": "2269",
    "storage_limit": "0",
    "amount": "1000000",
    "destination": KT1,
}


def test_each_kind_is_written_as_the_node_writes_it() -> None:
    manager = {"source": TZ1, "fee": "3", "counter": "9", "gas_limit": "171", "storage_limit": "0"}

    assert content_to_json(
        Transaction(TZ1, Mutez(300), 97949834, 2269, 0, Mutez(1_000_000), KT1)
    ) == (TRANSACTION)
    assert content_to_json(Reveal(TZ1, Mutez(3), 9, 171, 0, EDPK)) == {
        "kind": "reveal",
        **manager,
        "public_key": EDPK,
    }
    assert content_to_json(Delegation(TZ1, Mutez(3), 9, 171, 0, TZ1)) == {
        "kind": "delegation",
        **manager,
        "delegate": TZ1,
    }
    assert content_to_json(Delegation(TZ1, Mutez(3), 9, 171, 0, None)) == {
        "kind": "delegation",
        **manager,
    }


def test_a_group_is_read_back_from_its_json() -> None:
    group = OperationGroup(
        BRANCH,
        (
            Reveal(TZ1, Mutez(276), 2, 171, 0, EDPK),
            Transaction(TZ1, Mutez(365), 3, 2101, 257, Mutez(1), TZ1),
            Delegation(TZ1, Mutez(0), 4, 1000, 0, None),
        ),
    )

    assert group_from_json(group_to_json(group)) == group


def test_what_a_node_adds_to_an_included_operation_is_passed_over() -> None:
    included = {**TRANSACTION, "metadata": {"operation_result": {"status": "applied"}}}

    assert content_from_json(included) == content_from_json(TRANSACTION)
    assert group_from_json(
        {"protocol": "Ps…", "hash": "oo…", "branch": BRANCH, "contents": [included]}
    ) == OperationGroup(BRANCH, (content_from_json(TRANSACTION),))


def test_the_default_entrypoint_with_unit_is_a_plain_transfer() -> None:
    plain = {"entrypoint": "default", "value": {"prim": "Unit"}}

    assert content_from_json({**TRANSACTION, "parameters": plain}) == (
        content_from_json(TRANSACTION)
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"entrypoint": "stake", "value": {"prim": "Unit"}},
        {"entrypoint": "default", "value": {"int": "1"}},
        {},
        None,
    ],
)
def test_a_call_of_an_entrypoint_is_refused(parameters: Any) -> None:
    with pytest.raises(EncodingError, match="calls an entrypoint is not supported"):
        content_from_json({**TRANSACTION, "parameters": parameters})


@pytest.mark.parametrize(
    "amount",
    [
        1000000,
        1.0,
        True,
        None,
        "",
        "-1",
        "+1",
        "1.0",
        "1e6",
        "01",
        " 1",
        "1_000",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "0x10",
    ],
)
def test_a_number_must_be_a_plain_decimal_string(amount: Any) -> None:
    with pytest.raises(EncodingError, match="the field amount of an operation must be"):
        content_from_json({**TRANSACTION, "amount": amount})


def test_a_number_may_have_63_bits() -> None:
    highest = content_from_json({**TRANSACTION, "amount": str(NUMBER_MAX)})

    assert isinstance(highest, Transaction)
    assert highest.amount == 2**63 - 1
    with pytest.raises(EncodingError, match="the field amount"):
        content_from_json({**TRANSACTION, "amount": str(NUMBER_MAX + 1)})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "origination"}, "kind 'origination' are not supported"),
        ({"kind": None}, "kind None are not supported"),
        ({"source": KT1}, "the field source of an operation: "),
        ({"source": None}, "the field source of an operation must be a string"),
        ({"destination": f"{TZ1} "}, "the field destination of an operation: "),
        ({"delegate": TZ1}, r"fields that are not supported: \['delegate'\]"),
    ],
)
def test_a_field_that_is_wrong_or_unknown_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        content_from_json({**TRANSACTION, **change})


@pytest.mark.parametrize("field", TRANSACTION.keys() - {"kind"})
def test_a_field_that_is_missing_is_named(field: str) -> None:
    with pytest.raises(EncodingError, match=f"the field {field} of an operation"):
        content_from_json({name: text for name, text in TRANSACTION.items() if name != field})


@pytest.mark.parametrize(
    "document",
    [
        {"branch": BRANCH},
        {"branch": BRANCH, "contents": []},
        {"branch": BRANCH, "contents": "transaction"},
        {"branch": BRANCH, "contents": ["transaction"]},
        {"branch": f"{BRANCH[:-1]}V", "contents": [TRANSACTION]},
        {"contents": [TRANSACTION]},
    ],
)
def test_a_malformed_group_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        group_from_json(document)
