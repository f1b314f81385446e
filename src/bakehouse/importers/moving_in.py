"""What is moved in, as values: settings, what was paid, and what has no place here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bakehouse.importers.place import Place
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import NO_MUTEZ, NO_SHARE, BasisPoints, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare

#: Why no secret is ever taken over, and what to do instead.
SECRETS_STAY: Final = (
    "secrets are neither read nor shown: make or import the wallet with `bakehouse wallet`, users "
    "with `bakehouse user`, channels with `bakehouse alerts`, and destroy the old file"
)


class Tool(StrEnum):
    """The tools whose files are read."""

    TAPS = "taps"
    TRD = "trd"
    TEZPAY = "tezpay"

    @property
    def label(self) -> str:
        """Give its name as people write it."""
        return {"taps": "TAPS", "trd": "TRD", "tezpay": "TezPay"}[self.value]


class Outcome(StrEnum):
    """What the other tool says became of a payment."""

    PAID = "paid"
    #: It failed, or nobody knows: only the chain does.
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPayment:
    """One payment as the other tool's files have it; amounts in mutez."""

    cycle: int
    kind: PayoutKind
    owed_to: str
    address: str
    amount: Mutez
    outcome: Outcome
    #: How the other tool calls that.
    said: str
    place: Place
    operation_hash: str | None = None
    paid_at: datetime | None = None
    #: By how much the chain may differ, where the file has rounded amounts.
    tolerance: Mutez = NO_MUTEZ
    delegated_balance: Mutez = NO_MUTEZ
    fee_basis_points: BasisPoints = NO_SHARE
    fee: Mutez = NO_MUTEZ


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken over: what it was, and what it is here."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Left:
    """What has no place here, and why."""

    old: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSettings:
    """Settings of a baker, typed as the ledger has them."""

    baker_id: str
    #: The wallet that pays; None: the files do not tell.
    payout_address: str | None
    settings: Mapping[str, Any]
    fees: Mapping[str, BasisPoints] = field(default_factory=dict)
    rules: Mapping[str, DelegatorRule] = field(default_factory=dict)
    income: tuple[IncomeShare, ...] = ()
    members: tuple[BondPoolMember, ...] = ()
    taken: tuple[Taken, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHistory:
    """What was paid, and which cycles are closed."""

    payments: tuple[OldPayment, ...]
    #: Cycles that the other tool calls paid, whether or not it names whom.
    paid_cycles: frozenset[int] = frozenset()
    #: The newest cycle that it has dealt with in any way; None: none.
    last_cycle: int | None = None
    left: tuple[Left, ...] = ()

    @property
    def closed(self) -> list[int]:
        """Give the cycles that can never be paid again, oldest first."""
        return sorted(self.paid_cycles | {each.cycle for each in self.payments})


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingIn:
    """All that was read of another tool for one baker."""

    tool: Tool
    #: SHA-256 of each file, by its name.
    files: Mapping[str, str]
    settings: OldSettings
    history: OldHistory
