"""How each guard is brought to refuse: what must be wrong with the world for it."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any

from bakehouse.ledger.states import OperationState
from bakehouse.payments.guard import Guard
from bakehouse.sandbox.hostile.fault import Fault
from tests.payments.hostile_baker import HostileBaker, altered
from tests.payments.lives import SHORT_LIVES

Provocation = Callable[[HostileBaker], Awaitable[None]]


def tamper(baker: HostileBaker, *statements: str) -> None:
    """Change the ledger's file behind its back."""
    with closing(sqlite3.connect(baker.database)) as database, database:
        for statement in statements:
            database.execute(statement)


async def change_a_payout(baker: HostileBaker) -> None:
    await baker.plan_only()
    tamper(baker, "DROP TRIGGER payouts_fixed", "UPDATE payouts SET net = net + 1 WHERE id = 2")


async def change_the_evidence(baker: HostileBaker) -> None:
    await baker.plan_only()
    tamper(baker, "UPDATE snapshots SET content = replace(content, '1', '2')")


async def cap_the_cycle(baker: HostileBaker) -> None:
    await baker.plan_only()
    total = (await baker.distribution()).figures.total_net
    await baker.change(cycle_cap=total - 1)


async def impoverish(baker: HostileBaker) -> None:
    await baker.plan_only()
    baker.set_balance(baker.payout_address, 1_000)


async def have_simulations_apply_nothing(baker: HostileBaker) -> None:
    def skip_all(document: Any) -> Any:
        for content in document["contents"]:
            content["metadata"]["operation_result"] = {"status": "skipped"}
        return document

    await baker.plan_only()
    baker.way.treat("node-.* POST .*/simulate_operation", altered(skip_all))


async def let_groups_expire(baker: HostileBaker) -> None:
    """Have as many groups expire, one after another, as may."""
    for count in range(1, SHORT_LIVES.expired_in_a_row_max + 1):
        baker.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
        await baker.step()
        *_, latest = await baker.operations()
        assert len(await baker.operations()) == count
        baker.bake_to(latest.last_includable_level + 1)
        await baker.step()
        baker.bake()
    assert {each.state for each in (await baker.operations())[:-1]} <= {OperationState.DEAD}


async def fill_the_disk(baker: HostileBaker) -> None:
    await baker.plan_only()
    object.__setattr__(baker.payer, "free_bytes", lambda: 199_999_999)


#: Of the guards that refuse a whole group.
REFUSALS: Mapping[Guard, Provocation] = {
    Guard.ADDS_UP: change_a_payout,
    Guard.WITHIN_EARNED: change_the_evidence,
    Guard.CYCLE_CAP: cap_the_cycle,
    Guard.BALANCE_COVERS: impoverish,
    Guard.SIMULATION: have_simulations_apply_nothing,
    Guard.REACHES_BLOCKS: let_groups_expire,
    Guard.DISK_SPACE: fill_the_disk,
}

#: What each of those says of its reason.
REASONS: Mapping[Guard, str] = {
    Guard.ADDS_UP: "the payouts add up to",
    Guard.WITHIN_EARNED: "what the indexer said is not what it was when the plan was made",
    Guard.CYCLE_CAP: "more than the cap of .* raise cycle_cap and retry",
    Guard.BALANCE_COVERS: "the wallet .* holds 0.001000 tez",
    Guard.SIMULATION: "applied nothing and gave no reason",
    Guard.REACHES_BLOCKS: "the last 3 groups expired without reaching a block",
    Guard.DISK_SPACE: "only 199 MB are free .* at least 200 are needed: make room",
}
