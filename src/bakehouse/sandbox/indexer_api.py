"""The part of the TzKT API that payers use. The answers are `indexer_json`'s."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from bakehouse.errors import AddressError
from bakehouse.sandbox import indexer_json, indexer_query
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.indexer_query import BadParameterError, Row
from bakehouse.sandbox.node_json import timestamp_text
from bakehouse.sandbox.protocol import CONSENSUS_RIGHTS_DELAY
from bakehouse.sandbox.routing import (
    UNKNOWN,
    Answer,
    Parts,
    Question,
    Reply,
    Routes,
    json_reply,
    not_found,
)
from bakehouse.sandbox.split_json import split_json
from bakehouse.tezos.address import parse_address

#: What an indexer has taken in of the chain.
View = Callable[[], Chain]
#: The level of the newest block that it has heard of.
KnownLevel = Callable[[], int]
IndexerAnswer = Callable[[Chain, Question, Parts], Any]


def add_indexer(routes: Routes, view: View, known_level: KnownLevel) -> None:
    """Have an indexer's questions answered from what it has taken in."""

    def get(path: str, answer: IndexerAnswer) -> None:
        routes.add("GET", path, _answer(view, known_level, answer))

    get("/v1/head", lambda chain, _, __: indexer_json.head_json(chain, known_level()))
    get("/v1/protocols/current", lambda chain, _, __: indexer_json.protocol_json(chain))
    get("/v1/cycles", _cycles)
    get("/v1/cycles/{cycle}", _cycle)
    get("/v1/blocks/{level}", _block)
    get("/v1/rewards/split/{baker}/{cycle}", _split)
    get("/v1/accounts/{address}", _account)
    get("/v1/operations/transactions", _transactions)
    get("/v1/operations/transactions/{hash}", _transaction)
    get("/v1/operations/transactions/{hash}/status", _status)
    get("/v1/operations/{hash}", _operation)


def _answer(view: View, known_level: KnownLevel, answer: IndexerAnswer) -> Answer:
    def answered(question: Question, parts: Parts) -> Reply:
        chain = view()
        headers = {
            "tzkt-version": indexer_json.VERSION,
            "tzkt-level": str(chain.head.level),
            "tzkt-known-level": str(known_level()),
            "tzkt-synced-at": timestamp_text(chain.head.timestamp),
        }
        try:
            document = answer(chain, question, parts)
        except BadParameterError as error:
            body = {"code": 400, "errors": {error.parameter: str(error)}}
            return json_reply(body, HTTPStatus.BAD_REQUEST, headers)
        if document is UNKNOWN:
            return Reply(HTTPStatus.NO_CONTENT, None, b"", headers)
        return json_reply(document, headers=headers)

    return answered


def _split(chain: Chain, question: Question, parts: Parts) -> Any:
    cycle, page = _number(parts["cycle"]), indexer_query.page(question.query)
    if parts["baker"] != chain.world.baker:
        return UNKNOWN
    split = split_json(chain, cycle, offset=page.start, limit=page.stop - page.start)
    return UNKNOWN if split is None else split


def _known_cycles(chain: Chain) -> range:
    newest = chain.cycle_length.cycle_of(chain.head.level) + CONSENSUS_RIGHTS_DELAY
    return range(chain.settings.starting_cycle, newest + 1)


def _cycles(chain: Chain, question: Question, _: Parts) -> list[Row]:
    newest_first = _known_cycles(chain)[::-1]
    page = indexer_query.page(question.query)
    return [indexer_json.cycle_json(chain, cycle) for cycle in newest_first[page]]


def _cycle(chain: Chain, _: Question, parts: Parts) -> Any:
    cycle = _number(parts["cycle"])
    return indexer_json.cycle_json(chain, cycle) if cycle in _known_cycles(chain) else UNKNOWN


def _block(chain: Chain, _: Question, parts: Parts) -> Any:
    name = parts["level"]
    try:
        block = chain.block_at(int(name)) if name.isdecimal() else chain.block_with(name)
    except LookupError:
        return UNKNOWN
    return indexer_json.block_json(chain, block)


def _account(chain: Chain, _: Question, parts: Parts) -> Row:
    try:
        address = parse_address(parts["address"])
    except AddressError as error:
        raise BadParameterError("address", "Invalid address.") from error
    return indexer_json.account_json(chain, address)


def _operation(chain: Chain, _: Question, parts: Parts) -> list[Row]:
    return indexer_json.operations_json(chain, parts["hash"])


def _transaction(chain: Chain, _: Question, parts: Parts) -> list[Row]:
    rows = indexer_json.operations_json(chain, parts["hash"])
    return [row for row in rows if row["type"] == "transaction"]


def _status(chain: Chain, question: Question, parts: Parts) -> Any:
    rows = _transaction(chain, question, parts)
    return all(row["status"] == "applied" for row in rows) if rows else UNKNOWN


def _transactions(chain: Chain, question: Question, _: Parts) -> list[Row]:
    first, last = indexer_query.levels(question.query)
    rows = (
        row
        for block in chain.simulated_blocks(first, last)
        for row in indexer_json.block_operations_json(block)
        if row["type"] == "transaction"
    )
    return indexer_query.chosen(rows, question.query)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise not_found()
    return int(text)
