"""A baker that pays on a simulated chain baked by hand, and what chain and ledger say of it."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select

from bakehouse.ledger import audit, bakers, distributions, operations, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation, Transfer
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.schema import attempts
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.advance import Step, advance
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.transfer_record import TransferRecord, transfers_from
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import FINALITY_BLOCKS, NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.payments.chain_front import ChainFront

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


def client_of_one_machine() -> httpx2.AsyncClient:
    """Give a client that spares itself the reading of certificates nobody will show."""
    return httpx2.AsyncClient(verify=False)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Payer is made from, so that any number of processes can be played."""

    chain: Chain
    database: Path
    url: str

    @asynccontextmanager
    async def payer(
        self,
        client: httpx2.AsyncClient,
        limits: PaymentLimits | None = None,
        source_limits: SourceLimits = SOURCE_LIMITS,
    ) -> AsyncIterator[Payer]:
        ledger = await Ledger.open(f"sqlite:///{self.database}")
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


@dataclass(frozen=True, slots=True)
class PayingBaker:
    """The sandbox's baker, registered in a ledger, and the Payer that works for it."""

    surroundings: Surroundings
    front: ChainFront
    payer: Payer
    _stack: AsyncExitStack

    @property
    def chain(self) -> Chain:
        return self.surroundings.chain

    @property
    def baker_id(self) -> str:
        return self.chain.world.baker

    @property
    def payout_address(self) -> str:
        return self.chain.world.payout_key.public_key.address

    @property
    def first_cycle(self) -> int:
        return self.chain.settings.starting_cycle

    def key(
        self,
        cycle: int | None = None,
        kind: DistributionKind = DistributionKind.DELEGATORS,
        mode: Mode = Mode.ON,
    ) -> DistributionKey:
        wanted = self.first_cycle if cycle is None else cycle
        return DistributionKey(self.chain.chain_id, self.baker_id, wanted, kind, mode)

    # What happens on the chain

    def bake(self) -> Block:
        return bake(self.chain)

    def finish_cycle(self) -> None:
        finish_cycle(self.chain)

    def empty(self, address: str) -> None:
        """Have an account spend everything, or a contract vanish, at once."""
        self.chain._ledger.record(self.chain.head.level, {address: None})

    def set_balance(self, address: str, balance: int) -> None:
        """Have an account own exactly this."""
        account = self.chain.account(address, self.chain.head.level)
        assert account is not None
        changed = replace(account, balance=balance)
        self.chain._ledger.record(self.chain.head.level, {address: changed})

    # What is done about it

    async def register(self, **settings: Any) -> None:
        async with self.payer.ledger.write() as tx:
            baker = baker_of(self.chain, **settings)
            await bakers.add(tx, baker, actor="test", at=self.payer.clock())

    async def change(self, **settings: Any) -> None:
        async with self.payer.ledger.write() as tx:
            await bakers.change(tx, self.baker_id, settings, actor="test", at=self.payer.clock())

    async def set_bond_pool(self, bonds: Mapping[str, int]) -> None:
        """Register lenders; the first is the manager, whom the others pay a tenth."""
        members = [
            BondPoolMember(address, Mutez(bond), BasisPoints(1_000), is_manager=not index)
            for index, (address, bond) in enumerate(bonds.items())
        ]
        async with self.payer.ledger.write() as tx:
            await bakers.replace_bond_pool(
                tx, self.baker_id, members, actor="test", at=self.payer.clock()
            )

    async def enter(self, key: DistributionKey) -> None:
        """Enter a distribution in the ledger before anybody noticed that it is due."""
        async with self.payer.ledger.write() as tx:
            await distributions.ensure(tx, key, at=self.payer.clock())

    async def notice(self) -> tuple[DistributionKey, ...]:
        """Look for finished cycles; gives those that are due."""
        return (await note_due_cycles(self.payer, self.baker_id)).due

    async def step(self, key: DistributionKey | None = None) -> Step:
        return await advance(self.payer, key or self.key())

    async def plan_only(self) -> None:
        """Have the cycle planned while the baker is switched off, and switch it on again."""
        await self.change(mode=Mode.OFF)
        assert (await self.step()).waiting_for == f"mode {Mode.ON}"
        await self.change(mode=Mode.ON)

    async def step_until(self, waiting_for: str, key: DistributionKey | None = None) -> Step:
        """Advance, a block after each step, until it waits for this."""
        for _ in range(STEPS_MAX):
            step = await self.step(key)
            if step.waiting_for == waiting_for:
                return step
            self.bake()
        raise AssertionError(f"it never waited for {waiting_for}")

    async def pay(self, key: DistributionKey | None = None, payer: Payer | None = None) -> Step:
        """Advance, a block after each step, until there is nothing to wait for."""
        return await pay(payer or self.payer, self.chain, key or self.key())

    async def another_payer(
        self, limits: PaymentLimits | None = None, source_limits: SourceLimits = SOURCE_LIMITS
    ) -> Payer:
        """Start a second process on the same ledger and chain."""
        client = await self._stack.enter_async_context(client_of_one_machine())
        return await self._stack.enter_async_context(
            self.surroundings.payer(client, limits or self.payer.limits, source_limits)
        )

    # What the chain says

    def balance(self, address: str) -> int:
        account = self.chain.account(address, self.chain.head.level)
        return account.balance if account else 0

    def transfers(self) -> list[TransferRecord]:
        return transfers_from(self.chain, self.payout_address)

    def paid_on_chain(self) -> Counter[str]:
        return paid_on_chain(self.chain)

    # What the ledger says

    async def exists(self, key: DistributionKey) -> bool:
        async with self.payer.ledger.read() as tx:
            return await distributions.find(tx, key) is not None

    async def distribution(self, key: DistributionKey | None = None) -> Distribution:
        async with self.payer.ledger.read() as tx:
            return await distributions.get(tx, key or self.key())

    async def payouts(self, key: DistributionKey | None = None) -> list[Payout]:
        async with self.payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key or self.key())
            return await payouts.of_distribution(tx, distribution)

    async def operations(self, key: DistributionKey | None = None) -> list[Operation]:
        async with self.payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key or self.key())
            return await operations.of_distribution(tx, distribution.id)

    async def transfers_of(self, operation: Operation) -> list[Transfer]:
        async with self.payer.ledger.read() as tx:
            return await operations.transfers_of(tx, operation.id)

    async def settled_by(self, transfer: Transfer) -> list[Payout]:
        async with self.payer.ledger.read() as tx:
            return await payouts.of_transfer(tx, transfer.id)

    async def answers_to(self, sent: list[Operation]) -> dict[str, list[str]]:
        """What nodes said to each operation, by its hash, in the order they said it."""
        async with self.payer.ledger.read() as tx:
            rows = list(await tx.execute(select(attempts).order_by(attempts.c.id)))
        return {
            operation.hash: [row.answer for row in rows if row.operation_id == operation.id]
            for operation in sent
        }

    async def audit_actions(self, subject: str) -> list[str]:
        """What was done to a subject, oldest first."""
        async with self.payer.ledger.read() as tx:
            events = await audit.latest(tx, limit=10_000)
        return [event.action for event in reversed(events) if event.subject == subject]

    async def audit_is_unbroken(self) -> bool:
        async with self.payer.ledger.read() as tx:
            return await audit.first_broken_link(tx) is None


def baker_of(chain: Chain, **settings: Any) -> Baker:
    defaults = {
        "baker_id": chain.world.baker,
        "network": chain.chain_id,
        "payout_address": chain.world.payout_key.public_key.address,
        "first_cycle": chain.settings.starting_cycle,
        "mode": Mode.ON,
        "payout_delay_cycles": 0,
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
