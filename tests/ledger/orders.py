"""Orders outside any cycle, and deductions, in few words; for tests of the ledger only."""

from dataclasses import replace
from typing import Any

from bakehouse.ledger.deductions import NewDeduction
from bakehouse.ledger.manual_transfers import NewManualTransfer
from bakehouse.ledger.states import ManualOrigin
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import BAKER, NETWORK, SOURCE

FRIEND = "tz1-friend"
FUNDING = "tz1-funding"


def new_order(key: str = "rent", amount: int = 500, **changed: Any) -> NewManualTransfer:
    order = NewManualTransfer(
        network=NETWORK,
        baker_id=BAKER,
        origin=ManualOrigin.TRANSFER,
        idempotence_key=key,
        source=SOURCE,
        destination=FRIEND,
        amount=Mutez(amount),
        actor="test",
        why="rent of May",
        ordered_level=7,
    )
    return replace(order, **changed)


def new_top_up(key: str = "first", amount: int = 500) -> NewManualTransfer:
    origin = ManualOrigin.TOP_UP
    return new_order(key, amount, origin=origin, source=FUNDING, destination=SOURCE)


def new_deduction(amount: int, owed_to: str = "tz1-a", key: str = "twice") -> NewDeduction:
    return NewDeduction(
        baker_id=BAKER,
        owed_to=owed_to,
        amount=Mutez(amount),
        idempotence_key=key,
        consent="tz1-a, by mail",
        why="paid twice by hand",
        actor="test",
    )
