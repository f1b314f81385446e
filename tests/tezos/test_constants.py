"""Protocol constants: read whole or not at all."""

from typing import Any

import pytest

from bakehouse.errors import SourceMalformedError
from bakehouse.tezos.constants import parse_constants

DOCUMENT: dict[str, Any] = {
    "blocks_per_cycle": 14400,
    "minimal_block_delay": "6",
    "max_operations_time_to_live": 600,
    "hard_gas_limit_per_operation": "1040000",
    "hard_gas_limit_per_block": "1040000",
    "hard_storage_limit_per_operation": "60000",
    "origination_size": 257,
    "cost_per_byte": "250",
    "limit_of_delegation_over_baking": 9,
    "max_operation_data_length": 32768,
    "some_constant_of_a_later_protocol": {"numerator": 1},
}


def test_constants_are_read_whether_numbers_or_strings_of_digits() -> None:
    constants = parse_constants(DOCUMENT)

    assert constants.blocks_per_cycle == 14400
    assert constants.minimal_block_delay_seconds == 6
    assert constants.hard_gas_limit_per_block == 1_040_000
    assert constants.max_operation_data_length == 32768


def test_paying_an_unallocated_account_burns_its_size_times_the_price_of_a_byte() -> None:
    assert parse_constants(DOCUMENT).allocation_burn == 64_250


def test_the_size_of_a_group_is_unknown_where_only_parameters_are_listed() -> None:
    parameters = {
        name: value for name, value in DOCUMENT.items() if name != "max_operation_data_length"
    }

    assert parse_constants(parameters).max_operation_data_length is None


USED = [
    name
    for name in DOCUMENT
    if name not in {"some_constant_of_a_later_protocol", "max_operation_data_length"}
]


@pytest.mark.parametrize("name", USED)
def test_a_missing_constant_is_named(name: str) -> None:
    document = {each: value for each, value in DOCUMENT.items() if each != name}

    with pytest.raises(SourceMalformedError, match=f"^{name} is missing$"):
        parse_constants(document)


NO_CONSTANTS = [0, "0", -1, "-1", 1.0, "1.0", True, None, "", [], 2**63, "07"]


@pytest.mark.parametrize("name", USED)
def test_a_constant_that_is_no_positive_whole_number_is_named(name: str) -> None:
    taken = [
        each
        for each in NO_CONSTANTS
        if not refusal_of(DOCUMENT | {name: each}).startswith(f"{name} must be ")
    ]

    assert taken == []


def refusal_of(document: dict[str, Any]) -> str:
    """What is said of constants that are refused; nothing of those that are not."""
    try:
        parse_constants(document)
    except SourceMalformedError as refused:
        return str(refused)
    return ""


def test_an_operation_that_could_not_fit_into_a_block_is_nonsense() -> None:
    with pytest.raises(SourceMalformedError, match="cannot exceed hard_gas_limit_per_block"):
        parse_constants(DOCUMENT | {"hard_gas_limit_per_operation": "1040001"})


def test_an_account_that_could_not_be_allocated_is_nonsense() -> None:
    with pytest.raises(SourceMalformedError, match="cannot exceed hard_storage_limit"):
        parse_constants(DOCUMENT | {"origination_size": 60_001})


@pytest.mark.parametrize("document", [None, [], "constants", 3])
def test_what_is_no_object_holds_no_constants(document: Any) -> None:
    with pytest.raises(SourceMalformedError, match="it must be an object"):
        parse_constants(document)
