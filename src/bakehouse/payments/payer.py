"""What paying needs from the world, handed in: ledger, chain, indexer, signers and a clock."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bakehouse.ledger.database import Ledger
from bakehouse.rewards.money import BasisPoints
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.tzkt import TzktClient

_TWO_PERCENT = BasisPoints(200)


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """Bounds of one operation group, and patience with the chain."""

    transfers_max: int = 150
    #: Share of a block's gas that one group may ask for, in percent: room must be left for others.
    block_gas_percent_max: int = 50
    #: Gas added to what the simulation consumed.
    gas_margin: int = 100
    #: Added to the node's minimum fee.
    fee_margin: BasisPoints = _TWO_PERCENT
    #: Blocks below the head that an operation's branch is taken from: final, so never orphaned.
    branch_depth: int = 2
    #: Seconds between two looks while a source does not answer.
    source_patience_seconds: int = 30


class SourceLocks:
    """One lock for each payout address: within this process, one task at a time works on it."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def of(self, source: str) -> asyncio.Lock:
        """Give the lock of one payout address."""
        return self._locks.setdefault(source, asyncio.Lock())


@dataclass(frozen=True, slots=True)
class Payer:
    """Everything that payments touch; nothing here is reached in any other way."""

    ledger: Ledger
    node: NodeClient
    indexer: TzktClient
    signers: Keyring
    clock: Callable[[], datetime]
    limits: PaymentLimits = field(default_factory=PaymentLimits)
    locks: SourceLocks = field(default_factory=SourceLocks)
