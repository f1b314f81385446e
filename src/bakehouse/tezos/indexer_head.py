"""How far an indexer has read the chain, as it tells itself. No requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.strict_json import Fields


@dataclass(frozen=True, slots=True)
class IndexerHead:
    """The newest block an indexer has read; its node may know newer ones."""

    chain_id: str
    level: int
    cycle: int
    hash: str
    protocol: str
    #: The indexer's own word that `level` is as good as `known_level`.
    synced: bool
    #: The newest level that its node has told it of.
    known_level: int
    timestamp: datetime


def parse_indexer_head(document: Any) -> IndexerHead:
    """Read the answer of TzKT's `/v1/head`; raises SourceMalformedError."""
    fields = Fields.of(document)
    return IndexerHead(
        chain_id=fields.encoded("chainId", Prefix.CHAIN_ID),
        level=fields.natural("level"),
        cycle=fields.natural("cycle"),
        hash=fields.encoded("hash", Prefix.BLOCK_HASH),
        protocol=fields.encoded("protocol", Prefix.PROTOCOL_HASH),
        synced=fields.boolean("synced"),
        known_level=fields.natural("knownLevel"),
        timestamp=fields.time("timestamp"),
    )
