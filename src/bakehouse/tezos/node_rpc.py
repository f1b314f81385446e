"""The questions put to one node, each a single request, and the shapes of requests and answers.

Which node is asked, and whether it can be believed, is `node`'s part.
"""

from http import HTTPStatus
from typing import Any

from bakehouse.errors import NodeRefusedError, SourceMalformedError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import IMPLICIT, Address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.block import (
    MANAGER_PASS,
    BlockHeader,
    BlockId,
    BlockMetadata,
    parse_chain_id,
    parse_header,
    parse_metadata,
    parse_next_protocol,
)
from bakehouse.tezos.block_use import OperationUse, parse_operation_uses
from bakehouse.tezos.constants import ProtocolConstants, parse_constants
from bakehouse.tezos.fees import FeeFilter, parse_fee_filter
from bakehouse.tezos.operation import PUBLIC_KEY, OperationGroup, group_to_json
from bakehouse.tezos.receipt import (
    ContentResult,
    IncludedOperation,
    parse_manager_operations,
    parse_operation_hashes,
    parse_simulation,
)
from bakehouse.tezos.strict_json import read_encoded, read_natural
from bakehouse.tezos.transport import JsonSource


async def chain_id(node: JsonSource) -> str:
    """Ask which chain a node serves."""
    return await node.get("/chains/main/chain_id", parse_chain_id)


async def header(node: JsonSource, block: BlockId) -> BlockHeader:
    """Ask for a block's header."""
    return await node.get(f"{_block(block)}/header", parse_header)


async def metadata(node: JsonSource, block: BlockId) -> BlockMetadata:
    """Ask for a block's place in its cycle and protocol."""
    return await node.get(f"{_block(block)}/metadata", parse_metadata)


async def next_protocol(node: JsonSource, block: BlockId) -> str:
    """Ask which protocol the context after a block obeys."""
    return await node.get(f"{_block(block)}/protocols", parse_next_protocol)


async def constants(node: JsonSource, block: BlockId) -> ProtocolConstants:
    """Ask for the protocol constants in force after a block."""
    return await node.get(f"{_block(block)}/context/constants", parse_constants)


async def balance(node: JsonSource, address: Address, block: BlockId) -> Mutez:
    """Ask for the spendable balance of an account; 0 when it does not exist."""
    return await node.get(f"{_contract(address, block)}/balance", _parse_balance)


async def counter(node: JsonSource, address: Address, block: BlockId) -> int:
    """Ask for the counter of an account's last included operation."""
    return await node.get(f"{_contract(address, block)}/counter", _parse_counter)


async def manager_key(node: JsonSource, address: Address, block: BlockId) -> str | None:
    """Ask for the public key that an account has revealed, if it has."""
    return await node.get(f"{_contract(address, block)}/manager_key", _parse_manager_key)


async def delegate(node: JsonSource, address: Address, block: BlockId) -> str | None:
    """Ask to whom an account delegates; None when to nobody, or when it does not exist."""
    try:
        return await node.get(f"{_contract(address, block)}/delegate", _parse_delegate)
    except NodeRefusedError as error:
        if error.facts.get("status") == HTTPStatus.NOT_FOUND:
            return None
        raise


async def manager_operations(node: JsonSource, block: BlockId) -> tuple[IncludedOperation, ...]:
    """Ask for the manager operations of a block, with their receipts."""
    return await node.get(f"{_block(block)}/operations/{MANAGER_PASS}", parse_manager_operations)


async def operation_uses(node: JsonSource, block: BlockId) -> tuple[OperationUse, ...]:
    """Ask what each manager operation takes of a block; without receipts, where a node can."""
    return await node.get(
        f"{_block(block)}/operations/{MANAGER_PASS}",
        parse_operation_uses,
        params={"metadata": "never"},
    )


async def operation_hashes(node: JsonSource, block: BlockId) -> tuple[str, ...]:
    """Ask for the hashes of a block's manager operations."""
    return await node.get(
        f"{_block(block)}/operation_hashes/{MANAGER_PASS}", parse_operation_hashes
    )


async def fee_filter(node: JsonSource) -> FeeFilter:
    """Ask below which fees a node takes no operation."""
    return await node.get(
        "/chains/main/mempool/filter", parse_fee_filter, params={"include_default": "true"}
    )


async def simulate(
    node: JsonSource, group: OperationGroup, block: BlockId, chain: str
) -> tuple[ContentResult, ...]:
    """Ask what a group would do after a block: one result per content, in order.

    No key is needed: simulation ignores the signature, but its shape demands one.
    """
    unsigned = {**group_to_json(group), "signature": encode(Prefix.EDSIG, bytes(64))}
    results = await node.post_once(
        f"{_block(block)}/helpers/scripts/simulate_operation",
        {"operation": unsigned, "chain_id": chain},
        parse_simulation,
    )
    if len(results) != len(group.contents):
        raise SourceMalformedError(
            f"{node.name} simulated {len(results)} contents of a group of {len(group.contents)}",
            source=node.name,
        )
    return results


async def inject(node: JsonSource, signed_bytes: bytes) -> str:
    """Hand signed bytes to a node, once; gives the operation hash it answers with."""
    return await node.post_once(
        "/injection/operation", signed_bytes.hex(), _parse_operation_hash, params={"chain": "main"}
    )


def _block(block: BlockId) -> str:
    return f"/chains/main/blocks/{block}"


def _contract(address: Address, block: BlockId) -> str:
    return f"{_block(block)}/context/contracts/{address}"


def _parse_balance(document: Any) -> Mutez:
    return Mutez(read_natural(document, "the balance"))


def _parse_counter(document: Any) -> int:
    return read_natural(document, "the counter")


def _parse_manager_key(document: Any) -> str | None:
    return None if document is None else read_encoded(document, "the key", *PUBLIC_KEY)


def _parse_delegate(document: Any) -> str | None:
    return None if document is None else read_encoded(document, "the delegate", *IMPLICIT)


def _parse_operation_hash(document: Any) -> str:
    return read_encoded(document, "the operation hash", Prefix.OPERATION_HASH)
