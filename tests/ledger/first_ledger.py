"""A ledger as the first schema left it behind after a while: rows of every table in every state.

It is written past the ledger, into the tables that are found there.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, MetaData, insert

from bakehouse.ledger import audit
from bakehouse.ledger.database import backend_of
from bakehouse.ledger.upgrade import upgrade
from tests.ledger.bakery import BAKER, NETWORK, NOW
from tests.ledger.contents import engine_at

FIRST = "0001"

DISTRIBUTIONS = ("seen", "rewards_pending", "planned", "paying", "paid", "simulated", "failed")
OPERATIONS = ("signed", "injected", "included", "final", "dead")
PAYOUTS = ("owed", "assigned", "paid", "carried", "held", "simulated")

LATER = NOW + timedelta(minutes=3)


def leave_a_first_ledger(url: str) -> None:
    """Have there be a ledger of the first schema that was worked with."""
    upgrade(backend_of(url), FIRST)
    with engine_at(url) as engine, engine.begin() as connection:
        clerk = _Clerk(connection)
        clerk.enter_bakers()
        clerk.enter_cycles()
        clerk.enter_operations()
        clerk.enter_payouts()
        clerk.enter_events()


class _Clerk:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = MetaData()
        self._tables.reflect(connection)
        self._numbers = count(1)
        self.paying = 0
        #: The first transfer of an operation, by the operation's state.
        self.transfers: dict[str, int] = {}

    def enter(self, table: str, **values: Any) -> Any:
        """Enter a row; gives its key."""
        entry = insert(self._tables.tables[table]).values(values)
        return (self._connection.execute(entry).inserted_primary_key or [None])[0]

    def enter_bakers(self) -> None:
        common: Mapping[str, Any] = {
            "network": NETWORK,
            "default_fee": 1_000,
            "update_freq": 10,
            "payment_retries": 1,
            "minutes_between_retries": 1,
            "num_blocks_wait": 2,
            "first_cycle": 700,
            "payout_delay_cycles": 1,
            "share_block_fees": False,
            "minimum_payout": 10**15,
            "scheduled": True,
        }
        self.enter(
            "bakers",
            baker_id=BAKER,
            alias="Bäcker 🥖",
            payout_address="tz1-payout",
            mode="on",
            bond_pool_enabled=True,
            created_at=NOW,
            **common,
        )
        self.enter(
            "bakers",
            baker_id="tz1-other",
            alias=None,
            payout_address="tz1-other",
            mode="off",
            bond_pool_enabled=False,
            created_at=LATER,
            **common,
        )
        self.enter("delegator_fees", baker_id=BAKER, address="tz1-a", fee=0)
        for address, is_manager in (("tz1-m", True), ("tz1-n", False)):
            self.enter(
                "bond_pool_members",
                baker_id=BAKER,
                address=address,
                name=f"name of {address}",
                amount=10**12,
                adm_charge=50,
                is_manager=is_manager,
            )

    def enter_cycles(self) -> None:
        for cycle, state in enumerate(DISTRIBUTIONS, start=740):
            is_planned = state not in {"seen", "rewards_pending"}
            row_id = self.enter(
                "distributions",
                network=NETWORK,
                baker_id=BAKER,
                cycle=cycle,
                kind="bond_pool" if state == "planned" else "delegators",
                mode="simulation" if state == "simulated" else "on",
                state=state,
                message="no tez" if state == "failed" else None,
                snapshot='{"cycle": 740}' if is_planned else None,
                snapshot_sha256="ab" * 32 if is_planned else None,
                pool=1_000 if is_planned else 0,
                own_part=100 if is_planned else 0,
                total_fees=90 if is_planned else 0,
                total_net=809 if is_planned else 0,
                dust=1 if is_planned else 0,
                zero_payouts=2,
                created_at=NOW,
                updated_at=LATER,
            )
            if state == "paying":
                self.paying = row_id

    def enter_operations(self) -> None:
        for state in OPERATIONS:
            is_in_block = state in {"included", "final"}
            number = next(self._numbers)
            row_id = self.enter(
                "operations",
                network=NETWORK,
                baker_id=BAKER,
                distribution_id=self.paying,
                # Each from an address of its own: only one may be in flight.
                source=f"tz1-{state}",
                state=state,
                hash=f"oo-{state}",
                signed_bytes=bytes(range(256)),
                protocol="PtSeouLou",
                branch=f"BLbranch{number}",
                branch_level=1_000 + number,
                last_includable_level=1_601 + number,
                counter_first=2**53 + number,
                content_count=2,
                total_fee=800,
                scanned_level=1_007,
                included_level=1_008 if is_in_block else None,
                included_block="BLincluded" if is_in_block else None,
                applied=True if is_in_block else None,
                created_at=NOW,
                updated_at=LATER,
            )
            for position in range(2):
                transfer_id = self.enter(
                    "transfers",
                    operation_id=row_id,
                    position=position,
                    destination=f"tz1-{position}",
                    amount=10**15,
                    fee=400,
                    gas_limit=200 + position,
                    storage_limit=257,
                    status="applied" if is_in_block else None,
                    burn=64_250 if is_in_block else 0,
                )
                self.transfers.setdefault(state, transfer_id)
            self.enter("attempts", operation_id=row_id, at=NOW, node="node-1", answer="accepted")
        # Nothing was ever paid by it: it has no transfers.
        self.enter(
            "operations",
            network=NETWORK,
            baker_id=BAKER,
            distribution_id=self.paying,
            source="tz1-empty",
            state="dead",
            hash="oo-empty",
            signed_bytes=b"",
            protocol="P",
            branch="BL",
            branch_level=1,
            last_includable_level=2,
            counter_first=1,
            content_count=1,
            total_fee=0,
            scanned_level=2,
            created_at=NOW,
            updated_at=NOW,
        )

    def enter_payouts(self) -> None:
        bound = {"assigned": "injected", "paid": "final"}
        for state in PAYOUTS:
            self.enter(
                "payouts",
                distribution_id=self.paying,
                paid_with_id=self.paying,
                network=NETWORK,
                baker_id=BAKER,
                cycle=743,
                mode="simulation" if state == "simulated" else "on",
                kind="delegator",
                owed_to=f"tz1-{state}",
                address=f"tz1-{state}-elsewhere",
                delegated_balance=10**15,
                gross=1_000,
                fee_basis_points=1_000,
                fee=100,
                net=900,
                state=state,
                transfer_id=self.transfers[bound[state]] if state in bound else None,
                reason="looks odd" if state == "held" else None,
            )

    def enter_events(self) -> None:
        for acknowledged_at in (LATER, None):
            self.enter(
                "alerts",
                baker_id=BAKER,
                code="wallet-empty",
                subject="tz1-payout",
                message="5 tez left",
                raised_at=NOW,
                repeated_at=LATER,
                times=3,
                acknowledged_at=acknowledged_at,
            )
        previous = audit.GENESIS
        for number in range(3):
            said = ("alice", "number.said", f"subject {number}", "{}")
            chained = audit._chain(previous, NOW, *said)
            self.enter(
                "audit_events",
                at=NOW,
                **dict(zip(("actor", "action", "subject", "detail"), said, strict=True)),
                previous_hash=previous,
                hash=chained,
            )
            previous = chained
