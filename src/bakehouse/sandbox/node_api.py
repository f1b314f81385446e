"""The node's RPC over HTTP, as far as wallets and payers use it. The answers are `node_json`'s."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from bakehouse.errors import AddressError
from bakehouse.sandbox import node_json
from bakehouse.sandbox.account import Account, is_implicit
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.block_id import find_block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.node_operations import HELPERS, filter_json, inject, pending_operations
from bakehouse.sandbox.protocol import constants_json
from bakehouse.tezos.address import parse_recipient

Answer = Callable[[Chain, Block], Any]
ContractAnswer = Callable[[Block, Account | None, str], Any]
Endpoint = Callable[[Request], Awaitable[Response]]

#: What a node says of a path it does not know.
NO_SERVICE: Final = "No service found at this URL"

_CHAIN: Final = "/chains/{chain_name}"
_BLOCK: Final = _CHAIN + "/blocks/{block_id}"

VERSION: Final[dict[str, Any]] = {
    "version": {"major": 25, "minor": 1, "build": 0, "additional_info": "release"},
    "network_version": {
        "chain_name": "BAKEHOUSE_SANDBOX",
        "distributed_db_version": 2,
        "p2p_version": 1,
    },
    "commit_info": {"commit_hash": "00000000", "commit_date": "2026-11-01 00:00:00 +0000"},
}


def node_router(chain: Chain, feed: HeadFeed) -> APIRouter:
    """Serve a chain as a node does; new heads are streamed as `feed` tells of them."""
    router = APIRouter()

    def get(path: str, endpoint: Endpoint) -> None:
        router.add_route(path, endpoint, methods=["GET"])

    def post(path: str, endpoint: Endpoint) -> None:
        router.add_route(path, endpoint, methods=["POST"])

    get("/version", _fixed(VERSION))
    get("/network/version", _fixed(VERSION["network_version"]))
    get(_CHAIN + "/chain_id", _of_chain(chain, lambda _: chain.chain_id))
    synced = {"bootstrapped": True, "sync_state": "synced"}
    get(_CHAIN + "/is_bootstrapped", _of_chain(chain, lambda _: synced))
    pending = _of_chain(chain, lambda request: pending_operations(chain, request.query_params))
    get(_CHAIN + "/mempool/pending_operations", pending)
    get(
        _CHAIN + "/mempool/filter",
        _of_chain(chain, lambda request: filter_json(request.query_params)),
    )
    for path, answer in _BLOCK_ANSWERS.items():
        get(_BLOCK + path, _of_block(chain, answer))
    get(_BLOCK + "/operation_hashes/{list_offset:int}", _listed(chain, _operation_hashes))
    get(_BLOCK + "/operation_hashes/{list_offset:int}/{offset:int}", _one(chain, _operation_hashes))
    get(_BLOCK + "/operations/{list_offset:int}", _listed(chain, node_json.operations_json))
    get(
        _BLOCK + "/operations/{list_offset:int}/{offset:int}",
        _one(chain, node_json.operations_json),
    )
    for path, contract_answer in _CONTRACT_ANSWERS.items():
        get(_BLOCK + "/context/contracts/{address}" + path, _of_contract(chain, contract_answer))
    for path, helper in HELPERS.items():
        post(_BLOCK + "/helpers" + path, _helper(chain, helper))
    post("/injection/operation", _injection(chain))
    get("/monitor/heads/{chain_name}", _heads(chain, feed))
    return router


def _fixed(document: Mapping[str, Any]) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(document)

    return endpoint


def _of_chain(chain: Chain, answer: Callable[[Request], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        _require_chain(chain, request)
        return JSONResponse(answer(request))

    return endpoint


def _of_block(chain: Chain, answer: Answer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(answer(chain, _requested_block(chain, request)))

    return endpoint


def _listed(chain: Chain, answer: Callable[[Chain, Block], list[list[Any]]]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        passes = answer(chain, _requested_block(chain, request))
        return JSONResponse(_element(passes, request.path_params["list_offset"]))

    return endpoint


def _one(chain: Chain, answer: Callable[[Chain, Block], list[list[Any]]]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        passes = answer(chain, _requested_block(chain, request))
        listed = _element(passes, request.path_params["list_offset"])
        return JSONResponse(_element(listed, request.path_params["offset"]))

    return endpoint


def _of_contract(chain: Chain, answer: ContractAnswer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        block = _requested_block(chain, request)
        try:
            address = parse_recipient(request.path_params["address"])
        except AddressError as error:
            message = f"Failed to parse argument 'contract_id': {error.message}"
            raise HTTPException(400, message) from error
        account = chain.account(address, block.level)
        if account is None and not is_implicit(address):
            raise HTTPException(404, NO_SERVICE)
        return JSONResponse(answer(block, account, address))

    return endpoint


def _helper(chain: Chain, helper: Callable[[Chain, Block, Any], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        block = _requested_block(chain, request)
        return JSONResponse(helper(chain, block, await _body(request)))

    return endpoint


def _injection(chain: Chain) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(inject(chain, await _body(request), request.query_params))

    return endpoint


def _heads(chain: Chain, feed: HeadFeed) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        _require_chain(chain, request)
        return StreamingResponse(feed.heads(chain), media_type="application/json")

    return endpoint


async def _body(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        message = f"Failed to parse the request body: {error}"
        raise HTTPException(400, message) from error


def _require_chain(chain: Chain, request: Request) -> None:
    if request.path_params["chain_name"] not in {"main", chain.chain_id}:
        raise HTTPException(404, NO_SERVICE)


def _requested_block(chain: Chain, request: Request) -> Block:
    _require_chain(chain, request)
    try:
        return find_block(chain, request.path_params["block_id"])
    except LookupError as error:
        raise HTTPException(404, NO_SERVICE) from error


def _element(elements: list[Any], index: int) -> Any:
    if index >= len(elements):
        raise HTTPException(404, NO_SERVICE)
    return elements[index]


def _operation_hashes(_: Chain, block: Block) -> list[list[str]]:
    return node_json.operation_hashes_json(block)


def _constants(chain: Chain, _: Block) -> dict[str, Any]:
    return constants_json(
        blocks_per_cycle=chain.cycle_length.blocks, block_delay_seconds=chain.block_delay_seconds
    )


def _implicit_only(answer: ContractAnswer) -> ContractAnswer:
    def checked(block: Block, account: Account | None, address: str) -> Any:
        if not is_implicit(address):
            raise HTTPException(404, NO_SERVICE)
        return answer(block, account, address)

    return checked


def _contract(block: Block, account: Account | None, address: str) -> dict[str, Any]:
    return node_json.contract_json(account, block.global_counter, is_implicit=is_implicit(address))


def _balance(_: Block, account: Account | None, __: str) -> str:
    return str(account.balance if account else 0)


def _full_balance(_: Block, account: Account | None, __: str) -> str:
    return str(account.balance + account.staked if account else 0)


def _counter(block: Block, account: Account | None, _: str) -> str:
    return str(account.counter if account else block.global_counter)


def _manager_key(_: Block, account: Account | None, __: str) -> str | None:
    return account.public_key if account else None


def _delegate(_: Block, account: Account | None, __: str) -> str:
    if account is None or account.delegate is None:
        raise HTTPException(404, NO_SERVICE)
    return account.delegate


_BLOCK_ANSWERS: Final[dict[str, Answer]] = {
    "": node_json.block_json,
    "/hash": lambda _, block: block.hash,
    "/header": node_json.header_json,
    "/header/shell": lambda _, block: node_json.shell_header_json(block),
    "/metadata": node_json.metadata_json,
    "/protocols": lambda _, __: node_json.protocols_json(),
    "/operations": node_json.operations_json,
    "/operation_hashes": _operation_hashes,
    "/live_blocks": lambda chain, block: chain.live_blocks(block),
    "/context/constants": _constants,
    "/helpers/current_level": node_json.level_info_json,
}

_CONTRACT_ANSWERS: Final[dict[str, ContractAnswer]] = {
    "": _contract,
    "/balance": _balance,
    "/spendable": _balance,
    "/full_balance": _full_balance,
    "/counter": _implicit_only(_counter),
    "/manager_key": _implicit_only(_manager_key),
    "/delegate": _delegate,
}
