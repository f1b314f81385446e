"""The page of alerts and of the channels by which they reach people."""

from bakehouse.ledger.roles import Grant, Role
from tests.alerts.webhook import PASSWORD, Webhook, free_port
from tests.web.conftest import BAKER, House
from tests.web.people import add_user, browser_of

NEW = {"name": "night shift", "severity_min": "warning", "codes": "", "bakers": ""}


async def test_a_channel_is_entered_tried_switched_and_removed(house: House) -> None:
    await add_user(house, "root", Grant(Role.ADMINISTRATOR))
    hook = Webhook(free_port())
    async with hook.up(), browser_of(house, "root") as root:
        added = await root.post("/alerts/channels", data={**NEW, "url": hook.url})
        shown = await root.get("/alerts")
        tried = await root.post("/alerts/channels/1/test")
        await root.post("/alerts/channels/1/switch")
        off = await root.get("/alerts")
        await root.post("/alerts/channels/1/remove")
        gone = await root.get("/alerts")

    assert added.headers["location"] == "/alerts?done=channel-added"
    assert "night shift" in shown.text
    assert PASSWORD not in shown.text
    assert len(hook.received) == 1
    assert tried.headers["location"] == "/alerts?done=channel-tested"
    assert "Switch night shift on" in off.text
    assert "Nobody is told" in gone.text


async def test_a_url_that_leads_nowhere_is_refused_in_words_and_not_repeated(house: House) -> None:
    await add_user(house, "root", Grant(Role.ADMINISTRATOR))
    async with browser_of(house, "root") as root:
        refused = await root.post("/alerts/channels", data={**NEW, "url": "nonsense://secret-word"})

    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert "secret-word" not in refused.text
    assert 'value="night shift"' in refused.text


async def test_alerts_are_shown_to_all_and_channels_to_administrators_alone(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    await add_user(house, "anna", Grant(Role.OPERATOR))
    await add_user(house, "owner", Grant(Role.ADMINISTRATOR, frozenset({BAKER})))
    for name in ("anna", "owner"):
        async with browser_of(house, name) as browser:
            page = await browser.get("/alerts")
            pressed = await browser.post("/alerts/channels", data={**NEW, "url": "json://x"})
        assert "payout-held" in page.text
        assert "Add a channel" not in page.text
        assert pressed.status_code == 403
