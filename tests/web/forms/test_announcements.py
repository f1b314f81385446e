"""The page of what a baker says in public."""

import pytest

from bakehouse.ledger import alert_channels, announcements
from bakehouse.ledger.alert_channels import ChannelSettings, ChannelUrl
from bakehouse.ledger.announcements import Announcement
from bakehouse.ledger.states import AnnouncementState, ChannelPurpose
from tests.alerts.webhook import free_port
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAID = {"enabled": "yes", "title": "Cycle {cycle}", "body": "{amount} tez", "link": ""}


async def unsure(bakery: Bakery, baker_id: str, name: str, *, cycle: int) -> Announcement:
    """An announcement of which nobody knows whether it was made."""
    async with bakery.scene(baker_id, cycle) as scene:
        paid = await scene.pay({address(1): 60, address(2): 40}, counter=cycle)
    sealed = bakery.house.secret_key.seal(f"json://127.0.0.1:{free_port()}/")
    settings = ChannelSettings(
        name=name,
        severity_min="info",
        purpose=ChannelPurpose.ANNOUNCEMENTS,
        baker_ids=frozenset({baker_id}),
    )
    async with bakery.write() as tx:
        url = ChannelUrl(sealed=sealed, shown="json://…")
        channel = await alert_channels.add(tx, settings, url, actor="test", at=bakery.now)
        await announcements.enter(tx, paid, channel.id, name, at=bakery.now)
        [entered] = await announcements.of_baker(tx, baker_id)
        await announcements.claim(tx, entered.id, "Cycle <1>", "b", at=bakery.now)
        await announcements.mark_unsure(tx, entered.id, "no answer within 30 s")
        return await announcements.get(tx, entered.id)


async def test_what_is_said_is_set_shown_and_off_until_then(bakery: Bakery) -> None:
    baker_id = await bakery.register(alias="Corner")
    path = f"/bakers/{baker_id}/announcements"

    before = await shown(bakery.viewer, path)
    looked = await sent(bakery.administrator, path, {**SAID, "do": "look"}, 200)
    unchanged = await shown(bakery.viewer, path)
    saved = await followed(bakery.administrator, path, {**SAID, "do": "save"})

    assert "off Cycle 1336 is paid Corner has paid 28.056046 tez to 42 delegators" in before.text
    assert "How it would read off Cycle 1336 28.056046 tez" in looked.text
    assert "42 delegators" in unchanged.text
    assert "What is said when a cycle is paid Cycle 1336 28.056046 tez" in saved.text
    assert len(await bakery.events("announcements.changed", baker_id)) == 1


async def test_an_unknown_field_is_refused_with_those_there_are(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    form = {**SAID, "body": "{amout} tez", "do": "save"}

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/announcements", form, 422)

    assert "names an unknown field {amout}: the fields are {amount}, {baker}" in page.text
    assert "{amout} tez" in page.html
    assert await bakery.events("announcements.changed", baker_id) == []


async def test_a_doubt_is_settled_by_a_person_with_a_reason(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    wanted = await unsure(bakery, baker_id, "board", cycle=1_400)
    path = f"/bakers/{baker_id}/announcements"

    page = await shown(bakery.operator, path)
    assert "Cycle 1400 on board unsure" in page.text
    assert "no answer within 30 s" in page.text
    without = await sent(bakery.operator, f"{path}/{wanted.id}", {"do": "again"}, 422)
    assert "Say why" in without.text
    await followed(bakery.operator, f"{path}/{wanted.id}", {"do": "again", "why": "not there"})

    async with bakery.house.workshop.payer.ledger.read() as tx:
        assert (await announcements.get(tx, wanted.id)).state is AnnouncementState.PENDING
    twice = await sent(bakery.operator, f"{path}/{wanted.id}", {"do": "again", "why": "x"}, 422)
    assert f"Announcement {wanted.id} is pending" in twice.text


async def test_a_test_that_is_not_taken_says_why(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    await unsure(bakery, baker_id, "wall", cycle=1_401)
    path = f"/bakers/{baker_id}/announcements"

    page = await sent(bakery.administrator, f"{path}/test", {"channel": "wall"}, 422)

    assert "The test was not taken: not delivered: the service cannot be reached" in page.text


async def test_programs_do_the_same(bakery: Bakery) -> None:
    baker_id = await bakery.register(alias="Corner")
    wanted = await unsure(bakery, baker_id, "feed", cycle=1_402)
    client, path = bakery.house.client, f"/api/bakers/{baker_id}/announcements"

    set_ = await client.put(path, json={"enabled": True, "title": "{cycle}"})
    refused = await client.put(path, json={"title": "{nope}"})
    shown_ = await client.post(f"{path}/preview", json={"title": "{delegators}"})
    tried = await client.post(f"{path}/test", json={"channel": "feed"})
    left = await client.post(f"{path}/{wanted.id}/leave", json={"why": "it is there"})
    conflict = await client.post(f"{path}/{wanted.id}/leave", json={"why": "it is there"})
    elsewhere = await client.post(
        f"/api/bakers/{bakery.stone_oven}/announcements/{wanted.id}/again", json={"why": "x"}
    )
    seen = (await client.get(path)).json()

    assert set_.json()["title"] == "{cycle}"
    assert (refused.status_code, "{nope}" in refused.json()["detail"]) == (422, True)
    assert shown_.json()["title"] == "2"
    assert tried.json()["sent"] is False
    assert left.json()["state"] == "failed"
    assert (conflict.status_code, elsewhere.status_code) == (409, 404)
    assert seen["settings"]["enabled"] is True
    assert [each["channel"] for each in seen["made"]] == ["feed"]
