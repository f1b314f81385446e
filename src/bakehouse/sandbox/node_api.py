"""The node's RPC, as far as wallets and payers use it. The answers are `node_json`'s."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from bakehouse.errors import AddressError
from bakehouse.sandbox import node_json
from bakehouse.sandbox.account import Account, is_implicit
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.block_id import find_block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_operations import HELPERS, filter_json, inject, pending_operations
from bakehouse.sandbox.protocol import constants_json
from bakehouse.sandbox.routing import (
    Answer,
    Parts,
    Question,
    RefusedQuestionError,
    Reply,
    Routes,
    json_reply,
    not_found,
)
from bakehouse.tezos.address import parse_recipient

#: What a node knows of the chain: all of it, or less, or another branch.
View = Callable[[], Chain]

BlockAnswer = Callable[[Chain, Block], Any]
ContractAnswer = Callable[[Block, Account | None, str], Any]

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


def add_node(routes: Routes, view: View) -> None:
    """Have a node's questions answered from what it knows of the chain."""

    def get(path: str, answer: Answer) -> None:
        routes.add("GET", path, answer)

    get("/version", _fixed(VERSION))
    get("/network/version", _fixed(VERSION["network_version"]))
    get(_CHAIN + "/chain_id", _of_chain(view, lambda chain, _: chain.chain_id))
    synced = {"bootstrapped": True, "sync_state": "synced"}
    get(_CHAIN + "/is_bootstrapped", _of_chain(view, lambda _, __: synced))
    get(
        _CHAIN + "/mempool/pending_operations",
        _of_chain(view, lambda chain, asked: pending_operations(chain, asked.query)),
    )
    get(
        _CHAIN + "/mempool/filter",
        _of_chain(view, lambda chain, asked: filter_json(chain, asked.query)),
    )
    for path, answer in _BLOCK_ANSWERS.items():
        get(_BLOCK + path, _of_block(view, answer))
    for path, passes in _PASS_ANSWERS.items():
        get(_BLOCK + path + "/{list_offset}", _of_pass(view, passes))
        get(_BLOCK + path + "/{list_offset}/{offset}", _of_pass(view, passes))
    for path, contract_answer in _CONTRACT_ANSWERS.items():
        get(_BLOCK + "/context/contracts/{address}" + path, _of_contract(view, contract_answer))
    for path, helper in HELPERS.items():
        routes.add("POST", _BLOCK + "/helpers" + path, _helper(view, helper))
    routes.add("POST", "/injection/operation", _injection(view))


def _fixed(document: Mapping[str, Any]) -> Answer:
    return lambda _, __: json_reply(document)


def _of_chain(view: View, answer: Callable[[Chain, Question], Any]) -> Answer:
    def answered(question: Question, parts: Parts) -> Reply:
        return json_reply(answer(_named_chain(view, parts), question))

    return answered


def _of_block(view: View, answer: BlockAnswer) -> Answer:
    def answered(_: Question, parts: Parts) -> Reply:
        chain = _named_chain(view, parts)
        return json_reply(answer(chain, _named_block(chain, parts)))

    return answered


def _of_pass(view: View, answer: Callable[[Chain, Block], list[list[Any]]]) -> Answer:
    def answered(question: Question, parts: Parts) -> Reply:
        chain = _named_chain(view, parts)
        listed = _element(answer(chain, _named_block(chain, parts)), parts["list_offset"])
        if question.query.get("metadata") == "never" and answer is node_json.operations_json:
            listed = node_json.without_receipts(listed)
        return json_reply(_element(listed, parts["offset"]) if "offset" in parts else listed)

    return answered


def _of_contract(view: View, answer: ContractAnswer) -> Answer:
    def answered(_: Question, parts: Parts) -> Reply:
        chain = _named_chain(view, parts)
        block = _named_block(chain, parts)
        try:
            address = parse_recipient(parts["address"])
        except AddressError as error:
            message = f"Failed to parse argument 'contract_id': {error.message}"
            raise RefusedQuestionError(HTTPStatus.BAD_REQUEST, message) from error
        account = chain.account(address, block.level)
        if account is None and not is_implicit(address):
            raise not_found()
        return json_reply(answer(block, account, address))

    return answered


def _helper(view: View, helper: Callable[[Chain, Block, Any], Any]) -> Answer:
    def answered(question: Question, parts: Parts) -> Reply:
        chain = _named_chain(view, parts)
        return json_reply(helper(chain, _named_block(chain, parts), question.json()))

    return answered


def _injection(view: View) -> Answer:
    return lambda question, _: json_reply(inject(view(), question.json(), question.query))


def _named_chain(view: View, parts: Parts) -> Chain:
    chain = view()
    if parts["chain_name"] not in {"main", chain.chain_id}:
        raise not_found()
    return chain


def _named_block(chain: Chain, parts: Parts) -> Block:
    try:
        return find_block(chain, parts["block_id"])
    except LookupError as error:
        raise not_found() from error


def _element(elements: list[Any], index: str) -> Any:
    if not (index.isascii() and index.isdecimal()) or int(index) >= len(elements):
        raise not_found()
    return elements[int(index)]


def _operation_hashes(_: Chain, block: Block) -> list[list[str]]:
    return node_json.operation_hashes_json(block)


def _constants(chain: Chain, block: Block) -> dict[str, Any]:
    protocol = chain.protocols.after(block.level)
    return constants_json(protocol, blocks_per_cycle=chain.cycle_length.blocks)


def _implicit_only(answer: ContractAnswer) -> ContractAnswer:
    def checked(block: Block, account: Account | None, address: str) -> Any:
        if not is_implicit(address):
            raise not_found()
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
        raise not_found()
    return account.delegate


_BLOCK_ANSWERS: Final[dict[str, BlockAnswer]] = {
    "": node_json.block_json,
    "/hash": lambda _, block: block.hash,
    "/header": node_json.header_json,
    "/header/shell": node_json.shell_header_json,
    "/metadata": node_json.metadata_json,
    "/protocols": node_json.protocols_json,
    "/operations": node_json.operations_json,
    "/operation_hashes": _operation_hashes,
    "/live_blocks": lambda chain, block: chain.live_blocks(block),
    "/context/constants": _constants,
    "/helpers/current_level": node_json.level_info_json,
}

#: What has one list for each validation pass.
_PASS_ANSWERS: Final[dict[str, Callable[[Chain, Block], list[list[Any]]]]] = {
    "/operations": node_json.operations_json,
    "/operation_hashes": _operation_hashes,
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
