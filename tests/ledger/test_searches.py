"""What people look for in the ledger is found, in order, page by page, and nothing of others."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import InputError, NotFoundError, SettingError
from bakehouse.ledger import (
    audit,
    audit_search,
    bakers,
    delegator_fees,
    distributions,
    operation_search,
    operations,
    payout_rules,
    payout_search,
    payouts,
    simulations,
    waiting,
)
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.audit_search import AuditFilter
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.operation_search import OperationFilter
from bakehouse.ledger.page import LIMIT_MAX, OFFSET_MAX, Slice
from bakehouse.ledger.payout_search import PayoutFilter
from bakehouse.ledger.simulations import KEPT_MAX, SimulationHead, StoredSimulation
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.rewards.money import BasisPoints
from tests.ledger.bakery import BAKER, NETWORK, NOW, Bakery, key_of

OTHER = "tz1-other"
FIRST, SECOND = {"tz1-ann": 30, "tz1-bob": 20, "tz1-cyd": 10}, {"tz1-ann": 3, "tz1-Dan_%": 5}


async def add_other(tx: AsyncConnection) -> None:
    baker = Baker(baker_id=OTHER, network=NETWORK, payout_address=OTHER, first_cycle=1)
    await bakers.add(tx, baker, actor="test", at=NOW)


async def two_cycles(bakery: Bakery) -> None:
    """The first is signed, the second only planned."""
    await bakery.sign(await bakery.plan(FIRST, 750), 1)
    await bakery.plan(SECOND, 751)


@pytest.mark.parametrize(
    ("offset", "limit"), [(-1, 1), (OFFSET_MAX + 1, 1), (0, 0), (0, LIMIT_MAX + 1)]
)
def test_a_page_out_of_bounds_cannot_be_asked_for(offset: int, limit: int) -> None:
    with pytest.raises(InputError, match="a page"):
        Slice(offset, limit)


async def test_payouts_come_newest_cycle_first_and_largest_first_by_page(bakery: Bakery) -> None:
    await two_cycles(bakery)
    wanted = PayoutFilter(baker_id=BAKER)
    seen: list[tuple[int, int]] = []
    offset: int | None = 0

    async with bakery.ledger.read() as tx:
        while offset is not None:
            page = await payout_search.page(tx, wanted, Slice(offset, 2))
            seen += [(each.payout.cycle, each.payout.net) for each in page.rows]
            offset = page.next_offset
        sums = await payout_search.sums(tx, wanted)

    assert seen == [(751, 5), (751, 3), (750, 30), (750, 20), (750, 10)]
    assert (sums.count, sums.net) == (5, 68)
    assert sums.gross == sums.net + sums.fee


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (PayoutFilter(baker_id=BAKER, cycle=750), {"tz1-ann", "tz1-bob", "tz1-cyd"}),
        (PayoutFilter(baker_id=BAKER, states={PayoutState.OWED}), {"tz1-ann", "tz1-Dan_%"}),
        (PayoutFilter(baker_id=BAKER, search="ANN"), {"tz1-ann"}),
        (PayoutFilter(baker_id=BAKER, search="n_%"), {"tz1-Dan_%"}),
        (PayoutFilter(baker_id=BAKER, search="%"), {"tz1-Dan_%"}),
        (PayoutFilter(baker_id=BAKER, search="_"), {"tz1-Dan_%"}),
        (PayoutFilter(baker_id=BAKER, search="\0\ud800"), set()),
        (PayoutFilter(baker_id=BAKER, kind=DistributionKind.BOND_POOL), set()),
        (PayoutFilter(baker_id=BAKER, mode=Mode.SIMULATION), set()),
        (PayoutFilter(baker_id=OTHER), set()),
    ],
)
async def test_a_filter_finds_what_fits_and_sums_that(
    bakery: Bakery, wanted: PayoutFilter, found: set[str]
) -> None:
    await two_cycles(bakery)

    async with bakery.ledger.read() as tx:
        page = await payout_search.page(tx, wanted, Slice())
        sums = await payout_search.sums(tx, wanted)

    assert {each.payout.owed_to for each in page.rows} == found
    assert sums.count == len(page.rows)
    assert sums.net == sum(each.payout.net for each in page.rows)


async def test_a_found_payout_names_the_operation_that_pays_it(bakery: Bakery) -> None:
    await two_cycles(bakery)

    async with bakery.ledger.read() as tx:
        page = await payout_search.page(tx, PayoutFilter(baker_id=BAKER, search="ann"), Slice())

    assert [(each.payout.cycle, each.operation_hash) for each in page.rows] == [
        (751, None),
        (750, "oo-1"),
    ]


async def test_operations_are_found_with_their_cycle_sums_and_answers(bakery: Bakery) -> None:
    await two_cycles(bakery)
    async with bakery.ledger.write() as tx:
        operation = await operations.find(tx, "oo-1")
        assert operation is not None
        await operations.record_attempt(tx, operation, at=NOW, node="a node", answer="accepted")

    async with bakery.ledger.read() as tx:
        wanted = OperationFilter(baker_id=BAKER, cycle=750, states={OperationState.SIGNED})
        (found,) = (await operation_search.page(tx, wanted, Slice())).rows
        nothing = [
            await operation_search.page(tx, replace(wanted, cycle=751), Slice()),
            await operation_search.page(tx, replace(wanted, baker_id=OTHER), Slice()),
            await operation_search.page(tx, replace(wanted, states={OperationState.DEAD}), Slice()),
        ]
        others = await operation_search.find(tx, OTHER, "oo-1")
        (attempt,) = await operation_search.attempts_of(tx, found.operation.id)

    assert (found.operation.hash, found.cycle, found.kind) == ("oo-1", 750, "delegators")
    assert (found.transfers.count, found.transfers.amount) == (3, 60)
    assert [page.rows for page in nothing] == [[], [], []]
    assert others is None
    assert (attempt.node, attempt.answer) == ("a node", "accepted")


async def test_the_audit_trail_is_read_backwards_page_by_page(bakery: Bakery) -> None:
    await two_cycles(bakery)
    seen: list[int] = []
    before: int | None = None

    async with bakery.ledger.read() as tx:
        whole = await audit_search.page(tx, AuditFilter(), limit=1000)
        while True:
            page = await audit_search.page(tx, AuditFilter(), limit=3, before=before)
            seen += [each.id for each in page.events]
            before = page.next_before
            if before is None:
                break

    assert seen == [each.id for each in whole.events] == sorted(seen, reverse=True)
    assert whole.next_before is None


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        (AuditFilter(actor="ANN"), {"s1", "s2"}),
        (AuditFilter(action="fees."), {"s1"}),
        (AuditFilter(action="ees."), set()),
        (AuditFilter(subject="2"), {"s2"}),
        (AuditFilter(actor="user:ann", since=NOW + timedelta(hours=1)), {"s2"}),
        (AuditFilter(actor="user:ann", until=NOW + timedelta(hours=1)), {"s1"}),
    ],
)
async def test_the_audit_trail_is_filtered(
    bakery: Bakery, wanted: AuditFilter, subjects: set[str]
) -> None:
    async with bakery.ledger.write() as tx:
        for number, action in ((1, "fees.changed"), (2, "baker.changed")):
            at = NOW + timedelta(hours=number - 1)
            await audit.record(tx, AuditEvent(at, "user:ann", action, f"s{number}", {"n": number}))

    async with bakery.ledger.read() as tx:
        page = await audit_search.page(tx, wanted, limit=100)

    assert {each.event.subject for each in page.events} == subjects


async def test_who_sees_one_baker_reads_of_no_other_and_of_no_people(bakery: Bakery) -> None:
    await two_cycles(bakery)
    async with bakery.ledger.write() as tx:
        await add_other(tx)
        # Somebody who took a baker's name.
        await audit.record(tx, AuditEvent(NOW, "cli:root", "user.added", BAKER, {}))

    async with bakery.ledger.read() as tx:
        own = await audit_search.page(tx, AuditFilter(bakers={BAKER}), limit=1000)
        others = await audit_search.page(tx, AuditFilter(bakers={OTHER}), limit=1000)
        none = await audit_search.page(tx, AuditFilter(bakers=frozenset()), limit=1000)

    told = {(each.event.action, each.event.subject) for each in own.events}
    assert ("operation.signed", "oo-1") in told
    assert ("baker.added", BAKER) in told
    assert ("distribution.planned", f"{BAKER}/750/delegators/on") in told
    assert not any(action == "user.added" or OTHER in subject for action, subject in told)
    assert [each.event.subject for each in others.events] == [OTHER]
    assert none.events == []


async def test_fees_are_set_merged_removed_and_found(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        for fees in ({"tz1-ann": 500, "tz1-bob": 0}, {"tz1-bob": 10_000, "tz1-cyd": 5}):
            typed = {address: BasisPoints(fee) for address, fee in fees.items()}
            await delegator_fees.change(tx, BAKER, typed, actor="user:ann", at=NOW)
        await delegator_fees.remove(tx, BAKER, "tz1-ann", actor="user:ann", at=NOW)

    async with bakery.ledger.read() as tx:
        assert await payout_rules.fees(tx, BAKER) == {"tz1-bob": 10_000, "tz1-cyd": 5}
        page = await delegator_fees.page(tx, BAKER, Slice(0, 1))
        assert ([row.address for row in page.rows], page.next_offset) == (["tz1-bob"], 1)
        found = await delegator_fees.page(tx, BAKER, Slice(), search="CY")
        assert [(row.address, row.fee) for row in found.rows] == [("tz1-cyd", 5)]
        assert await delegator_fees.count(tx, BAKER, search="tz1") == 2
        events = (await audit_search.page(tx, AuditFilter(action="fees."), limit=3)).events
    assert [each.event.detail for each in events] == [
        {"before": {"tz1-ann": 500}, "after": {}},
        {"before": {"tz1-bob": 0}, "after": {"tz1-bob": 10_000, "tz1-cyd": 5}},
        {"before": {}, "after": {"tz1-ann": 500, "tz1-bob": 0}},
    ]


async def test_what_cannot_be_a_fee_changes_nothing(bakery: Bakery) -> None:
    fees = {"tz1-bob": BasisPoints(1), "tz1-ann": BasisPoints(10_001)}
    async with bakery.ledger.write() as tx:
        with pytest.raises(SettingError, match="tz1-ann"):
            await delegator_fees.change(tx, BAKER, fees, actor="a", at=NOW)
        with pytest.raises(NotFoundError, match="default fee"):
            await delegator_fees.remove(tx, BAKER, "tz1-ann", actor="a", at=NOW)
        with pytest.raises(NotFoundError):
            await delegator_fees.change(tx, OTHER, {}, actor="a", at=NOW)
        assert await payout_rules.fees(tx, BAKER) == {}


async def test_a_simulation_is_kept_once_under_its_hash(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        first = await simulations.store(tx, simulation("aa", minutes=0, made_by="user:ann"))
        again = await simulations.store(tx, simulation("aa", minutes=1, made_by="user:bob"))
        assert again == first == await simulations.get(tx, BAKER, "aa")
        await add_other(tx)
        with pytest.raises(NotFoundError):
            await simulations.get(tx, OTHER, "aa")
        with pytest.raises(NotFoundError):
            await simulations.get(tx, BAKER, "ab")


async def test_the_oldest_simulations_go_when_there_are_too_many(bakery: Bakery) -> None:
    async with bakery.ledger.write() as tx:
        for number in range(KEPT_MAX + 3):
            await simulations.store(tx, simulation(f"{number:02}", minutes=number))
        page = await simulations.page(tx, BAKER, Slice())

    kept = [head.sha256 for head in page.rows]
    assert kept == [f"{number:02}" for number in range(KEPT_MAX + 2, 2, -1)]


def simulation(sha256: str, *, minutes: int, made_by: str = "test") -> StoredSimulation:
    head = SimulationHead(sha256, BAKER, 750, made_by, NOW + timedelta(minutes=minutes))
    return StoredSimulation(head, "{}")


async def test_everything_that_waits_is_found_and_only_of_the_bakers_asked_for(
    bakery: Bakery,
) -> None:
    signed = await bakery.sign(await bakery.plan(FIRST, 750), 1)
    await bakery.lead(signed, OperationState.INJECTED, OperationState.QUARANTINED)
    planned = await bakery.plan(SECOND, 751)
    async with bakery.ledger.write() as tx:
        owed = await payouts.in_state(tx, planned, PayoutState.OWED)
        await payouts.hold(tx, [row.id for row in owed], "seems paid")
        failed = await distributions.ensure(tx, key_of(752), at=NOW)
        await distributions.enter_state(tx, failed, DistributionState.FAILED, at=NOW, message="m")
        old = await distributions.ensure(tx, key_of(752, mode=Mode.SIMULATION), at=NOW)
        await distributions.enter_state(tx, old, DistributionState.FAILED, at=NOW, message="m")

    async with bakery.ledger.read() as tx:
        for of in (None, {BAKER}):
            held = await waiting.held(tx, of, Slice(0, 1))
            assert [(baker, row.owed_to) for baker, row in held.rows] == [(BAKER, "tz1-Dan_%")]
            assert held.next_offset == 1
            assert await waiting.held_sums(tx, of) == (2, 8)
            # A simulation that failed is no matter while the baker is on.
            assert [each.key for each in await waiting.failed(tx, of)] == [key_of(752)]
            going = await waiting.awaiting_go(tx, of)
            assert [each.key.cycle for each in going] == [750, 751]
            assert [each.hash for each in await waiting.quarantined(tx, of)] == ["oo-1"]
        for none in ({OTHER}, frozenset[str]()):
            assert (await waiting.held(tx, none, Slice())).rows == []
            assert await waiting.held_sums(tx, none) == (0, 0)
            assert await waiting.failed(tx, none) == []
            assert await waiting.awaiting_go(tx, none) == []
            assert await waiting.quarantined(tx, none) == []


async def test_no_go_is_waited_for_once_one_was_given_or_something_was_paid(
    bakery: Bakery,
) -> None:
    first = await bakery.plan(FIRST, 750)
    async with bakery.ledger.write() as tx:
        await distributions.approve(tx, first, at=NOW)
    await bakery.plan(SECOND, 751)
    async with bakery.ledger.read() as tx:
        assert [each.key.cycle for each in await waiting.awaiting_go(tx, None)] == [751]

    signed = await bakery.sign(first, 1)
    paid = (OperationState.INJECTED, OperationState.INCLUDED, OperationState.FINAL)
    await bakery.lead(signed, *paid)

    async with bakery.ledger.read() as tx:
        assert await waiting.awaiting_go(tx, None) == []
