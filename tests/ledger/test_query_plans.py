"""The queries a large baker asks all day find their rows by an index, among 20,000 payouts."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import (
    audit,
    bakers,
    costs,
    distributions,
    figures,
    overview,
    payouts,
    traced_payouts,
    waiting,
)
from bakehouse.ledger.bookkeeping import paid_to
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.page import Slice
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode, PayoutState
from bakehouse.ledger.traced_payouts import PayoutFilter
from tests.ledger.bakery import BAKER, NOW, Bakery, key_of, new_payout, undone
from tests.ledger.places import SQLITE

pytestmark = pytest.mark.asyncio(loop_scope="module")

CYCLES = 20
DELEGATORS = 1_000

Query = Callable[[AsyncConnection, Distribution], Awaitable[Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def busy_ledger(shared_ledger: Ledger) -> Ledger:
    await Bakery.found(shared_ledger)
    rows = [new_payout(f"tz1-{number}", number + 1) for number in range(DELEGATORS)]
    async with shared_ledger.write() as tx:
        for cycle in range(CYCLES):
            distribution = await distributions.ensure(tx, key_of(cycle), at=NOW)
            await payouts.add(tx, distribution, rows)
    return shared_ledger


QUERIES: dict[str, tuple[Query, str]] = {
    "in_state": (
        lambda tx, paying: payouts.in_state(tx, paying, PayoutState.OWED),
        "ix_payouts_work (paid_with_id=? AND state=?)",
    ),
    "count_by_state": (payouts.count_by_state, "ix_payouts_work (paid_with_id=?)"),
    "of_distribution": (payouts.of_distribution, "ix_payouts_distribution (distribution_id=?)"),
    "total_of_cycle": (payouts.total_of_cycle, "ix_payouts_distribution (distribution_id=?)"),
    "carried": (
        lambda tx, _: payouts.carried(tx, BAKER, Mode.ON),
        "ix_payouts_carried (baker_id=? AND mode=? AND state=?)",
    ),
    "of_transfer": (
        lambda tx, _: payouts.of_transfer(tx, 1),
        "ix_payouts_transfer_id (transfer_id=?)",
    ),
    "settle_operation": (
        lambda tx, _: payouts.settle_operation(tx, 1),
        "ix_payouts_transfer_id (transfer_id=?)",
    ),
}


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize(("query", "index"), QUERIES.values(), ids=QUERIES)
async def test_payouts_are_found_by_an_index(busy_ledger: Ledger, query: Query, index: str) -> None:
    async with undone(busy_ledger) as tx:
        paying = await distributions.get(tx, key_of(7))
        steps = await steps_of(tx, lambda: query(tx, paying))

    assert [step for step in steps if step.startswith("SCAN")] == []
    looked_up = [step.replace("COVERING ", "") for step in steps if "payouts" in step]
    assert looked_up == [f"SEARCH payouts USING INDEX {index}"]


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize(
    "query",
    [
        figures.of_cycles,
        figures.of_open_payouts,
        figures.of_operations,
        figures.of_open_alerts,
        lambda tx: figures.of_recent_costs(tx, 5),
    ],
)
async def test_figures_over_all_bakers_come_from_an_index(
    busy_ledger: Ledger, query: Callable[[AsyncConnection], Awaitable[Any]]
) -> None:
    async with undone(busy_ledger) as tx:
        steps = await steps_of(tx, lambda: query(tx))

    tables = [step for step in steps if step.startswith(("SCAN ", "SEARCH "))]
    assert tables
    assert [step for step in tables if step.startswith("SCAN") and "INDEX" not in step] == []
    assert [step for step in tables if step.startswith("SCAN payouts")] == []


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_a_page_of_a_cycle_is_read_without_sorting_the_whole(busy_ledger: Ledger) -> None:
    async with undone(busy_ledger) as tx:
        paying = await distributions.get(tx, key_of(7))
        steps = await steps_of(tx, lambda: payouts.of_distribution(tx, paying, limit=10))

    assert [step for step in steps if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_the_story_of_a_cycle_is_found_without_reading_everybody_elses(
    busy_ledger: Ledger,
) -> None:
    async with undone(busy_ledger) as tx:
        steps = await steps_of(tx, lambda: audit.about(tx, [str(key_of(7))]))

    assert [step for step in steps if step.startswith("SCAN")] == []


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_what_one_person_was_paid_is_found_by_who_it_is(busy_ledger: Ledger) -> None:
    async with undone(busy_ledger) as tx:
        baker = await bakers.get(tx, BAKER)
        steps = await steps_of(tx, lambda: paid_to(tx, baker, "tz1-7", Span()), number=1)

    [looked_up] = [step for step in steps if "payouts" in step]
    assert looked_up.startswith("SEARCH payouts USING INDEX sqlite_autoindex_payouts_1 (")
    assert "owed_to=?" in looked_up


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize(
    "query",
    [
        lambda tx, _: waiting.held(tx, None, Slice()),
        lambda tx, _: waiting.held_sums(tx, None),
        lambda tx, planned: overview.payout_counts(tx, [planned.id]),
        lambda tx, planned: costs.chain_costs(tx, [planned.id]),
        lambda tx, planned: traced_payouts.of_distribution(
            tx, planned, PayoutFilter(), offset=500, limit=10
        ),
        lambda tx, planned: traced_payouts.with_own_hashes(tx, planned, Slice(500, 10)),
        lambda tx, planned: traced_payouts.sums_of_person(
            tx, planned.key.network, BAKER, "tz1-7", range(CYCLES)
        ),
    ],
    ids=["held", "held sums", "counts", "costs", "a page", "a page for the API", "a person"],
)
async def test_what_pages_show_of_payouts_and_transfers_is_looked_up(
    busy_ledger: Ledger, query: Query
) -> None:
    async with undone(busy_ledger) as tx:
        planned = await distributions.get(tx, key_of(7))
        steps = await steps_of(tx, lambda: query(tx, planned))

    tables = [step for step in steps if "payouts" in step or "transfers" in step]
    assert tables
    assert [step for step in tables if step.startswith("SCAN")] == []
    # Of payouts more is named than the baker: it may have a million.
    assert [step for step in tables if "payouts" in step and step.endswith("(baker_id=?)")] == []


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_a_persons_sums_are_found_by_who_it_is(busy_ledger: Ledger) -> None:
    async with undone(busy_ledger) as tx:
        planned = await distributions.get(tx, key_of(7))
        key, cycles = planned.key, range(CYCLES)
        steps = await steps_of(
            tx,
            lambda: traced_payouts.sums_of_person(tx, key.network, BAKER, "tz1-7", cycles),
        )

    [looked_up] = steps
    assert "owed_to=?" in looked_up


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_burns_are_summed_without_reading_what_burned_nothing(busy_ledger: Ledger) -> None:
    async with undone(busy_ledger) as tx:
        steps = await steps_of(tx, lambda: costs.chain_costs(tx, [7]))

    assert [step for step in steps if "ix_transfers_burn" in step] != []


async def steps_of(
    tx: AsyncConnection, ask: Callable[[], Awaitable[Any]], *, number: int = 0
) -> list[str]:
    """Give the steps of SQLite's plan for the first statement that `ask` executes, or another."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    connection = tx.sync_connection
    event.listen(connection, "before_cursor_execute", note)
    await ask()
    event.remove(connection, "before_cursor_execute", note)
    statement, values = asked[number]
    plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [row.detail for row in plan]
