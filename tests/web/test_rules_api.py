"""Rules of single delegators and income shares by the API: whole or not at all, and on record."""

import pytest

from tests.web.conftest import BAKER, DELEGATORS, STRANGER, House

RULES = f"/api/bakers/{BAKER}/rules"
INCOME = f"/api/bakers/{BAKER}/income"
ANN, BOB = DELEGATORS
NOTHING = dict.fromkeys(
    (
        "recipient",
        "listing",
        "minimum_balance",
        "maximum_balance",
        "transfer_fee_payer",
        "burn_payer",
        "excluded_share",
    )
)


async def test_a_rule_is_set_found_and_removed(house: House) -> None:
    await house.register()
    sent = {"recipient": BOB, "maximum_balance": "1500000", "burn_payer": "delegator"}
    stored = {"address": ANN, **NOTHING, **sent}
    for _ in range(2):
        assert (await house.client.put(f"{RULES}/{ANN}", json=sent)).json() == stored

    found = await house.client.get(RULES, params={"search": BOB[3:9].lower()})
    assert found.json() == {"rules": [stored], "count": 1, "next_offset": None}
    same = await house.client.get(RULES, headers={"If-None-Match": found.headers["etag"]})
    assert same.status_code == 304

    assert (await house.client.delete(f"{RULES}/{ANN}")).json() == {"removed": True}
    assert (await house.client.delete(f"{RULES}/{ANN}")).status_code == 404
    history = (await house.client.get(f"{RULES}/history")).json()["changes"]
    assert [each["action"] for each in history] == [
        "delegator_rules.removed",
        *["delegator_rules.changed"] * 2,
    ]
    assert history[0]["before"] == {ANN: sent}


async def test_all_rules_are_replaced_or_imported(house: House) -> None:
    await house.register()
    rules = [{"address": ANN, "listing": "ignored"}, {"address": BOB, "minimum_balance": "7"}]

    assert (await house.client.put(RULES, json={"rules": rules})).json() == {"count": 2}
    text = f"address,listing\n{ANN},allowed\n"
    merged = {"how": "merge", "text": text}
    assert (await house.client.post(f"{RULES}/import", json=merged)).json() == {"count": 1}

    page = (await house.client.get(RULES, params={"limit": 1})).json()
    rest = (await house.client.get(RULES, params={"offset": page["next_offset"]})).json()
    told = {each["address"]: each for each in (*page["rules"], *rest["rules"])}
    assert (told[ANN]["listing"], told[BOB]["minimum_balance"]) == ("allowed", "7")
    assert (await house.client.put(RULES, json={"rules": []})).json() == {"count": 0}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"recipient": "tz1nonsense"}, "body.recipient"),
        ({"recipient": BAKER}, "the wallet that pays"),
        ({"maximum_balance": 5}, "body.maximum_balance"),
        ({"listing": "banned"}, "body.listing"),
        ({"minimum_balance": "2", "maximum_balance": "1"}, "below the minimum of 2"),
        ({"excluded_share": "named"}, "do not add up to 100 %"),
        ({}, "says nothing"),
    ],
)
async def test_rules_that_cannot_be_are_refused_with_what_is_wrong(
    house: House, sent: dict[str, object], told: str
) -> None:
    await house.register()

    answer = await house.client.put(f"{RULES}/{ANN}", json=sent)

    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert (await house.client.get(RULES)).json()["count"] == 0
    twice = [{"address": ANN, "listing": "ignored"}] * 2
    assert (await house.client.put(RULES, json={"rules": twice})).status_code == 422


async def test_income_shares_are_replaced_whole(house: House) -> None:
    await house.register()
    share = {
        "address": ANN,
        "of_bonds_basis_points": 0,
        "of_fees_basis_points": 2500,
        "of_excluded_basis_points": 10000,
    }

    answer = await house.client.put(INCOME, json={"shares": [share]})

    assert answer.json() == {"shares": [share]}
    assert (await house.client.get(INCOME)).json() == answer.json()
    for wrong, told in (
        ([share, share], "twice"),
        ([{**share, "of_fees_basis_points": 10_001}], "body.shares.of_fees_basis_points"),
        ([share, {**share, "address": STRANGER}], "100 % at most together"),
        ([{"address": BOB}], "no share of anything"),
        ([{**share, "address": BAKER}], "the wallet that pays"),
    ):
        refused = await house.client.put(INCOME, json={"shares": wrong})
        assert refused.status_code == 422
        assert told in refused.json()["detail"]
    assert (await house.client.get(INCOME)).json() == answer.json()
