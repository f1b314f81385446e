"""Alerts and channels over HTTP: who may see, acknowledge and manage what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from bakehouse.ledger import alerts, audit
from bakehouse.ledger.roles import Grant, Role
from tests.alerts.webhook import PASSWORD, Webhook, free_port
from tests.alerts.webhook import TOKEN as HOOK_TOKEN
from tests.web.conftest import BAKER, NOW, STRANGER, House, new_client
from tests.web.people import add_token

CHANNELS = "/api/alerts/channels"
CHANNEL = {"name": "phone", "url": "ntfys://ntfy.sh/topic-of-ann"}


@pytest.fixture
async def alarmed(house: House) -> House:
    """Two bakers; an alert of each (1 and 2), one of the house (3), and one that is closed (4)."""
    for baker_id in (BAKER, STRANGER):
        await house.register(baker_id=baker_id)
    raised: list[tuple[str, str, str | None]] = [
        ("wallet-low", "ours", BAKER),
        ("payout-held", "theirs", STRANGER),
        ("queue-failing", "bond-pool", None),
        ("wallet-low", "over", BAKER),
    ]
    async with house.workshop.payer.ledger.write() as tx:
        for code, subject, whose in raised:
            await alerts.raise_alert(
                tx, code=code, subject=subject, message="m", at=NOW, baker_id=whose
            )
        await alerts.close(tx, code="wallet-low", subject="over", at=NOW)
    return house


@asynccontextmanager
async def as_one(
    house: House, role: Role, bakers: frozenset[str] | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    token = await add_token(house, f"{role}-{bakers}", Grant(role, bakers))
    async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as client:
        yield client


async def listed(client: httpx2.AsyncClient, **wanted: Any) -> list[int]:
    answer = await client.get("/api/alerts", params=wanted)
    assert answer.status_code == 200, answer.text
    return [alert["id"] for alert in answer.json()["alerts"]]


async def test_alerts_are_listed_by_what_is_wanted(alarmed: House) -> None:
    client = alarmed.client
    acknowledged = await client.post("/api/alerts/1/acknowledge")
    assert acknowledged.status_code == 200

    assert await listed(client) == [3, 2, 1]
    assert await listed(client, state="closed") == [4]
    assert await listed(client, state="all") == [4, 3, 2, 1]
    assert await listed(client, severity="critical", state="all") == [4, 1]
    assert await listed(client, code="wallet-low") == [1]
    assert await listed(client, code="wallet-low", severity="warning") == []
    assert await listed(client, baker_id=STRANGER) == [2]
    assert await listed(client, acknowledged="true") == [1]
    assert await listed(client, acknowledged="false") == [3, 2]


async def test_alerts_are_read_page_by_page_to_the_last(alarmed: House) -> None:
    seen: list[int] = []
    offset: int | None = 0
    while offset is not None:
        page = (
            await alarmed.client.get(
                "/api/alerts", params={"state": "all", "limit": 3, "offset": offset}
            )
        ).json()
        seen += [alert["id"] for alert in page["alerts"]]
        offset = page["next_offset"]

    assert seen == [4, 3, 2, 1]


async def test_an_acknowledged_alert_names_who_saw_it(alarmed: House) -> None:
    async with as_one(alarmed, Role.OPERATOR) as operator:
        answer = (await operator.post("/api/alerts/1/acknowledge")).json()
        again = (await alarmed.client.post("/api/alerts/1/acknowledge")).json()

    assert answer["acknowledged_by"] == "token:operator-None"
    assert answer["closed_at"] is None
    assert again == answer == (await alarmed.client.get("/api/alerts/1")).json()
    async with alarmed.workshop.payer.ledger.read() as tx:
        events = [each for each in await audit.latest(tx) if each.action == "alert.acknowledged"]
    assert [event.actor for event in events] == ["token:operator-None"]


@pytest.mark.parametrize(("alert_id", "status"), [(4, 409), (99, 404), ("x", 422), (2**63, 422)])
async def test_what_cannot_be_acknowledged_is_told(
    alarmed: House, alert_id: object, status: int
) -> None:
    answer = await alarmed.client.post(f"/api/alerts/{alert_id}/acknowledge")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_alerts_of_other_bakers_are_not_there(alarmed: House) -> None:
    async with as_one(alarmed, Role.OPERATOR, frozenset({BAKER})) as one:
        assert await listed(one, state="all") == [4, 1]
        assert (await one.get("/api/alerts/1")).status_code == 200
        for other in (2, 3):
            for answer in (
                await one.get(f"/api/alerts/{other}"),
                await one.post(f"/api/alerts/{other}/acknowledge"),
            ):
                assert answer.status_code == 404
                assert answer.json()["detail"] == f"there is no alert {other}"
        hidden = await one.get("/api/alerts", params={"baker_id": STRANGER})
        assert hidden.status_code == 404
        assert (await one.post("/api/alerts/1/acknowledge")).status_code == 200


async def test_a_viewer_reads_and_acknowledges_nothing(alarmed: House) -> None:
    async with as_one(alarmed, Role.VIEWER) as viewer:
        assert await listed(viewer) == [3, 2, 1]
        assert (await viewer.post("/api/alerts/1/acknowledge")).status_code == 403
    assert await listed(alarmed.client, acknowledged="true") == []


@pytest.mark.parametrize(
    ("role", "bakers"),
    [
        (Role.VIEWER, None),
        (Role.OPERATOR, None),
        (Role.ADMINISTRATOR, frozenset({BAKER})),
    ],
)
async def test_channels_are_for_administrators_of_all_bakers(
    alarmed: House, role: Role, bakers: frozenset[str] | None
) -> None:
    added = (await alarmed.client.post(CHANNELS, json=CHANNEL)).json()
    one_channel = f"{CHANNELS}/{added['id']}"

    async with as_one(alarmed, role, bakers) as caller:
        answers = [
            await caller.get(CHANNELS),
            await caller.post(CHANNELS, json={**CHANNEL, "name": "other"}),
            await caller.put(one_channel, json={"name": "changed"}),
            await caller.delete(one_channel),
            await caller.post(f"{one_channel}/test"),
        ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert (await alarmed.client.get(CHANNELS)).json() == {"channels": [added]}


async def test_a_channel_is_entered_changed_and_removed_and_its_url_never_comes_back(
    alarmed: House,
) -> None:
    client = alarmed.client
    secret = "1234567890:abcdefghijklmnopqrstuvwxyz_ABCDEFGHI"
    added = await client.post(
        CHANNELS,
        json={
            "name": "night",
            "url": f"tgram://{secret}/12345678",
            "severity_min": "critical",
            "codes": ["wallet-low"],
            "baker_ids": [BAKER],
        },
    )
    assert added.status_code == 201, added.text
    channel = added.json()
    assert channel["url"] == "tgram://…5678"
    assert (channel["codes"], channel["baker_ids"]) == (["wallet-low"], [BAKER])

    changed = await client.put(
        f"{CHANNELS}/{channel['id']}", json={"name": "day", "enabled": False}
    )
    listing = await client.get(CHANNELS)
    removed = await client.delete(f"{CHANNELS}/{channel['id']}")

    assert changed.json() == {
        **channel,
        "name": "day",
        "severity_min": "warning",
        "codes": [],
        "baker_ids": None,
        "enabled": False,
    }
    assert removed.json() == {"removed": True}
    assert (await client.delete(f"{CHANNELS}/{channel['id']}")).status_code == 404
    for answer in (added, changed, listing):
        assert secret not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**CHANNEL, "url": "nosuch://hunter2hunter2"}, 422),
        ({**CHANNEL, "url": "syslog://hunter2hunter2"}, 422),
        ({**CHANNEL, "url": "hunter2hunter2" * 1_000}, 422),
        ({**CHANNEL, "url": ["hunter2hunter2"]}, 422),
        ({**CHANNEL, "codes": ["wallet-full"]}, 422),
        ({**CHANNEL, "severity_min": "loud"}, 422),
        ({**CHANNEL, "baker_ids": []}, 422),
        ({**CHANNEL, "baker_ids": ["tz1x"]}, 422),
        ({**CHANNEL, "baker_ids": ["tz1Ysx7W3sNGBijnkpjCvaaJSdKqSAAAiNz2"]}, 404),
        ({**CHANNEL, "name": ""}, 422),
        ({**CHANNEL, "volume": 11}, 422),
        ({"name": "phone"}, 422),
    ],
)
async def test_a_channel_that_cannot_be_is_refused_without_repeating_its_url(
    alarmed: House, body: dict[str, object], status: int
) -> None:
    answer = await alarmed.client.post(CHANNELS, json=body)

    assert answer.status_code == status, answer.text
    assert "hunter2hunter2" not in answer.text
    assert (await alarmed.client.get(CHANNELS)).json() == {"channels": []}


async def test_two_channels_cannot_have_one_name(alarmed: House) -> None:
    assert (await alarmed.client.post(CHANNELS, json=CHANNEL)).status_code == 201
    assert (await alarmed.client.post(CHANNELS, json=CHANNEL)).status_code == 409


async def test_a_test_sends_now_and_tells_what_came_of_it(alarmed: House) -> None:
    webhook = Webhook(free_port())
    added = await alarmed.client.post(CHANNELS, json={"name": "hook", "url": webhook.url})
    path = f"{CHANNELS}/{added.json()['id']}/test"

    down = await alarmed.client.post(path)
    async with webhook.up():
        up = await alarmed.client.post(path)

    assert down.json() == {
        "sent": False,
        "error": "not delivered: the service cannot be reached",
    }
    assert up.json() == {"sent": True, "error": None}
    assert webhook.titles == ["Bakehouse: a test"]
    assert (await alarmed.client.post(f"{CHANNELS}/99/test")).status_code == 404
    for answer in (added, down, up):
        assert PASSWORD not in answer.text
        assert HOOK_TOKEN not in answer.text
