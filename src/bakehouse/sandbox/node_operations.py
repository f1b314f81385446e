"""What clients ask a node about operations: to try, forge, read, take in and list them."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from bakehouse.errors import EncodingError
from bakehouse.sandbox import node_json
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.mempool import REPLACE_BY_FEE_FACTOR, Refusal, RefusedGroup
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.receipt import SignedGroup
from bakehouse.sandbox.routing import Query, RefusedQuestionError
from bakehouse.sandbox.validation import (
    MINIMAL_FEES,
    MINIMAL_NANOTEZ_PER_BYTE,
    MINIMAL_NANOTEZ_PER_GAS_UNIT,
)
from bakehouse.tezos.base58check import Prefix, decode, encode
from bakehouse.tezos.forging import forge
from bakehouse.tezos.operation import content_to_json, group_from_json
from bakehouse.tezos.signed_operation import decode_signed, operation_hash

Json = dict[str, Any]

_SIGNATURES: Final = (Prefix.SIG, Prefix.EDSIG, Prefix.SPSIG, Prefix.P2SIG)
_TRUE: Final = frozenset({"", "true", "yes", "1"})


def inject(chain: Chain, body: Any, query: Query) -> str:
    """Take in a signed operation, given as a JSON string of hexadecimal digits; give its hash.

    With `async`, the hash is given whatever is thought of the operation.
    """
    signed_bytes = _hexadecimal(body)
    try:
        return chain.inject(signed_bytes)
    except OperationRefusedError:
        if _flag(query, "async", default=False):
            return operation_hash(signed_bytes)
        raise


def pending_operations(chain: Chain, query: Query) -> Json:
    """List the mempool, as `version` 1 (pairs, `applied`) or 2 (objects, `validated`) does."""
    is_old = query.get("version") == "1"
    name = "applied" if is_old else "validated"
    chosen = _chosen(query)
    validated = [_pending_json(signed) for signed in chain.mempool.validated() if chosen(signed)]
    answer: Json = {name: validated if _flag(query, name, default=True) else []}
    for refusal in Refusal:
        remembered = [
            refused
            for refused in chain.mempool.refused[refusal].values()
            if chosen(refused.signed) and _flag(query, refusal.value, default=True)
        ]
        answer[refusal.value] = _refused_json(chain, remembered, is_old=is_old)
    return {**answer, "unprocessed": []}


def filter_json(chain: Chain, query: Query) -> Json:
    """Give what the mempool asks of operations; nothing if defaults are not wanted."""
    if not _flag(query, "include_default", default=True):
        return {}
    times, by_fee = chain.fee_factor, REPLACE_BY_FEE_FACTOR
    return {
        "minimal_fees": str(times * MINIMAL_FEES),
        "minimal_nanotez_per_gas_unit": [str(times * MINIMAL_NANOTEZ_PER_GAS_UNIT), "1"],
        "minimal_nanotez_per_byte": [str(times * MINIMAL_NANOTEZ_PER_BYTE), "1"],
        "replace_by_fee_factor": [str(by_fee.numerator), str(by_fee.denominator)],
        "max_operations": 10_000,
        "max_total_bytes": 10_000_000,
    }


def _simulate(chain: Chain, block: Block, body: Any) -> Json:
    operation = _field(body, "operation")
    group = group_from_json(operation)
    contents = node_json.receipts_json(group, chain.simulate(group, block))
    return {"contents": contents, **_echo(operation, "signature")}


def _preapply(chain: Chain, block: Block, body: Any) -> list[Json]:
    if not isinstance(body, list):
        raise RefusedQuestionError(
            HTTPStatus.BAD_REQUEST, "Failed to parse the request body: a list is expected"
        )
    return [_preapplied(chain, block, operation) for operation in body]


def _preapplied(chain: Chain, block: Block, operation: Any) -> Json:
    text = _field(operation, "signature")
    _require_protocol(operation, chain.protocols.after(block.level).hash)
    group = group_from_json(operation)
    _, signature = decode(str(text), *_SIGNATURES)
    signed_bytes = forge(group) + signature
    signed = SignedGroup(operation_hash(signed_bytes), group, signature, len(signed_bytes))
    receipts = chain.preapply(signed, block)
    return {"contents": node_json.receipts_json(group, receipts), "signature": text}


def _require_protocol(operation: Mapping[str, Any], expected: str) -> None:
    named = operation.get("protocol", expected)
    if named != expected:
        raise RefusedQuestionError(
            HTTPStatus.BAD_REQUEST,
            f"Failed to parse the request body: the protocol is {expected}, not {named}",
        )


def _forge(_: Chain, __: Block, body: Any) -> str:
    if not isinstance(body, Mapping):
        raise RefusedQuestionError(
            HTTPStatus.BAD_REQUEST, "Failed to parse the request body: an object is expected"
        )
    return forge(group_from_json(body)).hex()


def _parse(chain: Chain, block: Block, body: Any) -> list[Json]:
    """Read operations back; their signatures are not checked, whatever is asked."""
    protocol = chain.protocols.after(block.level).hash
    return [_parsed(operation, protocol) for operation in _field(body, "operations")]


def _parsed(operation: Any, protocol: str) -> Json:
    _, branch = decode(str(_field(operation, "branch")), Prefix.BLOCK_HASH)
    group, signature = decode_signed(branch + _hexadecimal(_field(operation, "data")))
    return {
        "protocol": protocol,
        "branch": group.branch,
        "contents": [content_to_json(content) for content in group.contents],
        "signature": encode(Prefix.SIG, signature),
    }


#: The helpers that are posted to, by their path below a block's `/helpers`.
HELPERS: Final[dict[str, Callable[[Chain, Block, Any], Any]]] = {
    "/scripts/simulate_operation": _simulate,
    "/scripts/run_operation": _simulate,
    "/preapply/operations": _preapply,
    "/forge/operations": _forge,
    "/parse/operations": _parse,
}


def _chosen(query: Query) -> Callable[[SignedGroup], bool]:
    sources = set(query.all("source") + query.all("sources"))
    hashes = set(query.all("operation_hash"))
    passes = set(query.all("validation_pass"))
    if passes and str(node_json.MANAGER_PASS) not in passes:
        return lambda _: False
    return lambda signed: (
        (not sources or signed.source in sources) and (not hashes or signed.hash in hashes)
    )


def _pending_json(signed: SignedGroup) -> Json:
    return {
        "hash": signed.hash,
        "branch": signed.group.branch,
        "contents": [content_to_json(content) for content in signed.group.contents],
        "signature": node_json.signature_text(signed),
    }


def _refused_json(
    chain: Chain, refused_groups: Iterable[RefusedGroup], *, is_old: bool
) -> list[Any]:
    answer: list[Any] = []
    for refused in refused_groups:
        pending = _pending_json(refused.signed)
        hash_text = pending.pop("hash")
        errors = [error.json() for error in refused.errors]
        operation = {"protocol": chain.protocol.hash, **pending, "error": errors}
        answer.append([hash_text, operation] if is_old else {"hash": hash_text, **operation})
    return answer


def _field(document: Any, name: str) -> Any:
    if not isinstance(document, Mapping) or name not in document:
        raise RefusedQuestionError(
            HTTPStatus.BAD_REQUEST, f"Failed to parse the request body: Missing object field {name}"
        )
    return document[name]


def _echo(document: Mapping[str, Any], name: str) -> Json:
    return {name: document[name]} if name in document else {}


def _hexadecimal(text: Any) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError) as error:
        raise EncodingError("a string of hexadecimal digits is expected") from error


def _flag(query: Query, name: str, *, default: bool) -> bool:
    value = query.get(name)
    return default if value is None else value.lower() in _TRUE
