"""An auditor of payments: what was owed, what the blocks hold, and what the ledger says of both.

It shares no code with what it judges. Blocks are its only truth about money.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.split_json import split_json
from tests.faults.audit_findings import (
    Books,
    Complaints,
    Findings,
    Included,
    Moved,
    Row,
    detail_of,
    first_broken_event,
    grouped,
    hash_of,
    included_groups,
)
from tests.faults.audit_rules import (
    Owed,
    Settings,
    in_force,
    owed_to_delegators,
    owed_to_members,
    settings_history,
)
from tests.rewards.reference_plan import Surroundings

__all__ = ["Findings", "audit"]

_BLOCKS_ON_TOP: Final = 2
_EVERYBODY: Final = 10**9
_DISTRIBUTION_STATES: Final = frozenset(
    {"seen", "rewards_pending", "planned", "paying", "paid", "simulated", "failed"}
)
_OPERATION_STATES: Final = frozenset(
    {"signed", "injected", "included", "final", "dead", "quarantined"}
)
_IN_FLIGHT: Final = frozenset({"signed", "injected"})
#: Its payouts are still bound to it: it may yet pay them.
_UNDECIDED: Final = frozenset({"signed", "injected", "included", "quarantined"})
_BOUND: Final = frozenset({"assigned", "paid"})
_LIVE_PAYOUT_STATES: Final = frozenset({"owed", "assigned", "paid", "carried", "held", "dropped"})
#: A distribution in one of these keeps the later cycles waiting.
_IN_THE_WAY: Final = frozenset({"seen", "rewards_pending", "planned", "paying"})


def audit(
    chain: Chain,
    database: Path,
    *,
    at_rest: bool,
    foreign: Collection[str] = (),
    last_cycle: int | None = None,
) -> Findings:
    """Hold the ledger of one network against its chain.

    At rest every fault is over and everybody had the time to finish. `foreign` are hashes of what
    another tool sent with the payout key. Cycles after `last_cycle` need not be paid yet; without
    it, every cycle must be that the ledger knows.
    """
    case = _Case(chain, Books.read(database, chain.chain_id), at_rest, frozenset(foreign))
    case.last_cycle = case.last_known_cycle if last_cycle is None else last_cycle
    _check_trail(case)
    _check_plans(case)
    _check_operations(case)
    _check_money(case)
    _check_payouts(case)
    _check_distributions(case)
    return case.complaints.findings(len(case.payouts))


@dataclass
class _Case:
    """Everything that is looked at, in the order in which it is asked for."""

    chain: Chain
    books: Books
    at_rest: bool
    foreign: frozenset[str]
    last_cycle: int = 0
    complaints: Complaints = field(default_factory=Complaints)
    #: Ids of payouts that a transfer has reached of which the ledger does not know.
    reached: set[int] = field(default_factory=set)

    @cached_property
    def payouts(self) -> list[Row]:
        return [row for row in self.books.payouts if row["mode"] == "on"]

    @cached_property
    def payouts_by_transfer(self) -> dict[Any, list[Row]]:
        return grouped([row for row in self.payouts if row["transfer_id"]], "transfer_id")

    @cached_property
    def payouts_by_distribution(self) -> dict[Any, list[Row]]:
        return grouped(self.payouts, "distribution_id")

    @cached_property
    def transfers_by_operation(self) -> dict[Any, list[Row]]:
        return grouped(list(self.books.transfers.values()), "operation_id")

    @cached_property
    def operations_by_hash(self) -> dict[str, Row]:
        return {row["hash"]: row for row in self.books.operations.values()}

    @cached_property
    def events(self) -> dict[Any, list[Row]]:
        return grouped(self.books.events, "subject")

    @cached_property
    def sources(self) -> set[str]:
        """Every account that pays or has paid, whoever says so."""
        known = {row["source"] for row in self.books.operations.values()}
        known |= {row["payout_address"] for row in self.books.bakers}
        return known | {self.chain.world.payout_key.public_key.address}

    @cached_property
    def included(self) -> dict[str, Included]:
        return included_groups(self.chain, self.sources, self.foreign)

    @cached_property
    def applied_places(self) -> set[tuple[str, int]]:
        """Hash and position of every transfer of ours that a block applied."""
        return {
            (moved.operation_hash, moved.position)
            for included in self.included.values()
            for moved in included.moved
        }

    @cached_property
    def transfers_by_place(self) -> dict[tuple[int, int], Row]:
        rows = self.books.transfers.values()
        return {(row["operation_id"], row["position"]): row for row in rows}

    @cached_property
    def history(self) -> dict[str, list[Settings]]:
        """The settings of each baker, as the trail has them."""
        return {
            row["baker_id"]: settings_history(self.events.get(row["baker_id"], []))
            for row in self.books.bakers
        }

    @property
    def live_distributions(self) -> list[Row]:
        return [row for row in self.books.distributions.values() if row["mode"] == "on"]

    @property
    def last_known_cycle(self) -> int:
        return max((row["cycle"] for row in self.live_distributions), default=0)

    def is_applied(self, payout: Row) -> bool:
        """Tell whether the transfer that the payout is bound to is in a block, and applied."""
        transfer = self.books.transfers.get(payout["transfer_id"])
        if transfer is None:
            return False
        operation_hash = self.books.operations[transfer["operation_id"]]["hash"]
        return (operation_hash, transfer["position"]) in self.applied_places

    def blocks_on_top(self, included: Included) -> int:
        return self.chain.head.level - included.level

    def alerted(self, subject: str) -> bool:
        """Tell whether an open alert names the subject, other than for payouts held already."""
        return any(
            alert["subject"] == subject
            and alert["acknowledged_at"] is None
            and alert["code"] != "payout-held"
            for alert in self.books.alerts
        )


def _name(payout: Row) -> str:
    kind = "" if payout["kind"] == "delegator" else f" ({payout['kind']})"
    return f"cycle {payout['cycle']}{kind}, {payout['owed_to']}: {payout['net']} mutez"


def _key(row: Row) -> str:
    return f"{row['baker_id']}/{row['cycle']}/{row['kind']}/{row['mode']}"


def _total(payouts: Iterable[Row]) -> int:
    return sum(int(payout["net"]) for payout in payouts)


def _arriving(payouts: Iterable[Row]) -> int:
    """Sum what payouts bring their recipients, once they have borne what they bear of the cost."""
    return sum(int(payout["net"]) - int(payout["withheld"]) for payout in payouts)


# The trail


def _check_trail(case: _Case) -> None:
    say = case.complaints.broken.append
    broken = first_broken_event(case.books.events)
    if broken is not None:
        say(f"the audit trail is broken at event {broken}")
    for row in case.books.operations.values():
        _check_walk(case, row["hash"], "operation", row["state"], _OPERATION_STATES)
    for row in case.books.distributions.values():
        _check_walk(case, _key(row), "distribution", row["state"], _DISTRIBUTION_STATES)
    for baker in case.books.bakers:
        baker_id = baker["baker_id"]
        fees = {
            row["address"]: row["fee"] for row in case.books.fees if row["baker_id"] == baker_id
        }
        members = [row["address"] for row in case.books.members if row["baker_id"] == baker_id]
        history = case.history[baker_id]
        if not history or not history[-1].agrees_with(baker, fees, members):
            say(f"the settings of {baker_id} are not those that the audit trail ends with")


def _check_walk(case: _Case, subject: str, what: str, state: str, states: Collection[str]) -> None:
    """Make sure that every state on the way to the present one has its event."""
    say = case.complaints.broken.append
    if state not in states:
        say(f"{what} {subject} is in a state nobody knows: {state}")
    actions = {f"{what}.{each}": each for each in states}
    walked = [event for event in case.events.get(subject, []) if event["action"] in actions]
    if not walked or actions[walked[-1]["action"]] != state:
        say(f"{what} {subject} is {state}, and no last event of the audit trail says so")
    for before, after in pairwise(walked):
        left = detail_of(after).get("from", actions[before["action"]])
        if left != actions[before["action"]]:
            say(f"{what} {subject} became {left} without an event before event {after['id']}")


# The plans


def _check_plans(case: _Case) -> None:
    planned = []
    for row in case.live_distributions:
        if row["snapshot_sha256"] is None:
            if case.payouts_by_distribution.get(row["id"]):
                case.complaints.broken.append(f"{_key(row)} has payouts and was never planned")
            continue
        _check_evidence(case, row)
        planned.append((_plan_event(case, row), row))
    waiting: dict[tuple[str, str], list[Row]] = {}
    for event_id, row in sorted(planned, key=lambda each: each[0]):
        if row["kind"] == "delegators":
            _check_delegators_plan(case, row, event_id, waiting)
        else:
            _check_bond_plan(case, row, event_id)


def _plan_event(case: _Case, row: Row) -> int:
    events = [each for each in case.events.get(_key(row), []) if each["action"].endswith(".plan")]
    return int(events[-1]["id"]) if events else 0


def _check_evidence(case: _Case, row: Row) -> None:
    say = case.complaints.broken.append
    if sha256((row["snapshot"] or "").encode()).hexdigest() != row["snapshot_sha256"]:
        say(f"the evidence for the plan of {_key(row)} is not what it was planned from")
    figures = ("pool", "own_part", "total_fees", "total_net", "dust", "excluded_kept")
    event_id = _plan_event(case, row)
    told = [detail_of(each) for each in case.events.get(_key(row), []) if each["id"] == event_id]
    if [{name: row[name] for name in figures}] != [
        {name: each.get(name) for name in figures} for each in told
    ]:
        say(f"the audit trail tells other figures of the plan of {_key(row)} than the ledger")
    net = _total(case.payouts_by_distribution.get(row["id"], []))
    if net != row["total_net"]:
        say(f"the payouts of {_key(row)} add up to {net} mutez, its plan to {row['total_net']}")
    if row["pool"] != sum(row[name] for name in figures[1:5]):
        say(f"the parts of {_key(row)} do not add up to its pool")


def _check_delegators_plan(
    case: _Case, row: Row, event_id: int, waiting: dict[tuple[str, str], list[Row]]
) -> None:
    """Compare with what is owed by the settings that were in force while it was planned."""
    document = split_json(case.chain, row["cycle"], offset=0, limit=_EVERYBODY)
    if document is None:
        case.complaints.wrong_amount.append(f"{_key(row)} is of a cycle that never was")
        return
    then = _as_it_was(document, row)
    begun = [
        event["id"]
        for event in case.events.get(_key(row), [])
        if event["action"] == "distribution.rewards_pending" and event["id"] < event_id
    ]
    candidates = in_force(case.history[row["baker_id"]], begun[-1] if begun else 0, event_id)
    judged = []
    for settings in candidates or case.history[row["baker_id"]][-1:]:
        owed = owed_to_delegators(then, settings, _around(row, settings, waiting))
        said = _compare(case, row, owed)
        said.add(_compare_carried(case, row, owed, waiting))
        judged.append(said)
    if judged:
        case.complaints.add(min(judged, key=len))
    _carry_on(case, row, waiting)


def _as_it_was(document: Row, row: Row) -> Row:
    """Have accounts be empty that were when it was planned: the chain tells who is empty now."""
    evidence = json.loads(row["snapshot"]).get("rewards", {}).get("delegators", [])
    emptied = {each["address"]: each["emptied"] for each in evidence}
    return {
        **document,
        "delegators": [
            {**each, "emptied": emptied.get(each["address"], each["emptied"])}
            for each in document["delegators"]
        ],
    }


def _around(
    row: Row, settings: Settings, waiting: Mapping[tuple[str, str], list[Row]]
) -> Surroundings:
    expected = json.loads(row["snapshot"]).get("expected_costs", {})
    shares = [share.address for share in settings.rules.income]
    return Surroundings(
        carried={
            address: _total(rows)
            for (baker, address), rows in waiting.items()
            if baker == row["baker_id"]
        },
        transfer_fee=expected.get("fee", 0),
        burn=expected.get("burn", 0),
        staying=frozenset([*shares, *(member["address"] for member in settings.members)]),
    )


def _compare(case: _Case, row: Row, owed: Owed) -> Complaints:
    said = Complaints()
    for name, figure in owed.figures.items():
        if row[name] != figure:
            said.broken.append(f"{_key(row)}: {name} is {row[name]} mutez, not {figure}")
    by_payee: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for payout in case.payouts_by_distribution.get(row["id"], []):
        by_payee[payout["owed_to"], payout["kind"]].append(payout)
    for (address, role), share in owed.shares.items():
        rows = by_payee.pop((address, role), [])
        if share.net and not rows:
            sentence = f"cycle {row['cycle']}, {address}: {share.net} mutez are in no payout"
            said.wrong_amount.append(sentence)
            said.lost.extend([sentence] if case.at_rest else [])
        right = (share.balance, share.gross, share.fee_basis_points, share.fee, share.net)
        for payout in rows:
            names = ("delegated_balance", "gross", "fee_basis_points", "fee", "net")
            has = tuple(payout[name] for name in names)
            if has != right:
                said.wrong_amount.append(f"{_name(payout)}; {names} are {has}, not {right}")
        if len(rows) > 1:
            said.broken.append(f"{_name(rows[0])} is owed {len(rows)} times")
    for strangers in by_payee.values():
        said.wrong_amount.extend(f"{_name(each)}, and nothing is owed" for each in strangers)
    return said


def _goes_with(payout: Row, row: Row) -> bool:
    return bool(payout["state"] != "carried" and payout["paid_with_id"] == row["id"])


def _compare_carried(
    case: _Case, row: Row, owed: Owed, waiting: dict[tuple[str, str], list[Row]]
) -> Complaints:
    """Make sure that what the rules let wait waits, and that nothing else does."""
    said = Complaints()
    rows = grouped(case.payouts_by_distribution.get(row["id"], []), "owed_to")
    carried = {address for baker, address in waiting if baker == row["baker_id"]}
    for address in {*rows, *carried}:
        together = [*waiting.get((row["baker_id"], address), []), *rows.get(address, [])]
        is_due = owed.sent is None or address in owed.sent
        costs_more = any(_costs_more(case, each, row) for each in together)
        for payout in together:
            if is_due and case.at_rest and not _goes_with(payout, row) and not costs_more:
                said.lost.append(f"{_name(payout)} waits, though {_key(row)} is to pay it")
            if not is_due and _goes_with(payout, row):
                said.wrong_amount.append(f"{_name(payout)} is paid with {_key(row)}, and not due")
    return said


def _costs_more(case: _Case, payout: Row, row: Row) -> bool:
    """Tell whether it was let wait because its transfer would have cost its recipient all of it."""
    return bool(payout["bears_fee"] or payout["bears_burn"]) and any(
        payout["id"] in detail_of(event).get("payouts", [])
        for event in case.events.get(_key(row), [])
        if event["action"] == "payouts.carried"
    )


def _carry_on(case: _Case, row: Row, waiting: dict[tuple[str, str], list[Row]]) -> None:
    for payout in case.payouts_by_distribution.get(row["id"], []):
        waiting.setdefault((row["baker_id"], payout["owed_to"]), []).append(payout)
    for payee, payouts in list(waiting.items()):
        left = [payout for payout in payouts if not _goes_with(payout, row)]
        if left:
            waiting[payee] = left
        else:
            del waiting[payee]


def _check_bond_plan(case: _Case, row: Row, event_id: int) -> None:
    delegators = [
        each
        for each in case.live_distributions
        if each["kind"] == "delegators"
        and (each["baker_id"], each["cycle"]) == (row["baker_id"], row["cycle"])
    ]
    if not delegators or delegators[0]["snapshot_sha256"] is None:
        case.complaints.broken.append(f"{_key(row)} was planned before its delegators")
        return
    pool = delegators[0]["pool"] - delegators[0]["total_net"]
    settings = in_force(case.history[row["baker_id"]], event_id, event_id)
    if settings and settings[0].members:
        case.complaints.add(_compare(case, row, owed_to_members(pool, settings[0].members)))
    elif row["pool"] != pool:
        case.complaints.broken.append(f"{_key(row)}: pool is {row['pool']} mutez, not {pool}")


# The operations


def _check_operations(case: _Case) -> None:
    for row in case.books.operations.values():
        _check_bytes(case, row)
        _check_inclusion(case, row)
        _check_bindings(case, row)
        if case.books.distributions[row["distribution_id"]]["mode"] != "on":
            case.complaints.broken.append(f"{row['hash']} was signed for a simulation")
    for rows in grouped(list(case.books.operations.values()), "source").values():
        _check_in_flight(case, rows)
        _check_counters(case, rows)


def _kind(operation: Row) -> str:
    return str(operation.get("kind", "payout"))


def _check_bytes(case: _Case, row: Row) -> None:
    if hash_of(row["signed_bytes"]) != row["hash"]:
        case.complaints.broken.append(f"the bytes of {row['hash']} are those of another operation")
    included = case.included.get(row["hash"])
    if included is None:
        return
    group, say = included.signed.group, case.complaints.drift.append
    signed = included.signed
    if len(row["signed_bytes"]) != signed.size or row["signed_bytes"][-64:] != signed.signature:
        say(f"{row['hash']} was included with other bytes than the ledger has")
    first = group.contents[0]
    in_block = {
        "source": first.source,
        "counter_first": first.counter,
        "content_count": len(group.contents),
        "total_fee": sum(int(content.fee) for content in group.contents),
        "branch": group.branch,
    }
    for name, value in in_block.items():
        if row[name] != value:
            say(f"{row['hash']} has {name} {value} in its block, {row[name]} in the ledger")
    in_ledger = {
        each["position"]: (each["destination"], each["amount"], each["fee"])
        for each in case.transfers_by_operation.get(row["id"], [])
    }
    transfers = {
        place: (each.destination, int(each.amount), int(each.fee))
        for place, each in included.transfers.items()
    }
    if _kind(row) == "payout" and in_ledger != transfers:
        say(f"{row['hash']} makes other transfers in its block than in the ledger")


def _check_inclusion(case: _Case, row: Row) -> None:
    say, included, state = (
        case.complaints.drift.append,
        case.included.get(row["hash"]),
        row["state"],
    )
    has = (row["included_level"], row["included_block"], row["applied"])
    if state not in ("included", "final"):
        if any(value is not None for value in has):
            case.complaints.broken.append(f"{row['hash']} is {state} and says where: {has}")
        if included and (state == "dead" or case.at_rest):
            say(f"{row['hash']} is {state}, and in block {included.block} at {included.level}")
        return
    is_there = included is not None and has == (included.level, included.block, included.applied)
    if not is_there and (state == "final" or case.at_rest):
        say(f"{row['hash']} is {state}, and the chain does not have it so: {has}")
    elif state == "included" and case.at_rest:
        say(f"{row['hash']} is in a block, and never became final")
    elif state == "final" and included and case.blocks_on_top(included) < _BLOCKS_ON_TOP:
        say(f"{row['hash']} is final with {case.blocks_on_top(included)} blocks on top")


def _check_bindings(case: _Case, row: Row) -> None:
    """Make sure that each transfer settles what it moves, as long as it may."""
    say = case.complaints.broken.append
    transfers = case.transfers_by_operation.get(row["id"], [])
    if _kind(row) == "payout" and not 0 <= row["content_count"] - len(transfers) <= 1:
        say(f"{row['hash']} has {row['content_count']} contents, {len(transfers)} transfers")
    is_settled = row["state"] == "final" and bool(row["applied"])
    for transfer in transfers:
        payouts = case.payouts_by_transfer.get(transfer["id"], [])
        names = ", ".join(map(_name, payouts))
        if payouts and _kind(row) != "payout":
            say(f"{row['hash']} is a {_kind(row)}, and is to pay {names}")
        elif payouts and not is_settled and row["state"] not in _UNDECIDED:
            say(f"{row['hash']} is {row['state']} and pays nobody, but has {names}")
        elif not payouts and (is_settled or row["state"] in _UNDECIDED) and _kind(row) == "payout":
            say(f"{row['hash']} pays {transfer['amount']} mutez that no payout asks for")
        elif payouts and _arriving(payouts) != transfer["amount"]:
            case.complaints.wrong_amount.append(
                f"{row['hash']} pays {transfer['amount']} mutez for {names}"
            )
        for payout in payouts:
            if payout["address"] != transfer["destination"]:
                say(f"{_name(payout)} is bound to a transfer to {transfer['destination']}")
            if (payout["state"] == "paid") != is_settled:
                say(f"{_name(payout)} is {payout['state']}, its {row['hash']} {row['state']}")


def _check_in_flight(case: _Case, rows: list[Row]) -> None:
    """Allow one, besides those that a reorganisation has taken out of a block."""
    new = [
        row["hash"]
        for row in rows
        if row["state"] in _IN_FLIGHT
        and _kind(row) == "payout"
        and not any(
            event["action"] == "operation.included" for event in case.events.get(row["hash"], [])
        )
    ]
    if len(new) > 1:
        case.complaints.broken.append(f"{len(new)} operations are in flight: {', '.join(new)}")


def _check_counters(case: _Case, rows: list[Row]) -> None:
    living = sorted(
        (row["counter_first"], row["counter_first"] + row["content_count"], row["hash"])
        for row in rows
        if row["state"] != "dead" and _kind(row) == "payout"
    )
    for (_, end, before), (first, _, after) in pairwise(living):
        if first < end:
            case.complaints.broken.append(f"{before} and {after} both use counter {first}")


# The money


def _check_money(case: _Case) -> None:
    """Judge by the blocks alone where money went, and who got more than is owed."""
    settled: dict[str, list[tuple[Moved, list[Row]]]] = defaultdict(list)
    strays: list[Moved] = []
    for included in case.included.values():
        operation = case.operations_by_hash.get(included.signed.hash)
        if operation is None:
            case.complaints.drift.append(
                f"{included.signed.hash} is in block {included.block}, and not in the ledger"
            )
        _check_contents(case, included)
        for moved in included.moved:
            payouts = _settled_by(case, operation, moved)
            if payouts:
                settled[moved.destination].append((moved, payouts))
            elif not _is_cancellation(operation, moved):
                strays.append(moved)
    accused = {moved.destination for moved in strays if _judge_stray(case, moved, settled)}
    _check_sums(case, settled, strays, accused)


def _check_contents(case: _Case, included: Included) -> None:
    for content in included.signed.group.contents:
        if type(content).__name__ not in ("Transaction", "Reveal"):
            case.complaints.unplanned.append(
                f"{included.signed.hash} holds a {type(content).__name__}, which nobody asked for"
            )


def _settled_by(case: _Case, operation: Row | None, moved: Moved) -> list[Row]:
    place = (operation["id"], moved.position) if operation else None
    transfer = case.transfers_by_place.get(place) if place else None
    payouts = case.payouts_by_transfer.get(transfer["id"], []) if transfer else []
    names = ", ".join(map(_name, payouts))
    if payouts and _arriving(payouts) != moved.amount:
        case.complaints.wrong_amount.append(f"{moved}, for {names}")
    if any(payout["address"] != moved.destination for payout in payouts):
        case.complaints.unplanned.append(f"{moved}, for {names}")
    return payouts


def _is_cancellation(operation: Row | None, moved: Moved) -> bool:
    to_itself = moved.source == moved.destination
    return operation is not None and _kind(operation) == "cancel" and to_itself


def _judge_stray(
    case: _Case, moved: Moved, settled: dict[str, list[tuple[Moved, list[Row]]]]
) -> bool:
    """Say what a transfer is that the ledger binds nothing to; true if it pays somebody again."""
    for before, payouts in settled[moved.destination]:
        if moved.amount == before.amount:
            names = ", ".join(map(_name, payouts))
            case.complaints.paid_twice.append(f"{names}; paid by {before} and again by {moved}")
            return True
    open_rows = [
        payout
        for payout in case.payouts
        if payout["address"] == moved.destination
        and payout["state"] != "dropped"
        and payout["id"] not in case.reached
        and not case.is_applied(payout)
    ]
    matching = [payout for payout in open_rows if payout["net"] == moved.amount][:1]
    if not matching and open_rows and _total(open_rows) == moved.amount:
        matching = open_rows
    if matching:
        case.reached.update(payout["id"] for payout in matching)
        settled[moved.destination].append((moved, matching))
        names = ", ".join(map(_name, matching))
        case.complaints.drift.append(f"{names}; paid by {moved}, and the ledger does not know")
    else:
        case.complaints.unplanned.append(f"{moved}: no payout asks for it")
    return False


def _check_sums(
    case: _Case,
    settled: dict[str, list[tuple[Moved, list[Row]]]],
    strays: list[Moved],
    accused: Collection[str],
) -> None:
    got: Counter[str] = Counter()
    hashes: dict[str, list[str]] = defaultdict(list)
    moves = [moved for each in settled.values() for moved, _ in each] + strays
    for moved in dict.fromkeys(moves):
        got[moved.destination] += moved.amount
        hashes[moved.destination].append(moved.operation_hash)
    owed: Counter[str] = Counter()
    for payout in case.payouts:
        owed[payout["address"]] += payout["net"] if payout["state"] != "dropped" else 0
    for address, amount in got.items():
        if amount > owed[address] > 0 and address not in accused:
            cycles = sorted({row["cycle"] for row in case.payouts if row["address"] == address})
            case.complaints.paid_twice.append(
                f"{address} got {amount} mutez by {', '.join(hashes[address])}; "
                f"the cycles {cycles} owe it {owed[address]}"
            )


# The payouts


def _check_payouts(case: _Case) -> None:
    for payout in case.books.payouts:
        if payout["mode"] != "on" and payout["state"] not in ("simulated", "carried"):
            case.complaints.broken.append(f"{_name(payout)} is simulated, and {payout['state']}")
    for payout in case.payouts:
        _check_state(case, payout)
        if case.at_rest and payout["cycle"] <= case.last_cycle:
            _check_rest(case, payout)
    seen = Counter(
        (row["baker_id"], row["cycle"], row["kind"], row["owed_to"]) for row in case.payouts
    )
    for (_, cycle, kind, owed_to), times in seen.items():
        if times > 1:
            case.complaints.broken.append(f"cycle {cycle}, {kind} {owed_to} is owed {times} times")


def _check_state(case: _Case, payout: Row) -> None:
    say, state = case.complaints.broken.append, payout["state"]
    if state not in _LIVE_PAYOUT_STATES:
        say(f"{_name(payout)} is in a state it cannot be in: {state}")
    if (state in _BOUND) != (payout["transfer_id"] is not None):
        say(f"{_name(payout)} is {state} with transfer {payout['transfer_id']}")
    elif state in _BOUND and payout["transfer_id"] not in case.books.transfers:
        say(f"{_name(payout)} is {state} by a transfer that is not there")
    if state == "paid" and not case.is_applied(payout):
        sentence = f"{_name(payout)} is paid, and no block holds its transfer"
        case.complaints.drift.append(sentence)
        # Nobody looks at what is paid any more.
        case.complaints.lost.extend([sentence] if case.at_rest else [])
    if state == "dropped" and not _was_dropped(case, payout):
        say(f"{_name(payout)} is dropped, and no event says by whom")
    paid_with = case.books.distributions.get(payout["paid_with_id"])
    planned_in = case.books.distributions.get(payout["distribution_id"])
    # What a bond-pool member is owed may wait for a cycle that pays, with the delegators' then.
    was_carried = paid_with is not planned_in and payout["kind"] == "bond-member"
    same = ("baker_id", "mode") if was_carried else ("baker_id", "mode", "kind")
    if not paid_with or not planned_in or any(paid_with[each] != planned_in[each] for each in same):
        say(f"{_name(payout)} is to be paid with another baker's or kind's distribution")
    elif paid_with["state"] == "paid" and state in ("owed", "assigned"):
        say(f"{_name(payout)} is {state}, and {_key(paid_with)} is paid")


def _was_dropped(case: _Case, payout: Row) -> bool:
    """Tell whether an event names the payout: by payee and cycle, or by its id."""
    for event in case.books.events:
        if event["action"] == "payout.dropped":
            said = f"{event['subject']} {event['detail']}"
            by_name = payout["owed_to"] in said and str(payout["cycle"]) in said
            if by_name or payout["id"] in _numbers(detail_of(event)):
                return True
    return False


def _numbers(detail: Row) -> set[int]:
    """Give every number that a detail holds, alone or in a list."""
    values = [each if isinstance(each, list) else [each] for each in detail.values()]
    return {number for each in values for number in each if isinstance(number, int)}


def _check_rest(case: _Case, payout: Row) -> None:
    """Make sure that nobody is forgotten: paid on chain, or waiting with a reason."""
    say, state = case.complaints.lost.append, payout["state"]
    if payout["id"] in case.reached or (state == "dropped" and _was_dropped(case, payout)):
        return
    if state == "paid" and not case.is_applied(payout):
        say(f"{_name(payout)} is said to be paid, and never arrived")
    elif state == "held" and not payout["reason"]:
        say(f"{_name(payout)} is held without a reason")
    elif state == "assigned" and case.is_applied(payout):
        case.complaints.drift.append(f"{_name(payout)} is paid on chain, and still assigned")
    elif state in ("owed", "assigned", "dropped") and not _is_excused(case, payout):
        say(f"{_name(payout)} is {state}, and nothing says why")


def _is_excused(case: _Case, payout: Row) -> bool:
    paid_with = case.books.distributions.get(payout["paid_with_id"])
    return _is_bound_to_parked(case, payout) or (
        paid_with is not None and _is_parked(case, paid_with)
    )


def _is_bound_to_parked(case: _Case, payout: Row) -> bool:
    transfer = case.books.transfers.get(payout["transfer_id"])
    return transfer is not None and _is_operation_parked(
        case, case.books.operations[transfer["operation_id"]]
    )


def _is_operation_parked(case: _Case, operation: Row) -> bool:
    return operation["state"] == "quarantined" or (
        operation["state"] in _IN_FLIGHT and case.alerted(operation["hash"])
    )


def _is_parked(case: _Case, row: Row) -> bool:
    """Tell whether a person can see why a distribution does not go on."""
    baker = next(each for each in case.books.bakers if each["baker_id"] == row["baker_id"])
    if baker["mode"] != "on" or _waits_itself(case, row):
        return True
    if any(
        _is_operation_parked(case, each)
        for each in case.books.operations.values()
        if each["source"] == baker["payout_address"]
    ):
        return True
    return any(
        _waits_itself(case, each)
        for each in case.live_distributions
        if each["state"] in _IN_THE_WAY
        and each["cycle"] < row["cycle"]
        and (each["baker_id"], each["kind"]) == (row["baker_id"], row["kind"])
    )


def _waits_itself(case: _Case, row: Row) -> bool:
    return row["state"] != "paid" and (bool(row["message"]) or case.alerted(_key(row)))


# The distributions


def _check_distributions(case: _Case) -> None:
    if not case.at_rest:
        return
    for row in case.live_distributions:
        is_open = row["state"] in _IN_THE_WAY or (row["state"] == "failed" and not row["message"])
        if is_open and row["cycle"] <= case.last_cycle and not _is_parked(case, row):
            case.complaints.lost.append(f"{_key(row)} is {row['state']}, and nothing says why")
    for baker in case.books.bakers:
        if baker["mode"] == "on":
            _check_gaps(case, baker)
            _check_bond_pools(case, baker)


def _check_gaps(case: _Case, baker: Row) -> None:
    known = _cycles(case, baker, "delegators", lambda _: True)
    for cycle in range(baker["first_cycle"], case.last_cycle + 1):
        if cycle not in known:
            case.complaints.lost.append(f"cycle {cycle} of {baker['baker_id']} is in no ledger")


def _check_bond_pools(case: _Case, baker: Row) -> None:
    """Make sure that a bond pool follows wherever there was one when delegators were settled."""
    known = _cycles(case, baker, "bond_pool", lambda _: True)
    paid = _cycles(case, baker, "delegators", lambda row: bool(row["state"] == "paid"))
    for cycle, row in paid.items():
        event = next(
            (each for each in case.events.get(_key(row), []) if each["action"].endswith(".paid")),
            {"id": 0},
        )
        settings = in_force(case.history[baker["baker_id"]], event["id"], event["id"])
        has_pool = settings and settings[0].bond_pool_enabled and settings[0].members
        if has_pool and cycle not in known and cycle <= case.last_cycle:
            case.complaints.lost.append(f"the bond pool of cycle {cycle} was never entered")


def _cycles(case: _Case, baker: Row, kind: str, condition: Callable[[Row], bool]) -> dict[int, Row]:
    return {
        row["cycle"]: row
        for row in case.live_distributions
        if row["baker_id"] == baker["baker_id"] and row["kind"] == kind and condition(row)
    }
