"""What-if: a preview is what a real plan would be, other rules change it, and nothing is stored."""

import json
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from bakehouse.errors import InputError, NotFoundError, SettingError
from bakehouse.ledger import hooks
from bakehouse.ledger.hooks import NewHook
from bakehouse.ledger.states import DistributionKind, HookPoint, Mode
from bakehouse.payments.preview_document import document_sha256, preview_document
from bakehouse.payments.what_if import OtherRules, preview
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker
from tests.payments.lives import SHORT_LIVES

#: Some of the six delegators get more than this in a cycle, others do not.
MINIMUM = 60_000


def ledger_rows(baker: HostileBaker) -> list[str]:
    with closing(sqlite3.connect(baker.database)) as connection:
        return list(connection.iterdump())


@pytest.fixture
async def baker(open_hostile: OpenHostileBaker) -> HostileBaker:
    """One whose first cycle is over, and nothing of it is planned."""
    return await open_hostile(limits=SHORT_LIVES, node_count=1, minimum_payout=MINIMUM)


async def test_a_preview_is_what_is_planned_afterwards(baker: HostileBaker) -> None:
    seen = await preview(baker.payer, baker.baker_id)

    await baker.plan_only()
    distribution = await baker.distribution()
    rows = await baker.payouts()
    assert seen.is_final
    assert seen.plan.cycle == baker.first_cycle
    assert seen.plan.total_net == distribution.figures.total_net
    assert {each.recipient: each.net for each in seen.plan.payouts} == {
        row.owed_to: row.net for row in rows
    }
    assert any(each.is_carried for each in seen.plan.payouts)


async def test_a_cycle_that_was_paid_is_previewed_with_what_it_had_waiting(
    baker: HostileBaker,
) -> None:
    await baker.pay()
    await baker.change(minimum_payout=Mutez(0))
    baker.finish_cycle()
    await baker.notice()
    second = baker.first_cycle + 1
    before = await preview(baker.payer, baker.baker_id, second)
    assert any(each.carried_in for each in before.plan.payouts)

    await baker.pay(baker.key(second))

    after = await preview(baker.payer, baker.baker_id, second)
    assert after.plan == before.plan


async def test_nothing_is_stored(baker: HostileBaker) -> None:
    rows = ledger_rows(baker)

    await preview(baker.payer, baker.baker_id, other=OtherRules(BasisPoints(0), Mutez(0)))

    assert ledger_rows(baker) == rows


async def test_other_rules_are_tried_in_place_of_the_bakers_own(baker: HostileBaker) -> None:
    free = OtherRules(default_fee=BasisPoints(0), minimum_payout=Mutez(0))

    seen = await preview(baker.payer, baker.baker_id, other=free)

    assert seen.plan.total_fees == 0
    assert not any(each.is_carried for each in seen.plan.payouts)
    own = await preview(baker.payer, baker.baker_id)
    assert own.rules.minimum_payout == MINIMUM
    assert own.plan.total_net < seen.plan.total_net


async def test_a_running_cycle_is_shown_as_it_stands_and_called_so(baker: HostileBaker) -> None:
    seen = await preview(baker.payer, baker.baker_id, baker.first_cycle + 1)

    assert not seen.is_final


async def test_changes_are_told_against_the_last_cycle_that_was_planned(
    baker: HostileBaker,
) -> None:
    first = await preview(baker.payer, baker.baker_id)
    assert (first.compared_with, first.changes) == (None, ())
    await baker.pay()
    baker.finish_cycle()
    rows = {row.owed_to: row.net for row in await baker.payouts()}

    seen = await preview(baker.payer, baker.baker_id, baker.first_cycle + 1)

    assert seen.compared_with is not None
    assert seen.compared_with.key == baker.key()
    assert Counter({each.owed_to: each.before for each in seen.changes}) == Counter(rows)
    now = {each.owed_to: each.now for each in seen.changes if each.now}
    assert now == {each.recipient: each.net for each in seen.plan.payouts if each.net}
    differences = [abs(each.now - each.before) for each in seen.changes]
    assert differences == sorted(differences, reverse=True)


async def test_a_simulated_cycle_is_compared_with_simulated_ones(baker: HostileBaker) -> None:
    await baker.pay()
    await baker.change(mode=Mode.SIMULATION)
    baker.finish_cycle()

    seen = await preview(baker.payer, baker.baker_id, baker.first_cycle + 1)

    assert seen.compared_with is None


async def test_caps_that_would_stop_a_cycle_are_told(baker: HostileBaker) -> None:
    seen = await preview(baker.payer, baker.baker_id)
    largest, second, *_ = sorted(seen.plan.payouts, key=lambda each: each.due, reverse=True)
    assert (seen.over_payout_cap, seen.is_over_cycle_cap) == ((), False)

    await baker.change(payout_cap=second.due, cycle_cap=Mutez(seen.plan.total_net - 1))

    capped = await preview(baker.payer, baker.baker_id)
    assert capped.over_payout_cap == (largest.recipient,)
    assert capped.is_over_cycle_cap


async def test_hooks_that_may_change_the_plan_are_named_and_not_asked(baker: HostileBaker) -> None:
    async with baker.payer.ledger.write() as tx:
        for name, point in (("limits", HookPoint.PLAN_MADE), ("books", HookPoint.PAID)):
            hook = NewHook(
                baker_id=baker.baker_id,
                name=name,
                points=frozenset({point}),
                arguments=("/nowhere/at/all",),
            )
            await hooks.add(tx, hook, actor="test", at=baker.payer.clock())

    seen = await preview(baker.payer, baker.baker_id)

    assert seen.hooks_to_ask == ("limits",)
    assert preview_document(seen)["hooks_to_ask"] == ["limits"]


async def test_what_cannot_be_previewed_is_refused(baker: HostileBaker) -> None:
    with pytest.raises(InputError, match=f"cycle {baker.first_cycle + 2} has not begun"):
        await preview(baker.payer, baker.baker_id, baker.first_cycle + 2)
    with pytest.raises(NotFoundError):
        await preview(baker.payer, baker.payout_address)
    with pytest.raises(SettingError, match="outside 0 to 10000"):
        await preview(baker.payer, baker.baker_id, other=OtherRules(BasisPoints(10_001)))


async def test_a_document_is_exact_json_and_its_hash_tells_any_change(baker: HostileBaker) -> None:
    document = preview_document(await preview(baker.payer, baker.baker_id))
    again = preview_document(await preview(baker.payer, baker.baker_id))

    assert json.loads(json.dumps(document)) == document == again
    assert document_sha256(document) == document_sha256(dict(reversed(document.items())))
    assert document["total_net"] == str(sum(int(row["net"]) for row in document["payouts"]))
    changed = {**document, "total_net": document["total_net"] + "0"}
    assert document_sha256(changed) != document_sha256(document)


async def test_the_bond_pool_is_no_cycle_to_compare_with(baker: HostileBaker) -> None:
    await baker.change(bond_pool_enabled=True)
    await baker.set_bond_pool({baker.payout_address: 1_000_000})
    await baker.pay()
    await baker.pay(baker.key(kind=DistributionKind.BOND_POOL))
    baker.finish_cycle()

    seen = await preview(baker.payer, baker.baker_id, baker.first_cycle + 1)

    assert seen.compared_with is not None
    assert seen.compared_with.key.kind is DistributionKind.DELEGATORS
