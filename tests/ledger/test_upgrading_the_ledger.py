"""From the first schema to the second: nothing is lost or changed, whenever the process dies."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import ConflictError
from bakehouse.failpoints import Failpoint
from bakehouse.ledger import audit, bakers, distributions, operations, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import OperationKind, OperationState, PayoutState
from bakehouse.ledger.transfers import transfers_of
from tests.fault_scale import some_of
from tests.ledger.bakery import BAKER, NOW, key_of, new_operation, operation_called, sign
from tests.ledger.conftest import MakePlace
from tests.ledger.contents import Rows, rows_of, schema_of, tell
from tests.ledger.first_ledger import OPERATIONS, PAYOUTS, leave_a_first_ledger
from tests.ledger.killed_writer import AFTER_COMMIT, BEFORE_COMMIT, Killer
from tests.ledger.places import POSTGRESQL, SQLITE

#: Where the migration is killed, besides the point that is named in it.
POINTS = {
    SQLITE: ["CREATE TABLE operations_next", "DROP TABLE operations", "ALTER TABLE payouts_next"],
    POSTGRESQL: ["UPDATE operations", "ALTER TABLE payouts", "CREATE FUNCTION payouts_fixed"],
}
POINTS_OF_ALL = [Failpoint.MIGRATION_MID, "UPDATE alembic_version", BEFORE_COMMIT]

NEW_TABLES = {
    *("source_leases", "users", "user_bakers", "sessions", "api_tokens", "api_token_bakers"),
    *("one_time_links", "sign_in_failures", "simulations"),
    *("alert_channels", "alert_deliveries"),
    *("delegator_rules", "income_shares", "exclusions"),
    *("manual_transfers", "deductions", "deduction_parts"),
    *("announcement_settings", "announcements", "hooks", "hook_consultations"),
    *("plan_adjustments", "hook_deliveries"),
    *("imports", "imported_payments"),
    *("installation", "snapshots"),
}

#: What would meet a row that was there before, and the complaint.
REFUSED = {
    "DELETE FROM operations": "operations are kept for ever",
    "DELETE FROM payouts": "payouts are kept for ever",
    "UPDATE operations SET gas_limit = 7": "what operations say may not change",
    "UPDATE payouts SET net = net + 1": "what payouts say may not change",
    "UPDATE payouts SET withheld = 1 WHERE state = 'paid'": "what payouts say may not change",
    "UPDATE payouts SET state = 'dropped' WHERE state = 'owed'": "illegal move of payouts",
    "UPDATE operations SET state = 'dead' WHERE state = 'final'": "illegal move of operations",
    "UPDATE distributions SET state = 'seen' WHERE state = 'paid'": "illegal move of distributions",
    "UPDATE transfers SET amount = 1": "what transfers say may not change",
    "UPDATE audit_events SET actor = 'eve'": "audit_events is append-only",
    "DELETE FROM snapshots": "snapshots are kept for ever",
}


@pytest.fixture
def first_url(empty_url: str) -> str:
    leave_a_first_ledger(empty_url)
    return empty_url


@pytest.fixture
def before(first_url: str) -> Rows:
    return rows_of(first_url)


@pytest.fixture
async def upgraded(first_url: str, before: Rows) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(first_url)
    yield opened
    await opened.close()


async def test_the_old_ledger_has_rows_in_every_table_and_every_state(before: Rows) -> None:
    assert all(before.values())
    assert {row["state"] for row in before["operations"]} == set(OPERATIONS)
    assert {row["state"] for row in before["payouts"]} == set(PAYOUTS)
    assert before["alembic_version"] == [{"version_num": "0001"}]


async def test_no_row_is_lost_or_changed(before: Rows, upgraded: Ledger, first_url: str) -> None:
    after = rows_of(first_url)
    assert set(after) == {*before, *NEW_TABLES}
    before.pop("alembic_version")
    # What ends an alert has another name now: see below.
    before.pop("alerts")
    # What a plan was computed from is beside it now.
    received = {row["id"]: row.pop("snapshot") for row in before["distributions"]}
    for table, rows in before.items():
        old_columns = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert old_columns == rows, table
    kept = {row["distribution_id"]: row["content"] for row in after["snapshots"]}
    assert kept == {key: each for key, each in received.items() if each is not None}
    assert kept


async def test_new_columns_say_what_was_true_all_along(
    before: Rows, upgraded: Ledger, first_url: str
) -> None:
    after = rows_of(first_url)
    for row in after["bakers"]:
        assert added(before, "bakers", row) == {
            "cycle_cap": None,
            "payout_cap": None,
            "confirm_first_cycle": True,
            "public_page": False,
            # What was the rule before there was a choice.
            "share_block_rewards": True,
            "share_attestation_rewards": True,
            "share_dal_rewards": True,
            "share_nonce_rewards": True,
            "share_vdf_rewards": True,
            "share_denunciation_rewards": False,
            "reward_basis": "actual",
            "over_delegation_protection": False,
            "rounding": "net-floor",
            "transfer_fee_payer": "baker",
            "burn_payer": "baker",
            "minimum_balance": 0,
            "maximum_balance": None,
            "below_minimum_share": "baker",
            "excluded_share": "baker",
            "only_allowed": False,
            "pay_emptied": True,
            "contract_cost_cap": None,
            "minimum_fee_multiple": 0,
            "leavers": "keep",
            "payout_interval": 1,
            "interval_offset": 0,
            "delay_blocks_least": 0,
            "delay_blocks_most": 0,
            "funding_address": None,
            "target_balance": None,
            "top_up_cap": None,
        }
    for row in after["distributions"]:
        assert added(before, "distributions", row) == {
            "approved_at": None,
            "verified_at": None,
            "excluded_kept": 0,
            "not_before_level": None,
            "import_id": None,
        }
    for row in after["payouts"]:
        assert added(before, "payouts", row) == {
            "looked_back_level": None,
            "released_at": None,
            "bears_fee": False,
            "bears_burn": False,
            "withheld": 0,
            "imported_payment_id": None,
        }
    for row in after["operations"]:
        assert added(before, "operations", row) == {
            "kind": "payout",
            "replaces_id": None,
            "gas_limit": 0 if row["source"] == "tz1-empty" else 401,
            # The branch was final when it was signed: its life is counted from there.
            "born_level": row["branch_level"],
            "born_block": row["branch"],
            "lease_token": 0,
            "death": "declared" if row["state"] == "dead" else None,
            "evidence": None,
            "cancel_requested_at": None,
        }
    assert after["source_leases"] == []


async def test_an_alert_that_was_over_is_closed_and_nobody_has_acknowledged_any(
    before: Rows, upgraded: Ledger, first_url: str
) -> None:
    after = rows_of(first_url)["alerts"]
    assert after == [
        {
            **old,
            "closed_at": old["acknowledged_at"],
            "acknowledged_at": None,
            "acknowledged_by": None,
            "told_at": old["raised_at"],
        }
        for old in before["alerts"]
    ]
    assert [bool(row["closed_at"]) for row in after] == [True, False]


def added(before: Rows, table: str, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in before[table][0]}


async def test_the_upgraded_schema_is_that_of_a_new_ledger(
    upgraded: Ledger, first_url: str, make_place: MakePlace
) -> None:
    fresh = make_place()
    fresh.be_empty()
    await (await Ledger.open(fresh.url)).close()

    assert schema_of(first_url) == schema_of(fresh.url)
    fresh.clear()


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_every_reference_leads_to_a_row(upgraded: Ledger, first_url: str) -> None:
    # PostgreSQL watches that all the time.
    with closing(sqlite3.connect(first_url.removeprefix("sqlite:///"))) as file:
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_a_damaged_ledger_is_not_upgraded(first_url: str) -> None:
    tell(first_url, "UPDATE payouts SET transfer_id = 999 WHERE state = 'paid'")
    before = rows_of(first_url)

    with pytest.raises(ConflictError, match="the ledger is damaged: row 3 of payouts refers to"):
        await Ledger.open(first_url)

    assert rows_of(first_url) == before


async def test_old_rows_are_guarded_as_new_ones_are(upgraded: Ledger) -> None:
    for statement, complaint in REFUSED.items():
        with pytest.raises(IntegrityError, match=complaint):
            async with upgraded.write() as tx:
                await tx.exec_driver_sql(statement)


async def test_work_goes_on_where_it_was_left(upgraded: Ledger) -> None:
    async with upgraded.write() as tx:
        assert await audit.first_broken_link(tx) is None
        assert [each.baker_id for each in await bakers.everyone(tx)] == [BAKER, "tz1-other"]
        paying = await distributions.get(tx, key_of(743))
        injected = await operation_called(tx, 743, "oo-injected")
        assert (injected.kind, injected.gas_limit) == (OperationKind.PAYOUT, 401)
        await operations.enter_state(tx, injected, OperationState.QUARANTINED, at=NOW)
        (held,) = await payouts.in_state(tx, paying, PayoutState.HELD)
        await payouts.drop(tx, [held.id], "paid by hand")
        owed = await payouts.in_state(tx, paying, PayoutState.OWED)
        signed = await sign(tx, paying, new_operation(8, owed))
        # Numbers go on after those that were copied.
        assert signed.id == len(OPERATIONS) + 2
        (moved,) = await transfers_of(tx, signed.id)
        assert moved.id == 2 * len(OPERATIONS) + 1
        await payouts.release_operation(tx, injected.id, held=[])
        counts = await payouts.count_by_state(tx, paying)
    assert {state: count for state, (count, _) in counts.items()} == {
        PayoutState.OWED: 1,
        PayoutState.ASSIGNED: 1,
        PayoutState.PAID: 1,
        PayoutState.CARRIED: 1,
        PayoutState.DROPPED: 1,
        PayoutState.SIMULATED: 1,
    }


@pytest.fixture
def killer(first_url: str) -> Iterator[Killer]:
    hired = Killer(first_url)
    yield hired
    hired.dismiss()


async def test_a_killed_upgrade_leaves_the_old_ledger_and_the_next_start_upgrades_it(
    first_url: str, before: Rows, killer: Killer, kind: str, make_place: MakePlace
) -> None:
    old_schema = schema_of(first_url)
    for point in some_of((*POINTS[kind], *POINTS_OF_ALL)):
        await killer.kill("open", point)
        assert rows_of(first_url) == before, point
        assert schema_of(first_url) == old_schema, point

    await killer.kill("open", AFTER_COMMIT)
    unhurt = make_place()
    unhurt.be_empty()
    leave_a_first_ledger(unhurt.url)
    await (await Ledger.open(unhurt.url)).close()
    here, there = rows_of(first_url), rows_of(unhurt.url)
    # Each ledger has a name of its own.
    assert here.pop("installation") != there.pop("installation")
    assert here == there
    assert schema_of(first_url) == schema_of(unhurt.url)
    unhurt.clear()
