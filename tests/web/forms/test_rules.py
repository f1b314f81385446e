"""Rules of single delegators: found, set, removed, imported, exported; contradictions told."""

import json

import pytest

from bakehouse.ledger import bakers, payout_rules
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_rules import CostBearer, DelegatorRule, Listing
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOMEBODY, ELSE = address(1), address(2)


async def rules_of(bakery: Bakery, baker_id: str) -> dict[str, DelegatorRule]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return await payout_rules.delegators(tx, baker_id)


async def test_a_rule_is_set_shown_changed_and_removed(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/rules"
    form = {"address": SOMEBODY, "recipient": ELSE, "maximum_balance": "2.5", "burn_payer": "baker"}

    page = await followed(bakery.administrator, path, form)
    assert "The rule is set" in page.text
    assert f"paid to {ELSE}; counts up to 2.5 tez; storage burn borne by the baker" in page.text
    assert await rules_of(bakery, baker_id) == {
        SOMEBODY: DelegatorRule(
            recipient=ELSE, maximum_balance=Mutez(2_500_000), burn_payer=CostBearer.BAKER
        )
    }

    # What it says now stands in the form.
    change = await shown(bakery.administrator, f"{path}?address={SOMEBODY}")
    assert (change.entries["recipient"], change.entries["maximum_balance"]) == (ELSE, "2.5")
    assert "baker" in change.values("value", "option")
    form = {"address": SOMEBODY, "listing": "ignored"}
    await followed(bakery.administrator, path, form)
    assert await rules_of(bakery, baker_id) == {SOMEBODY: DelegatorRule(listing=Listing.IGNORED)}

    asked = await shown(bakery.administrator, f"{path}/remove?address={SOMEBODY}")
    assert "Now: ignored." in asked.text
    page = await followed(bakery.administrator, f"{path}/remove", {"address": SOMEBODY})
    assert "The rule is removed" in page.text
    assert "user:anna: 1 removed" in page.text
    assert await rules_of(bakery, baker_id) == {}
    await sent(bakery.administrator, f"{path}/remove", {"address": SOMEBODY}, 404)


@pytest.mark.parametrize(
    ("form", "wrong", "told"),
    [
        ({"address": "tz1nobody"}, "address", "not a valid Tezos address"),
        ({"recipient": "tz1nobody"}, "recipient", "not a valid Tezos address"),
        ({"recipient": "{wallet}"}, "recipient", "which is the wallet that pays"),
        ({"minimum_balance": "1,5"}, "minimum_balance", "not an amount of tez"),
        ({"listing": "banned"}, "listing", "choose one of ignored, allowed"),
        (
            {"minimum_balance": "2", "maximum_balance": "1"},
            "maximum_balance",
            "below the minimum of 2000000",
        ),
        ({"excluded_share": "named"}, "excluded_share", "do not add up to 100 %"),
    ],
)
async def test_what_cannot_be_or_contradicts_is_told_beside_its_field(
    bakery: Bakery, form: dict[str, str], wrong: str, told: str
) -> None:
    baker_id = await bakery.register()
    wallet = (await bakery.baker(baker_id)).payout_address
    entered = {name: text.format(wallet=wallet) for name, text in form.items()}

    page = await sent(
        bakery.administrator, f"/bakers/{baker_id}/rules", {"address": SOMEBODY, **entered}, 422
    )

    assert [each for each in page.values("id", "p") if each.endswith("-error")] == [
        f"{wrong}-error"
    ]
    assert told in page.text
    assert await rules_of(bakery, baker_id) == {}


async def test_a_rule_that_says_nothing_is_none(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    form = {"address": SOMEBODY, "recipient": " ", "listing": ""}
    page = await sent(bakery.administrator, f"/bakers/{baker_id}/rules", form, 422)
    assert "Nothing would be different" in page.text


async def test_rules_are_imported_and_what_is_exported_can_be(bakery: Bakery) -> None:
    baker_id, other = await bakery.register(), await bakery.register()
    path = f"/bakers/{baker_id}/rules"
    text = f"address,listing,minimum_balance\n{SOMEBODY},ignored,\n{ELSE},,10.5\n"
    page = await followed(bakery.administrator, f"{path}/import", {"pasted": text})
    assert "The rules are imported." in page.text
    merged = {"pasted": json.dumps({address(3): {"listing": "allowed"}})}
    await followed(bakery.administrator, f"{path}/import", merged)
    known = await rules_of(bakery, baker_id)
    assert set(known) == {SOMEBODY, ELSE, address(3)}

    for name in ("rules.csv", "rules.json"):
        file = await bakery.viewer.get(f"/bakers/{baker_id}/{name}")
        assert name in file.headers["content-disposition"]
        form = {"pasted": file.text, "replace": "yes"}
        page = await followed(bakery.administrator, f"/bakers/{other}/rules/import", form)
        assert "all replaced: 3 have a rule of their own" in page.text
        assert await rules_of(bakery, other) == known

    wrong = {"pasted": f"{text}tz1x,ignored,\n"}
    page = await sent(bakery.administrator, f"{path}/import", wrong, 422)
    assert "line 4" in page.text
    assert await rules_of(bakery, baker_id) == known


async def test_rules_are_found_a_page_at_a_time(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    async with bakery.write() as tx:
        baker = await bakers.get(tx, baker_id)
        rules = {address(number): DelegatorRule(recipient=address(9)) for number in range(20, 150)}
        await payout_rules.replace_delegators(tx, baker, rules, actor="test", at=bakery.now)
    path = f"/bakers/{baker_id}/rules"

    first = await shown(bakery.viewer, path)
    one = await shown(bakery.viewer, f"{path}?search={address(77)[20:]}")
    none = await shown(bakery.viewer, f"{path}?search=nobody")

    assert "1 to 100 of 130" in first.text
    assert f"{path}?offset=100#own" in first.values("href", "a")
    assert address(77) in one.text
    assert "Set one" not in first.text
    assert "Nobody with a rule of their own has nobody in the address." in none.text
