"""Fees and bond-pool members by the API: one by one, in bulk, and on record."""

import pytest

from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.web.hardening import BODY_BYTES_MAX, IMPORT_BYTES_MAX
from tests.web.conftest import BAKER, DELEGATORS, House

FEES = f"/api/bakers/{BAKER}/fees"
POOL = f"/api/bakers/{BAKER}/bond-pool"
ANN, BOB = DELEGATORS


async def test_a_fee_is_set_found_and_removed(house: House) -> None:
    await house.register()
    for _ in range(2):
        put = await house.client.put(f"{FEES}/{ANN}", json={"fee_basis_points": 995})
        assert put.json() == {"address": ANN, "fee_basis_points": 995}

    found = (await house.client.get(FEES, params={"search": ANN[3:9].lower()})).json()
    assert found["fees"] == [{"address": ANN, "fee_basis_points": 995}]
    assert (found["count"], found["default_fee_basis_points"]) == (1, 1000)

    assert (await house.client.delete(f"{FEES}/{ANN}")).json() == {"removed": True}
    assert (await house.client.delete(f"{FEES}/{ANN}")).status_code == 404
    assert (await house.client.get(FEES)).json()["fees"] == []


async def test_thousands_of_fees_are_imported_and_paged(house: House) -> None:
    await house.register()
    addresses = [encode(Prefix.TZ1, number.to_bytes(20)) for number in range(5_000)]
    text = "\n".join(f"{address},9.95" for address in addresses)
    assert BODY_BYTES_MAX < len(text) < IMPORT_BYTES_MAX

    answer = await house.client.post(
        f"{FEES}/import", json={"how": "replace", "text": text}, timeout=60
    )

    assert (answer.status_code, answer.json()) == (200, {"count": 5_000})
    page = (await house.client.get(FEES, params={"offset": 4_990, "limit": 20})).json()
    assert (page["count"], len(page["fees"]), page["next_offset"]) == (5_000, 10, None)
    history = (await house.client.get(f"{FEES}/history")).json()
    assert [each["action"] for each in history["changes"]] == ["fees.replaced"]


async def test_an_import_names_the_line_of_a_mistake(house: House) -> None:
    await house.register()
    text = f"{ANN},5\n{BOB},101\n"

    answer = await house.client.post(f"{FEES}/import", json={"how": "merge", "text": text})

    assert answer.status_code == 422
    assert "line 2" in answer.json()["detail"]
    assert (await house.client.get(FEES)).json()["count"] == 0


async def test_the_history_is_paged_with_what_was_before(house: House) -> None:
    await house.register()
    for fee in (1, 2, 3):
        await house.client.put(f"{FEES}/{ANN}", json={"fee_basis_points": fee})

    first = (await house.client.get(f"{FEES}/history", params={"limit": 2})).json()
    before = first["next_before"]
    rest = (await house.client.get(f"{FEES}/history", params={"before": before})).json()

    changes = [*first["changes"], *rest["changes"]]
    assert [each["after"][ANN] for each in changes] == [3, 2, 1]
    assert [each["before"].get(ANN) for each in changes] == [2, 1, None]
    assert {each["actor"] for each in changes} == {"token:configured"}
    assert rest["next_before"] is None


async def test_members_are_replaced_whole_and_their_shares_add_up(house: House) -> None:
    await house.register()
    members = [
        {"address": ANN, "amount": "2", "adm_charge_basis_points": 500, "name": "Ann"},
        {"address": BOB, "amount": "1", "adm_charge_basis_points": 0, "is_manager": True},
    ]

    answer = await house.client.put(POOL, json={"members": members})

    told = {each["address"]: each for each in answer.json()["members"]}
    assert {address: each["share_basis_points"] for address, each in told.items()} == {
        ANN: 6667,
        BOB: 3333,
    }
    assert told[ANN]["name"] == "Ann"
    assert (await house.client.get(POOL)).json() == answer.json()
    assert (await house.client.put(POOL, json={"members": []})).json() == {"members": []}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_manager": False}, "exactly one manager"),
        ({"amount": "0"}, "more than 0"),
        ({"address": "tz1nonsense"}, "body.members.address"),
        ({"amount": 5}, "body.members.amount"),
    ],
)
async def test_members_that_cannot_be_a_pool_are_refused_with_what_is_wrong(
    house: House, change: dict[str, object], told: str
) -> None:
    await house.register()
    member = {"address": ANN, "amount": "5", "adm_charge_basis_points": 0, "is_manager": True}

    answer = await house.client.put(POOL, json={"members": [{**member, **change}]})

    assert answer.status_code == 422
    assert told in answer.json()["detail"]


async def test_members_are_imported_from_csv(house: House) -> None:
    await house.register()
    text = f"address,amount,adm_charge,is_manager,name\n{ANN},1.5,0,yes,Ann\n"

    answer = await house.client.post(f"{POOL}/import", json={"text": text})

    (member,) = answer.json()["members"]
    assert (member["amount"], member["share_basis_points"]) == ("1500000", 10_000)
    wrong = await house.client.post(f"{POOL}/import", json={"text": "address\n"})
    assert wrong.status_code == 422
