"""The stop switch: one click away, with a reason."""

import pytest

from bakehouse.ledger.states import Mode
from tests.web.forms.conftest import Bakery, followed, sent, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_operator_stops_a_baker_and_the_reason_is_kept(bakery: Bakery) -> None:
    baker_id = await bakery.register(mode=Mode.ON)
    path = f"/bakers/{baker_id}/stop"

    asked = await shown(bakery.operator, path)
    page = await followed(bakery.operator, path, {"why": "the key leaked"})

    assert path in asked.values("action", "form")
    assert "Paying is stopped" in page.text
    assert (await bakery.baker(baker_id)).mode is Mode.OFF
    (event,) = await bakery.events("baker.paused", baker_id)
    assert (event.actor, event.detail["why"]) == ("user:otto", "the key leaked")


async def test_without_a_reason_nothing_is_stopped(bakery: Bakery) -> None:
    baker_id = await bakery.register(mode=Mode.ON)

    page = await sent(bakery.operator, f"/bakers/{baker_id}/stop", {"why": "  "}, 422)

    assert "Say why: it is kept in the audit trail." in page.text
    assert page.values("aria-invalid", "input") == ["true"]
    assert (await bakery.baker(baker_id)).mode is Mode.ON


@pytest.mark.parametrize("part", ["simulation", "fees", "bond-pool", "settings"])
async def test_the_stop_is_one_click_away_on_every_page_of_a_baker(
    bakery: Bakery, part: str
) -> None:
    baker_id = await bakery.register(mode=Mode.ON)
    path = f"/bakers/{baker_id}/{part}"

    status = 409 if part == "simulation" else 200  # the chain knows no such baker
    for_operator = await shown(bakery.operator, path, status)
    for_viewer = await shown(bakery.viewer, path, status)

    assert f"/bakers/{baker_id}/stop" in for_operator.values("href", "a")
    assert f"/bakers/{baker_id}/stop" not in for_viewer.values("href", "a")
