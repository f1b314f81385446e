"""The part of the TzKT API that payers use, over HTTP. The answers are `indexer_json`'s."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.datastructures import QueryParams
from fastapi.responses import JSONResponse

from bakehouse.errors import AddressError
from bakehouse.sandbox import indexer_json
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_json import timestamp_text
from bakehouse.sandbox.protocol import CONSENSUS_RIGHTS_DELAY
from bakehouse.sandbox.split_json import split_json
from bakehouse.tezos.address import parse_address

Endpoint = Callable[[Request], Awaitable[Response]]
Row = dict[str, Any]

_LIMIT_DEFAULT: Final = 100
_LIMIT_MAX: Final = 10_000
_OFFSET_MAX: Final = 2**31 - 1

#: Marks an answer without a body: TzKT knows nothing by that name.
_UNKNOWN: Final = object()


class _BadRequestError(Exception):
    """A parameter of a request is not what the API takes."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        self.message = message
        super().__init__(message)


def indexer_router(chain: Chain) -> APIRouter:
    """Serve a chain as TzKT does, always up to its head."""
    router = APIRouter()

    def get(path: str, answer: Callable[[Request], Any]) -> None:
        router.add_route(path, _endpoint(chain, answer), methods=["GET"])

    get("/v1/head", lambda _: indexer_json.head_json(chain))
    get("/v1/protocols/current", lambda _: indexer_json.protocol_json(chain))
    get("/v1/cycles", lambda request: _cycles(chain, request))
    get("/v1/cycles/{cycle:int}", lambda request: _cycle(chain, request))
    get("/v1/rewards/split/{baker}/{cycle:int}", lambda request: _split(chain, request))
    get("/v1/accounts/{address}", lambda request: _account(chain, request))
    get("/v1/operations/transactions", lambda request: _transactions(chain, request))
    get(
        "/v1/operations/transactions/{hash}",
        lambda request: _operation(chain, request, "transaction"),
    )
    get("/v1/operations/transactions/{hash}/status", lambda request: _status(chain, request))
    get("/v1/operations/{hash}", lambda request: _operation(chain, request, None))
    return router


def _endpoint(chain: Chain, answer: Callable[[Request], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        headers = _headers(chain)
        try:
            document = answer(request)
        except _BadRequestError as error:
            body = {"code": 400, "errors": {error.parameter: error.message}}
            return JSONResponse(body, 400, headers)
        if document is _UNKNOWN:
            return Response(status_code=204, headers=headers)
        return JSONResponse(document, headers=headers)

    return endpoint


def _headers(chain: Chain) -> dict[str, str]:
    level = str(chain.head.level)
    return {
        "tzkt-version": indexer_json.VERSION,
        "tzkt-level": level,
        "tzkt-known-level": level,
        "tzkt-synced-at": timestamp_text(chain.head.timestamp),
    }


def _split(chain: Chain, request: Request) -> Any:
    offset, limit = _page(request.query_params)
    if request.path_params["baker"] != chain.world.baker:
        return _UNKNOWN
    split = split_json(chain, request.path_params["cycle"], offset=offset, limit=limit)
    return _UNKNOWN if split is None else split


def _known_cycles(chain: Chain) -> range:
    newest = chain.cycle_length.cycle_of(chain.head.level) + CONSENSUS_RIGHTS_DELAY
    return range(chain.settings.starting_cycle, newest + 1)


def _cycles(chain: Chain, request: Request) -> list[Row]:
    offset, limit = _page(request.query_params)
    newest_first = _known_cycles(chain)[::-1]
    return [
        indexer_json.cycle_json(chain, cycle) for cycle in newest_first[offset : offset + limit]
    ]


def _cycle(chain: Chain, request: Request) -> Any:
    cycle = request.path_params["cycle"]
    return indexer_json.cycle_json(chain, cycle) if cycle in _known_cycles(chain) else _UNKNOWN


def _account(chain: Chain, request: Request) -> Row:
    try:
        address = parse_address(request.path_params["address"])
    except AddressError as error:
        raise _BadRequestError("address", "Invalid address.") from error
    return indexer_json.account_json(chain, address)


def _operation(chain: Chain, request: Request, kind: str | None) -> list[Row]:
    rows = indexer_json.operations_json(chain, request.path_params["hash"])
    return [row for row in rows if kind in {None, row["type"]}]


def _status(chain: Chain, request: Request) -> Any:
    rows = _operation(chain, request, "transaction")
    return all(row["status"] == "applied" for row in rows) if rows else _UNKNOWN


def _transactions(chain: Chain, request: Request) -> list[Row]:
    query = request.query_params
    offset, limit = _page(query)
    rows = [row for row in _in_levels(chain, query) if _matches(row, query)]
    if "sort.desc" in query:
        rows.reverse()
    return rows[offset : offset + limit]


def _in_levels(chain: Chain, query: QueryParams) -> Iterator[Row]:
    first = max(_number(query, "level.ge", 0), _number(query, "level.gt", -1) + 1)
    last = min(_number(query, "level.le", _OFFSET_MAX), _number(query, "level.lt", _OFFSET_MAX) - 1)
    if "level" in query:
        first = last = _number(query, "level", 0)
    for block in chain.simulated_blocks(first, last):
        for row in indexer_json.block_operations_json(block):
            if row["type"] == "transaction":
                yield row


def _matches(row: Row, query: QueryParams) -> bool:
    wanted = {
        "sender": row["sender"]["address"],
        "target": row["target"]["address"],
        "status": row["status"],
    }
    return all(query.get(name, value) == value for name, value in wanted.items())


def _page(query: QueryParams) -> tuple[int, int]:
    offset, limit = _number(query, "offset", 0), _number(query, "limit", _LIMIT_DEFAULT)
    if not 0 <= limit <= _LIMIT_MAX:
        raise _BadRequestError("limit", f"The value must be between 0 and {_LIMIT_MAX}.")
    if not 0 <= offset <= _OFFSET_MAX:
        raise _BadRequestError("offset", f"The value must be between 0 and {_OFFSET_MAX}.")
    return offset, limit


def _number(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise _BadRequestError(name, f"The value {text!r} is not valid.") from error
