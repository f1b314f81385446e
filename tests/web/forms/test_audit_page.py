"""The audit trail as a page: filtered, paged, exported, verified; nobody sees what is others'."""

import csv
import io

import pytest

from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from tests.web.conftest import HOSTILE
from tests.web.forms.conftest import ANOTHER, Bakery, followed, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def record(bakery: Bakery, subject: str, count: int = 1, action: str = "test.event") -> None:
    async with bakery.write() as tx:
        for number in range(count):
            event = AuditEvent(bakery.now, "somebody", action, subject, {"n": number})
            await audit.record(tx, event)


async def rows_of(bakery: Bakery, query: str) -> list[dict[str, str]]:
    file = await bakery.viewer.get(f"/audit.csv?{query}")
    assert file.status_code == 200
    return list(csv.DictReader(io.StringIO(file.text)))


async def test_events_are_filtered_by_who_what_baker_and_time(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    fee = {"address": address(1), "fee": "4"}
    await followed(bakery.administrator, f"/bakers/{baker_id}/fees", fee)
    own = f"baker={baker_id}"

    for query, actions in (
        (own, ["fees.changed", "baker.added"]),
        (f"{own}&actor=anna", ["fees.changed"]),
        (f"{own}&action=baker.", ["baker.added"]),
        (f"{own}&until=2026-11-24", ["baker.added"]),
        (f"{own}&since=2026-11-25&until=9999-12-31", ["fees.changed"]),
        (f"{own}&actor=nobody", []),
    ):
        page = await shown(bakery.viewer, f"/audit?{query}")
        assert [each["action"] for each in await rows_of(bakery, query)] == actions, query
        assert ("Nothing happened that fits." in page.text) is (not actions)
        assert all(f" {action} " in page.text for action in actions)


async def test_the_trail_comes_a_page_at_a_time_and_whole_as_csv(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    await record(bakery, baker_id, 55)

    first = await shown(bakery.viewer, f"/audit?baker={baker_id}")
    (older,) = [each for each in first.values("href", "a") if "before=" in each]
    second = await shown(bakery.viewer, older)

    assert first.tags["tr"] == 51
    assert second.tags["tr"] == 7
    assert len(await rows_of(bakery, f"baker={baker_id}")) == 56


async def test_the_chain_of_hashes_is_verified_on_demand_for_who_sees_all(bakery: Bakery) -> None:
    page = await shown(bakery.viewer, "/audit")
    assert "/audit?verify=yes" in page.values("href", "a")
    assert "The chain of hashes verifies" not in page.text

    assert "The chain of hashes verifies" in (await shown(bakery.viewer, "/audit?verify=yes")).text
    assert (await bakery.other.get("/audit?verify=yes")).status_code == 403


async def test_who_has_some_bakers_sees_what_is_about_them_only(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    await record(bakery, ANOTHER, action="test.own")

    page = await shown(bakery.other, "/audit")

    assert "test.own" in page.text
    assert baker_id not in page.html
    assert "user.added" not in page.text
    for query in (f"baker={baker_id}", "action=user."):
        assert "Nothing happened that fits." in (await shown(bakery.other, f"/audit?{query}")).text
        assert (await bakery.other.get(f"/audit.csv?{query}")).text.count("\n") == 1


async def test_what_others_wrote_stays_text_and_no_formula(bakery: Bakery) -> None:
    baker_id = await bakery.register(alias=HOSTILE)
    await record(bakery, f"{baker_id}/=cmd", action=HOSTILE)

    page = await shown(bakery.viewer, f"/audit?baker={baker_id}&actor={HOSTILE}&action={HOSTILE}")
    assert HOSTILE not in page.html


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-01", "since=%00"])
async def test_a_day_that_is_none_is_told(bakery: Bakery, query: str) -> None:
    page = await shown(bakery.viewer, f"/audit?{query}", 422)
    assert "is no day" in page.text
    assert (await bakery.viewer.get(f"/audit.csv?{query}")).status_code == 422
