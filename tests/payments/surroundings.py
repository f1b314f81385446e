"""A chain baked by hand, the processes that pay on it, and what its blocks hold."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import Mode
from bakehouse.payments.advance import advance
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.payments.step import Step
from bakehouse.sandbox.app import App
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.transfer_record import transfers_from
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import FINALITY_BLOCKS, NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.faults.inline_sqlite import open_engine

#: Whoever does not answer within this is given up.
SOURCE_LIMITS = SourceLimits(
    attempts=2,
    attempt_seconds=2.0,
    total_seconds=4.0,
    wait_initial_seconds=0.01,
    wait_seconds_max=0.01,
    wait_jitter_seconds=0.0,
)

#: A chain baked by hand may run ahead of the clock by a second a block.
HEAD_AGE_SECONDS_MAX = 3_600

#: More blocks than any of these distributions needs: a test that gets here hangs.
STEPS_MAX = 60

#: A cycle is so short that a few blocks finish it.
BLOCKS_PER_CYCLE = 8


def small_chain(*, seed: int = 3, delegator_count: int = 24) -> SandboxSettings:
    """By default with stakers, a contract, empty accounts and one delegator who gets nothing."""
    return SandboxSettings(
        seed=seed,
        delegator_count=delegator_count,
        blocks_per_cycle=BLOCKS_PER_CYCLE,
        blocks_before_first_turn=1,
        block_seconds=None,
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


#: Where a chain is that is reached without sockets.
NO_SOCKETS = "http://chain"


def client_of_one_machine(app: App | None = None) -> httpx2.AsyncClient:
    """Give a client for real HTTP, or one that asks an application without sockets.

    It spares itself the reading of certificates nobody will show.
    """
    transport = httpx2.ASGITransport(app=app) if app is not None else None
    return httpx2.AsyncClient(verify=False, transport=transport)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Payer is made from, so that any number of processes can be played."""

    chain: Chain
    database: Path
    url: str
    #: Whether several write at once, so that one waits for another's lock; else it is faster.
    has_rivals: bool = True
    #: What answers for the chain where no sockets lie between.
    app: App | None = None

    @asynccontextmanager
    async def payer(
        self,
        client: httpx2.AsyncClient,
        limits: PaymentLimits | None = None,
        source_limits: SourceLimits = SOURCE_LIMITS,
    ) -> AsyncIterator[Payer]:
        if self.has_rivals:
            ledger = await Ledger.open(f"sqlite:///{self.database}")
        else:
            ledger = Ledger(open_engine(self.database))
        try:
            yield self.payer_on(ledger, client, limits, source_limits)
        finally:
            await ledger.close()

    def payer_on(
        self,
        ledger: Ledger,
        client: httpx2.AsyncClient,
        limits: PaymentLimits | None = None,
        source_limits: SourceLimits = SOURCE_LIMITS,
    ) -> Payer:
        source = JsonSource(self.url, client, limits=source_limits)
        node = NodeClient(
            [source],
            chain_id=self.chain.chain_id,
            now=utc_now,
            head_age_seconds_max=HEAD_AGE_SECONDS_MAX,
        )
        indexer = TzktClient([source], chain_id=self.chain.chain_id)
        signers = Keyring([LocalSigner(self.chain.world.payout_key)])
        return Payer(ledger, node, indexer, signers, utc_now, limits or PaymentLimits())


def baker_of(chain: Chain, **settings: Any) -> Baker:
    defaults = {
        "baker_id": chain.world.baker,
        "network": chain.chain_id,
        "payout_address": chain.world.payout_key.public_key.address,
        "first_cycle": chain.settings.starting_cycle,
        "mode": Mode.ON,
        "payout_delay_cycles": 0,
        "confirm_first_cycle": False,
    }
    return Baker(**{**defaults, **settings})


def bake(chain: Chain) -> Block:
    return chain.bake(int(time.time()))


def finish_cycle(chain: Chain) -> None:
    """Bake until the block that begins the next cycle is final."""
    turn = chain.cycle_length.last_level(chain.cycle_length.cycle_of(chain.head.level)) + 1
    while chain.head.level < turn + FINALITY_BLOCKS:
        bake(chain)


async def pay(payer: Payer, chain: Chain, key: DistributionKey) -> Step:
    """Advance, a block after each step, until there is nothing to wait for."""
    for _ in range(STEPS_MAX):
        step = await advance(payer, key)
        if step.wait_seconds is None:
            return step
        bake(chain)
    raise AssertionError(f"{key} is not settled after {STEPS_MAX} blocks: {step}")


def paid_on_chain(chain: Chain) -> Counter[str]:
    """Sum what the payout account has transferred to each address, as the blocks have it."""
    paid: Counter[str] = Counter()
    for transfer in transfers_from(chain, chain.world.payout_key.public_key.address):
        if transfer.status is Status.APPLIED:
            paid[transfer.destination] += transfer.amount
    return paid


def owed(rows: list[Payout]) -> Counter[str]:
    """Sum what each address is owed, whatever became of it."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.address] += row.net
    return sums
