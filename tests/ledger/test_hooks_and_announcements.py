"""Hooks, what they answered and changed, what is told and said: as the database keeps it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError, IntegrityError

from bakehouse.errors import ConflictError, IllegalTransitionError, NotFoundError
from bakehouse.ledger import (
    alert_channels,
    announcement_settings,
    announcements,
    audit,
    hook_consultations,
    hook_deliveries,
    hooks,
    payouts,
    plan_adjustments,
)
from bakehouse.ledger.alert_channels import ChannelSettings, ChannelUrl
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.hook_consultations import NewConsultation
from bakehouse.ledger.hooks import Hook, NewHook
from bakehouse.ledger.plan_adjustments import AcceptedAdjustment
from bakehouse.ledger.states import (
    AnnouncementState,
    ChannelPurpose,
    DeliveryState,
    HookKind,
    HookPoint,
    Verdict,
)
from bakehouse.rewards.adjustment import Adjustment
from bakehouse.rewards.money import Mutez
from tests.ledger.bakery import BAKER, NOW, Bakery

LATER = NOW + timedelta(minutes=10)
PROGRAM = NewHook(
    baker_id=BAKER,
    name="limits",
    points=frozenset({HookPoint.BEFORE_PAYING, HookPoint.PAID}),
    arguments=("/usr/local/bin/limits", "--max", "500 tez"),
)
WEBHOOK = NewHook(
    baker_id=BAKER,
    name="books",
    points=frozenset({HookPoint.PAID}),
    url="https://hooks.example.com/",
    sealed_secret=b"\0sealed\xff",
    seconds_max=60,
)


@pytest_asyncio.fixture
async def distribution(ledger: Ledger) -> Distribution:
    bakery = await Bakery.found(ledger)
    return await bakery.plan({"tz1-first": 90, "tz1-second": 10}, cycle=7)


async def add(ledger: Ledger, new: NewHook = PROGRAM) -> Hook:
    async with ledger.write() as tx:
        return await hooks.add(tx, new, actor="user:ann", at=NOW)


def answer_of(hook: Hook, distribution: Distribution, verdict: Verdict) -> NewConsultation:
    refuses = verdict is not Verdict.ALLOWED
    return NewConsultation(
        distribution_id=distribution.id,
        hook_id=hook.id,
        point=HookPoint.BEFORE_PAYING,
        question="ab" * 32,
        verdict=verdict,
        reason="too much" if refuses else None,
        answer=None if refuses else '{"version":1,"verdict":"go"}',
        failures=0,
        asked_at=NOW,
        ask_again_at=LATER if refuses else None,
    )


async def test_a_hook_is_kept_as_it_was_entered(ledger: Ledger, distribution: Distribution) -> None:
    program, webhook = await add(ledger), await add(ledger, WEBHOOK)

    assert (program.kind, webhook.kind) == (HookKind.PROGRAM, HookKind.WEBHOOK)
    assert (program.arguments, program.seconds_max) == (PROGRAM.arguments, 10)
    assert (webhook.url, webhook.sealed_secret) == (WEBHOOK.url, WEBHOOK.sealed_secret)
    assert "sealed" not in repr(webhook)
    async with ledger.read() as tx:
        assert await hooks.of_baker(tx, BAKER) == [webhook, program]
        assert await hooks.at_point(tx, BAKER, HookPoint.BEFORE_PAYING) == [program]
    with pytest.raises(ConflictError, match="a hook 'limits' already"):
        await add(ledger)


async def test_a_removed_hook_leaves_its_name_and_its_number_and_no_secret(
    ledger: Ledger, distribution: Distribution
) -> None:
    first = await add(ledger, WEBHOOK)
    async with ledger.write() as tx:
        await hook_deliveries.enter(
            tx,
            first.id,
            distribution.id,
            point=HookPoint.PAID,
            subject="s",
            document={},
            at=NOW,
        )
        await hooks.remove(tx, first.id, actor="user:ann", at=NOW)
        [pending] = await hook_deliveries.of_hook(tx, first.id)
        with pytest.raises(NotFoundError):
            await hooks.get(tx, first.id)
        stored = (await tx.exec_driver_sql("SELECT sealed_secret FROM hooks")).scalar_one()
    second = await add(ledger, WEBHOOK)

    assert pending.state is DeliveryState.FAILED
    assert bytes(stored) == b""
    assert second.id != first.id
    with pytest.raises(DBAPIError, match="hooks are kept for ever"):
        async with ledger.write() as tx:
            await tx.exec_driver_sql("DELETE FROM hooks")


async def test_the_last_answer_counts_and_each_that_differs_is_on_record(
    ledger: Ledger, distribution: Distribution
) -> None:
    hook = await add(ledger)
    vetoed = answer_of(hook, distribution, Verdict.VETOED)
    async with ledger.write() as tx:
        for answer in (
            vetoed,
            replace(vetoed, asked_at=LATER),
            answer_of(hook, distribution, Verdict.ALLOWED),
        ):
            await hook_consultations.record(tx, answer, distribution.key, hook.name)
        [kept] = await hook_consultations.of_distribution(tx, distribution.id)
        actions = [each.action for each in await audit.about(tx, [str(distribution.key)])]

    assert (kept.verdict, kept.hook, kept.reason) == (Verdict.ALLOWED, "limits", None)
    assert [each for each in actions if each.startswith("hook.")] == [
        "hook.allowed",
        "hook.vetoed",
    ]


async def test_who_refuses_is_asked_again_when_a_person_wants_it(
    ledger: Ledger, distribution: Distribution
) -> None:
    hook = await add(ledger)
    async with ledger.write() as tx:
        vetoed = answer_of(hook, distribution, Verdict.VETOED)
        await hook_consultations.record(tx, vetoed, distribution.key, hook.name)
        assert await hook_consultations.ask_again(tx, distribution.id, at=NOW) == 1
        [refusing] = await hook_consultations.refusing_baker(tx, BAKER)
        assert refusing.ask_again_at == NOW
        allowed = answer_of(hook, distribution, Verdict.ALLOWED)
        await hook_consultations.record(tx, allowed, distribution.key, hook.name)
        assert await hook_consultations.ask_again(tx, distribution.id, at=NOW) == 0


async def test_what_hooks_changed_of_a_plan_stays_as_it_was_written(
    ledger: Ledger, distribution: Distribution
) -> None:
    hook = await add(ledger)
    accepted = [
        AcceptedAdjustment(hook.id, "limits", Adjustment("tz1-first", Mutez(7), "tz1-second", "w")),
        AcceptedAdjustment(hook.id, "limits", Adjustment("tz1-first", Mutez(1), None, "w")),
    ]
    async with ledger.write() as tx:
        await plan_adjustments.add(tx, distribution.id, accepted)
        await plan_adjustments.add(tx, distribution.id, [])

    async with ledger.read() as tx:
        assert await plan_adjustments.of_distribution(tx, distribution.id) == accepted
        assert await plan_adjustments.count(tx, distribution.id) == 2
        tail = await plan_adjustments.of_distribution(tx, distribution.id, offset=1, limit=5)
        assert tail == accepted[1:]
    for statement in ("UPDATE plan_adjustments SET amount = 1", "DELETE FROM plan_adjustments"):
        with pytest.raises(DBAPIError, match="plan_adjustments is append-only"):
            async with ledger.write() as tx:
                await tx.exec_driver_sql(statement)


async def test_an_event_is_told_to_a_hook_once(ledger: Ledger, distribution: Distribution) -> None:
    hook = await add(ledger)
    async with ledger.write() as tx:
        for subject in ("one", "one", "two"):
            await hook_deliveries.enter(
                tx,
                hook.id,
                distribution.id,
                point=HookPoint.PAID,
                subject=subject,
                document={"version": 1},
                at=NOW,
            )
        one, two = await hook_deliveries.due(tx, NOW, 9)
        await hook_deliveries.mark_refused(tx, one.id, "down", LATER)
        await hook_deliveries.mark_sent(tx, two.id, at=NOW)
        await hook_deliveries.mark_refused(tx, two.id, "too late", None)
        assert await hook_deliveries.due(tx, NOW, 9) == []
        [again] = await hook_deliveries.due(tx, LATER, 9)
        assert (again.subject, again.attempts, again.last_error) == ("one", 1, "down")
        assert (await hook_deliveries.get(tx, two.id)).state is DeliveryState.SENT


async def test_an_announcement_is_claimed_by_one_and_made_once(
    ledger: Ledger, distribution: Distribution
) -> None:
    settings = ChannelSettings(
        name="wall", severity_min="info", purpose=ChannelPurpose.ANNOUNCEMENTS
    )
    async with ledger.write() as tx:
        url = ChannelUrl(sealed=b"s", shown="json://…")
        channel = await alert_channels.add(tx, settings, url, actor="user:ann", at=NOW)
        assert channel.settings == settings
        await announcements.enter(tx, distribution, channel.id, "wall", at=NOW)
        [due] = await announcements.due(tx, NOW, NOW, 9)
        await announcements.claim(tx, due.id, "t", "b", at=NOW)
    with pytest.raises(IllegalTransitionError):
        async with ledger.write() as tx:
            await announcements.claim(tx, due.id, "t", "b", at=NOW)
    async with ledger.write() as tx:
        assert await announcements.due(tx, NOW, NOW - timedelta(seconds=1), 9) == []
        assert [each.id for each in await announcements.due(tx, NOW, NOW, 9)] == [due.id]
        await announcements.mark_sent(tx, due.id, at=NOW)
        made = await announcements.get(tx, due.id)
        assert (made.state, made.attempts, made.title) == (AnnouncementState.SENT, 1, "t")
        assert await announcements.is_entered(tx, BAKER, 7)
        assert not await announcements.is_entered(tx, BAKER, 8)
    with pytest.raises(IntegrityError):
        async with ledger.write() as tx:
            await announcements.enter(tx, distribution, channel.id, "wall", at=NOW)


async def test_what_a_baker_says_is_off_until_it_is_set(
    ledger: Ledger, distribution: Distribution
) -> None:
    on = AnnouncementSettings(enabled=True, title="t", body="b\nc", link="https://b.example")
    async with ledger.write() as tx:
        assert await announcement_settings.get(tx, BAKER) == AnnouncementSettings()
        for settings in (AnnouncementSettings(enabled=True), on):
            await announcement_settings.put(tx, BAKER, settings, actor="user:ann", at=NOW)
        assert await announcement_settings.get(tx, BAKER) == on
        assert await payouts.paid_by(tx, distribution, "delegator") == (0, 0)
