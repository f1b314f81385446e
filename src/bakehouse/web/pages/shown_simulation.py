"""A stored simulation as a person reads it: sums, and each recipient with the reason for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.desk.changes import ChangeKind
from bakehouse.desk.simulation import Simulation
from bakehouse.ledger.bakers import Baker
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez, format_percentage


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRow:
    """One recipient, in mutez; `before` is what the compared cycle gave."""

    owed_to: str
    why: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    due: Mutez
    before: Mutez


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSimulation:
    """The sums of a simulation, in mutez, and its recipients, the largest first."""

    sha256: str
    cycle: int
    is_final: bool
    #: Whether other rules were tried than the baker has set now.
    is_what_if: bool
    default_fee: BasisPoints
    minimum_payout: Mutez
    pool: Mutez
    own_part: Mutez
    total_fees: Mutez
    total_net: Mutez
    dust: Mutez
    total_due_now: Mutez
    zero_payouts: int
    over_payout_cap: list[str]
    is_over_cycle_cap: bool
    compared_with: int | None
    difference: Mutez
    new_count: int
    left_count: int
    changed_count: int
    rows: list[SimulatedRow]

    @property
    def adds_up(self) -> bool:
        """Whether the parts come to the pool, and the rows to what delegators get."""
        parts = self.own_part + self.total_fees + self.total_net + self.dust
        return parts == self.pool and sum(row.net for row in self.rows) == self.total_net

    @property
    def paid_count(self) -> int:
        """How many would get something now."""
        return sum(row.due > 0 for row in self.rows)

    @property
    def carried_count(self) -> int:
        """How many wait below the minimum."""
        return sum(row.net > 0 and not row.due for row in self.rows)


def shown(simulation: Simulation, baker: Baker) -> ShownSimulation:
    """Read a simulation's document for the page."""
    document, summary = simulation.document, simulation.summary
    rules = document["rules"]
    tried = (rules["default_fee_basis_points"], int(rules["minimum_payout"]))
    sums = ("pool", "own_part", "total_fees", "total_net", "dust", "total_due_now")
    return ShownSimulation(
        sha256=simulation.head.sha256,
        cycle=document["cycle"],
        is_final=document["is_final"],
        is_what_if=tried != (baker.default_fee, baker.minimum_payout),
        default_fee=BasisPoints(tried[0]),
        minimum_payout=Mutez(tried[1]),
        zero_payouts=document["zero_payouts"],
        over_payout_cap=document["over_payout_cap"],
        is_over_cycle_cap=document["is_over_cycle_cap"],
        compared_with=document["compared_with"],
        difference=summary.difference,
        new_count=summary.counts[ChangeKind.NEW],
        left_count=summary.counts[ChangeKind.LEFT],
        changed_count=summary.counts[ChangeKind.CHANGED],
        rows=_rows(simulation),
        **{name: Mutez(int(document[name])) for name in sums},
    )


def _rows(simulation: Simulation) -> list[SimulatedRow]:
    document = simulation.document
    before = {each.owed_to: each.before for each in simulation.changes}
    rows = [_row(document, each, before) for each in document["payouts"]]
    listed = {row.owed_to for row in rows}
    rows += [
        _without_share(whom, Mutez(int(amount)), before.get(whom, Mutez(0)))
        for whom, amount in document["released"].items()
    ]
    listed |= set(document["released"])
    gone = {whom: was for whom, was in before.items() if whom not in listed}
    rows += [_without_share(whom, Mutez(0), was) for whom, was in gone.items()]
    return sorted(rows, key=lambda row: (-row.due, -row.net, -row.before, row.owed_to))


def _row(
    document: Mapping[str, Any], payout: Mapping[str, Any], before: Mapping[str, Mutez]
) -> SimulatedRow:
    whom = payout["owed_to"]
    is_carried = payout["is_carried"]
    return SimulatedRow(
        owed_to=whom,
        why=_why(document, payout),
        delegated_balance=Mutez(int(payout["delegated_balance"])),
        gross=Mutez(int(payout["gross"])),
        fee_basis_points=BasisPoints(payout["fee_basis_points"]),
        fee=Mutez(int(payout["fee"])),
        net=Mutez(int(payout["net"])),
        due=Mutez(0 if is_carried else int(payout["due"])),
        before=before.get(whom, Mutez(0)),
    )


def _why(document: Mapping[str, Any], payout: Mapping[str, Any]) -> str:
    whom = payout["owed_to"]
    fee = format_percentage(BasisPoints(payout["fee_basis_points"]))
    own = document["rules"]["fees_basis_points"]
    reasons = [_share(document, payout), f"{'own' if whom in own else 'default'} fee of {fee} %"]
    if payout["is_carried"]:
        reasons.append("below the minimum: carried to the next cycle")
    elif int(payout["carried_in"]):
        reasons.append("with what was carried from earlier cycles")
    if whom in document["over_payout_cap"]:
        reasons.append("held: over the cap of a recipient")
    return ", ".join(reasons)


def _share(document: Mapping[str, Any], payout: Mapping[str, Any]) -> str:
    external = int(document["pool"]) - int(document["own_part"])
    hundredths = int(payout["gross"]) * WHOLE // external if external else 0
    share = format_percentage(BasisPoints(hundredths)) if hundredths else "less than 0.01"
    return f"{share} % of what is shared"


def _without_share(whom: str, due: Mutez, before: Mutez) -> SimulatedRow:
    return SimulatedRow(
        owed_to=whom,
        why="left, but something was carried for it" if due else "left: nothing this cycle",
        delegated_balance=Mutez(0),
        gross=Mutez(0),
        fee_basis_points=BasisPoints(0),
        fee=Mutez(0),
        net=Mutez(0),
        due=due,
        before=before,
    )
