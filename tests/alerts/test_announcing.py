"""A paid cycle is announced once on each channel, and never twice, whatever crashes or is lost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from bakehouse.alerts.announcing import CLAIM_LASTS, announce
from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.outbox import wants
from bakehouse.alerts.taking_back import close_what_is_over
from bakehouse.desk.announcements import AnnouncementDesk
from bakehouse.errors import ConflictError, InputError, NotFoundError, UndeliveredError
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import (
    alerts,
    announcement_settings,
    announcements,
    bakers,
    distributions,
)
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.announcements import Announcement
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.deliveries import ATTEMPTS_MAX
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.states import (
    AnnouncementState,
    ChannelPurpose,
    DistributionKind,
    DistributionState,
    Mode,
)
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import Payer
from bakehouse.payments.settle import close_distribution
from bakehouse.secret_box import SecretKeyFile
from tests.alerts.conftest import NOW, Clock
from tests.alerts.webhook import Webhook
from tests.web.scenes import Scene

BAKER, OTHER = "tz1-baker", "tz1-other"
NETS = {"tz1-anna": 60, "tz1-ben": 40}
PUBLIC = ChannelSettings(
    name="public", severity_min="critical", purpose=ChannelPurpose.ANNOUNCEMENTS
)


class DiedError(Exception):
    """The process is gone."""


def desk_of(payer: Payer) -> AnnouncementDesk:
    return AnnouncementDesk(payer.ledger, SecretKeyFile(Path("nowhere")), payer.clock)


async def register(payer: Payer) -> None:
    async with payer.ledger.write() as tx:
        for baker_id, alias in ((BAKER, "Corner"), (OTHER, None)):
            baker = Baker(
                baker_id=baker_id, network="N", payout_address="tz1", first_cycle=1, alias=alias
            )
            await bakers.add(tx, baker, actor="test", at=NOW)
        on = AnnouncementSettings(enabled=True)
        await announcement_settings.put(tx, BAKER, on, actor="test", at=NOW)


async def closing(
    payer: Payer, *, cycle: int = 7, mode: Mode = Mode.ON, baker_id: str = BAKER
) -> Distribution:
    """A cycle whose two delegators have everything, about to be closed."""
    key = DistributionKey("N", baker_id, cycle, DistributionKind.DELEGATORS, mode)
    async with payer.ledger.write() as tx:
        scene = Scene(tx, key, NOW)
        if mode is Mode.SIMULATION:
            return await scene.plan(NETS)
        # Its last step is what is tested here: it is taken once more.
        paid = await scene.pay(NETS, counter=cycle)
        await scene.enter(paid, DistributionState.PAYING)
        return await distributions.get(tx, key)


async def made(payer: Payer) -> list[Announcement]:
    """The oldest first."""
    async with payer.ledger.read() as tx:
        return (await announcements.of_baker(tx, BAKER))[::-1]


async def doubts(payer: Payer) -> list[Alert]:
    async with payer.ledger.read() as tx:
        return await alerts.still_open(tx)


@pytest.fixture
async def channel(payer: Payer, desk: ChannelDesk, webhook: Webhook) -> Channel:
    await register(payer)
    return await desk.add(PUBLIC, webhook.url, actor="test")


@pytest.fixture
async def wanted(payer: Payer, channel: Channel) -> Announcement:
    """What is to be said of a cycle that was just closed."""
    await close_distribution(payer, await closing(payer))
    [entered] = await made(payer)
    return entered


@pytest.fixture
async def up(webhook: Webhook) -> AsyncIterator[Webhook]:
    async with webhook.up():
        yield webhook


# What is to be said


async def test_a_closed_cycle_is_to_be_announced_on_every_channel_for_it(
    payer: Payer, desk: ChannelDesk, channel: Channel, webhook: Webhook
) -> None:
    for name, settings in {
        "both": replace(PUBLIC, purpose=ChannelPurpose.BOTH),
        "its": replace(PUBLIC, baker_ids=frozenset({BAKER})),
        "another's": replace(PUBLIC, baker_ids=frozenset({OTHER})),
        "off": replace(PUBLIC, enabled=False),
        "operators": replace(PUBLIC, purpose=ChannelPurpose.ALERTS),
    }.items():
        await desk.add(replace(settings, name=name), webhook.url, actor="test")

    await close_distribution(payer, await closing(payer))

    assert {each.channel for each in await made(payer)} == {"public", "both", "its"}
    assert {each.state for each in await made(payer)} == {AnnouncementState.PENDING}


async def test_a_simulation_a_silent_baker_and_a_second_closing_are_not_announced(
    payer: Payer, desk: ChannelDesk, channel: Channel, webhook: Webhook
) -> None:
    await close_distribution(payer, await closing(payer, mode=Mode.SIMULATION))
    await close_distribution(payer, await closing(payer, cycle=8, baker_id=OTHER))
    assert await made(payer) == []

    distribution = await closing(payer)
    await close_distribution(payer, distribution)
    await desk.remove(channel.id, actor="test")
    await desk.add(PUBLIC, webhook.url, actor="test")
    async with payer.ledger.write() as tx:
        paying = DistributionState.PAYING
        await distributions.enter_state(tx, distribution, paying, at=NOW)
    await close_distribution(payer, distribution)

    [only] = await made(payer)
    assert (only.state, only.channel_id) == (AnnouncementState.FAILED, None)


def test_a_channel_for_announcements_hears_no_alert_and_old_ones_hear_alerts_only() -> None:
    alert = Alert(
        id=1,
        baker_id=BAKER,
        code="wallet-low",
        subject="s",
        message="m",
        raised_at=NOW,
        repeated_at=NOW,
        times=1,
    )
    old = ChannelSettings(name="old", severity_min="info")

    assert wants(old, alert)
    assert not old.hears_announcements_of(BAKER)
    assert not wants(replace(old, purpose=ChannelPurpose.ANNOUNCEMENTS), alert)
    both = replace(old, purpose=ChannelPurpose.BOTH)
    assert wants(both, alert)
    assert both.hears_announcements_of(BAKER)


# Saying it


async def test_it_arrives_in_the_bakers_words_and_is_not_said_again(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement, up: Webhook
) -> None:
    said = await announce(payer, secret_key, wanted.id)
    again = await announce(payer, secret_key, wanted.id)

    assert again == said
    assert (said.state, said.sent_at, said.attempts) == (AnnouncementState.SENT, NOW, 1)
    [message] = up.received
    assert message["title"] == said.title == "Cycle 7 is paid"
    assert message["message"] == "Corner has paid 0.000100 tez to 2 delegators for cycle 7."


@pytest.mark.parametrize(
    ("place", "arrived"), [("ANNOUNCEMENT_CLAIMED", 0), ("ANNOUNCEMENT_SENT", 1)]
)
async def test_a_process_that_dies_while_it_says_it_leaves_it_to_a_person(  # noqa: PLR0913, PLR0917
    payer: Payer,
    secret_key: SecretKeyFile,
    wanted: Announcement,
    up: Webhook,
    clock: Clock,
    place: str,
    arrived: int,
) -> None:
    def die(passed: Failpoint) -> None:
        if passed is Failpoint[place]:
            raise DiedError

    with hooked(die), pytest.raises(DiedError):
        await announce(payer, secret_key, wanted.id)
    # Whoever else looks cannot know that nobody says it at this moment.
    assert (await announce(payer, secret_key, wanted.id)).state is AnnouncementState.SENDING
    assert await doubts(payer) == []

    clock.move(CLAIM_LASTS)
    for _ in range(2):
        unsure = await announce(payer, secret_key, wanted.id)
        assert unsure.state is AnnouncementState.UNSURE

    assert len(up.received) == arrived
    [alert] = await doubts(payer)
    assert (alert.code, alert.baker_id) == ("announcement-unsure", BAKER)
    assert f"bakehouse announcements again {wanted.id}" in alert.message


@pytest.mark.parametrize("status", [500, 502, 408])
async def test_an_answer_that_may_hide_a_success_is_not_followed_by_another_attempt(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement, up: Webhook, status: int
) -> None:
    up.status = status

    unsure = await announce(payer, secret_key, wanted.id)
    up.status = 200
    await announce(payer, secret_key, wanted.id)

    assert unsure.state is AnnouncementState.UNSURE
    assert unsure.last_error == f"not delivered: the service answered {status}"
    assert up.received == []


async def test_what_was_surely_not_taken_is_said_later(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement, webhook: Webhook, clock: Clock
) -> None:
    # Nobody listens: there was no connection to say anything by.
    with pytest.raises(UndeliveredError, match="public: not delivered: the service cannot be"):
        await announce(payer, secret_key, wanted.id)
    async with webhook.up():
        webhook.status = 429
        with pytest.raises(UndeliveredError, match="the service answered 429"):
            await announce(payer, secret_key, wanted.id)
        [waiting] = await made(payer)
        assert waiting.state is AnnouncementState.PENDING
        assert waiting.next_at - clock() == timedelta(seconds=60)
        webhook.status = 200
        said = await announce(payer, secret_key, wanted.id)

    assert (said.state, said.attempts, said.last_error) == (AnnouncementState.SENT, 3, None)
    assert len(webhook.received) == 1


async def test_a_key_that_is_lost_is_waited_for_and_in_the_end_it_has_failed(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement
) -> None:
    secret_key.path.unlink()

    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(UndeliveredError, match=r"secret.key cannot be read"):
            await announce(payer, secret_key, wanted.id)

    [failed] = await made(payer)
    assert failed.state is AnnouncementState.FAILED


async def test_several_recipients_behind_one_url_make_every_failure_uncertain(
    payer: Payer, desk: ChannelDesk, secret_key: SecretKeyFile
) -> None:
    await register(payer)
    two = "mailto://ann:secret@127.0.0.1:9?from=ann@example.com&to=b@example.com,c@example.com"
    await desk.add(PUBLIC, two, actor="test")
    await close_distribution(payer, await closing(payer))
    [wanted] = await made(payer)

    assert (await announce(payer, secret_key, wanted.id)).state is AnnouncementState.UNSURE


async def test_nobody_says_what_nobody_wants_any_more(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement, up: Webhook
) -> None:
    silent = AnnouncementSettings(enabled=False)
    await desk_of(payer).change(BAKER, silent, actor="test")

    assert (await announce(payer, secret_key, wanted.id)).state is AnnouncementState.FAILED
    assert up.received == []


# What a person says


def ann(why: str = "it is not there") -> Decision:
    return Decision("cli:ann", why, NOW)


async def unsure_one(payer: Payer, wanted: Announcement) -> None:
    async with payer.ledger.write() as tx:
        await announcements.claim(tx, wanted.id, "t", "b", at=NOW)
        await announcements.mark_unsure(tx, wanted.id, "no answer")


async def test_a_person_who_looked_may_have_it_said_again(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement, up: Webhook
) -> None:
    await unsure_one(payer, wanted)

    decided = await desk_of(payer).decide(wanted.id, ann(), again=True)

    assert decided.state is AnnouncementState.PENDING
    assert (await announce(payer, secret_key, wanted.id)).state is AnnouncementState.SENT
    assert len(up.received) == 1
    with pytest.raises(ConflictError, match=f"announcement {wanted.id} is sent"):
        await desk_of(payer).decide(wanted.id, ann(), again=True)


async def test_a_person_who_looked_may_leave_it_and_the_alert_ends(
    payer: Payer, secret_key: SecretKeyFile, wanted: Announcement, up: Webhook, clock: Clock
) -> None:
    async with payer.ledger.write() as tx:
        await announcements.claim(tx, wanted.id, "t", "b", at=NOW)
    clock.move(CLAIM_LASTS)
    await announce(payer, secret_key, wanted.id)
    await close_what_is_over(payer)
    assert len(await doubts(payer)) == 1

    left = await desk_of(payer).decide(wanted.id, ann("it is there"), again=False)

    assert (left.state, left.last_error) == (AnnouncementState.FAILED, "it is there")
    await close_what_is_over(payer)
    assert await doubts(payer) == []
    await announce(payer, secret_key, wanted.id)
    assert up.received == []


async def test_what_is_decided_about_another_bakers_is_refused(
    payer: Payer, wanted: Announcement
) -> None:
    await unsure_one(payer, wanted)

    with pytest.raises(NotFoundError):
        await desk_of(payer).decide(wanted.id, ann(), again=True, baker_id=OTHER)
    with pytest.raises(InputError):
        ann(" ")


async def test_the_database_itself_says_nothing_twice(payer: Payer, wanted: Announcement) -> None:
    async with payer.ledger.write() as tx:
        await announcements.claim(tx, wanted.id, "t", "b", at=NOW)
        await announcements.mark_sent(tx, wanted.id, at=NOW)
    second = (
        "INSERT INTO announcements (baker_id, cycle, distribution_id, channel_id, channel, state, "
        "attempts, created_at, next_at) SELECT baker_id, cycle, distribution_id, channel_id, "
        "channel, 'pending', 0, created_at, next_at FROM announcements"
    )
    for statement in (
        "UPDATE announcements SET state = 'pending', sent_at = NULL",
        "DELETE FROM announcements",
        second,
    ):
        with pytest.raises(IntegrityError):
            async with payer.ledger.write() as tx:
                await tx.exec_driver_sql(statement)


async def test_a_preview_is_of_the_last_paid_cycle_or_of_a_made_up_one(
    payer: Payer, channel: Channel
) -> None:
    assert (await desk_of(payer).preview(BAKER)).title == "Cycle 1336 is paid"
    await close_distribution(payer, await closing(payer))

    shown = await desk_of(payer).preview(BAKER, AnnouncementSettings(body="{amount}"))

    assert (shown.title, shown.body) == ("Cycle 7 is paid", "0.000100")


async def test_a_test_is_marked_as_one_and_goes_to_channels_for_it_only(
    payer: Payer, desk: ChannelDesk, channel: Channel, up: Webhook
) -> None:
    await desk.add(replace(PUBLIC, name="mine", purpose=ChannelPurpose.ALERTS), up.url, actor="t")

    assert (
        await AnnouncementDesk(payer.ledger, desk.secret_key, payer.clock).test(BAKER, "public")
        is None
    )
    assert up.titles == ["Test: Cycle 1336 is paid"]
    with pytest.raises(ConflictError, match="not for announcements of this baker"):
        await AnnouncementDesk(payer.ledger, desk.secret_key, payer.clock).test(BAKER, "mine")
    assert await made(payer) == []
