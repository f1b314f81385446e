"""Receipts: what became of a content with all that it caused, and receipts that are not there."""

from typing import Any

import pytest

from bakehouse.errors import SourceMalformedError
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.receipt import (
    ContentResult,
    Status,
    parse_manager_operations,
    parse_operation_hashes,
    parse_simulation,
)

Document = dict[str, Any]

APPLIED: Document = {"status": "applied", "consumed_milligas": "2168788"}
OP_HASH = encode(Prefix.OPERATION_HASH, bytes([7] * 32))


def content(outcome: Document, *internal: Document, **fields: Any) -> Document:
    metadata: Document = {"balance_updates": [], "operation_result": outcome}
    if internal:
        metadata["internal_operation_results"] = [
            {"kind": "transaction", "nonce": number, "result": each}
            for number, each in enumerate(internal)
        ]
    return {"kind": "transaction", "metadata": metadata} | fields


def result_of(outcome: Document, *internal: Document) -> ContentResult:
    (result,) = parse_simulation({"contents": [content(outcome, *internal)]})
    return result


def transfer(**fields: Any) -> Document:
    return content(
        APPLIED,
        source="tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb",
        fee="500",
        counter="42",
        gas_limit="2269",
        storage_limit="0",
        amount="123",
        destination="KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat",
        **fields,
    )


def operation(*contents: Document) -> Document:
    return {"hash": OP_HASH, "branch": "B", "contents": list(contents), "signature": "sig"}


def test_gas_and_storage_of_what_a_contract_does_in_turn_are_counted() -> None:
    result = result_of(
        APPLIED | {"paid_storage_size_diff": "10"},
        {"status": "applied", "consumed_milligas": "1000", "allocated_destination_contract": True},
        {
            "status": "applied",
            "consumed_milligas": "500",
            "paid_storage_size_diff": "5",
            "originated_contracts": ["KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat"],
        },
    )

    assert result == ContentResult(
        Status.APPLIED,
        consumed_milligas=2_170_288,
        allocated_destination=False,
        other_allocations=2,
        paid_storage_size_diff=15,
        errors=(),
    )


def test_a_failure_inside_a_contract_names_its_error() -> None:
    result = result_of(
        {"status": "backtracked", "consumed_milligas": "9"},
        {"status": "failed", "errors": [{"kind": "temporary", "id": "proto.x.script_rejected"}]},
        {"status": "skipped"},
    )

    assert result.status is Status.BACKTRACKED
    assert result.errors == ("proto.x.script_rejected",)


@pytest.mark.parametrize("status", ["failed", "backtracked", "skipped"])
def test_what_was_not_applied_needs_no_gas(status: str) -> None:
    assert result_of({"status": status}).status == status


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        ({}, "status is missing"),
        ({"status": "done"}, "status must be one of applied, failed"),
        ({"status": "applied"}, "consumed_milligas is missing"),
        ({"status": "applied", "consumed_milligas": 1.5}, "consumed_milligas must be a whole"),
        (APPLIED | {"allocated_destination_contract": "yes"}, "must be true or false"),
        (APPLIED | {"paid_storage_size_diff": "-1"}, "paid_storage_size_diff must be a whole"),
    ],
)
def test_a_result_that_makes_no_sense_is_malformed(outcome: Document, complaint: str) -> None:
    with pytest.raises(SourceMalformedError, match=complaint) as caught:
        result_of(outcome)

    assert caught.value.message.startswith("contents[0].metadata.operation_result.")


def test_a_transfer_in_a_block_is_read() -> None:
    (included,) = parse_manager_operations([operation(transfer())])
    (found,) = included.contents

    assert included.hash == OP_HASH
    assert (found.kind, found.source) == ("transaction", "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
    assert (found.fee, found.counter, found.amount) == (500, 42, 123)
    assert found.destination == "KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat"
    assert found.result.status is Status.APPLIED


def test_an_unknown_kind_of_operation_does_not_stop_the_reading_of_a_block() -> None:
    unknown = transfer() | {"kind": "something_of_a_later_protocol"}
    (included,) = parse_manager_operations([operation(unknown)])

    assert included.contents[0].kind == "something_of_a_later_protocol"
    assert included.contents[0].destination is None


def test_a_block_without_operations_has_none() -> None:
    assert parse_manager_operations([]) == ()


@pytest.mark.parametrize("receipt", ["too large", None])
def test_receipts_that_a_node_does_not_keep_are_no_receipts(receipt: Any) -> None:
    with pytest.raises(SourceMalformedError, match=r"\[0\]\.contents\[0\]\.metadata must be"):
        parse_manager_operations([operation(transfer() | {"metadata": receipt})])


def test_receipts_that_are_left_out_are_no_receipts() -> None:
    pruned = {name: value for name, value in transfer().items() if name != "metadata"}

    with pytest.raises(SourceMalformedError, match=r"\[0\]\.contents\[0\]\.metadata is missing"):
        parse_manager_operations([operation(pruned)])


@pytest.mark.parametrize("field", ["kind", "source", "fee", "counter", "amount", "destination"])
def test_a_missing_field_of_a_transfer_is_named(field: str) -> None:
    short = {name: value for name, value in transfer().items() if name != field}

    with pytest.raises(SourceMalformedError, match=rf"contents\[0\]\.{field} is missing"):
        parse_manager_operations([operation(short)])


@pytest.mark.parametrize("document", [None, {}, "hashes", [OP_HASH, None], [OP_HASH, "oo"]])
def test_hashes_that_are_none_are_malformed(document: Any) -> None:
    with pytest.raises(SourceMalformedError):
        parse_operation_hashes(document)
