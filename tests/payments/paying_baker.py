"""A baker that pays on a simulated chain baked by hand, whose answers may be altered."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.tezos.transport import SourceLimits
from tests.payments.chain_front import ChainFront
from tests.payments.registered_baker import RegisteredBaker
from tests.payments.surroundings import SOURCE_LIMITS, Surroundings, client_of_one_machine


@dataclass(frozen=True, slots=True)
class PayingBaker(RegisteredBaker):
    """One whose node and indexer stand behind a front that may alter what they answer."""

    surroundings: Surroundings
    front: ChainFront
    _stack: AsyncExitStack

    async def another_payer(
        self, limits: PaymentLimits | None = None, source_limits: SourceLimits = SOURCE_LIMITS
    ) -> Payer:
        """Start a second process on the same ledger and chain."""
        client = await self._stack.enter_async_context(client_of_one_machine(self.surroundings.app))
        return await self._stack.enter_async_context(
            self.surroundings.payer(client, limits or self.payer.limits, source_limits)
        )
