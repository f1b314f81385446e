"""What a block says of the operations in it. How operations are applied is not known here."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from bakehouse.sandbox.node_error import NodeError
from bakehouse.sandbox.protocol import MILLIGAS_PER_GAS
from bakehouse.tezos.operation import OperationGroup


class Status(StrEnum):
    """What became of one content of a group."""

    APPLIED = "applied"
    FAILED = "failed"  # this one undid the group
    BACKTRACKED = "backtracked"  # was applied, then undone by a later one
    SKIPPED = "skipped"  # comes after the one that failed


@dataclass(frozen=True, slots=True)
class BalanceUpdate:
    """A movement of `change` mutez, of a contract or of one of the protocol's own accounts."""

    kind: str
    change: int
    contract: str | None = None
    category: str | None = None

    def json(self) -> dict[str, Any]:
        """Give the movement in the node's shape."""
        owner: dict[str, Any] = {} if self.category is None else {"category": self.category}
        if self.kind == "freezer":
            owner["staker"] = {"baker_own_stake": self.contract}
        elif self.contract is not None:
            owner["contract"] = self.contract
        return {"kind": self.kind, **owner, "change": str(self.change), "origin": "block"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one content; gas in thousandths, movements without the content's fee."""

    status: Status
    consumed_milligas: int = 0
    updates: tuple[BalanceUpdate, ...] = ()
    allocated: bool = False
    errors: tuple[NodeError, ...] = ()

    @property
    def gas_used(self) -> int:
        """Whole units of gas, rounded up as the protocol does."""
        return -(-self.consumed_milligas // MILLIGAS_PER_GAS)

    def under(self, error_id_prefix: str) -> "Receipt":
        """Give the receipt as another protocol words it."""
        errors = tuple(error.under(error_id_prefix) for error in self.errors)
        return replace(self, errors=errors) if errors else self


SKIPPED: Final = Receipt(Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class SignedGroup:
    """A group that somebody signed, as it came: its hash, its signature and its size in bytes."""

    hash: str
    group: OperationGroup
    signature: bytes
    size: int

    @property
    def source(self) -> str:
        """The account that signed."""
        return self.group.contents[0].source

    @property
    def fee(self) -> int:
        """Mutez that the group offers in all."""
        return sum(content.fee for content in self.group.contents)

    @property
    def gas_limit(self) -> int:
        """Gas units that the group may use in all."""
        return sum(content.gas_limit for content in self.group.contents)


@dataclass(frozen=True, slots=True)
class IncludedGroup:
    """A group in a block, with one receipt for each of its contents."""

    signed: SignedGroup
    receipts: tuple[Receipt, ...]
