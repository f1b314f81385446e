"""What became of operations: simulated ones, and those that a block includes. No requests."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bakehouse.errors import SourceMalformedError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.strict_json import Fields, read_encoded, read_list, read_objects

#: Ends of the ids of errors that an account runs into when it spends too much (octez).
_WANT_OF_MONEY: Final = (
    "contract.balance_too_low",
    "contract.cannot_pay_storage_fee",
    "contract.empty_implicit_delegated_contract",
    "tez.subtraction_underflow",
)


def tell_want_of_money(error_ids: Iterable[str]) -> bool:
    """Whether errors say that somebody had too little to spend."""
    return any(error_id.endswith(_WANT_OF_MONEY) for error_id in error_ids)


class Status(StrEnum):
    """What the protocol did with one content; only APPLIED moved money."""

    APPLIED = "applied"
    FAILED = "failed"
    #: Undone, because a later content of its group failed.
    BACKTRACKED = "backtracked"
    #: Not tried, because an earlier content of its group failed.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ContentResult:
    """The effect of one content, with that of the internal operations it caused."""

    status: Status
    #: Thousandths of gas; 0 where the protocol tells none, which it may when not applied.
    consumed_milligas: int
    #: The destination did not exist before; the source burns the price of its storage.
    allocated_destination: bool
    #: Accounts and contracts that it created beside its destination, burnt for alike.
    other_allocations: int
    #: Bytes of contract storage burnt for, beside what allocations take.
    paid_storage_size_diff: int
    #: Ids of the protocol's errors, such as `proto.025-PsUshuai.contract.balance_too_low`.
    errors: tuple[str, ...]

    @property
    def is_to_blame(self) -> bool:
        """Whether it is this content that undid its group.

        It failed, or was applied and then undone for what its storage costs or for an operation
        that it caused: the protocol calls that "backtracked", as it does the blameless, and only
        the errors tell.
        """
        return self.status is Status.FAILED or (
            self.status is Status.BACKTRACKED and bool(self.errors)
        )


@dataclass(frozen=True, slots=True)
class IncludedContent:
    """One content of an operation in a block. Amounts in mutez."""

    kind: str
    source: str
    fee: Mutez
    counter: int
    #: Both None unless it is a transaction.
    destination: str | None
    amount: Mutez | None
    result: ContentResult


@dataclass(frozen=True, slots=True)
class IncludedOperation:
    """One manager operation of a block and its contents in order."""

    hash: str
    contents: tuple[IncludedContent, ...]


def parse_simulation(document: Any) -> tuple[ContentResult, ...]:
    """Read the answer of `simulate_operation` (or `run_operation`): a result per content."""
    return tuple(_result(content) for content in Fields.of(document).objects("contents"))


def parse_manager_operations(document: Any) -> tuple[IncludedOperation, ...]:
    """Read the answer of `blocks/{id}/operations/3`; raises SourceMalformedError.

    A node that has pruned its receipts leaves them out: that is an error here, never "nothing
    happened".
    """
    return tuple(_included(operation) for operation in read_objects(document))


def parse_operation_hashes(document: Any) -> tuple[str, ...]:
    """Read the answer of `blocks/{id}/operation_hashes/3`; raises SourceMalformedError."""
    return tuple(
        read_encoded(entry, f"[{index}]", Prefix.OPERATION_HASH)
        for index, entry in enumerate(read_list(document, "it"))
    )


def _included(operation: Fields) -> IncludedOperation:
    return IncludedOperation(
        hash=operation.encoded("hash", Prefix.OPERATION_HASH),
        contents=tuple(_included_content(content) for content in operation.objects("contents")),
    )


def _included_content(content: Fields) -> IncludedContent:
    kind = content.text("kind")
    is_transaction = kind == "transaction"
    return IncludedContent(
        kind=kind,
        source=content.text("source"),
        fee=Mutez(content.natural("fee")),
        counter=content.natural("counter"),
        # Not checked further: a block holds other people's transfers, to kinds of address that
        # may be newer than this code.
        destination=content.text("destination") if is_transaction else None,
        amount=Mutez(content.natural("amount")) if is_transaction else None,
        result=_result(content),
    )


def _result(content: Fields) -> ContentResult:
    metadata = content.object("metadata")
    outcome = metadata.object("operation_result")
    internal = _internal_outcomes(metadata)
    everything = [outcome, *internal]
    return ContentResult(
        status=_status(outcome),
        consumed_milligas=sum(_milligas(each) for each in everything),
        allocated_destination=_is_allocation(outcome),
        other_allocations=sum(_is_allocation(each) for each in internal)
        + sum(len(_optional_list(each, "originated_contracts")) for each in everything),
        paid_storage_size_diff=sum(
            _optional_natural(each, "paid_storage_size_diff") for each in everything
        ),
        errors=tuple(_error_ids(everything)),
    )


def _internal_outcomes(metadata: Fields) -> list[Fields]:
    if "internal_operation_results" not in metadata:
        return []
    return [each.object("result") for each in metadata.objects("internal_operation_results")]


def _status(outcome: Fields) -> Status:
    text = outcome.text("status")
    try:
        return Status(text)
    except ValueError as error:
        raise SourceMalformedError(
            f"{outcome.path_to('status')} must be one of {', '.join(Status)}, not {text!r}"
        ) from error


def _milligas(outcome: Fields) -> int:
    if _status(outcome) is Status.APPLIED:
        return outcome.natural("consumed_milligas")
    return _optional_natural(outcome, "consumed_milligas")


def _is_allocation(outcome: Fields) -> bool:
    # The protocol leaves the field out rather than saying false.
    name = "allocated_destination_contract"
    return name in outcome and outcome.boolean(name)


def _optional_natural(outcome: Fields, name: str) -> int:
    # The protocol leaves out quantities that are 0.
    return outcome.natural(name) if name in outcome else 0


def _optional_list(outcome: Fields, name: str) -> list[Any]:
    return read_list(outcome.value(name), outcome.path_to(name)) if name in outcome else []


def _error_ids(outcomes: Iterable[Fields]) -> Iterable[str]:
    for outcome in outcomes:
        if "errors" in outcome:
            for error in outcome.objects("errors"):
                yield str(error.values.get("id") or error.values.get("kind"))
