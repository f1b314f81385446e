"""Which URLs are taken, what is sent to them, and that nothing of them is told."""

import asyncio
import logging

import pytest

from bakehouse.alerts.delivery import check_url, send, shown
from bakehouse.alerts.message import TEST
from bakehouse.errors import SettingError, UndeliveredError
from tests.alerts.webhook import PASSWORD, TOKEN, Webhook

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("json://127.0.0.1:8080/hook", "json://…"),
        ("jsons://ann:hunter2hunter2@hooks.example.com/one/two/three?+x=hunter2", "jsons://…hree"),
        ("tgram://123456789:abcdefghijklmnopqrstuvwxyz_ABCDEFGHI/12315678/", "tgram://…5678"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://…V_js"),
        ("https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", None),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/", None),
        ("mailtos://ann:hunter2@example.com?smtp=mail.example.com", "mailtos://…"),
        ("ntfys://ntfy.sh/topic", "ntfys://…"),
        (" ntfys://ntfy.sh/topic ", "ntfys://…"),
    ],
)
def test_a_url_that_reaches_people_is_taken_and_shown_in_part(url: str, seen: str | None) -> None:
    check_url(url)

    assert seen is None or shown(url) == seen
    assert SECRET not in shown(url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not an Apprise URL"),
        ("hunter2hunter2", "not an Apprise URL"),
        ("json://a\nb", "not an Apprise URL"),
        ("json://" + "a" * 5_000, "not an Apprise URL"),
        ("file:///etc/hunter2hunter2", "knows no service file://"),
        ("nosuch://hunter2hunter2", "knows no service nosuch://"),
        ("json://", "this json:// URL cannot be used"),
        ("tgram://hunter2hunter2", "this tgram:// URL cannot be used"),
        ("https://example.com/hunter2hunter2", "written json:// or jsons://"),
        ("syslog://", "ends on the machine"),
        ("DBUS://", "ends on the machine"),
        ("windows://", "ends on the machine"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/hunter2hunter2hunter2hun/?template=/etc/passwd", "template"),
        ("discord://4174216298/hunter2hunter2?a=b;TEMPLATE=/etc/passwd", "leave template out"),
        ("fcm://project@hunter2hunter2/1?keyfile=/etc/passwd", "leave keyfile out"),
        ("discord://4174216298/hunter2hunter2?%74emplate=/etc/passwd", "leave template out"),
    ],
)
def test_a_url_that_leads_nowhere_sensible_is_refused_without_being_repeated(
    url: str, complaint: str
) -> None:
    with pytest.raises(SettingError) as refused:
        check_url(url)

    assert complaint in refused.value.message
    assert SECRET not in repr(refused.value)
    assert refused.value.__cause__ is None


async def test_a_message_arrives_with_title_body_and_tone(webhook: Webhook) -> None:
    async with webhook.up():
        await send(webhook.url, TEST)

    [received] = webhook.received
    assert received["title"] == TEST.title
    assert received["message"] == TEST.body
    assert received["type"] == "info"


async def test_an_answer_that_is_no_success_is_told_by_its_number(webhook: Webhook) -> None:
    webhook.status = 503
    async with webhook.up():
        with pytest.raises(UndeliveredError, match=r"^not delivered: the service answered 503$"):
            await send(webhook.url, TEST)


async def test_a_service_that_is_down_is_told(webhook: Webhook) -> None:
    with pytest.raises(UndeliveredError, match=r"^not delivered: the service cannot be reached$"):
        await send(webhook.url, TEST)


async def test_a_service_that_never_answers_is_given_up(webhook: Webhook) -> None:
    released = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", webhook.port)
    try:
        with pytest.raises(UndeliveredError, match=r"no answer within 0.2 s"):
            await send(webhook.url, TEST, seconds=0.2)
    finally:
        released.set()
        server.close()
        await server.wait_closed()


async def test_nothing_of_a_url_is_logged_however_much_is_logged(
    webhook: Webhook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    errors = []
    for status in (200, 404, 500):
        webhook.status = status
        async with webhook.up():
            try:
                await send(webhook.url, TEST)
            except UndeliveredError as error:
                errors.append(repr(error))
    for url in (f"tgram://{TOKEN}", f"json://ann:{PASSWORD}@127.0.0.1:1/{TOKEN}?method=oops"):
        try:
            check_url(url)
            await send(url, TEST)
        except (SettingError, UndeliveredError) as error:
            errors.append(repr(error))

    seen = "\n".join([caplog.text, *errors, *capfd.readouterr()])
    assert len(errors) == 4
    assert PASSWORD not in seen
    assert TOKEN not in seen
    # Not even its harmless lines: nobody can know which the next version makes. (What is captured
    # above comes from a handler that pytest puts on the logger itself.)
    assert not logging.getLogger("apprise").propagate
