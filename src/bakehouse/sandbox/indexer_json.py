"""The chain in the shapes of the TzKT API (1.17): mutez as integers, names in camel case."""

import re
from collections.abc import Iterator
from typing import Any, Final

from bakehouse.sandbox.account import CONTRACT_PREFIX, Account
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_error import NodeError
from bakehouse.sandbox.node_json import timestamp_text
from bakehouse.sandbox.protocol import (
    ALLOCATION_BURN,
    COMMITTEE_SIZE,
    COST_PER_BYTE,
    ORIGINATION_SIZE,
)
from bakehouse.sandbox.receipt import IncludedGroup, Receipt, Status
from bakehouse.tezos.operation import Content, Delegation, Reveal, Transaction

Json = dict[str, Any]

VERSION: Final = "1.17.3.0"

#: Room for the ids of a block's operations; ids grow with the level, as TzKT's do.
_IDS_PER_LEVEL: Final = 1 << 20

#: What TzKT leaves out of the ids of errors.
_PROTOCOL_PREFIX: Final = re.compile(r"proto\.\d+-\w+\.")


def head_json(chain: Chain, known_level: int) -> Json:
    """Give the indexer's state: what of the `known_level` blocks it has taken in."""
    head = chain.head
    return {
        "chain": "sandbox",
        "chainId": chain.chain_id,
        "cycle": chain.cycle_length.cycle_of(head.level),
        "level": head.level,
        "hash": head.hash,
        "protocol": chain.protocols.of(head.level).hash,
        "nextProtocol": chain.protocol.hash,
        "timestamp": timestamp_text(head.timestamp),
        "votingEpoch": 0,
        "votingPeriod": 0,
        "knownLevel": known_level,
        "lastSync": timestamp_text(head.timestamp),
        "synced": head.level == known_level,
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
    protocol = chain.protocols.of(chain.head.level)
    first_level = chain.protocols.first_level(protocol)
    first_cycle = chain.cycle_length.cycle_of(first_level)
    return {
        "code": protocol.number,
        "hash": protocol.hash,
        "firstLevel": first_level,
        "firstCycle": first_cycle,
        "firstCycleLevel": chain.cycle_length.first_level(first_cycle),
        "constants": {
            "blocksPerCycle": chain.cycle_length.blocks,
            "timeBetweenBlocks": protocol.block_delay_seconds,
            "hardOperationGasLimit": protocol.gas_limit_per_operation_max,
            "hardOperationStorageLimit": protocol.storage_limit_max,
            "hardBlockGasLimit": protocol.gas_limit_per_block_max,
            "byteCost": COST_PER_BYTE,
            "originationSize": ORIGINATION_SIZE,
            "maxOperationsTtl": protocol.operations_ttl,
        },
    }


def block_json(chain: Chain, block: Block) -> Json:
    """Give a block, without the operations in it."""
    rewards = block.earned.block_rewards
    is_own = block.earned.blocks > 0
    return {
        "cycle": chain.cycle_length.cycle_of(max(block.level, 1)),
        "level": block.level,
        "hash": block.hash,
        "timestamp": timestamp_text(block.timestamp),
        "proto": chain.protocols.of(block.level).number,
        "payloadRound": 0,
        "blockRound": block.block_round,
        "validations": COMMITTEE_SIZE,
        "deposit": 0,
        "rewardDelegated": rewards.delegated if is_own else 0,
        "rewardStakedOwn": rewards.staked_own if is_own else 0,
        "rewardStakedEdge": rewards.staked_edge if is_own else 0,
        "rewardStakedShared": rewards.staked_shared if is_own else 0,
        "bonusDelegated": 0,
        "bonusStakedOwn": 0,
        "bonusStakedEdge": 0,
        "bonusStakedShared": 0,
        "fees": sum(included.signed.fee for included in block.operations),
        "nonceRevealed": False,
        "proposer": {"address": block.proposer},
        "producer": {"address": block.proposer},
        "lbToggleEma": 1_000_000_000,
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
    document: Json = {"type": _PROTOCOL_PREFIX.sub("", error.id)}
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
