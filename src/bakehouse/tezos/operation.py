"""The three operations a payout tool sends, as values, and their JSON in the node's shape.

No bytes (forging, unforging) and no decisions about fees or limits.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.errors import AddressError, EncodingError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address, parse_address, parse_implicit
from bakehouse.tezos.base58check import Prefix, decode

#: Largest number in an operation: mutez are 63-bit in the protocol, and no other field comes close.
NUMBER_MAX = 2**63 - 1

PUBLIC_KEY = (Prefix.EDPK, Prefix.SPPK, Prefix.P2PK, Prefix.BLPK)

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MANAGER_FIELDS = frozenset({"kind", "source", "fee", "counter", "gas_limit", "storage_limit"})
_DEFAULT_PARAMETERS = {"entrypoint": "default", "value": {"prim": "Unit"}}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transfer of `amount` mutez that calls no entrypoint."""

    source: Address
    fee: Mutez
    counter: int
    gas_limit: int
    storage_limit: int
    amount: Mutez
    destination: Address


@dataclass(frozen=True, slots=True)
class Reveal:
    """The publication of the source's public key, once, before its first other operation.

    `proof` is the proof of possession that BLS keys (tz4), and only they, must give.
    """

    source: Address
    fee: Mutez
    counter: int
    gas_limit: int
    storage_limit: int
    public_key: str
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class Delegation:
    """The choice of a baker, or the withdrawal from one when `delegate` is None."""

    source: Address
    fee: Mutez
    counter: int
    gas_limit: int
    storage_limit: int
    delegate: Address | None


Content = Transaction | Reveal | Delegation


@dataclass(frozen=True, slots=True)
class OperationGroup:
    """Contents that are applied all or none, valid for a while after the block `branch`."""

    branch: str
    contents: tuple[Content, ...]


def content_to_json(content: Content) -> dict[str, str]:
    """Give a content in the shape of the node's RPC, where every number is a string."""
    return {
        "kind": type(content).__name__.lower(),
        "source": content.source,
        "fee": str(content.fee),
        "counter": str(content.counter),
        "gas_limit": str(content.gas_limit),
        "storage_limit": str(content.storage_limit),
        **{field: value for field, value in _own_fields(content).items() if value is not None},
    }


def group_to_json(group: OperationGroup) -> dict[str, Any]:
    """Give a group, unsigned, in the shape of the node's RPC."""
    return {
        "branch": group.branch,
        "contents": [content_to_json(content) for content in group.contents],
    }


def content_from_json(document: Mapping[str, Any]) -> Content:
    """Read a content in the shape of the node's RPC; a receipt's `metadata` is passed over.

    Raises EncodingError for another kind of operation, a call of an entrypoint, and any field that
    is missing, unknown or malformed.
    """
    match document.get("kind"):
        case "transaction":
            return _transaction_from_json(document)
        case "reveal":
            return _reveal_from_json(document)
        case "delegation":
            return _delegation_from_json(document)
        case kind:
            raise EncodingError(
                f"operations of kind {kind!r} are not supported: "
                "only transaction, reveal and delegation are"
            )


def group_from_json(document: Mapping[str, Any]) -> OperationGroup:
    """Read a group in the shape of the node's RPC, signed or not; raises EncodingError."""
    contents = document.get("contents")
    if not isinstance(contents, list) or not contents:
        raise EncodingError("an operation group needs contents, as a list that is not empty")
    if not all(isinstance(content, Mapping) for content in contents):
        raise EncodingError("each of an operation group's contents must be an object")
    return OperationGroup(
        branch=_encoded(document, "branch", Prefix.BLOCK_HASH),
        contents=tuple(content_from_json(content) for content in contents),
    )


def _own_fields(content: Content) -> dict[str, str | None]:
    match content:
        case Transaction():
            return {"amount": str(content.amount), "destination": content.destination}
        case Reveal():
            return {"public_key": content.public_key, "proof": content.proof}
        case Delegation():
            return {"delegate": content.delegate}


def _transaction_from_json(document: Mapping[str, Any]) -> Transaction:
    _refuse_unknown_fields(document, "amount", "destination", "parameters")
    if document.get("parameters", _DEFAULT_PARAMETERS) != _DEFAULT_PARAMETERS:
        raise EncodingError("a transaction that calls an entrypoint is not supported")
    return Transaction(
        **_manager_fields(document),
        amount=Mutez(_number(document, "amount")),
        destination=_address(document, "destination", parse_address),
    )


def _reveal_from_json(document: Mapping[str, Any]) -> Reveal:
    _refuse_unknown_fields(document, "public_key", "proof")
    return Reveal(
        **_manager_fields(document),
        public_key=_encoded(document, "public_key", *PUBLIC_KEY),
        proof=_encoded(document, "proof", Prefix.BLSIG) if "proof" in document else None,
    )


def _delegation_from_json(document: Mapping[str, Any]) -> Delegation:
    _refuse_unknown_fields(document, "delegate")
    has_delegate = "delegate" in document
    return Delegation(
        **_manager_fields(document),
        delegate=_address(document, "delegate", parse_implicit) if has_delegate else None,
    )


def _manager_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": _address(document, "source", parse_implicit),
        "fee": Mutez(_number(document, "fee")),
        "counter": _number(document, "counter"),
        "gas_limit": _number(document, "gas_limit"),
        "storage_limit": _number(document, "storage_limit"),
    }


def _refuse_unknown_fields(document: Mapping[str, Any], *own: str) -> None:
    # A field this code does not know could change what the operation does.
    unknown = document.keys() - _MANAGER_FIELDS - {*own, "metadata"}
    if unknown:
        raise EncodingError(f"an operation has fields that are not supported: {sorted(unknown)}")


def _text(document: Mapping[str, Any], field: str) -> str:
    text = document.get(field)
    if not isinstance(text, str):
        raise EncodingError(f"the field {field} of an operation must be a string")
    return text


def _number(document: Mapping[str, Any], field: str) -> int:
    text = _text(document, field)
    if not _NUMBER.fullmatch(text) or int(text) > NUMBER_MAX:
        raise EncodingError(f"the field {field} of an operation must be a decimal number as string")
    return int(text)


def _address(document: Mapping[str, Any], field: str, parse: Callable[[str], Address]) -> Address:
    try:
        return parse(_text(document, field))
    except AddressError as error:
        raise EncodingError(f"the field {field} of an operation: {error.message}") from error


def _encoded(document: Mapping[str, Any], field: str, *allowed: Prefix) -> str:
    text = _text(document, field)
    try:
        decode(text, *allowed)
    except EncodingError as error:
        raise EncodingError(f"the field {field} of an operation: {error.message}") from error
    return text
