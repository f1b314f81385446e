"""The page of a baker's hooks, and what a cycle's page tells of them."""

import csv
import io
from datetime import timedelta

import pytest

from bakehouse.ledger import hook_consultations, hooks, plan_adjustments
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.hook_consultations import NewConsultation
from bakehouse.ledger.hooks import Hook, NewHook
from bakehouse.ledger.plan_adjustments import AcceptedAdjustment
from bakehouse.ledger.states import HookPoint, Verdict
from bakehouse.rewards.adjustment import Adjustment
from bakehouse.rewards.money import Mutez
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEW = {
    "name": "limits",
    "url": "https://hooks.example.com/bakehouse",
    "point": "before-paying",
    "seconds_max": "10",
}


async def hooks_of(bakery: Bakery, baker_id: str) -> list[Hook]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return await hooks.of_baker(tx, baker_id)


async def vetoed(bakery: Bakery, baker_id: str) -> Distribution:
    """A cycle with an adjusted plan that a hook keeps from being paid."""
    async with bakery.scene(baker_id) as scene:
        distribution = await scene.plan({address(1): 60, address(2): 40})
    hook = NewHook(
        baker_id=baker_id,
        name="limits & more",
        points=frozenset({HookPoint.PLAN_MADE, HookPoint.BEFORE_PAYING}),
        arguments=("/usr/local/bin/limits", "<b>"),
    )
    async with bakery.write() as tx:
        added = await hooks.add(tx, hook, actor="test", at=bakery.now)
        answer = NewConsultation(
            distribution_id=distribution.id,
            hook_id=added.id,
            point=HookPoint.BEFORE_PAYING,
            question="ab" * 32,
            verdict=Verdict.VETOED,
            reason="the sum is <over> 500 tez",
            answer=None,
            failures=0,
            asked_at=bakery.now,
            ask_again_at=bakery.now + timedelta(minutes=10),
        )
        await hook_consultations.record(tx, answer, distribution.key, added.name)
        change = Adjustment(address(1), Mutez(7), address(2), "shared <evenly>")
        await plan_adjustments.add(
            tx, distribution.id, [AcceptedAdjustment(added.id, added.name, change)]
        )
    return distribution


async def test_what_hooks_changed_is_in_the_books(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    await vetoed(bakery, baker_id)
    path = f"/api/bakers/{baker_id}/export/adjustments"

    rows = (await bakery.viewer.get(path, params={"format": "json"})).json()
    table = (await bakery.viewer.get(path)).text
    simulated = await bakery.viewer.get(path, params={"mode": "simulation", "format": "json"})
    document = await bakery.viewer.get(path, params={"format": "pdf"})

    assert rows == [
        {
            "baker": baker_id,
            "cycle": "1336",
            "hook": "limits & more",
            "owed_to": address(1),
            "amount": "7",
            "given_to": address(2),
            "why": "shared <evenly>",
        }
    ]
    assert list(csv.DictReader(io.StringIO(table))) == rows
    assert simulated.json() == []
    assert document.status_code == 422


async def test_a_webhook_is_entered_with_a_secret_that_is_shown_once(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/hooks"

    entered = await sent(bakery.administrator, path, NEW, 200)

    assert "The secret of limits Its requests are signed with whsec_" in entered.text
    again = await shown(bakery.administrator, path)
    assert "whsec_" not in again.html
    assert "webhook https://hooks.example.com/bakehouse" in again.text
    [hook] = await hooks_of(bakery, baker_id)
    assert hook.points == {HookPoint.BEFORE_PAYING}
    tried = await sent(bakery.administrator, f"{path}/limits/test", {}, 200)
    assert "before-paying: webhooks cannot be called from here" in tried.text
    off = await followed(bakery.administrator, f"{path}/limits/switch", {})
    assert "Switch limits on" in off.text
    gone = await followed(bakery.administrator, f"{path}/limits/remove", {})
    assert "There are none" in gone.text
    for action in ("hook.added", "hook.off", "hook.removed"):
        assert len(await bakery.events(action, baker_id)) == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"url": "http://hooks.example.com/"}, "begins with https"),
        ({"url": "/usr/local/bin/limits"}, "of the form https"),
        ({"point": "after-paying"}, "is none of plan-made"),
        ({"seconds_max": "61"}, "not a whole number from 0 to 60"),
        ({"name": ""}, "Fill in the field name"),
    ],
)
async def test_what_cannot_be_called_is_refused_and_stays_in_the_form(
    bakery: Bakery, change: dict[str, str], complaint: str
) -> None:
    baker_id = await bakery.register()

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/hooks", {**NEW, **change}, 422)

    assert complaint in page.text
    assert page.entries["url"] == {**NEW, **change}["url"]
    assert await hooks_of(bakery, baker_id) == []


async def test_the_page_says_who_vetoed_what_and_why_and_has_it_asked_again(
    bakery: Bakery,
) -> None:
    baker_id = await bakery.register()
    distribution = await vetoed(bakery, baker_id)
    path = f"/bakers/{baker_id}/hooks"
    form = {"cycle": "1336", "kind": "delegators", "mode": "on"}

    page = await shown(bakery.operator, path)
    assert "limits & more at before-paying: the sum is <over> 500 tez" in page.text
    refused = await sent(bakery.operator, f"{path}/ask-again", form, 422)
    assert "Say why" in refused.text
    done = await followed(bakery.operator, f"{path}/ask-again", {**form, "why": "it is fine"})

    assert "The hooks of this cycle are asked at the next step." in done.text
    [event] = await bakery.events("distribution.hooks_asked_again", baker_id)
    assert event.detail["why"] == "it is fine"
    async with bakery.house.workshop.payer.ledger.read() as tx:
        [answer] = await hook_consultations.refusing(tx, distribution.id)
    assert answer.ask_again_at is not None
    assert answer.ask_again_at != bakery.now + timedelta(minutes=10)


async def test_a_cycles_page_lists_each_change_with_its_hook_and_each_answer(
    bakery: Bakery,
) -> None:
    baker_id = await bakery.register()
    await vetoed(bakery, baker_id)

    page = await shown(bakery.viewer, f"/bakers/{baker_id}/cycles/1336")

    assert "limits & more at before-paying: vetoed: the sum is <over> 500 tez" in page.text
    assert f"limits & more {address(1)} 0.000007 {address(2)} shared <evenly>" in page.text


async def test_programs_read_the_same(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    await vetoed(bakery, baker_id)
    client = bakery.house.client
    base = f"/api/bakers/{baker_id}"

    listed = (await client.get(f"{base}/hooks")).json()
    of_cycle = (await client.get(f"{base}/cycles/1336/hooks")).json()
    entered = await client.post(f"{base}/hooks", json={**API_NEW, "points": ["paid"]})
    off = await client.put(f"{base}/hooks/told", json={"enabled": False})
    tried = await client.post(f"{base}/hooks/told/test")
    gone = await client.delete(f"{base}/hooks/told")

    assert listed["hooks"][0]["place"] == "/usr/local/bin/limits <b>"
    assert listed["refusals"][0]["reason"] == "the sum is <over> 500 tez"
    assert of_cycle["answers"][0]["verdict"] == "vetoed"
    assert of_cycle["adjustments"] == [
        {
            "hook": "limits & more",
            "recipient": address(1),
            "amount": "7",
            "to": address(2),
            "why": "shared <evenly>",
        }
    ]
    assert entered.status_code == 201
    assert entered.json()["secret"].startswith("whsec_")
    assert off.json()["enabled"] is False
    assert tried.json()["trials"][0]["error"] == "webhooks cannot be called from here"
    assert gone.json() == {"removed": True}
    again = await client.delete(f"{base}/hooks/told")
    assert again.status_code == 404


API_NEW = {"name": "told", "url": "https://hooks.example.com/"}


async def test_a_program_is_not_entered_over_the_network(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    body = {"name": "x", "arguments": ["/bin/sh"], "points": ["paid"], "url": "/bin/sh"}

    answer = await bakery.house.client.post(f"/api/bakers/{baker_id}/hooks", json=body)

    assert answer.status_code == 422
    assert await hooks_of(bakery, baker_id) == []


async def test_who_may_not_is_shown_no_form(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    await vetoed(bakery, baker_id)

    page = await shown(bakery.viewer, f"/bakers/{baker_id}/hooks")

    assert not page.values("action", "form") or all(
        "hooks" not in each for each in page.values("action", "form")
    )
