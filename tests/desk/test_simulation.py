"""Simulations are kept as they were seen, say what changes, and owe nobody anything."""

import sqlite3
from contextlib import closing

import pytest

from bakehouse.desk.changes import Change, ChangeKind, changes_of, summary_of
from bakehouse.desk.simulation import get_simulation, list_simulations, simulate
from bakehouse.errors import InputError, NotFoundError, SourceError
from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.page import Slice
from bakehouse.payments.what_if import OtherRules
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import IncomeShare
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker


def money_rows(baker: HostileBaker) -> list[str]:
    """Everything in the ledger but simulations."""
    with closing(sqlite3.connect(baker.database)) as connection:
        return [line for line in connection.iterdump() if '"simulations"' not in line]


async def test_the_same_simulation_is_the_same_document_under_the_same_hash(
    baker: HostileBaker,
) -> None:
    before = money_rows(baker)

    first = await simulate(baker.payer, baker.baker_id, actor="user:ann")
    again = await simulate(baker.payer, baker.baker_id, actor="user:bob")

    assert again == first
    assert first.head.made_by == "user:ann"
    assert first.head.cycle == first.document["cycle"] == baker.first_cycle
    assert await get_simulation(baker.payer.ledger, baker.baker_id, first.head.sha256) == first
    assert money_rows(baker) == before


async def test_what_is_simulated_is_what_is_planned(baker: HostileBaker) -> None:
    seen = await simulate(baker.payer, baker.baker_id, actor="user:ann")

    await baker.plan_only()

    planned = {row.owed_to: str(row.net) for row in await baker.payouts()}
    assert {each["owed_to"]: each["net"] for each in seen.document["payouts"]} == planned


async def test_other_rules_give_another_document(baker: HostileBaker) -> None:
    as_set = await simulate(baker.payer, baker.baker_id, actor="a")
    dearer = OtherRules(default_fee=BasisPoints(5_000))
    other = await simulate(baker.payer, baker.baker_id, None, dearer, actor="a")

    assert other.head.sha256 != as_set.head.sha256
    assert int(other.document["total_net"]) < int(as_set.document["total_net"])
    page = await list_simulations(baker.payer.ledger, baker.baker_id, Slice())
    assert {head.sha256 for head in page.rows} == {as_set.head.sha256, other.head.sha256}


async def test_the_next_cycle_is_compared_with_the_one_that_was_planned(
    baker: HostileBaker,
) -> None:
    await baker.plan_only()
    before = {row.owed_to: row.net for row in await baker.payouts()}
    baker.finish_cycle()

    free = OtherRules(default_fee=BasisPoints(0))
    seen = await simulate(baker.payer, baker.baker_id, None, free, actor="a")

    assert seen.document["compared_with"] == baker.first_cycle
    assert {each.owed_to: each.before for each in seen.changes} == before
    total = int(seen.document["total_net"]) - sum(before.values())
    assert seen.summary.difference == total
    assert sum(seen.summary.counts.values()) == len(seen.changes)


async def test_what_cannot_be_simulated_is_not_kept(baker: HostileBaker) -> None:
    for cycle, rules in ((10**6, OtherRules()), (None, OtherRules(BasisPoints(10_001)))):
        with pytest.raises(InputError):
            await simulate(baker.payer, baker.baker_id, cycle, rules, actor="a")
    with pytest.raises(NotFoundError):
        await simulate(baker.payer, "tz1nobody", actor="a")
    baker.way.treat(r"indexer .*", BAD_GATEWAY)
    with pytest.raises(SourceError):
        await simulate(baker.payer, baker.baker_id, actor="a")

    page = await list_simulations(baker.payer.ledger, baker.baker_id, Slice())
    assert page.rows == []
    with pytest.raises(NotFoundError):
        await list_simulations(baker.payer.ledger, "tz1nobody", Slice())


@pytest.mark.parametrize(
    ("before", "now", "kind", "per_mille"),
    [
        (0, 5, ChangeKind.NEW, None),
        (5, 0, ChangeKind.LEFT, -1_000),
        (5, 5, ChangeKind.SAME, 0),
        (0, 0, ChangeKind.SAME, None),
        (3, 4, ChangeKind.CHANGED, 333),
        (3, 2, ChangeKind.CHANGED, -333),
        (1_000_000, 1_000_001, ChangeKind.CHANGED, 0),
        (1, 2**62, ChangeKind.CHANGED, (2**62 - 1) * 1_000),
    ],
)
def test_a_change_is_told_in_mutez_and_parts_per_thousand(
    before: int, now: int, kind: ChangeKind, per_mille: int | None
) -> None:
    change = Change("tz1", Mutez(before), Mutez(now))

    assert (change.kind, change.per_mille) == (kind, per_mille)
    assert change.before + change.difference == change.now


def test_a_summary_names_every_kind() -> None:
    document = {"changes": [{"owed_to": "a", "before": "7", "now": "0"}]}

    summary = summary_of(changes_of(document))

    assert dict(summary.counts) == {"new": 0, "left": 1, "changed": 0, "same": 0}
    assert summary.difference == -7


async def test_somebody_owed_in_several_roles_is_one_change_and_one_sum_against_the_cap(
    baker: HostileBaker,
) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    async with payer.ledger.write() as tx:
        found = await bakers.get(tx, baker_id)
    plain = await simulate(payer, baker_id, actor="a")
    whom = plain.document["payouts"][0]["owed_to"]
    share = IncomeShare(whom, of_fees=BasisPoints(10_000))
    async with payer.ledger.write() as tx:
        await payout_rules.replace_income(tx, found, [share], actor="a", at=payer.clock())
    await baker.plan_only()
    owed = [row for row in await baker.payouts() if row.owed_to == whom]
    assert {row.kind for row in owed} == {"delegator", "fee-share"}
    together = sum(row.net for row in owed)
    cap = {"payout_cap": Mutez(together - 1)}
    async with payer.ledger.write() as tx:
        await bakers.change(tx, baker_id, cap, actor="a", at=payer.clock())
    baker.finish_cycle()

    seen = await simulate(payer, baker_id, baker.first_cycle + 1, actor="a")

    (change,) = [each for each in seen.changes if each.owed_to == whom]
    now = [each for each in seen.document["payouts"] if each["owed_to"] == whom]
    assert (change.before, change.now) == (together, sum(int(each["net"]) for each in now))
    assert len({each.owed_to for each in seen.changes}) == len(seen.changes)
    is_over = sum(int(each["due"]) for each in now) > together - 1
    assert (whom in seen.document["over_payout_cap"]) is is_over
