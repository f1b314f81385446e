"""A bakery in which everything that pages can show has happened, made as the house makes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.jobs.job_types import JSON
from bakehouse.ledger import alerts, bakers, exclusions, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.payments.controls import Decision, approve
from bakehouse.rewards.eligibility import ExclusionReason
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import ExcludedShare, PayoutRules, Rounding
from bakehouse.rewards.plan_values import Exclusion
from tests.web.conftest import BAKER, NETWORK, House
from tests.web.scenes import Scene, address

#: Pays, and has trouble with two cycles.
BUSY: Final = BAKER
#: Pays, and everybody is paid.
CALM: Final = address(901)
#: Only tries.
TRIES: Final = address(902)
#: Has just been added, and is off.
NEW: Final = address(903)

FIRST: Final = 1326
PAID: Final = 1337
FAILED: Final = 1338
#: Paid, but for one payout that is held.
HELD: Final = 1339
PAYING: Final = 1340
SEEN: Final = 1341

DELEGATOR: Final = address(1)
_FEE: Final = 1_250_000
_OWN_PART: Final = 210_334_871
#: More than one page shows.
_MANY: Final = 108
_FEW: Final = 9


#: What a plan was made by, and whom it excludes.
EVIDENCE: Final = {
    "rules": PayoutRules(
        default_fee=BasisPoints(995),
        minimum_balance=Mutez(100_000_000),
        below_minimum_share=ExcludedShare.EVERYONE,
        rounding=Rounding.FEE_FLOOR,
    ).document(),
    "expected_costs": {"fee": 410, "burn": 64_250},
}
EXCLUDED: Final = [
    Exclusion(
        address(number),
        Mutez(99_000_000 - number),
        Mutez(0),
        ExclusionReason.BELOW_MINIMUM_BALANCE,
        ExcludedShare.EVERYONE,
    )
    for number in range(50, 54)
]


def nets_of(cycle: int, count: int = _FEW) -> dict[str, int]:
    """What each delegator is owed for a cycle, in mutez: large ones and small ones."""
    swing = 100 + (cycle * 37) % 41
    return {
        address(number): 61_803_399 * swing // 100 // number + number for number in range(1, count)
    }


@dataclass(frozen=True, slots=True)
class Scenery:
    """Enters the scenes in one transaction, some hours apart."""

    tx: AsyncConnection
    now: datetime

    async def enter(self) -> None:
        """Enter everything."""
        await self._register()
        for cycle in range(FIRST, HELD):
            if cycle != FAILED:
                count = _MANY if cycle == PAID else _FEW
                await self._scene(BUSY, cycle).pay(nets_of(cycle, count), counter=cycle)
        await self._approve_the_first()
        await self._scene(BUSY, PAID, kind=DistributionKind.BOND_POOL).pay(
            nets_of(PAID, 4), counter=2_000
        )
        await self._fail()
        await self._hold_one()
        await self._scene(BUSY, SEEN).see()
        for cycle in range(FIRST, SEEN):
            await self._scene(CALM, cycle).pay(nets_of(cycle), counter=3_000 + cycle)
        for cycle in range(PAYING - 3, SEEN):
            tried = replace(
                self._scene(TRIES, cycle, mode=Mode.SIMULATION), snapshot=json.dumps(EVIDENCE)
            )
            await exclusions.add(self.tx, await tried.simulate(nets_of(cycle)), EXCLUDED)
        # The last: one group in flight is all that a wallet may have.
        await self._scene(BUSY, PAYING).sign(nets_of(PAYING), counter=9_000)
        await self._raise_alerts()

    async def _register(self) -> None:
        busy = Baker(
            baker_id=BUSY,
            network=NETWORK,
            payout_address=BUSY,
            first_cycle=FIRST,
            alias="Croissant & Co.",
            mode=Mode.ON,
            default_fee=BasisPoints(995),
            minimum_payout=Mutez(10_000),
            cycle_cap=Mutez(900_000_000),
            bond_pool_enabled=True,
            public_page=True,
        )
        plain = replace(busy, cycle_cap=None, bond_pool_enabled=False, public_page=False)
        for baker in (
            busy,
            replace(plain, baker_id=CALM, payout_address=CALM, alias="Slow Rye"),
            replace(
                plain,
                baker_id=TRIES,
                payout_address=TRIES,
                alias="Sourdough trial",
                mode=Mode.SIMULATION,
            ),
            replace(plain, baker_id=NEW, payout_address=NEW, alias=None, mode=Mode.OFF),
        ):
            await bakers.add(self.tx, baker, actor="anna", at=self.now - timedelta(days=20))
        await bakers.replace_fees(
            self.tx, BUSY, {DELEGATOR: BasisPoints(500)}, actor="anna", at=self.now
        )

    def _scene(
        self,
        baker_id: str,
        cycle: int,
        kind: DistributionKind = DistributionKind.DELEGATORS,
        mode: Mode = Mode.ON,
    ) -> Scene:
        key = DistributionKey(NETWORK, baker_id, cycle, kind, mode)
        at = self.now - timedelta(days=SEEN - cycle, hours=-3)
        return Scene(self.tx, key, min(at, self.now), fee=_FEE, own_part=_OWN_PART)

    async def _approve_the_first(self) -> None:
        planned = await self._scene(TRIES, FIRST).plan(nets_of(FIRST, 5))
        why = Decision("anna", "the amounts are those of the old tool", self.now)
        await approve(self.tx, planned.key, why)

    async def _fail(self) -> None:
        scene = self._scene(BUSY, FAILED)
        planned = await scene.plan(nets_of(FAILED))
        message = (
            "cycle-cap: the cycle pays 1,204.118209 tez, more than the cap of 900.000000: raise "
            "cycle_cap and retry, if that is right"
        )
        await scene.enter(planned, DistributionState.FAILED, message)

    async def _hold_one(self) -> None:
        scene = self._scene(BUSY, HELD)
        planned = await scene.plan(nets_of(HELD))
        owed = await payouts.in_state(self.tx, planned, PayoutState.OWED)
        reason = "a transfer to it would fail: contract.non_existing_contract"
        await payouts.hold(self.tx, [owed[0].id], reason)
        await scene.go_on(planned, counter=HELD)

    async def _raise_alerts(self) -> None:
        for code, cycle, message in (
            ("distribution-failed", FAILED, f"cycle {FAILED} failed: cycle-cap: more than the cap"),
            ("payout-held", HELD, f"1 payout of cycle {HELD} is held: its transfer would fail"),
        ):
            await alerts.raise_alert(
                self.tx,
                code=code,
                subject=f"{BUSY}/{cycle}",
                message=message,
                at=self.now - timedelta(hours=SEEN - cycle),
                baker_id=BUSY,
            )


async def furnish(house: House, now: datetime) -> None:
    """Enter the scenery, and what the queue would know of it."""
    async with house.workshop.payer.ledger.write() as tx:
        await Scenery(tx, now).enter()
    for baker_id, balance in ((BUSY, 4_812_004_113), (CALM, 170_250_000), (TRIES, 25_000_000)):
        await house.scheduler.initialize_schedules(baker_id)
        await _note(house, f"balance:{baker_id}", {"balance": str(balance), "level": 10_843_211})
        run: JSON = {"current_cycle": SEEN + 1, "cycle_position": 6_700, "blocks_per_cycle": 10_800}
        await _note(house, f"last-run:{cycle_monitor_id(baker_id)}", {"ok": True, "value": run})


async def _note(house: House, key: str, value: Mapping[str, JSON]) -> None:
    at = house.workshop.payer.clock() - timedelta(minutes=2)
    await house.workshop.cache.set(key, {"at": at.isoformat(), **value}, 3_600)
