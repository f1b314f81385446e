"""The auditor of payments has nothing to say of what is right, and finds everything that is not."""

# ruff: noqa: S608 - lies are told in SQL that this file alone writes

import asyncio
import copy
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.advance import advance, fail
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.receipt import Status
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.operation import OperationGroup, Transaction
from bakehouse.tezos.signed_operation import SignedOperation, seal
from bakehouse.tezos.signer import LocalSigner
from tests.faults.auditor import Findings, audit
from tests.payments.mortal_payer import Fate, MortalWorld
from tests.payments.surroundings import STEPS_MAX, bake, finish_cycle, pay, utc_now

CYCLES = 5
#: Some of the six reach it in one cycle, some in several.
MINIMUM = 200_000
#: More than nodes ask for one transfer.
FEE = 5_000
STRANGER = draw_text(Prefix.TZ1, "nobody the baker knows")
LENDERS = [draw_text(Prefix.TZ1, "lender", index) for index in range(3)]


@dataclass(frozen=True, slots=True)
class Scene:
    """A chain and a ledger that belong to each other, to be told lies about."""

    chain: Chain
    database: Path

    def audit(
        self, *, at_rest: bool = True, foreign: Collection[str] = (), cycles: int = CYCLES
    ) -> Findings:
        last = self.chain.settings.starting_cycle + cycles - 1
        return audit(self.chain, self.database, at_rest=at_rest, foreign=foreign, last_cycle=last)

    def query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.database)) as connection:
            cursor = connection.execute(statement, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def forge(self, script: str) -> None:
        """Change the ledger as it would never let anybody do."""
        with closing(sqlite3.connect(self.database)) as connection:
            triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            drops = "".join(f"DROP TRIGGER {name};" for (name,) in triggers.fetchall())
            connection.executescript(f"PRAGMA ignore_check_constraints = ON; {drops} {script}")

    def insert(self, table: str, row: dict[str, Any]) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            marks = ", ".join("?" for _ in row)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",
                tuple(row.values()),
            )

    def transfer(self, destination: str, amount: int) -> SignedOperation:
        """Pay somebody with the payout key, past the ledger, and have it final."""
        key = self.chain.world.payout_key
        signer = LocalSigner(key)
        account = self.chain.account(signer.address, self.chain.head.level)
        assert account is not None
        transaction = Transaction(
            source=signer.address,
            fee=Mutez(FEE),
            counter=account.counter + 1,
            gas_limit=10_000,
            storage_limit=257,
            amount=Mutez(amount),
            destination=Address(destination),
        )
        group = OperationGroup(self.chain.head.hash, (transaction,))
        signed = asyncio.run(seal(group, signer))
        self.chain.inject(signed.signed_bytes)
        for _ in range(3):
            bake(self.chain)
        block = self.chain.including_block(signed.hash)
        assert block is not None
        assert {each.status for each in block.operations[0].receipts} == {Status.APPLIED}
        return signed


def headings(findings: Findings) -> set[str]:
    return {each.name for each in fields(findings)[:-1] if getattr(findings, each.name)}


def key_of(world: MortalWorld, cycle: int, kind: DistributionKind) -> DistributionKey:
    chain = world.surroundings.chain
    return DistributionKey(chain.chain_id, chain.world.baker, cycle, kind, Mode.ON)


async def make_world(folder: Path) -> MortalWorld:
    empty = folder / "empty.db"
    await (await Ledger.open(f"sqlite:///{empty}")).close()
    return await MortalWorld.make(folder / "ledger.db", empty)


async def change(payer: Payer, baker_id: str, **settings: Any) -> None:
    async with payer.ledger.write() as tx:
        await bakers.change(tx, baker_id, settings, actor="test", at=utc_now())


async def set_terms(payer: Payer, baker_id: str, favourite: str) -> None:
    members = [
        BondPoolMember(address, Mutez(10**9 + index), BasisPoints(777), is_manager=not index)
        for index, address in enumerate(LENDERS)
    ]
    async with payer.ledger.write() as tx:
        fees = {favourite: BasisPoints(123)}
        await bakers.replace_fees(tx, baker_id, fees, actor="test", at=utc_now())
        await bakers.replace_bond_pool(tx, baker_id, members, actor="test", at=utc_now())
    await change(payer, baker_id, minimum_payout=MINIMUM, bond_pool_enabled=True)


async def pay_cycles(folder: Path) -> MortalWorld:
    """Pay some cycles and their bond pools, with settings that change on the way."""
    world = await make_world(folder)
    chain = world.surroundings.chain
    baker_id, first = chain.world.baker, chain.settings.starting_cycle
    favourite, _ = chain.rights.snapshot(first).delegators[1]
    async with world.life(Fate()) as payer:
        await set_terms(payer, baker_id, favourite)
        for cycle in range(first, first + CYCLES):
            await note_due_cycles(payer, baker_id)
            for kind in (DistributionKind.DELEGATORS, DistributionKind.BOND_POOL):
                assert (await pay(payer, chain, key_of(world, cycle, kind))).is_settled
            await change(
                payer, baker_id, default_fee=500 + cycle % 7, share_block_fees=bool(cycle % 2)
            )
            finish_cycle(chain)
    return world


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    world = asyncio.run(pay_cycles(tmp_path_factory.mktemp("paid")))
    return Scene(world.surroundings.chain, world.surroundings.database)


@pytest.fixture
def scene(paid: Scene, tmp_path: Path) -> Scene:
    """A copy of what was paid, to be spoilt."""
    database = tmp_path / "copy.db"
    shutil.copy(paid.database, database)
    return Scene(copy.deepcopy(paid.chain), database)


# What is right


def test_what_was_paid_rightly_is_clean_at_rest_and_under_way(paid: Scene) -> None:
    at_rest, under_way = paid.audit(), paid.audit(at_rest=False)

    assert at_rest.is_clean(), at_rest
    assert under_way.is_clean(), under_way
    rows = paid.query("SELECT state, paid_with_id <> distribution_id AS is_late FROM payouts")
    assert at_rest.checked == len(rows)
    assert {row["state"] for row in rows} == {"paid", "carried"}
    assert any(row["is_late"] for row in rows)
    assert str(at_rest) == f"{len(rows)} payouts judged: clean"


async def test_every_step_of_a_payment_is_clean_and_before_the_last_something_is_lost_at_rest(
    tmp_path: Path,
) -> None:
    world = await make_world(tmp_path)
    chain = world.surroundings.chain
    scene = Scene(chain, world.surroundings.database)
    first = chain.settings.starting_cycle
    key = key_of(world, first, DistributionKind.DELEGATORS)
    async with world.life(Fate()) as payer:
        await note_due_cycles(payer, chain.world.baker)
        for number in range(STEPS_MAX):
            step = await advance(payer, key)
            said = scene.audit(at_rest=False)
            assert said.is_clean(), said
            at_rest = scene.audit(cycles=1)
            assert at_rest.is_clean() == step.is_settled, at_rest
            assert bool(at_rest.lost) != step.is_settled
            if step.is_settled:
                break
            bake(chain)
            if number in (2, 5):
                chain.reorg(2)
        assert step.is_settled


async def test_what_failed_with_a_message_is_parked_and_not_lost(tmp_path: Path) -> None:
    world = await make_world(tmp_path)
    chain = world.surroundings.chain
    scene = Scene(chain, world.surroundings.database)
    key = key_of(world, chain.settings.starting_cycle, DistributionKind.DELEGATORS)
    async with world.life(Fate()) as payer:
        await note_due_cycles(payer, chain.world.baker)
        assert scene.audit(cycles=1).lost

        await fail(payer, key, "the wallet is empty")

        assert scene.audit(cycles=1).is_clean()
    scene.forge("UPDATE distributions SET message = NULL")
    assert scene.audit(cycles=1).lost


# What is wrong on the chain


def one_paid(scene: Scene) -> dict[str, Any]:
    """Give a payout to a delegator that was paid alone, by one transfer."""
    return scene.query(
        "SELECT payouts.*, operations.hash AS operation_hash FROM payouts "
        "JOIN transfers ON transfers.id = transfer_id JOIN operations "
        "ON operations.id = operation_id WHERE payouts.kind = 'delegator' AND net = amount"
    )[0]


def test_a_second_applied_payment_is_found_and_named(scene: Scene) -> None:
    payout = one_paid(scene)

    again = scene.transfer(payout["address"], payout["net"])

    findings = scene.audit(at_rest=False)
    assert headings(findings) == {"paid_twice", "drift"}
    (sentence,) = findings.paid_twice
    cycle, net = f"cycle {payout['cycle']}", f"{payout['net']} mutez"
    for part in (cycle, payout["owed_to"], net, payout["operation_hash"], again.hash):
        assert part in sentence
    assert sentence in str(findings)


def test_more_than_is_owed_is_found_whatever_its_amount(scene: Scene) -> None:
    (most,) = scene.query("SELECT max(net) AS net, owed_to, address FROM payouts")
    scene.forge(f"UPDATE payouts SET state = 'owed', transfer_id = NULL WHERE net = {most['net']}")
    scene.transfer(most["address"], most["net"] + 1)

    findings = scene.audit()

    assert {"paid_twice", "unplanned", "drift"} <= headings(findings)
    assert most["owed_to"] in findings.paid_twice[0]


def test_money_to_a_stranger_is_found(scene: Scene) -> None:
    sent = scene.transfer(STRANGER, 5)

    findings = scene.audit()

    assert headings(findings) == {"unplanned", "drift"}
    assert STRANGER in findings.unplanned[0]
    assert sent.hash in findings.unplanned[0]


def test_another_tool_may_pay_whom_it_likes(scene: Scene) -> None:
    payout = one_paid(scene)
    hashes = [
        scene.transfer(STRANGER, 5).hash,
        scene.transfer(payout["address"], payout["net"]).hash,
    ]

    findings = scene.audit(foreign=hashes)

    assert findings.is_clean(), findings


def test_what_another_tool_paid_does_not_count_as_paid_by_us(scene: Scene) -> None:
    payout = one_paid(scene)

    findings = scene.audit(foreign=[payout["operation_hash"]])

    assert {"lost", "drift"} <= headings(findings)
    assert any(payout["owed_to"] in sentence for sentence in findings.lost)


def test_an_operation_that_the_chain_has_lost_is_drift_and_its_payees_are_lost(
    scene: Scene,
) -> None:
    (newest,) = scene.query("SELECT max(included_level) AS level FROM operations")
    scene.chain.reorg(scene.chain.head.level - newest["level"] + 1)

    findings = scene.audit()

    assert headings(findings) == {"lost", "drift"}


def entered(scene: Scene, signed: SignedOperation, **values: Any) -> dict[str, Any]:
    """Make the row of an operation that is final, after the model of another one."""
    block = scene.chain.including_block(signed.hash)
    assert block is not None
    model = scene.query("SELECT * FROM operations ORDER BY id DESC")[0]
    return {
        **model,
        "id": model["id"] + 1,
        "hash": signed.hash,
        "signed_bytes": signed.signed_bytes,
        "branch": signed.group.branch,
        "counter_first": signed.group.contents[0].counter,
        "content_count": 1,
        "total_fee": FEE,
        "included_level": block.level,
        "included_block": block.hash,
        **values,
    }


@pytest.mark.parametrize("kind", ["cancel", "payout"])
def test_a_transfer_to_itself_is_allowed_to_a_cancellation_only(scene: Scene, kind: str) -> None:
    itself = scene.chain.world.payout_key.public_key.address
    columns = {row["name"] for row in scene.query("PRAGMA table_info(operations)")}
    missing = "" if "kind" in columns else "ALTER TABLE operations ADD kind TEXT DEFAULT 'payout';"
    scene.forge(missing)

    scene.insert("operations", entered(scene, scene.transfer(itself, 1), kind=kind))

    findings = scene.audit()
    assert bool(findings.unplanned) == (kind == "payout")
    assert not findings.paid_twice


def test_a_cancellation_that_pays_somebody_else_is_found(scene: Scene) -> None:
    columns = {row["name"] for row in scene.query("PRAGMA table_info(operations)")}
    missing = "" if "kind" in columns else "ALTER TABLE operations ADD kind TEXT DEFAULT 'payout';"
    scene.forge(missing)

    scene.insert("operations", entered(scene, scene.transfer(STRANGER, 1), kind="cancel"))

    assert STRANGER in scene.audit().unplanned[0]


# What is wrong in the ledger

A_PAYOUT = "(SELECT min(id) FROM payouts WHERE state = 'paid' AND kind = 'delegator')"
A_TRANSFER = f"(SELECT transfer_id FROM payouts WHERE id = {A_PAYOUT})"
AN_OPERATION = f"(SELECT operation_id FROM transfers WHERE id = {A_TRANSFER})"

OUT_OF_ITS_BLOCK = (
    "UPDATE operations SET state = '{}', included_level = NULL, included_block = NULL, "
    f"applied = NULL WHERE id = {AN_OPERATION}"
)
NO_FIRST_CYCLE = """
    DELETE FROM payouts WHERE distribution_id = 1;
    DELETE FROM distributions WHERE id = 1;
    UPDATE operations SET distribution_id = 2 WHERE distribution_id = 1;
    UPDATE payouts SET paid_with_id = 2 WHERE paid_with_id = 1;
"""
LAST_FINAL = "(SELECT max(id) FROM audit_events WHERE action = 'operation.final')"

LIES = {
    "a payout is not there": (f"DELETE FROM payouts WHERE id = {A_PAYOUT}", "lost"),
    "a payout is not there, and was paid": (
        f"DELETE FROM payouts WHERE id = {A_PAYOUT}",
        "unplanned",
    ),
    "a payout is a mutez more": (
        f"UPDATE payouts SET net = net + 1 WHERE id = {A_PAYOUT}",
        "wrong_amount",
    ),
    "a fee is another": (
        f"UPDATE payouts SET fee_basis_points = 0 WHERE id = {A_PAYOUT}",
        "wrong_amount",
    ),
    "a payout is somebody else's": (
        f"UPDATE payouts SET owed_to = '{STRANGER}' WHERE id = {A_PAYOUT}",
        "wrong_amount",
    ),
    "a payout was sent elsewhere": (
        f"UPDATE payouts SET address = '{STRANGER}' WHERE id = {A_PAYOUT}",
        "unplanned",
    ),
    "a payout is still owed, and was paid": (
        f"UPDATE payouts SET state = 'owed', transfer_id = NULL WHERE id = {A_PAYOUT}",
        "drift",
    ),
    "a payout is owed in a cycle that is paid": (
        f"UPDATE payouts SET state = 'owed', transfer_id = NULL WHERE id = {A_PAYOUT}",
        "broken",
    ),
    "a payout waits, though it is due": (
        f"UPDATE payouts SET state = 'carried', transfer_id = NULL WHERE id = {A_PAYOUT}",
        "lost",
    ),
    "a payout below the minimum is to be paid": (
        "UPDATE payouts SET state = 'held', reason = 'why' WHERE state = 'carried'",
        "wrong_amount",
    ),
    "a payout is paid by nothing": (
        f"UPDATE payouts SET transfer_id = NULL WHERE id = {A_PAYOUT}",
        "broken",
    ),
    "a payout is paid by a transfer that is not there": (
        f"UPDATE payouts SET transfer_id = 10000 WHERE id = {A_PAYOUT}",
        "drift",
    ),
    "a payout is assigned to what is settled": (
        f"UPDATE payouts SET state = 'assigned' WHERE id = {A_PAYOUT}",
        "broken",
    ),
    "a payout is in no state there is": (
        f"UPDATE payouts SET state = 'gone' WHERE id = {A_PAYOUT}",
        "broken",
    ),
    "a payout is only simulated": (
        f"UPDATE payouts SET state = 'simulated', transfer_id = NULL WHERE id = {A_PAYOUT}",
        "broken",
    ),
    "a payout was dropped by nobody": (
        f"UPDATE payouts SET state = 'dropped', transfer_id = NULL WHERE id = {A_PAYOUT}",
        "broken",
    ),
    "an operation is not there": (f"DELETE FROM operations WHERE id = {AN_OPERATION}", "drift"),
    "an operation has other bytes": (
        f"UPDATE operations SET signed_bytes = zeroblob(99) WHERE id = {AN_OPERATION}",
        "broken",
    ),
    "an operation is in another block": (
        f"UPDATE operations SET included_level = included_level - 1 WHERE id = {AN_OPERATION}",
        "drift",
    ),
    "an operation was not applied": (
        f"UPDATE operations SET applied = 0 WHERE id = {AN_OPERATION}",
        "drift",
    ),
    "an operation is dead, and in a block": (
        OUT_OF_ITS_BLOCK.format("dead"),
        "drift",
    ),
    "an operation is in flight, and in a block": (
        OUT_OF_ITS_BLOCK.format("injected"),
        "drift",
    ),
    "an operation never became final": (
        f"UPDATE operations SET state = 'included' WHERE id = {AN_OPERATION}",
        "drift",
    ),
    "an operation cost less": (
        f"UPDATE operations SET total_fee = total_fee - 1 WHERE id = {AN_OPERATION}",
        "drift",
    ),
    "two operations have one counter": (
        "UPDATE operations SET counter_first = counter_first + 1 WHERE id = 1",
        "broken",
    ),
    "a transfer is a mutez more": (
        f"UPDATE transfers SET amount = amount + 1 WHERE id = {A_TRANSFER}",
        "drift",
    ),
    "a transfer is not there": (f"DELETE FROM transfers WHERE id = {A_TRANSFER}", "drift"),
    "a sum of a plan is another": (
        "UPDATE distributions SET total_fees = total_fees + 1, dust = dust - 1 WHERE id = 1",
        "broken",
    ),
    "the evidence is another": (
        "UPDATE snapshots SET content = '{}' WHERE distribution_id = 1",
        "broken",
    ),
    "a cycle is not there": (NO_FIRST_CYCLE, "lost"),
    "a cycle is not closed": ("UPDATE distributions SET state = 'paying' WHERE id = 1", "lost"),
    "a bond pool is not there": (
        "UPDATE distributions SET mode = 'simulation' WHERE kind = 'bond_pool'",
        "lost",
    ),
    "a bond pool pays a member more": (
        "UPDATE payouts SET net = net + 1 WHERE kind = 'bond-member' AND fee > 0",
        "wrong_amount",
    ),
    "a simulation was signed for": (
        "UPDATE distributions SET mode = 'simulation' WHERE id = 1",
        "broken",
    ),
    "settings were changed behind the trail": ("UPDATE bakers SET default_fee = 1", "broken"),
    "an event says something else": (
        "UPDATE audit_events SET detail = '{}' WHERE id = 7",
        "broken",
    ),
    "an event was at another time": (
        "UPDATE audit_events SET at = '2026-01-01 00:00:00.000000' WHERE id = 7",
        "broken",
    ),
    "an event is not there": ("DELETE FROM audit_events WHERE id = 7", "broken"),
    "the last event of an operation is not there": (
        f"DELETE FROM audit_events WHERE id = {LAST_FINAL}",
        "broken",
    ),
}


@pytest.mark.parametrize(("script", "heading"), LIES.values(), ids=LIES)
def test_a_lie_is_found_under_its_heading(scene: Scene, script: str, heading: str) -> None:
    scene.forge(script)

    findings = scene.audit()
    assert heading in headings(findings), findings


def test_two_operations_in_flight_that_were_never_in_a_block_are_found(scene: Scene) -> None:
    newest = scene.query("SELECT * FROM operations ORDER BY id DESC")[0]
    for number in (1, 2):
        row = {
            **newest,
            "id": newest["id"] + number,
            "state": "signed",
            "hash": f"o{number}",
            "counter_first": newest["counter_first"] + 100 * number,
            "included_level": None,
            "included_block": None,
            "applied": None,
        }
        scene.forge("")
        scene.insert("operations", row)

    assert any("2 operations are in flight" in each for each in scene.audit().broken)


def park(scene: Scene, state: str, reason: str) -> None:
    """Have the newest payments never happen, and their payouts be in this state."""
    (newest,) = scene.query("SELECT id, hash FROM operations ORDER BY id DESC LIMIT 1")
    scene.chain.reorg(scene.chain.head.level - newest_level(scene) + 1)
    scene.chain.mempool.drop([newest["hash"]])
    chosen = f"(SELECT id FROM transfers WHERE operation_id = {newest['id']})"
    scene.forge(
        f"UPDATE payouts SET state = '{state}', transfer_id = NULL, reason = {reason} "
        f"WHERE transfer_id IN {chosen};"
        "UPDATE operations SET state = 'dead', included_level = NULL, included_block = NULL, "
        f"applied = NULL WHERE id = {newest['id']}"
    )


def newest_level(scene: Scene) -> int:
    (newest,) = scene.query("SELECT max(included_level) AS level FROM operations")
    return int(newest["level"])


def test_who_is_held_with_a_reason_is_not_lost_and_without_one_is(scene: Scene) -> None:
    park(scene, "held", "'a person has to decide'")

    assert not scene.audit().lost

    scene.forge("UPDATE payouts SET reason = NULL")
    assert scene.audit().lost
    assert not scene.audit(at_rest=False).lost


def test_who_was_dropped_by_a_person_is_not_lost(scene: Scene) -> None:
    park(scene, "dropped", "NULL")
    assert scene.audit().lost

    last = scene.query("SELECT * FROM audit_events ORDER BY id DESC")[0]
    dropped = scene.query("SELECT * FROM payouts WHERE state = 'dropped'")
    for number, payout in enumerate(dropped, start=1):
        said = {
            "id": last["id"] + number,
            "action": "payout.dropped",
            "subject": f"{payout['baker_id']}/{payout['cycle']}/{payout['owed_to']}",
            "hash": str(number),
        }
        scene.insert("audit_events", {**last, **said})

    assert not scene.audit().lost


def test_what_is_bound_to_a_quarantined_operation_is_not_lost(scene: Scene) -> None:
    (newest,) = scene.query("SELECT id FROM operations ORDER BY id DESC LIMIT 1")
    scene.chain.reorg(scene.chain.head.level - newest_level(scene) + 1)
    scene.forge(
        "UPDATE payouts SET state = 'assigned' WHERE transfer_id IN "
        f"(SELECT id FROM transfers WHERE operation_id = {newest['id']});"
        "UPDATE operations SET state = 'quarantined', included_level = NULL, "
        f"included_block = NULL, applied = NULL WHERE id = {newest['id']};"
    )

    assert not scene.audit().lost

    scene.forge(f"UPDATE operations SET state = 'injected' WHERE id = {newest['id']}")
    assert scene.audit().lost


def test_columns_that_nobody_knows_yet_change_nothing(scene: Scene) -> None:
    for table in ("bakers", "distributions", "operations", "transfers", "payouts"):
        scene.forge(f"ALTER TABLE {table} ADD of_the_future TEXT DEFAULT 'new'")

    assert scene.audit().is_clean()


def test_an_audit_changes_nothing(scene: Scene) -> None:
    before = scene.database.read_bytes()

    scene.audit()

    assert scene.database.read_bytes() == before


def test_a_ledger_of_another_network_has_nothing_to_say_of_this_chain(scene: Scene) -> None:
    other = Chain(replace(scene.chain.settings, seed=99))

    assert audit(other, scene.database, at_rest=True).checked == 0
