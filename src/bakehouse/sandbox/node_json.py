"""Blocks, operations and accounts as the node's RPC spells them: mutez and counters as strings."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from bakehouse.sandbox.account import Account
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.crowd import OthersGroup
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.protocol import MILLIGAS_PER_GAS, OPERATION_SIZE_MAX
from bakehouse.sandbox.receipt import BalanceUpdate, IncludedGroup, Receipt, SignedGroup
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.operation import Content, OperationGroup, Transaction, content_to_json

Json = dict[str, Any]

#: Manager operations are those of the last of four passes; the others are empty here.
MANAGER_PASS: Final = 3
PASS_COUNT: Final = 4

#: One valid value for every block: nobody but a node can tell what it should be.
_CONTEXT_HASH: Final = "CoWT5ZqCTheUfQpRYqs7QSS7ctJDCssdoWEDnQb5ctg5Awyf9Ra3"
_PAYLOAD_HASH: Final = "vh2dihdnKizuzdVGo9c6aXgWkxpTD6rYNhsEh2b69XaJWC89S1DL"
_OPERATIONS_HASH: Final = "LLoa6SuJtVdXUZfWt2eny49a1BbANHQ6nzTLsS9f2ohduzxBEnSS9"
_PROOF_OF_WORK_NONCE: Final = "0000000000000000"

_BLOCKS_PER_VOTING_PERIOD_CYCLES: Final = 14

#: Blocks whose signatures are remembered: the same headers are asked for over and over.
_SIGNATURES_MAX: Final = 1_024


def timestamp_text(seconds: int) -> str:
    """Write seconds since 1970 as nodes and indexers do: 2026-11-01T00:00:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shell_header_json(chain: Chain, block: Block) -> Json:
    """Give the part of a block's header that no protocol changes."""
    return {
        "level": block.level,
        "proto": chain.protocols.of(block.level).number,
        "predecessor": block.predecessor,
        "timestamp": timestamp_text(block.timestamp),
        "validation_pass": PASS_COUNT,
        "operations_hash": _OPERATIONS_HASH,
        "fitness": ["02", f"{block.level:08x}", "", "ffffffff", f"{block.block_round:08x}"],
        "context": _CONTEXT_HASH,
    }


def raw_header_json(chain: Chain, block: Block) -> Json:
    """Give a block's header as it stands inside the block."""
    return {
        **shell_header_json(chain, block),
        "payload_hash": _PAYLOAD_HASH,
        "payload_round": 0,
        "proof_of_work_nonce": _PROOF_OF_WORK_NONCE,
        "liquidity_baking_toggle_vote": "pass",
        "signature": _block_signature(block.hash),
    }


@lru_cache(maxsize=_SIGNATURES_MAX)
def _block_signature(hash_text: str) -> str:
    return draw_text(Prefix.SIG, "block signature", hash_text)


def header_json(chain: Chain, block: Block) -> Json:
    """Give a block's header as its own RPC does."""
    return {
        "protocol": chain.protocols.of(block.level).hash,
        "chain_id": chain.chain_id,
        "hash": block.hash,
        **raw_header_json(chain, block),
    }


def head_json(chain: Chain, block: Block) -> Json:
    """Give a block as the stream of new heads does."""
    return {"hash": block.hash, **shell_header_json(chain, block), "protocol_data": "00"}


def protocols_json(chain: Chain, block: Block) -> Json:
    """Give the protocol that made a block, and the one that it leaves in force."""
    schedule = chain.protocols
    return {
        "protocol": schedule.of(block.level).hash,
        "next_protocol": schedule.after(block.level).hash,
    }


def metadata_json(chain: Chain, block: Block) -> Json:
    """Give what applying a block brought about, and where it stands in its cycle."""
    return {
        **protocols_json(chain, block),
        "test_chain_status": {"status": "not_running"},
        "max_operations_ttl": block.operations_ttl,
        "max_operation_data_length": OPERATION_SIZE_MAX,
        "max_block_header_length": 289,
        "max_operation_list_length": [
            {"max_size": 4_194_304, "max_op": 2_048},
            {"max_size": 32_768},
            {"max_size": 135_168, "max_op": 132},
            {"max_size": 524_288},
        ],
        "proposer": block.proposer,
        "baker": block.proposer,
        "level_info": level_info_json(chain, block),
        "voting_period_info": _voting_period_json(chain, block),
        "nonce_hash": None,
        "deactivated": [],
        "balance_updates": _updates_json(block.updates),
        "liquidity_baking_toggle_ema": 1_000_000_000,
        "implicit_operations_results": [],
        "proposer_consensus_key": block.proposer,
        "baker_consensus_key": block.proposer,
        "consumed_milligas": str(block.consumed_milligas),
        "dal_attestation": "0",
        "all_bakers_attest_activation_level": None,
        "attestations": {
            "total_committee_power": "7000",
            "threshold": "4667",
            "recorded_power": "6998",
        },
        "preattestations": None,
    }


def level_info_json(chain: Chain, block: Block) -> Json:
    """Give a block's level, and its cycle and place in it."""
    level = max(block.level, 1)
    return {
        "level": block.level,
        "level_position": level - 1,
        "cycle": chain.cycle_length.cycle_of(level),
        "cycle_position": chain.cycle_length.position_of(level),
        "expected_commitment": False,
    }


def _voting_period_json(chain: Chain, block: Block) -> Json:
    length = _BLOCKS_PER_VOTING_PERIOD_CYCLES * chain.cycle_length.blocks
    index, position = divmod(max(block.level - 1, 0), length)
    period = {"index": index, "kind": "proposal", "start_position": index * length}
    return {
        "voting_period": period,
        "position": position,
        "remaining": length - position - 1,
    }


def block_json(chain: Chain, block: Block) -> Json:
    """Give a whole block."""
    return {
        "protocol": chain.protocols.of(block.level).hash,
        "chain_id": chain.chain_id,
        "hash": block.hash,
        "header": raw_header_json(chain, block),
        "metadata": metadata_json(chain, block),
        "operations": operations_json(chain, block),
    }


def operations_json(chain: Chain, block: Block) -> list[list[Json]]:
    """Give a block's operations with their receipts, pass by pass."""
    passes: list[list[Json]] = [[] for _ in range(PASS_COUNT)]
    passes[MANAGER_PASS] = [
        *(operation_json(chain, block, included) for included in block.operations),
        *(_others_json(chain, block, other) for other in block.others),
    ]
    return passes


def operation_hashes_json(block: Block) -> list[list[str]]:
    """Give the hashes of a block's operations, pass by pass."""
    passes: list[list[str]] = [[] for _ in range(PASS_COUNT)]
    passes[MANAGER_PASS] = [included.signed.hash for included in block.operations]
    passes[MANAGER_PASS] += [other.hash for other in block.others]
    return passes


def operation_json(chain: Chain, block: Block, included: IncludedGroup) -> Json:
    """Give an operation of a block with its receipts."""
    signed = included.signed
    return {
        "protocol": chain.protocols.of(block.level).hash,
        "chain_id": chain.chain_id,
        "hash": signed.hash,
        "branch": signed.group.branch,
        "contents": receipts_json(signed.group, included.receipts),
        "signature": signature_text(signed),
    }


def without_receipts(operations: list[Json]) -> list[Json]:
    """Give a pass of operations as it is with `metadata=never`."""
    return [
        {
            **operation,
            "contents": [
                {name: value for name, value in content.items() if name != "metadata"}
                for content in operation["contents"]
            ],
        }
        for operation in operations
    ]


def _others_json(chain: Chain, block: Block, other: OthersGroup) -> Json:
    return {
        "protocol": chain.protocols.of(block.level).hash,
        "chain_id": chain.chain_id,
        "hash": other.hash,
        "branch": block.predecessor,
        "contents": [
            {
                "kind": "smart_rollup_add_messages",
                "source": other.source,
                "fee": "100000",
                "counter": str(block.global_counter),
                "gas_limit": str(other.gas_limit),
                "storage_limit": "0",
                "message": [other.message.hex()],
                "metadata": {
                    "balance_updates": [],
                    "operation_result": {
                        "status": "applied",
                        "consumed_milligas": str(MILLIGAS_PER_GAS * other.gas_limit),
                    },
                },
            }
        ],
        "signature": _block_signature(other.hash),
    }


def receipts_json(group: OperationGroup, receipts: tuple[Receipt, ...]) -> list[Json]:
    """Give each content of a group with what became of it."""
    return [
        {
            **content_to_json(content),
            "metadata": {
                "balance_updates": _updates_json(_fee_updates(content)),
                "operation_result": _result_json(content, receipt),
            },
        }
        for content, receipt in zip(group.contents, receipts, strict=True)
    ]


def signature_text(signed: SignedGroup) -> str:
    """Write a signature without naming its curve."""
    return encode(Prefix.SIG, signed.signature)


def contract_json(account: Account | None, global_counter: int, *, is_implicit: bool) -> Json:
    """Give an account as the node describes contracts, allocated or not."""
    account = account or Account(counter=global_counter)
    document: Json = {"balance": str(account.balance)}
    if account.delegate is not None:
        document["delegate"] = account.delegate
    if is_implicit:
        document["counter"] = str(account.counter)
        document["revealed"] = account.public_key is not None
    else:
        document["script"] = _DELEGATION_CONTRACT
    return document


#: A contract that takes any deposit and does nothing.
_DELEGATION_CONTRACT: Final = {
    "code": [
        {"prim": "parameter", "args": [{"prim": "unit"}]},
        {"prim": "storage", "args": [{"prim": "unit"}]},
        {
            "prim": "code",
            "args": [
                [
                    {"prim": "CDR"},
                    {"prim": "NIL", "args": [{"prim": "operation"}]},
                    {"prim": "PAIR"},
                ]
            ],
        },
    ],
    "storage": {"prim": "Unit"},
}


def _fee_updates(content: Content) -> tuple[BalanceUpdate, ...]:
    if content.fee == 0:
        return ()
    return (
        BalanceUpdate("contract", -content.fee, contract=content.source),
        BalanceUpdate("accumulator", content.fee, category="block fees"),
    )


def _updates_json(updates: tuple[BalanceUpdate, ...]) -> list[Json]:
    return [update.json() for update in updates]


def _result_json(content: Content, receipt: Receipt) -> Json:
    document: Json = {"status": receipt.status.value}
    if receipt.errors:
        document["errors"] = [error.json() for error in receipt.errors]
    if receipt.updates:
        document["balance_updates"] = _updates_json(receipt.updates)
    if receipt.consumed_milligas:
        document["consumed_milligas"] = str(receipt.consumed_milligas)
    if receipt.allocated:
        document["allocated_destination_contract"] = True
    if receipt.consumed_milligas and _runs_code(content):
        document["storage"] = _DELEGATION_CONTRACT["storage"]
        document["storage_size"] = "46"
    return document


def _runs_code(content: Content) -> bool:
    return isinstance(content, Transaction) and content.destination.startswith(Prefix.KT1.text)
