"""The person who looks after Bakehouse in a simulation: meddles in trouble, tidies up afterwards.

Decides as a careful person would: who was paid by another tool, as the chain shows, is not paid
again; everybody else is.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

from bakehouse.errors import BakehouseError
from bakehouse.ledger import bakers, distributions, operations, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import UNFINISHED
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import (
    IN_FLIGHT,
    SETTLED_DISTRIBUTIONS,
    DistributionState,
    Mode,
    OperationKind,
    PayoutState,
)
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.receipt import Status
from bakehouse.tezos.operation import Transaction


@dataclass(slots=True)
class Person:
    """Works on the ledger directly, as the command line does; `decisions` counts what was done."""

    hostile: HostileSandbox
    ledger: Ledger
    chance: random.Random
    #: Hashes of our own operations that a restored backup does not know.
    forgotten: set[str] = field(default_factory=set)
    decisions: Counter[str] = field(default_factory=Counter)
    #: Whether the baker was switched off for good, so that what is under way comes to an end.
    has_closed: bool = False

    @property
    def _baker_id(self) -> str:
        return self.hostile.chain.world.baker

    def _decision(self, why: str) -> Decision:
        return Decision("person", why, self.hostile.now())

    async def meddle(self) -> str:
        """Do something at a bad moment; gives what it was."""
        return await self.do(self.chance.choice(("pause", "resume", "cancel", "retry", "tidy")))

    async def do(self, what: str) -> str:
        """Do one thing, if it can be done now; gives what it was."""
        try:
            match what:
                case "pause":
                    await self._pause()
                case "resume":
                    await self._resume()
                case "cancel":
                    await self._cancel()
                case "retry":
                    await self._retry_failed()
                case _:
                    await self.tidy_up()
        except BakehouseError as error:
            return f"{what}: {error.code}"
        return what

    async def tidy_up(self) -> str:
        """Do all that waits for a person, in the right way."""
        before = self.decisions.total()
        if not self.has_closed:
            await self._resume()
        await self._retry_failed()
        await self._let_go()
        await self._decide_on_held()
        return f"tidied {self.decisions.total() - before}"

    async def sees_all_settled(self, last_cycle: int) -> bool:
        """Whether every cycle is paid, and nothing is held or on its way.

        Later cycles go on and on: when all that counts are paid, the baker is switched off.
        """
        if await self.complaint(last_cycle, with_operations=False) is not None:
            return False
        if not self.has_closed:
            self.has_closed = True
            await self._pause()
        return await self.complaint(last_cycle) is None

    async def complaint(self, last_cycle: int, *, with_operations: bool = True) -> str | None:
        """Say what is not settled, if anything is not."""
        async with self.ledger.read() as tx:
            baker = await bakers.get(tx, self._baker_id)
            found = await distributions.of_baker(tx, self._baker_id)
            wanted = [
                each for each in found if each.key.mode is Mode.ON and each.key.cycle <= last_cycle
            ]
            if len(wanted) < last_cycle - baker.first_cycle + 1:
                return "not every cycle was noticed"
            for each in wanted:
                if each.state not in SETTLED_DISTRIBUTIONS:
                    return f"{each.key} is {each.state} ({each.message})"
                if await payouts.of_cycle(tx, each, PayoutState.HELD):
                    return f"{each.key} has held payouts"
            if not with_operations:
                return None
            source = baker.payout_address
            for operation in await operations.in_states(tx, baker.network, source, UNFINISHED):
                # Of a later cycle, maybe; but it may carry what was owed for these.
                return f"{operation.hash} is {operation.state}"
        return None

    async def _pause(self) -> None:
        async with self.ledger.write() as tx:
            await controls.pause(tx, self._baker_id, self._decision("stop at once"))
        self.decisions["pause"] += 1

    async def _resume(self) -> None:
        async with self.ledger.write() as tx:
            baker = await bakers.get(tx, self._baker_id)
            if baker.mode is Mode.ON:
                return
            await bakers.change(
                tx,
                self._baker_id,
                {"mode": Mode.ON},
                actor="person",
                at=self.hostile.now(),
            )
        self.decisions["resume"] += 1

    async def _cancel(self) -> None:
        async with self.ledger.write() as tx:
            baker = await bakers.get(tx, self._baker_id)
            pending = await operations.in_states(tx, baker.network, baker.payout_address, IN_FLIGHT)
            doomed = [each for each in pending if each.kind is OperationKind.PAYOUT]
            if not doomed:
                return
            await controls.request_cancel(tx, doomed[0].hash, self._decision("changed my mind"))
        self.decisions["cancel"] += 1

    async def _retry_failed(self) -> None:
        async with self.ledger.write() as tx:
            for each in await distributions.of_baker(tx, self._baker_id):
                if each.state is DistributionState.FAILED and each.key.mode is Mode.ON:
                    await controls.retry(tx, each.key, self._decision("try again"))
                    self.decisions["retry"] += 1

    async def _let_go(self) -> None:
        async with self.ledger.write() as tx:
            baker = await bakers.get(tx, self._baker_id)
            if not baker.confirm_first_cycle:
                return
            for each in await distributions.of_baker(tx, self._baker_id):
                if each.approved_at is None and each.state is DistributionState.PAYING:
                    await controls.approve(tx, each.key, self._decision("looks right"))
                    self.decisions["go"] += 1

    async def _decide_on_held(self) -> None:
        async with self.ledger.write() as tx:
            for distribution in await distributions.of_baker(tx, self._baker_id):
                held = await payouts.of_cycle(tx, distribution, PayoutState.HELD)
                # One word is about all that somebody is owed of a cycle, in every role.
                by_person = {each.owed_to: each for each in held}
                for payout in by_person.values():
                    if payout.paid_with_id == distribution.id:
                        await self._decide(tx, distribution, payout)

    async def _decide(self, tx: object, distribution: Distribution, payout: Payout) -> None:
        is_paid = self._was_paid_by_another_tool(payout.address)
        decide = controls.drop if is_paid else controls.release
        why = "another tool has paid it" if is_paid else "looked at"
        await decide(
            tx,  # type: ignore[arg-type]
            distribution.key,
            self._decision(why),
            owed_to=payout.owed_to,
        )
        self.decisions["drop" if is_paid else "release"] += 1

    def _was_paid_by_another_tool(self, address: str) -> bool:
        return any(
            included.signed.hash in self.hostile.foreign | self.forgotten
            and isinstance(content, Transaction)
            and content.destination == address
            and receipt.status is Status.APPLIED
            for block in self.hostile.chain.simulated_blocks()
            for included in block.operations
            for content, receipt in zip(
                included.signed.group.contents, included.receipts, strict=True
            )
        )
