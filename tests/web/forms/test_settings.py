"""A baker's settings on its page: changed by who may, refused beside the field, and the mode."""

import pytest

from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.ledger.states import Mode
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.web.pages.setting_fields import FIELDS
from tests.web.conftest import STRANGER
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.html_page import Page
from tests.web.people import PASSWORD
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")


def filled(page: Page, **other: str) -> dict[str, str]:
    """The settings form as a browser would send it, with other entries."""
    entries = {name: value for name, value in page.entries.items() if name in {*FIELDS, "seen"}}
    return {name: value for name, value in {**entries, **other}.items() if value != "-"}


async def settings(bakery: Bakery, baker_id: str) -> Page:
    return await shown(bakery.administrator, f"/bakers/{baker_id}/settings")


async def test_every_setting_is_shown_with_its_meaning(bakery: Bakery) -> None:
    baker_id = await bakery.register(cycle_cap=Mutez(12_500_000))

    for browser in (bakery.administrator, bakery.viewer):
        page = await shown(browser, f"/bakers/{baker_id}/settings")
        assert all(field.label in page.text for field in FIELDS.values())
        assert ("12.5" in page.values("value", "input")) is (browser is bakery.administrator)
    assert "12.5 tez" in page.text


async def test_an_administrator_changes_settings_and_only_those_are_written(
    bakery: Bakery,
) -> None:
    baker_id = await bakery.register(share_block_fees=True)
    form = filled(
        await settings(bakery, baker_id),
        default_fee="9.95",
        minimum_payout="0.5",
        cycle_cap="1000",
        share_block_fees="-",
    )

    page = await followed(bakery.administrator, f"/bakers/{baker_id}/settings", form)

    assert "The settings are changed" in page.text
    baker = await bakery.baker(baker_id)
    assert (baker.default_fee, baker.minimum_payout) == (BasisPoints(995), Mutez(500_000))
    assert (baker.cycle_cap, baker.share_block_fees) == (Mutez(1_000_000_000), False)
    (event,) = await bakery.events("baker.changed", baker_id)
    assert event.actor == "user:anna"
    changed = {"default_fee", "minimum_payout", "cycle_cap", "share_block_fees"}
    assert set(event.detail) == changed


async def test_sending_what_is_set_already_changes_nothing(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    form = filled(await settings(bakery, baker_id))

    page = await followed(bakery.administrator, f"/bakers/{baker_id}/settings", form)

    assert "nothing changed" in page.text
    assert not await bakery.events("baker.changed", baker_id)


@pytest.mark.parametrize(
    ("name", "entered", "complaint"),
    [
        ("default_fee", "101", "not a percentage"),
        ("default_fee", "9,5", "not a percentage"),
        ("minimum_payout", "1,5", "not an amount of tez"),
        ("minimum_payout", "-1", "not an amount of tez"),
        ("cycle_cap", "0", "must be 1 mutez or more"),
        ("payout_address", "tz1nonsense", "not a valid Tezos address"),
        ("update_freq", "0", "It must be a whole number from 1 to 10080"),
        ("update_freq", "9" * 5_000, "Exceeds the limit"),
        ("num_blocks_wait", "1", "from 2 to 100"),
        ("first_cycle", "soon", "not a whole number"),
    ],
)
async def test_what_cannot_be_is_told_beside_its_field_and_nothing_is_changed(
    bakery: Bakery, name: str, entered: str, complaint: str
) -> None:
    baker_id = await bakery.register()
    other = {name: entered, "alias": "kept as entered"}
    form = filled(await settings(bakery, baker_id), **other)

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/settings", form, 422)

    assert complaint in page.text
    assert f"{name}-error" in page.values("id", "p")
    assert page.values("aria-invalid", "input") == ["true"]
    assert page.entries[name] == entered
    assert page.entries["alias"] == "kept as entered"
    assert not await bakery.events("baker.changed", baker_id)


async def test_nobody_undoes_a_change_they_did_not_see(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    stale = filled(await settings(bakery, baker_id), alias="mine")
    theirs = filled(await settings(bakery, baker_id), default_fee="3")
    await followed(bakery.administrator, f"/bakers/{baker_id}/settings", theirs)

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/settings", stale, 422)

    assert "Somebody else has changed the settings" in page.text
    assert (await bakery.baker(baker_id)).default_fee == BasisPoints(300)
    again = filled(page)
    await followed(bakery.administrator, f"/bakers/{baker_id}/settings", again)
    assert (await bakery.baker(baker_id)).alias == "mine"


async def test_a_new_frequency_reaches_the_schedules_at_once(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    form = filled(await settings(bakery, baker_id), update_freq="7")

    await followed(bakery.administrator, f"/bakers/{baker_id}/settings", form)

    statuses = await bakery.house.scheduler.schedule_status(baker_id)
    every = {each.id: each.every_seconds for each in statuses}
    assert every[cycle_monitor_id(baker_id)] == 7 * 60


async def test_a_baker_goes_live_by_its_name_and_the_password(bakery: Bakery) -> None:
    baker_id = await bakery.register(alias="Stone Oven")
    path = f"/bakers/{baker_id}/live"
    asked = await shown(bakery.administrator, path)
    assert "password" in asked.values("type", "input")

    form = {"named": "Stone Oven", "password": PASSWORD}
    page = await followed(bakery.administrator, path, form)

    assert "The baker is live" in page.text
    assert (await bakery.baker(baker_id)).mode is Mode.ON
    (event,) = await bakery.events("baker.changed", baker_id)
    assert (event.actor, event.detail["mode"]) == ("user:anna", "on")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"named": "another", "password": PASSWORD}, "named"),
        ({"named": "", "password": PASSWORD}, "named"),
        ({"named": "{baker_id}", "password": "a lucky guess"}, "password"),
        ({"named": "{baker_id}"}, "password"),
    ],
)
async def test_a_wrong_name_or_password_lets_no_money_go(
    bakery: Bakery, form: dict[str, str], field: str
) -> None:
    baker_id = await bakery.register()
    given = {name: value.format(baker_id=baker_id) for name, value in form.items()}

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/live", given, 422)

    assert f"{field}-error" in page.values("id", "p")
    assert form.get("password", PASSWORD) not in page.html
    assert (await bakery.baker(baker_id)).mode is Mode.SIMULATION
    # A right one afterwards: mistakes of this test must not shut anna out of the others.
    good = {"named": baker_id, "password": PASSWORD}
    await followed(bakery.administrator, f"/bakers/{baker_id}/live", good)


async def test_a_token_lets_no_money_go(bakery: Bakery) -> None:
    baker_id = await bakery.register()

    answer = await bakery.house.client.post(f"/bakers/{baker_id}/live", data={"named": baker_id})

    assert answer.status_code == 422
    assert (await bakery.baker(baker_id)).mode is Mode.SIMULATION


async def test_a_live_baker_simulates_again(bakery: Bakery) -> None:
    baker_id = await bakery.register(mode=Mode.ON)

    page = await followed(bakery.administrator, f"/bakers/{baker_id}/simulate", {})

    assert "The baker simulates from now on" in page.text
    assert (await bakery.baker(baker_id)).mode is Mode.SIMULATION


async def test_a_baker_is_registered_and_begins_in_simulation(bakery: Bakery) -> None:
    form = {"baker_id": address(4_001), "alias": "New one", "default_fee": "8"}
    assert "10" in (await shown(bakery.administrator, "/bakers/new")).values("value", "input")

    page = await followed(bakery.administrator, "/bakers/new", form)

    assert "The baker is registered" in page.text
    baker = await bakery.baker(address(4_001))
    assert (baker.mode, baker.alias, baker.default_fee) == (Mode.SIMULATION, "New one", 800)
    assert baker.first_cycle == bakery.chain.settings.starting_cycle + 1
    assert baker.payout_address == baker.baker_id


async def test_a_baker_that_cannot_be_registered_is_told_why(bakery: Bakery) -> None:
    known = await bakery.register()
    forms = {
        "already": {"baker_id": known},
        "not a valid Tezos address": {"baker_id": "tz1x"},
        "not a percentage": {"baker_id": STRANGER, "default_fee": "lots"},
    }
    for complaint, form in forms.items():
        page = await sent(bakery.administrator, "/bakers/new", form, 422)
        assert complaint in page.text
        assert page.entries["baker_id"] == form["baker_id"]


async def test_groups_that_say_nothing_of_interest_are_closed(bakery: Bakery) -> None:
    baker_id = await bakery.register(minimum_balance=Mutez(1_000_000))
    path = f"/bakers/{baker_id}/settings"

    page = await shown(bakery.administrator, path)

    assert "Which rewards are shared as by default" in page.text
    assert "Who is paid as by default" not in page.text
    opened = len(page.values("open", "details"))
    wrong = filled(page, contract_cost_cap="0")
    refused = await sent(bakery.administrator, path, wrong, 422)
    assert len(refused.values("open", "details")) == opened + 1


async def test_settings_that_only_fit_together_are_changed_together(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    form = filled(
        await settings(bakery, baker_id),
        payout_interval="3",
        interval_offset="2",
        delay_blocks_least="10",
        delay_blocks_most="20",
        rounding="fee-floor",
    )

    await followed(bakery.administrator, f"/bakers/{baker_id}/settings", form)

    baker = await bakery.baker(baker_id)
    assert (baker.payout_interval, baker.interval_offset) == (3, 2)
    assert (baker.delay_blocks_least, baker.delay_blocks_most) == (10, 20)
    assert baker.rounding == "fee-floor"


@pytest.mark.parametrize(
    ("other", "field", "complaint"),
    [
        ({"payout_interval": "2", "interval_offset": "2"}, "interval_offset", "interval of 2"),
        ({"delay_blocks_least": "2"}, "delay_blocks_most", "is more than delay_blocks_most 0"),
        ({"minimum_balance": "2", "maximum_balance": "1"}, "maximum_balance", "below the minimum"),
        ({"excluded_share": "named"}, "excluded_share", "do not add up to 100 %"),
        ({"below_minimum_share": "named"}, "below_minimum_share", "do not add up to 100 %"),
    ],
)
async def test_a_contradiction_is_told_beside_its_field_and_nothing_is_changed(
    bakery: Bakery, other: dict[str, str], field: str, complaint: str
) -> None:
    baker_id = await bakery.register()
    form = filled(await settings(bakery, baker_id), **other)

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/settings", form, 422)

    assert f"{field}-error" in page.values("id", "p")
    assert complaint in page.text
    assert {name: page.entries[name] for name in other} == other
    assert not await bakery.events("baker.changed", baker_id)
