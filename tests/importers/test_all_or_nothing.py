"""An import that dies half-way leaves nothing, and one made twice leaves what one leaves."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakehouse.failpoints import Failpoint, hooked
from bakehouse.importers.moving import Choice, look_offline, move_in
from bakehouse.importers.moving_in import (
    MovingIn,
    OldHistory,
    OldPayment,
    OldSettings,
    Outcome,
    Tool,
)
from bakehouse.importers.place import Place
from bakehouse.ledger.database import Ledger
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.tezos.base58check import Prefix, encode
from tests.fault_scale import FAULT_SCALE
from tests.faults.inline_sqlite import open_engine

BAKER, *PEOPLE = (encode(Prefix.TZ1, bytes([index] * 20)) for index in range(5))
HASHES = [encode(Prefix.OPERATION_HASH, bytes([index] * 32)) for index in range(3)]
CHOICE = Choice("NetXdQprcVkpaWU", "test", datetime(2026, 11, 1, tzinfo=UTC))


class Died(BaseException):
    """The process ends here."""


def payment(
    cycle: int, person: str, amount: int, outcome: Outcome, named: str | None
) -> OldPayment:
    return OldPayment(
        cycle=cycle,
        kind=PayoutKind.DELEGATOR,
        owed_to=person,
        address=person,
        amount=Mutez(amount),
        outcome=outcome,
        said="so",
        place=Place("file", 1),
        operation_hash=named,
    )


def moving(payments: list[OldPayment]) -> MovingIn:
    return MovingIn(
        tool=Tool.TAPS,
        files={"file": "0" * 64},
        settings=OldSettings(
            baker_id=BAKER,
            payout_address=None,
            settings={"default_fee": BasisPoints(525)},
            fees={PEOPLE[0]: BasisPoints(0)},
        ),
        history=OldHistory(payments=tuple(payments), last_cycle=500),
    )


async def imported(ledger: Ledger, what: MovingIn) -> None:
    await move_in(ledger, await look_offline(ledger, what, CHOICE))


def rows(database: Path) -> list[str]:
    connection = sqlite3.connect(database)
    found = [line for line in connection.iterdump() if line.startswith("INSERT")]
    connection.close()
    return found


@pytest.fixture
async def ledger(tmp_path: Path, empty_ledger: Path) -> AsyncIterator[Ledger]:
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    opened = Ledger(open_engine(tmp_path / "ledger.db"))
    yield opened
    await opened.close()


async def test_an_import_that_dies_anywhere_leaves_nothing(ledger: Ledger, tmp_path: Path) -> None:
    before = rows(tmp_path / "ledger.db")
    people = [
        payment(cycle, person, 7, Outcome.PAID, HASHES[0])
        for cycle in (1, 2, 3)
        for person in PEOPLE
    ]
    seen = await look_offline(ledger, moving(people), CHOICE)
    assert rows(tmp_path / "ledger.db") == before, "a look writes nothing"
    passed = 0
    for deadly in range(1, 10):
        passed = 0

        def die(place: Failpoint, deadly: int = deadly) -> None:
            nonlocal passed
            passed += place is Failpoint.MID_IMPORT
            if passed == deadly:
                raise Died

        try:
            with hooked(die):
                await move_in(ledger, seen)
        except Died:
            assert rows(tmp_path / "ledger.db") == before
        else:
            break
    # Once the baker was entered, and after each cycle.
    assert passed == 4
    assert len(rows(tmp_path / "ledger.db")) > len(before)


histories = st.dictionaries(
    st.tuples(st.integers(490, 493), st.sampled_from(PEOPLE)),
    st.tuples(st.integers(1, 9), st.sampled_from(Outcome), st.sampled_from([None, *HASHES])),
    max_size=6,
).map(lambda known: [payment(cycle, whom, *told) for (cycle, whom), told in sorted(known.items())])


@settings(max_examples=5 * FAULT_SCALE, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.data())
def test_importing_any_history_twice_is_importing_it_once(
    tmp_path: Path, empty_ledger: Path, history: list[OldPayment], data: st.DataObject
) -> None:
    """And a part of it first, then all of it, closes the same payouts in the same way."""
    part = data.draw(st.lists(st.sampled_from(history), unique=True) if history else st.just([]))

    async def live(
        name: str, *whole: list[OldPayment]
    ) -> tuple[list[str], list[tuple[object, ...]]]:
        database = tmp_path / name
        shutil.copy(empty_ledger, database)
        opened = Ledger(open_engine(database))
        for each in whole:
            await imported(opened, moving(each))
        await opened.close()
        connection = sqlite3.connect(database)
        query = "SELECT cycle, kind, owed_to, net, state FROM payouts ORDER BY cycle, owed_to"
        owed = connection.execute(query).fetchall()
        connection.close()
        return rows(database), owed

    once, owed = asyncio.run(live("once.db", history))
    twice, _ = asyncio.run(live("twice.db", history, history))
    assert twice == once
    _, by_parts = asyncio.run(live("parts.db", part, history))
    assert by_parts == owed
