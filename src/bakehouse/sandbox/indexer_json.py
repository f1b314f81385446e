"""The chain in the shapes of the TzKT API (1.17): mutez as integers, names in camel case."""

from collections.abc import Iterator
from typing import Any, Final

from bakehouse.sandbox.account import CONTRACT_PREFIX, Account
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_error import NodeError
from bakehouse.sandbox.node_json import timestamp_text
from bakehouse.sandbox.protocol import (
    ALLOCATION_BURN,
    COST_PER_BYTE,
    ERROR_ID_PREFIX,
    GAS_LIMIT_PER_BLOCK_MAX,
    GAS_LIMIT_PER_OPERATION_MAX,
    OPERATIONS_TTL,
    ORIGINATION_SIZE,
    PROTOCOL_HASH,
    PROTOCOL_NUMBER,
    STORAGE_LIMIT_MAX,
)
from bakehouse.sandbox.receipt import IncludedGroup, Receipt, Status
from bakehouse.tezos.operation import Content, Delegation, Reveal, Transaction

Json = dict[str, Any]

VERSION: Final = "1.17.3.0"

#: Room for the ids of a block's operations; ids grow with the level, as TzKT's do.
_IDS_PER_LEVEL: Final = 1 << 20


def head_json(chain: Chain) -> Json:
    """Give the indexer's state; it is always synchronised with the node."""
    head = chain.head
    return {
        "chain": "sandbox",
        "chainId": chain.chain_id,
        "cycle": chain.cycle_length.cycle_of(head.level),
        "level": head.level,
        "hash": head.hash,
        "protocol": PROTOCOL_HASH,
        "nextProtocol": PROTOCOL_HASH,
        "timestamp": timestamp_text(head.timestamp),
        "votingEpoch": 0,
        "votingPeriod": 0,
        "knownLevel": head.level,
        "lastSync": timestamp_text(head.timestamp),
        "synced": True,
        "quoteLevel": head.level,
        "quoteUsd": 0.0,
    }


def cycle_json(chain: Chain, cycle: int) -> Json:
    """Give a cycle's extent and what it pays; times of levels to come are estimates."""
    length = chain.cycle_length
    first, last = length.first_level(cycle), length.last_level(cycle)
    return {
        "index": cycle,
        "firstLevel": first,
        "startTime": timestamp_text(_time_of(chain, first)),
        "lastLevel": last,
        "endTime": timestamp_text(_time_of(chain, last)),
        "snapshotLevel": length.snapshot_level(cycle),
        "randomSeed": "0" * 64,
        "totalBakers": 2,
        "totalBakingPower": chain.rights.snapshot(cycle).baking_power,
        "blockReward": chain.rights.rates(cycle).block.total,
    }


def protocol_json(chain: Chain) -> Json:
    """Give the protocol, with those of its constants that TzKT calls by names of its own."""
    return {
        "code": PROTOCOL_NUMBER,
        "hash": PROTOCOL_HASH,
        "firstLevel": 1,
        "firstCycle": 0,
        "firstCycleLevel": 1,
        "constants": {
            "blocksPerCycle": chain.cycle_length.blocks,
            "timeBetweenBlocks": chain.block_delay_seconds,
            "hardOperationGasLimit": GAS_LIMIT_PER_OPERATION_MAX,
            "hardOperationStorageLimit": STORAGE_LIMIT_MAX,
            "hardBlockGasLimit": GAS_LIMIT_PER_BLOCK_MAX,
            "byteCost": COST_PER_BYTE,
            "originationSize": ORIGINATION_SIZE,
            "maxOperationsTtl": OPERATIONS_TTL,
        },
    }


def account_json(chain: Chain, address: str) -> Json:
    """Give an account; one that is not allocated is of type `empty`."""
    account = chain.account(address, chain.head.level)
    if account is None:
        return {"type": "empty", "address": address, "counter": chain.head.global_counter}
    if address.startswith(CONTRACT_PREFIX):
        return {
            "type": "contract",
            **_common_fields(chain, address, account),
            "kind": "delegator_contract",
        }
    document = {
        "type": "delegate" if account.delegate == address else "user",
        **_common_fields(chain, address, account),
        "publicKey": account.public_key,
        "revealed": account.public_key is not None,
        "counter": account.counter,
        "stakedBalance": account.staked,
        "unstakedBalance": 0,
        "rollupBonds": 0,
        "smartRollupBonds": 0,
    }
    if account.delegate == address:
        document |= {"active": True, "numDelegators": _delegator_count(chain, address)}
    return {key: value for key, value in document.items() if value is not None}


def operations_json(chain: Chain, hash_text: str) -> list[Json]:
    """Give each content of an operation, of any kind; nothing if it is in no block."""
    block = chain.including_block(hash_text)
    if block is None:
        return []
    return [row for row in block_operations_json(block) if row["hash"] == hash_text]


def block_operations_json(block: Block) -> Iterator[Json]:
    """Give each content of each operation in a block, in their order."""
    position = 0
    for included in block.operations:
        for content, receipt in zip(included.signed.group.contents, included.receipts, strict=True):
            yield _operation_json(block, included, content, receipt) | {
                "id": block.level * _IDS_PER_LEVEL + position
            }
            position += 1


def _operation_json(
    block: Block, included: IncludedGroup, content: Content, receipt: Receipt
) -> Json:
    document = {
        "type": type(content).__name__.lower(),
        "level": block.level,
        "timestamp": timestamp_text(block.timestamp),
        "block": block.hash,
        "hash": included.signed.hash,
        "counter": content.counter,
        "sender": {"address": content.source},
        "gasLimit": content.gas_limit,
        "gasUsed": receipt.gas_used,
        "storageLimit": content.storage_limit,
        "bakerFee": content.fee,
        "status": receipt.status.value,
        **_own_fields(content, receipt),
    }
    if receipt.errors:
        document["errors"] = [_error_json(error) for error in receipt.errors]
    return document


def _own_fields(content: Content, receipt: Receipt) -> Json:
    match content:
        case Transaction():
            is_paid = receipt.allocated and receipt.status is Status.APPLIED
            return {
                "storageUsed": 0,
                "storageFee": 0,
                "allocationFee": ALLOCATION_BURN if is_paid else 0,
                "target": {"address": content.destination},
                "amount": content.amount,
                "hasInternals": False,
            }
        case Reveal():
            return {"publicKey": content.public_key}
        case Delegation(delegate=None):
            return {}
        case Delegation():
            return {"newDelegate": {"address": content.delegate}}


def _error_json(error: NodeError) -> Json:
    document: Json = {"type": error.id.removeprefix(ERROR_ID_PREFIX)}
    if "balance" in error.fields:
        document["balance"] = int(error.fields["balance"])
        document["required"] = int(error.fields["amount"])
    return document


def _common_fields(chain: Chain, address: str, account: Account) -> Json:
    delegate = account.delegate
    return {
        "address": address,
        "balance": account.balance + account.staked,
        "delegate": {"address": delegate, "active": True}
        if delegate is not None and delegate != address
        else None,
        "lastActivity": chain.head.level,
        "lastActivityTime": timestamp_text(chain.head.timestamp),
    }


def _delegator_count(chain: Chain, baker: str) -> int:
    accounts = chain.accounts(chain.head.level)
    return sum(
        account.delegate == baker and address != baker for address, account in accounts.items()
    )


def _time_of(chain: Chain, level: int) -> int:
    head = chain.head
    if level <= head.level:
        return chain.block_at(level).timestamp
    return head.timestamp + (level - head.level) * chain.block_delay_seconds
