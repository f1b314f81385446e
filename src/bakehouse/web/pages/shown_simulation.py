"""A stored simulation as a person reads it: sums, and each recipient with the reason for it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bakehouse.desk.changes import ChangeKind
from bakehouse.desk.rule_sheet import RuleSheet, rule_sheet
from bakehouse.desk.simulation import Simulation
from bakehouse.ledger.bakers import Baker
from bakehouse.rewards.money import NO_MUTEZ, WHOLE, BasisPoints, Mutez, format_percentage
from bakehouse.rewards.payout_kind import INCOME_KINDS, PayoutKind
from bakehouse.rewards.plan_values import CarryReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRow:
    """One payout, in mutez; `before` is what the compared cycle gave its recipient in all."""

    owed_to: str
    kind: PayoutKind
    #: Where it would be sent, when that is elsewhere.
    sent_to: str
    why: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    due: Mutez
    #: What it is expected to bear of its transfer's cost.
    cost_borne: Mutez
    #: None for what is told with the recipient's first payout.
    before: Mutez | None
    change: Mutez | None


@dataclass(frozen=True, slots=True)
class SimulatedExclusions:
    """How many would be excluded for one reason, and what their shares add up to, in mutez."""

    reason: str
    share_goes_to: str
    count: int
    gross: Mutez


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
    excluded_kept: Mutez
    #: What named addresses would get of the income, by kind.
    income: Mapping[PayoutKind, Mutez]
    sheet: RuleSheet
    exclusions: Sequence[SimulatedExclusions]
    total_due_now: Mutez
    zero_payouts: int
    over_payout_cap: list[str]
    is_over_cycle_cap: bool
    #: Hooks that are asked when the cycle is planned in earnest, and may change it.
    hooks_to_ask: list[str]
    compared_with: int | None
    difference: Mutez
    new_count: int
    left_count: int
    changed_count: int
    rows: list[SimulatedRow]

    @property
    def adds_up(self) -> bool:
        """Whether the parts come to the pool, and the rows to what delegators get."""
        kept = self.own_part + self.total_fees + self.excluded_kept + self.dust
        parts = kept + self.total_net
        return parts == self.pool and sum(row.net for row in self.rows) == self.total_net

    @property
    def paid_count(self) -> int:
        """How many would get something now."""
        return len({row.owed_to for row in self.rows if row.due > 0})

    @property
    def carried_count(self) -> int:
        """How many wait for a later cycle."""
        return len({row.owed_to for row in self.rows if row.net > 0 and not row.due})


_CARRIED: Final = {
    CarryReason.INTERVAL: "not a paying cycle: carried to the next that is",
    CarryReason.MINIMUM: "below the minimum: carried to the next cycle",
    CarryReason.COST: "its transfer would cost it more: carried to the next cycle",
}


def shown(simulation: Simulation, baker: Baker) -> ShownSimulation:
    """Read a simulation's document for the page."""
    document, summary = simulation.document, simulation.summary
    rules = document["rules"]
    tried = (rules["default_fee_basis_points"], int(rules["minimum_payout"]))
    rows = _rows(simulation)
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
        hooks_to_ask=document.get("hooks_to_ask", []),
        compared_with=document["compared_with"],
        difference=summary.difference,
        new_count=summary.counts[ChangeKind.NEW],
        left_count=summary.counts[ChangeKind.LEFT],
        changed_count=summary.counts[ChangeKind.CHANGED],
        rows=rows,
        # Simulations that were kept before these were there have none of them.
        excluded_kept=Mutez(int(document.get("excluded_kept", "0"))),
        income=_income(rows),
        sheet=rule_sheet(rules),
        exclusions=_exclusions(document),
        **{name: Mutez(int(document[name])) for name in sums},
    )


def _rows(simulation: Simulation) -> list[SimulatedRow]:
    document = simulation.document
    before = {each.owed_to: each.before for each in simulation.changes}
    changed = {each.owed_to: each.difference for each in simulation.changes}
    bonds = sum(
        int(each["net"])
        for each in document["payouts"]
        if each.get("kind") == PayoutKind.BOND_SHARE
    )
    # The own part is what is left of it after the bond shares.
    shared = int(document["pool"]) - int(document["own_part"]) - bonds
    rows = [_row(document, each, shared) for each in document["payouts"]]
    listed = {row.owed_to for row in rows}
    reasons = {each["owed_to"]: each["reason"] for each in document.get("exclusions", ())}
    due = {whom: Mutez(int(amount)) for whom, amount in document["released"].items()}
    others = dict.fromkeys([*due, *(whom for whom in before if whom not in listed)])
    rows += [_without_share(whom, due.get(whom, NO_MUTEZ), reasons.get(whom)) for whom in others]
    rows.sort(key=lambda row: (-row.due, -row.net, -before.get(row.owed_to, 0), row.owed_to))
    return list(_compared(rows, before, changed))


def _compared(
    rows: Iterable[SimulatedRow], before: Mapping[str, Mutez], changed: Mapping[str, Mutez]
) -> Iterator[SimulatedRow]:
    """Put what a recipient got beside its first payout: it got that in all."""
    seen: set[str] = set()
    for row in rows:
        whom = row.owed_to
        if whom in seen:
            yield row
            continue
        seen.add(whom)
        yield replace(row, before=before.get(whom, NO_MUTEZ), change=changed.get(whom, NO_MUTEZ))


def _income(rows: Iterable[SimulatedRow]) -> Mapping[PayoutKind, Mutez]:
    sums: Counter[PayoutKind] = Counter()
    for row in rows:
        if row.kind in INCOME_KINDS:
            sums[row.kind] += row.net
    return {kind: Mutez(amount) for kind, amount in sorted(sums.items())}


def _exclusions(document: Mapping[str, Any]) -> list[SimulatedExclusions]:
    counts: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    for each in document.get("exclusions", ()):
        key = each["reason"], each["share_goes_to"]
        counts[key] += 1
        sums[key] += int(each["gross"])
    return [SimulatedExclusions(*key, counts[key], Mutez(sums[key])) for key in sorted(counts)]


def _row(document: Mapping[str, Any], payout: Mapping[str, Any], shared: int) -> SimulatedRow:
    whom = payout["owed_to"]
    is_carried, sent_to = payout["is_carried"], payout.get("address") or whom
    return SimulatedRow(
        owed_to=whom,
        kind=PayoutKind(payout.get("kind", PayoutKind.DELEGATOR)),
        sent_to=sent_to if sent_to != whom else "",
        why=_why(document, payout, shared),
        delegated_balance=Mutez(int(payout["delegated_balance"])),
        gross=Mutez(int(payout["gross"])),
        fee_basis_points=BasisPoints(payout["fee_basis_points"]),
        fee=Mutez(int(payout["fee"])),
        net=Mutez(int(payout["net"])),
        due=Mutez(0 if is_carried else int(payout["due"])),
        cost_borne=Mutez(int(payout.get("cost_borne", "0"))),
        before=None,
        change=None,
    )


def _why(document: Mapping[str, Any], payout: Mapping[str, Any], shared: int) -> str:
    whom = payout["owed_to"]
    fee = format_percentage(BasisPoints(payout["fee_basis_points"]))
    own = document["rules"]["fees_basis_points"]
    kind = payout.get("kind", PayoutKind.DELEGATOR)
    reasons = (
        [_share(payout, shared), f"{'own' if whom in own else 'default'} fee of {fee} %"]
        if kind == PayoutKind.DELEGATOR
        else ["of the baker's income"]
    )
    if payout["is_carried"]:
        reasons.append(_CARRIED[CarryReason(payout.get("carry_reason") or CarryReason.MINIMUM)])
    elif int(payout["carried_in"]):
        reasons.append("with what was carried from earlier cycles")
    if whom in document["over_payout_cap"]:
        reasons.append("held: over the cap of a recipient")
    return ", ".join(reasons)


def _share(payout: Mapping[str, Any], shared: int) -> str:
    hundredths = int(payout["gross"]) * WHOLE // shared if shared else 0
    share = format_percentage(BasisPoints(hundredths)) if hundredths else "less than 0.01"
    return f"{share} % of what is shared"


def _without_share(whom: str, due: Mutez, excluded_for: str | None) -> SimulatedRow:
    gone = f"not paid: {excluded_for}" if excluded_for else "left"
    return SimulatedRow(
        owed_to=whom,
        kind=PayoutKind.DELEGATOR,
        sent_to="",
        why=f"{gone}, but something was carried for it" if due else f"{gone}: nothing this cycle",
        delegated_balance=NO_MUTEZ,
        gross=NO_MUTEZ,
        fee_basis_points=BasisPoints(0),
        fee=NO_MUTEZ,
        net=NO_MUTEZ,
        due=due,
        cost_borne=NO_MUTEZ,
        before=None,
        change=None,
    )
