"""A baker that is registered in a ledger, and what chain and ledger say of it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from bakehouse.ledger import audit, bakers, distributions, operations, payout_rules, payouts
from bakehouse.ledger.bakers import DEFAULT_FEE
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.schema import attempts
from bakehouse.ledger.snapshots import snapshot_of
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.ledger.transfers import Transfer, transfers_of
from bakehouse.payments.advance import advance
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import Step
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.transfer_record import TransferRecord, transfers_from
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.surroundings import STEPS_MAX, bake, baker_of, paid_on_chain


@dataclass(frozen=True, slots=True)
class RegisteredBaker:
    """The sandbox's baker, registered in a ledger, and the Payer that works for it."""

    chain: Chain
    payer: Payer

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

    @property
    def default_fee(self) -> BasisPoints:
        return DEFAULT_FEE

    @property
    def kinds(self) -> tuple[DistributionKind, ...]:
        """The kinds of distribution, in the order in which they are paid."""
        return (DistributionKind.DELEGATORS, DistributionKind.BOND_POOL)

    # What happens on the chain

    def bake(self) -> Block:
        return bake(self.chain)

    def finish_cycle(self) -> None:
        """Bake until the block that begins the next cycle is final."""
        cycle_length = self.chain.cycle_length
        turn = cycle_length.last_level(cycle_length.cycle_of(self.chain.head.level)) + 1
        while self.chain.head.level < turn + FINALITY_BLOCKS:
            self.bake()

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

    async def set_rule(self, address: str, **rule: Any) -> None:
        """Have one delegator differ, and no other."""
        await self.set_rules({address: DelegatorRule(**rule)})

    async def set_rules(self, rules: Mapping[str, DelegatorRule]) -> None:
        async with self.payer.ledger.write() as tx:
            await payout_rules.replace_delegators(
                tx,
                await bakers.get(tx, self.baker_id),
                rules,
                actor="test",
                at=self.payer.clock(),
            )

    async def set_income(self, *shares: IncomeShare) -> None:
        async with self.payer.ledger.write() as tx:
            await payout_rules.replace_income(
                tx,
                await bakers.get(tx, self.baker_id),
                shares,
                actor="test",
                at=self.payer.clock(),
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
        for _ in range(STEPS_MAX):
            step = await advance(payer or self.payer, key or self.key())
            if step.wait_seconds is None:
                return step
            self.bake()
        raise AssertionError(f"it is not settled after {STEPS_MAX} blocks: {step}")

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

    async def evidence(self, key: DistributionKey | None = None) -> Any:
        """What the plan was made from."""
        async with self.payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key or self.key())
            return json.loads(await snapshot_of(tx, distribution.id) or "{}")

    async def operations(self, key: DistributionKey | None = None) -> list[Operation]:
        async with self.payer.ledger.read() as tx:
            distribution = await distributions.get(tx, key or self.key())
            return await operations.of_distribution(tx, distribution.id)

    async def transfers_of(self, operation: Operation) -> list[Transfer]:
        async with self.payer.ledger.read() as tx:
            return await transfers_of(tx, operation.id)

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
