"""A baker, and things of it that wait for a person."""

from dataclasses import dataclass

from bakehouse.ledger import alerts, distributions, operations, payouts
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import OperationState, PayoutState
from tests.web.forms.conftest import Bakery
from tests.web.scenes import address, operation_hash

NETS = {address(number): 1_000_000 * number for number in range(1, 4)}
CAP = "payout-cap: more than the cap of a recipient"


@dataclass(frozen=True)
class WaitingThings:
    """A baker, and things of it that wait."""

    bakery: Bakery
    baker_id: str

    async def fail(self, cycle: int, reason: str = "the split does not add up") -> str:
        async with self.bakery.scene(self.baker_id, cycle) as scene:
            await scene.fail(reason)
        return f"{self.baker_id}|{cycle}|delegators|on||"

    async def hold(self, cycle: int) -> list[str]:
        """Plan a cycle and hold all of it; the largest comes first, as on the page."""
        async with self.bakery.scene(self.baker_id, cycle) as scene:
            planned = await scene.plan(NETS)
            owed = await payouts.in_state(scene.tx, planned, PayoutState.OWED)
            await payouts.hold(scene.tx, [each.id for each in owed], CAP)
        return [f"{self.baker_id}|{cycle}|delegators|on|{whom}|" for whom in reversed(NETS)]

    async def quarantine(self, cycle: int, counter: int) -> str:
        async with self.bakery.scene(self.baker_id, cycle) as scene:
            signed = await scene.sign(NETS, counter)
            for state in (OperationState.INJECTED, OperationState.QUARANTINED):
                await operations.enter_state(scene.tx, signed, state, at=scene.at)
        return f"{self.baker_id}|{cycle}|delegators|on||{operation_hash(counter)}"

    async def alert(self) -> int:
        """Raise an alert about the baker; gives its number."""
        async with self.bakery.write() as tx:
            alert_id = await alerts.raise_alert(
                tx,
                code="balance-unknown",
                subject=self.baker_id,
                message="no node told what the wallet holds",
                at=self.bakery.now,
                baker_id=self.baker_id,
            )
        assert alert_id is not None
        return alert_id

    async def states(self, cycle: int) -> list[PayoutState]:
        async with self.bakery.scene(self.baker_id, cycle) as scene:
            planned = await distributions.get(scene.tx, scene.key)
            rows = await payouts.of_distribution(scene.tx, planned)
        return [row.state for row in rows]

    async def distribution(self, cycle: int) -> Distribution:
        async with self.bakery.scene(self.baker_id, cycle) as scene:
            return await distributions.get(scene.tx, scene.key)
