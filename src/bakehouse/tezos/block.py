"""Blocks as a node describes them: headers, their place in cycles and protocols. No requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.strict_json import Fields, read_encoded

#: The validation pass of a block in which transfers, reveals and delegations stand.
MANAGER_PASS: Final = 3

#: How a block is named to a node: its hash, its level, `head`, or one of these and `~` a distance.
BlockId = str | int


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What identifies a block. `timestamp` knows its offset from UTC."""

    level: int
    hash: str
    predecessor: str
    timestamp: datetime
    #: The protocol that made this block; the block after it may be under another.
    protocol: str
    chain_id: str

    def answers_to(self, block: BlockId) -> bool:
        """Tell whether this can be the block of that name; any can be the head or near it."""
        if isinstance(block, int):
            return block == self.level
        is_hash = block.startswith(Prefix.BLOCK_HASH.text) and "~" not in block
        return block == self.hash if is_hash else True


@dataclass(frozen=True, slots=True)
class BlockMetadata:
    """What applying a block showed."""

    level: int
    cycle: int
    #: Blocks of the cycle before this one: 0 at its first block.
    cycle_position: int
    #: A group whose branch is this block's ancestor by more than this cannot follow it (levels).
    max_operations_ttl: int
    protocol: str
    next_protocol: str
    #: Bytes of manager operations that a block holds; None where a node does not say.
    manager_bytes_max: int | None = None


def parse_header(document: Any) -> BlockHeader:
    """Read the answer of `blocks/{id}/header`; raises SourceMalformedError."""
    fields = Fields.of(document)
    return BlockHeader(
        level=fields.natural("level"),
        hash=fields.encoded("hash", Prefix.BLOCK_HASH),
        predecessor=fields.encoded("predecessor", Prefix.BLOCK_HASH),
        timestamp=fields.time("timestamp"),
        protocol=fields.encoded("protocol", Prefix.PROTOCOL_HASH),
        chain_id=fields.encoded("chain_id", Prefix.CHAIN_ID),
    )


def parse_metadata(document: Any) -> BlockMetadata:
    """Read the answer of `blocks/{id}/metadata`; raises SourceMalformedError."""
    fields = Fields.of(document)
    level_info = fields.object("level_info")
    return BlockMetadata(
        level=level_info.natural("level"),
        cycle=level_info.natural("cycle"),
        cycle_position=level_info.natural("cycle_position"),
        max_operations_ttl=fields.natural("max_operations_ttl"),
        protocol=fields.encoded("protocol", Prefix.PROTOCOL_HASH),
        next_protocol=fields.encoded("next_protocol", Prefix.PROTOCOL_HASH),
        manager_bytes_max=_manager_bytes_max(fields),
    )


def parse_next_protocol(document: Any) -> str:
    """Read `blocks/{id}/protocols`: which protocol the context after a block obeys."""
    return Fields.of(document).encoded("next_protocol", Prefix.PROTOCOL_HASH)


def _manager_bytes_max(fields: Fields) -> int | None:
    if "max_operation_list_length" not in fields:
        return None
    passes = fields.objects("max_operation_list_length")
    return passes[MANAGER_PASS].natural("max_size") if len(passes) > MANAGER_PASS else None


def parse_chain_id(document: Any) -> str:
    """Read the answer of `chain_id`; raises SourceMalformedError."""
    return read_encoded(document, "the chain id", Prefix.CHAIN_ID)
