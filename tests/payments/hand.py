"""A person who orders from a baker's payout wallet, and watches what comes of it."""

from dataclasses import dataclass
from typing import Any

from bakehouse.ledger import manual_transfers, operations
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.operations import Operation
from bakehouse.payments.by_hand import OrderStep, advance_order
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import order_transfer
from bakehouse.rewards.money import Mutez
from tests.payments.registered_baker import RegisteredBaker
from tests.payments.surroundings import STEPS_MAX, utc_now

TEZ = 1_000_000


@dataclass(frozen=True, slots=True)
class Hand:
    """A person who orders from a baker's payout wallet."""

    baker: RegisteredBaker

    @property
    def friend(self) -> str:
        """Somebody who is not paid by any cycle."""
        return self.baker.baker_id

    def by(self) -> Decision:
        return Decision("cli:anna", "rent of May", utc_now())

    async def order(self, amount: int = 3 * TEZ, to: str = "", **named: Any) -> ManualTransfer:
        payer, destination = self.baker.payer, to or self.friend
        return await order_transfer(
            payer, self.baker.baker_id, destination, Mutez(amount), self.by(), **named
        )

    async def step(self, transfer: ManualTransfer) -> OrderStep:
        return await advance_order(self.baker.payer, transfer.id)

    async def follow(self, transfer: ManualTransfer) -> ManualTransfer:
        """Advance, a block after each step, until there is nothing to wait for."""
        for _ in range(STEPS_MAX):
            step = await self.step(transfer)
            if step.wait_seconds is None:
                return step.transfer
            self.baker.bake()
        raise AssertionError(f"it is not done: {step}")

    async def operations(self) -> list[Operation]:
        async with self.baker.payer.ledger.read() as tx:
            long_ago = utc_now().replace(year=2000)
            network, wallet = self.baker.chain.chain_id, self.baker.payout_address
            return await operations.by_hand_since(tx, network, wallet, long_ago)

    async def stored(self, transfer: ManualTransfer) -> ManualTransfer:
        async with self.baker.payer.ledger.read() as tx:
            return await manual_transfers.by_id(tx, transfer.id)

    def sent_to(self, address: str) -> int:
        return self.baker.paid_on_chain()[address]
