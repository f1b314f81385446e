"""The errors a node answers with: their ids, kinds, fields and sentences, as octez has them.

Found in the protocol's `validate_errors`, `contract_storage`, `fees_storage`, `raw_context` and
`gas_limit_repr`, in its mempool plugin, and in the shell's `validation_errors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from typing import Any

from bakehouse.sandbox.protocol import ERROR_ID_PREFIX, GAS_LIMIT_MIN


class Kind(IntEnum):
    """How lasting an error is; the most lasting of several decides what becomes of an operation."""

    TEMPORARY = 0  # may be valid on a later block
    BRANCH = 1  # may be valid on another branch
    OUTDATED = 2  # was valid, and will not be again
    PERMANENT = 3  # never valid


@dataclass(frozen=True, slots=True)
class NodeError:
    """One error of a node. `text` is the sentence in which the node spells it."""

    kind: Kind
    id: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Give the error in the node's shape."""
        return {"kind": self.kind.name.lower(), "id": self.id, **self.fields}

    def under(self, error_id_prefix: str) -> "NodeError":
        """Give the error as another protocol names it; those of the node itself stay."""
        name = self.id.removeprefix(ERROR_ID_PREFIX)
        return self if name == self.id else replace(self, id=error_id_prefix + name)


class OperationRefusedError(Exception):
    """A node does not take an operation; the first of `errors` is the outermost."""

    def __init__(self, *errors: NodeError) -> None:
        self.errors = errors
        super().__init__("; ".join(error.text for error in errors))

    def under(self, error_id_prefix: str) -> "OperationRefusedError":
        """Give the refusal as another protocol words it."""
        return OperationRefusedError(*(error.under(error_id_prefix) for error in self.errors))

    @property
    def kind(self) -> Kind:
        """The most lasting kind among the errors."""
        return max(error.kind for error in self.errors)


class ShellError(Enum):
    """Errors of the node itself, whatever its protocol; call a member with its fields."""

    PARSE = (
        Kind.PERMANENT,
        "node.prevalidation.parse_error",
        "Operation parsing error in prevalidation.",
    )
    OVERSIZED = (
        Kind.PERMANENT,
        "node.prevalidation.oversized_operation",
        "Oversized operation (size: {size}, max: {max_size})",
    )
    CONFLICT = (
        Kind.TEMPORARY,
        "prevalidation.operation_conflict",
        (
            "The operation {new_hash} cannot be added because the mempool already contains a "
            "conflicting operation. To replace the latter, this particular operation would need a "
            "total fee of at least {needed_fee_in_mutez} mutez."
        ),
    )
    REPLACEMENT = (
        Kind.OUTDATED,
        "prevalidation.operation_replacement",
        "The operation {old_hash} has been replaced with {replacement_hash}.",
    )
    FAILURE = (Kind.TEMPORARY, "failure", "{msg}")

    def __call__(self, **fields: Any) -> NodeError:
        """Make the error; `fields` stand in its JSON as they are given."""
        kind, name, text = self.value
        return NodeError(kind, name, text.format(**fields), fields)


class ProtocolError(Enum):
    """Errors of the protocol; call a member with its fields, in which numbers become strings."""

    FEES_TOO_LOW = (Kind.PERMANENT, "prefilter.fees_too_low", "Operation fees are too low")
    INCONSISTENT_SOURCES = (
        Kind.PERMANENT,
        "validate.operation.inconsistent_sources",
        (
            "Inconsistent sources in operation batch. All operations in a batch must have the same "
            "source."
        ),
    )
    INCONSISTENT_COUNTERS = (
        Kind.PERMANENT,
        "validate.operation.inconsistent_counters",
        (
            "Non-consecutive counters for source {source}: jumped from {previous_counter} to "
            "{wrong_counter}."
        ),
    )
    INCORRECT_REVEAL_POSITION = (
        Kind.PERMANENT,
        "validate.operation.incorrect_reveal_position",
        "Incorrect reveal operation position in batch: only allowed in first position.",
    )
    MISSING_BLS_PROOF = (
        Kind.PERMANENT,
        "validate.operation.missing_bls_proof",
        (
            "Reveal of a BLS manager key {public_key} from {source} should contain a proof of "
            "possession."
        ),
    )
    INSUFFICIENT_GAS_FOR_MANAGER = (
        Kind.PERMANENT,
        "validate.operation.insufficient_gas_for_manager",
        (
            "Gas limit is too low to cover the initial cost of manager operations: a minimum of "
            f"{GAS_LIMIT_MIN} gas units is required."
        ),
    )
    INCONSISTENT_HASH = (
        Kind.PERMANENT,
        "contract.manager.inconsistent_hash",
        (
            "The hash of the manager public key {public_key} is not {provided_hash} as announced "
            "but {expected_hash}"
        ),
    )
    UNREVEALED_KEY = (
        Kind.BRANCH,
        "contract.unrevealed_key",
        "Unrevealed manager key for contract {contract}.",
    )
    PREVIOUSLY_REVEALED_KEY = (
        Kind.BRANCH,
        "contract.previously_revealed_key",
        "Previously revealed manager key for contract {contract}.",
    )
    COUNTER_IN_THE_PAST = (
        Kind.BRANCH,
        "contract.counter_in_the_past",
        "Counter {found} already used for contract {contract} (expected {expected})",
    )
    COUNTER_IN_THE_FUTURE = (
        Kind.TEMPORARY,
        "contract.counter_in_the_future",
        "Counter {found} not yet reached for contract {contract} (expected {expected})",
    )
    INVALID_SIGNATURE = (
        Kind.PERMANENT,
        "operation.invalid_signature",
        "The operation signature is invalid",
    )
    GAS_LIMIT_TOO_HIGH = (
        Kind.PERMANENT,
        "gas_limit_too_high",
        "Gas limit out of protocol hard bounds",
    )
    GAS_EXHAUSTED_BLOCK = (
        Kind.TEMPORARY,
        "gas_exhausted.block",
        (
            "The sum of gas consumed by all the operations in the block exceeds the hard gas limit "
            "per block"
        ),
    )
    GAS_EXHAUSTED_OPERATION = (
        Kind.TEMPORARY,
        "gas_exhausted.operation",
        "A script or one of its callee took more time than the operation said it would",
    )
    STORAGE_LIMIT_TOO_HIGH = (
        Kind.PERMANENT,
        "storage_limit_too_high",
        "Storage limit out of protocol hard bounds",
    )
    STORAGE_EXHAUSTED_OPERATION = (
        Kind.TEMPORARY,
        "storage_exhausted.operation",
        "A script or one of its callee wrote more bytes than the operation said it would",
    )
    CANNOT_PAY_STORAGE_FEE = (
        Kind.TEMPORARY,
        "contract.cannot_pay_storage_fee",
        "The storage fee is higher than the contract balance",
    )
    BALANCE_TOO_LOW = (
        Kind.TEMPORARY,
        "contract.balance_too_low",
        "Balance of contract {contract} too low ({balance} mutez) to spend {amount} mutez",
    )
    SUBTRACTION_UNDERFLOW = (
        Kind.TEMPORARY,
        "tez.subtraction_underflow",
        "Underflowing subtraction of {amounts[0]} mutez and {amounts[1]} mutez",
    )
    EMPTY_IMPLICIT_CONTRACT = (
        Kind.BRANCH,
        "implicit.empty_implicit_contract",
        "Empty implicit contract ({implicit})",
    )
    EMPTY_IMPLICIT_DELEGATED_CONTRACT = (
        Kind.BRANCH,
        "implicit.empty_implicit_delegated_contract",
        "Emptying implicit delegated contract ({implicit})",
    )
    EMPTY_TRANSACTION = (
        Kind.BRANCH,
        "contract.empty_transaction",
        "Transactions of 0ꜩ towards a contract without code are forbidden ({contract}).",
    )
    NON_EXISTING_CONTRACT = (
        Kind.TEMPORARY,
        "contract.non_existing_contract",
        "Contract {contract} does not exist",
    )
    TRANSFER_TO_SMART_ROLLUP = (
        Kind.PERMANENT,
        "operations.invalid_transfer_to_smart_rollup_from_implicit_account",
        "Invalid sender for transfer operation to smart rollup",
    )
    UNREGISTERED_DELEGATE = (
        Kind.TEMPORARY,
        "contract.manager.unregistered_delegate",
        "The provided public key (with hash {hash}) is not registered as valid delegate key.",
    )

    def __call__(self, **fields: str | int | list[str]) -> NodeError:
        """Make the error."""
        kind, name, text = self.value
        json_fields = {
            key: str(value) if isinstance(value, int) else value for key, value in fields.items()
        }
        return NodeError(kind, ERROR_ID_PREFIX + name, text.format(**fields), json_fields)


def injection_failure(operation_hash: str, refused: OperationRefusedError) -> NodeError:
    """Give what the injection RPC says of an operation that is not valid: a sentence without ids.

    The ids are told by simulation, preapplication and the mempool only (octez `prevalidator`).
    """
    return _failure(f"Error while validating injected operation {operation_hash}:\n", refused)


def parsing_failure(operation_hash: str, refused: OperationRefusedError) -> NodeError:
    """Give what the injection RPC says of bytes that are not an operation."""
    return _failure(f"Invalid operation {operation_hash}: \n", refused)


def branch_failure(operation_hash: str, branch: str, live_block_count: int) -> NodeError:
    """Give what the injection RPC says of an operation whose branch is not a live block."""
    return ShellError.FAILURE(
        msg=f"Operation {operation_hash} is branched on either:\n"
        f" - a block {branch} which is too old ({live_block_count} blocks in the past)\n"
        " - a predecessor block from an alternative branch which is now unknown"
    )


def _failure(sentence: str, refused: OperationRefusedError) -> NodeError:
    trace = ",\n  trace: ".join(error.text for error in refused.errors)
    return ShellError.FAILURE(msg=f"{sentence}Error:\n  {trace}\n")
