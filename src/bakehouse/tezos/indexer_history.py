"""What an indexer tells of the past: ends of cycles, blocks, operations, transfers. No requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bakehouse.rewards.money import Mutez
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.strict_json import Fields, read_objects


@dataclass(frozen=True, slots=True)
class SentTransfer:
    """A transfer that an account has sent, applied, in the block of `level`."""

    id: int
    level: int
    operation_hash: str
    destination: str
    amount: Mutez


@dataclass(frozen=True, slots=True)
class AppliedTransfer:
    """A transfer of an operation that is named by its hash, applied in the block of `level`."""

    level: int
    sender: str
    destination: str
    amount: Mutez


def parse_cycle_last_level(document: Any) -> int:
    """Read the answer of TzKT's `/v1/cycles/{n}`; raises SourceMalformedError."""
    return Fields.of(document).natural("lastLevel")


def parse_cycle_end(document: Any) -> datetime:
    """Read when the last block of a cycle was made, in TzKT's `/v1/cycles/{n}`."""
    return Fields.of(document).time("endTime")


def parse_block_hash(document: Any) -> tuple[int, str]:
    """Read level and hash in the answer of TzKT's `/v1/blocks/{level}`."""
    fields = Fields.of(document)
    return fields.natural("level"), fields.encoded("hash", Prefix.BLOCK_HASH)


def parse_account_counter(document: Any) -> int:
    """Read the counter in the answer of TzKT's `/v1/accounts/{address}`."""
    return Fields.of(document).natural("counter")


def parse_levels(document: Any) -> tuple[int, ...]:
    """Read the levels of the contents that TzKT's `/v1/operations/{hash}` lists; none is unknown.

    TzKT answers an empty list, or nothing at all (204), for an operation it has never seen.
    """
    if document is None:
        return ()
    return tuple(entry.natural("level") for entry in read_objects(document))


def parse_transfers(document: Any) -> tuple[SentTransfer, ...]:
    """Read a page of TzKT's `/v1/operations/transactions`; raises SourceMalformedError."""
    return tuple(_transfer(entry) for entry in read_objects(document))


def parse_applied(document: Any) -> tuple[AppliedTransfer, ...]:
    """Read the answer of TzKT's `/v1/operations/transactions/{hash}`; nothing, when it is unknown.

    What failed or was skipped is left out. Raises SourceMalformedError.
    """
    if document is None:
        return ()
    return tuple(
        AppliedTransfer(
            level=entry.natural("level"),
            sender=entry.object("sender").text("address"),
            destination=entry.object("target").text("address"),
            amount=Mutez(entry.natural("amount")),
        )
        for entry in read_objects(document)
        if entry.text("status") == "applied"
    )


def _transfer(entry: Fields) -> SentTransfer:
    return SentTransfer(
        id=entry.natural("id"),
        level=entry.natural("level"),
        operation_hash=entry.encoded("hash", Prefix.OPERATION_HASH),
        # Addresses of kinds that are newer than this code may stand here: it is only compared.
        destination=entry.object("target").text("address"),
        amount=Mutez(entry.natural("amount")),
    )
