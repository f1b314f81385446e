"""What paying needs from the world, handed in: ledger, chain, indexer, signers and a clock."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bakehouse.hooks.caller import HookCaller
from bakehouse.ledger.database import Ledger
from bakehouse.payments.recent_blocks import RecentBlocks
from bakehouse.payments.wallet_transfers import WalletTransfers
from bakehouse.rewards.money import BasisPoints
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.tzkt import TzktClient

_TWO_PERCENT = BasisPoints(200)


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """Bounds of one operation group, and patience with the chain."""

    #: Transfers of one group, where fewer than fit are wanted.
    transfers_max: int = 1_000
    #: Share of a block's gas that one group may ask for, in percent, where recent blocks left it.
    block_gas_percent_max: int = 100
    #: Gas added to what a transfer to a contract consumed in the simulation.
    gas_margin: int = 100
    #: The same of other contents. They take what they took, but for a few bytes: octez-client adds
    #: nothing.
    plain_gas_margin: int = 10
    #: Transfers of one simulation: so few that a contract may use a few thousand units of gas.
    simulated_together_max: int = 200
    #: Simulations that one group has nodes work on side by side.
    simulations_at_once: int = 4
    #: Added to the node's minimum fee.
    fee_margin: BasisPoints = _TWO_PERCENT
    #: Blocks in which a group can be included; after them its death can be proven (9 minutes).
    life_blocks: int = 90
    #: Blocks after its life that a proof may take; then a person is asked to look (6 minutes).
    proof_patience_blocks: int = 60
    #: Groups of one distribution that may expire one after another before a person is asked.
    expired_in_a_row_max: int = 3
    #: Seconds for which a payout address is ours without renewing; a dead process holds it so long.
    lease_seconds: int = 9
    #: Seconds between two looks while a source does not answer.
    source_patience_seconds: int = 10
    #: Bytes that must be free on the ledger's disk: what was sent must be written down for sure.
    free_bytes_min: int = 200_000_000


class SourceLocks:
    """One lock for each payout address: within this process, one task at a time works on it."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def of(self, source: str) -> asyncio.Lock:
        """Give the lock of one payout address."""
        return self._locks.setdefault(source, asyncio.Lock())


def name_of_this_process() -> str:
    """Make a name under which leases are held: for people to read, and never used twice."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _plenty() -> int:
    return 2**63


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
    #: Under which leases are held.
    holder: str = field(default_factory=name_of_this_process)
    #: Bytes that are free where the data is kept.
    free_bytes: Callable[[], int] = _plenty
    #: What was found of transfers that wallets sent; only saves reading it again.
    wallet_transfers: WalletTransfers = field(default_factory=WalletTransfers)
    #: How bakers' own programs and webhooks are reached.
    hooks: HookCaller = field(default_factory=HookCaller)
    #: What recent blocks were used for; only saves reading them again.
    recent_blocks: RecentBlocks = field(default_factory=RecentBlocks)
