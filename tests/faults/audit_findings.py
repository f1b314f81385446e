"""What an audit goes by and what it finds: rows, blocks, the trail, and complaints.

Nothing that Bakehouse pays with is used here: rows are read with sqlite3, blocks from the simulated
chain. What is owed is `audit_rules`', judging is `auditor`'s.
"""

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.receipt import SignedGroup, Status
from bakehouse.tezos.operation import Transaction

#: A row of a table by column names, whatever columns it has.
Row = Mapping[str, Any]

_REMEMBERED: Final = 4_096
_GENESIS: Final = "0" * 64
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_OPERATION_PREFIX: Final = bytes((5, 116))


@dataclass(frozen=True, slots=True)
class Findings:
    """Sentences of an audit, by what they accuse of; `checked` is how many payouts were judged."""

    paid_twice: tuple[str, ...]
    lost: tuple[str, ...]
    unplanned: tuple[str, ...]
    wrong_amount: tuple[str, ...]
    drift: tuple[str, ...]
    broken: tuple[str, ...]
    checked: int

    def is_clean(self) -> bool:
        return not any(self._said().values())

    def __str__(self) -> str:
        lines = [f"{self.checked} payouts judged: {'clean' if self.is_clean() else 'NOT clean'}"]
        for heading, sentences in self._said().items():
            lines += [f"{heading.replace('_', ' ')} ({len(sentences)})"] if sentences else []
            lines += [f"  - {sentence}" for sentence in sentences]
        return "\n".join(lines)

    def _said(self) -> dict[str, tuple[str, ...]]:
        return {each.name: getattr(self, each.name) for each in fields(self)[:-1]}


@dataclass(slots=True)
class Complaints:
    """Findings as they are collected."""

    paid_twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unplanned: list[str] = field(default_factory=list)
    wrong_amount: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(getattr(self, each.name)) for each in fields(self))

    def add(self, others: Self) -> None:
        for each in fields(self):
            getattr(self, each.name).extend(getattr(others, each.name))

    def findings(self, checked: int) -> Findings:
        said = {each.name: tuple(dict.fromkeys(getattr(self, each.name))) for each in fields(self)}
        return Findings(**said, checked=checked)


@dataclass(frozen=True, slots=True)
class Books:
    """The rows of a ledger that are of one network; the trail and the alerts are of all."""

    bakers: list[Row]
    fees: list[Row]
    members: list[Row]
    distributions: dict[int, Row]
    operations: dict[int, Row]
    transfers: dict[int, Row]
    payouts: list[Row]
    events: list[Row]
    alerts: list[Row]

    @classmethod
    def read(cls, database: Path, network: str) -> Self:
        """Read everything at one moment, without a chance to change anything."""
        uri = f"{database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            operations = _by_id(_rows(connection, "operations", network))
            transfers = _by_id(_rows(connection, "transfers"))
            distributions = _by_id(_rows(connection, "distributions", network))
            snapshots = {
                row["distribution_id"]: row["content"] for row in _rows(connection, "snapshots")
            }
            return cls(
                bakers=list(_rows(connection, "bakers", network)),
                fees=list(_rows(connection, "delegator_fees")),
                members=list(_rows(connection, "bond_pool_members")),
                distributions={
                    row_id: {**row, "snapshot": snapshots.get(row_id)}
                    for row_id, row in distributions.items()
                },
                operations=operations,
                transfers={
                    row_id: row
                    for row_id, row in transfers.items()
                    if row["operation_id"] in operations
                },
                payouts=list(_rows(connection, "payouts", network)),
                events=list(_rows(connection, "audit_events")),
                alerts=list(_rows(connection, "alerts")),
            )


def _rows(connection: sqlite3.Connection, table: str, network: str | None = None) -> Iterator[Row]:
    condition = "" if network is None else "WHERE network = ?"
    query = f"SELECT * FROM {table} {condition} ORDER BY rowid"  # noqa: S608 - named in this module
    cursor = connection.execute(query, () if network is None else (network,))
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def _by_id(rows: Iterator[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows}


# The trail


def first_broken_event(events: Collection[Row]) -> int | None:
    """Give the id of the first event whose hash is not that of itself and all before it."""
    previous = _GENESIS
    for event in events:
        said = (event[column] for column in ("at", "actor", "action", "subject", "detail"))
        try:
            link = _link(previous, *said)
        except (TypeError, ValueError):
            return int(event["id"])
        if event["previous_hash"] != previous or event["hash"] != link:
            return int(event["id"])
        previous = link
    return None


# A world is audited after each of its steps: what was read before is not computed again.
@lru_cache(maxsize=_REMEMBERED)
def _link(previous: str, at: str, *said: str) -> str:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC).isoformat()
    return hashlib.sha256(json.dumps([previous, moment, *said]).encode()).hexdigest()


def detail_of(event: Row) -> Row:
    """Read the detail of an event; a forged one may be anything, and says nothing then."""
    return _read_detail(event["detail"])


@lru_cache(maxsize=_REMEMBERED)
def _read_detail(text: str) -> Row:
    try:
        detail = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return detail if isinstance(detail, dict) else {}


# The chain


@dataclass(frozen=True, slots=True)
class Moved:
    """One transfer in a block that was applied."""

    operation_hash: str
    level: int
    position: int
    source: str
    destination: str
    amount: int

    def __str__(self) -> str:
        return (
            f"{self.amount} mutez to {self.destination} by {self.operation_hash} "
            f"(position {self.position}, level {self.level})"
        )


@dataclass(frozen=True, slots=True)
class Included:
    """A group that one of our keys signed, in a block."""

    level: int
    block: str
    signed: SignedGroup
    statuses: tuple[Status, ...]

    @property
    def applied(self) -> bool:
        return all(status is Status.APPLIED for status in self.statuses)

    @property
    def transfers(self) -> dict[int, Transaction]:
        """The transfers by position, whatever became of them."""
        contents = enumerate(self.signed.group.contents)
        return {place: each for place, each in contents if isinstance(each, Transaction)}

    @property
    def moved(self) -> list[Moved]:
        """The transfers that were applied."""
        return [
            Moved(
                self.signed.hash, self.level, place, each.source, each.destination, int(each.amount)
            )
            for place, each in self.transfers.items()
            if self.statuses[place] is Status.APPLIED
        ]


def included_groups(
    chain: Chain, sources: Collection[str], foreign: Collection[str]
) -> dict[str, Included]:
    """Read from all blocks the groups of our keys that no other tool has sent, by hash."""
    return {
        each.signed.hash: Included(
            block.level, block.hash, each.signed, tuple(receipt.status for receipt in each.receipts)
        )
        for block in chain.simulated_blocks()
        for each in block.operations
        if each.signed.source in sources and each.signed.hash not in foreign
    }


@lru_cache(maxsize=_REMEMBERED)
def hash_of(signed_bytes: bytes) -> str:
    """Give the hash by which the chain knows these bytes."""
    data = _OPERATION_PREFIX + hashlib.blake2b(signed_bytes, digest_size=32).digest()
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return text


def grouped(rows: Collection[Row], column: str) -> dict[Any, list[Row]]:
    """Give rows by what they have in a column."""
    by_value: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        by_value[row[column]].append(row)
    return by_value
