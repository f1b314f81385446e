"""Why something was changed: said or not, on pages and by programs, and kept in the audit trail."""

from typing import Any

import pytest

from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.html_page import Page
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = "agreed with <them> on Monday"
ANN, BOB = address(61), address(62)
MEMBERS = f"address,amount,adm_charge,is_manager\n{ANN},5,0,yes\n"

#: Each form of a page, what is sent beside what it shows, and what the audit trail calls it.
FORMS = [
    ("settings", "settings", {"default_fee": "7"}, "baker.changed"),
    ("fees", "fees", {"address": ANN, "fee": "3"}, "fees.changed"),
    ("fees", "fees/import", {"pasted": f"{ANN},2", "replace": "yes"}, "fees.replaced"),
    ("rules", "rules", {"address": ANN, "listing": "ignored"}, "delegator_rules.changed"),
    (
        "rules",
        "rules/import",
        {"pasted": f"address,listing\n{ANN},ignored", "replace": "yes"},
        "delegator_rules.replaced",
    ),
    ("income", "income", {"address-0": ANN, "of_fees-0": "3"}, "income_shares.replaced"),
    ("income", "income/import", {"pasted": f"address,of_fees\n{ANN},3"}, "income_shares.replaced"),
    (
        "bond-pool",
        "bond-pool",
        {"address-0": ANN, "amount-0": "5", "manager": "0"},
        "bond_pool.replaced",
    ),
    ("bond-pool", "bond-pool/import", {"pasted": MEMBERS}, "bond_pool.replaced"),
]


def sent_back(page: Page) -> dict[str, str]:
    """What a browser sends of the page's forms, but for what is typed."""
    typed = {"why", "pasted", "file", "search"}
    return {name: value for name, value in page.entries.items() if name not in typed}


@pytest.mark.parametrize(("part", "form", "typed", "action"), FORMS)
async def test_a_reason_is_kept_if_one_is_given(
    bakery: Bakery, part: str, form: str, typed: dict[str, str], action: str
) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/{form}"
    page = sent_back(await shown(bakery.administrator, f"/bakers/{baker_id}/{part}"))

    await sent(bakery.administrator, path, {**page, **typed, "why": "x" * 501}, 422)
    assert await bakery.events(action, baker_id) == []
    await followed(bakery.administrator, path, {**page, **typed, "why": WHY})

    (event,) = await bakery.events(action, baker_id)
    assert event.detail["why"] == WHY


async def test_a_reason_may_be_left_out(bakery: Bakery) -> None:
    baker_id = await bakery.register()

    form = {"address": ANN, "fee": "3", "why": "  "}
    await followed(bakery.administrator, f"/bakers/{baker_id}/fees", form)

    (event,) = await bakery.events("fees.changed", baker_id)
    assert "why" not in event.detail


@pytest.mark.parametrize(
    ("part", "body", "removed"),
    [
        ("fees", {"fee": "3"}, "fees.removed"),
        ("rules", {"listing": "ignored"}, "delegator_rules.removed"),
    ],
)
async def test_the_page_shows_why_beside_what_changed(
    bakery: Bakery, part: str, body: dict[str, str], removed: str
) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/{part}"
    await followed(bakery.administrator, path, {"address": ANN, **body, "why": WHY})
    pasted = {"fees": f"{BOB},2", "rules": f"address,listing\n{BOB},ignored"}[part]
    await followed(
        bakery.administrator,
        f"{path}/import",
        {"pasted": pasted, "replace": "yes", "why": "all anew"},
    )

    asked = await shown(bakery.administrator, f"{path}/remove?address={BOB}")
    assert "why" in asked.entries
    page = await followed(
        bakery.administrator, f"{path}/remove", {"address": BOB, "why": "they left"}
    )

    for why in ("Agreed with <them> on Monday.", "All anew.", "They left."):
        assert why in page.text
    audit = await shown(bakery.administrator, f"/audit?action={removed}&baker={baker_id}")
    assert "why they left" in audit.text
    # A reason is no delegator.
    assert "all replaced: 1 have" in page.text


async def test_programs_say_why_too(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    base = f"/api/bakers/{baker_id}"
    client = bakery.house.client
    member = {"address": ANN, "amount": "5", "adm_charge_basis_points": 0, "is_manager": True}
    income = {"shares": [{"address": ANN, "of_fees_basis_points": 3}]}
    table: list[tuple[str, str, dict[str, Any], str]] = [
        ("PATCH", "", {"default_fee_basis_points": 700}, "baker.changed"),
        ("PUT", f"/fees/{ANN}", {"fee_basis_points": 5}, "fees.changed"),
        ("PUT", f"/rules/{ANN}", {"listing": "ignored"}, "delegator_rules.changed"),
        ("PUT", "/income", income, "income_shares.replaced"),
        ("PUT", "/bond-pool", {"members": [member]}, "bond_pool.replaced"),
    ]
    for method, path, body, action in table:
        answer = await client.request(method, f"{base}{path}", json={**body, "why": WHY})
        assert answer.status_code == 200, answer.text
        (event,) = await bakery.events(action, baker_id)
        assert event.detail["why"] == WHY
    for path, action in (("fees", "fees.removed"), ("rules", "delegator_rules.removed")):
        answer = await client.delete(f"{base}/{path}/{ANN}", params={"why": WHY})
        assert answer.status_code == 200, answer.text
        (event,) = await bakery.events(action, baker_id)
        assert event.detail["why"] == WHY
    changes = (await client.get(f"{base}/fees/history")).json()["changes"]
    assert [each["why"] for each in changes] == [WHY, WHY]
