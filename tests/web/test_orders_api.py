"""Transfers ordered by the API, and deductions agreed: by an administrator, once, and looked at."""

from typing import Any

from bakehouse.ledger import manual_transfers
from bakehouse.ledger.manual_transfers import NewManualTransfer
from bakehouse.ledger.states import ManualOrigin, Mode
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.qr import qr_svg
from tests.web.conftest import BAKER, DELEGATORS, NETWORK, NOW, STRANGER, House

PATH = f"/api/bakers/{BAKER}"
WHY = {"why": "rent of May"}


async def read(house: House, path: str) -> Any:
    answer = await house.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sent(house: House, path: str, status: int, **body: Any) -> Any:
    answer = await house.client.post(path, json={**WHY, **body})
    assert answer.status_code == status, answer.text
    return answer.json()


async def enter(house: House, key: str, origin: ManualOrigin = ManualOrigin.TRANSFER) -> int:
    """Have an order stand in the ledger, as one whose chain was there when it was given."""
    new = NewManualTransfer(
        network=NETWORK,
        baker_id=BAKER,
        origin=origin,
        idempotence_key=key,
        source=BAKER,
        destination=DELEGATORS[0],
        amount=Mutez(7),
        actor="cli:anna",
        why="rent of May",
        ordered_level=1,
    )
    async with house.workshop.payer.ledger.write() as tx:
        return (await manual_transfers.order(tx, new, at=NOW)).id


async def test_orders_are_listed_newest_first_and_by_pages(house: House) -> None:
    await house.register()
    await enter(house, "may")
    await enter(house, "june", ManualOrigin.EXTRA)

    page = await read(house, f"{PATH}/transfers?limit=1")

    (june,) = page["orders"]
    assert (june["key"], june["origin"], june["state"]) == ("june", "extra-payment", "wanted")
    assert (june["amount"], june["operation"], page["next_offset"]) == ("7", None, 1)
    (may,) = (await read(house, f"{PATH}/transfers?offset=1"))["orders"]
    assert (may["key"], may["actor"], may["why"]) == ("may", "cli:anna", "rent of May")


async def test_an_order_that_is_not_signed_is_given_up_once(house: House) -> None:
    await house.register()
    await house.register(baker_id=STRANGER)
    number = await enter(house, "may")
    path = f"{PATH}/transfers/{number}/give-up"

    await sent(house, f"/api/bakers/{STRANGER}/transfers/{number}/give-up", 404)
    given_up = await sent(house, path, 200, why="no longer needed")

    assert given_up["state"] == "failed"
    assert given_up["reason"] == "given up: no longer needed (token:configured)"
    await sent(house, path, 409)


async def test_what_cannot_be_ordered_is_refused(house: House) -> None:
    await house.register()
    order = {"to": DELEGATORS[0], "amount": "1"}

    await sent(house, f"{PATH}/transfers", 422, **{**order, "amount": "0"})
    await sent(house, f"{PATH}/transfers", 422, **{**order, "to": "tz1-nobody"})
    await sent(house, f"{PATH}/transfers", 422, **{**order, "origin": "top-up"})
    await sent(house, f"{PATH}/transfers", 422, **{**order, "key": ""})
    # There is no chain here: nobody can tell when it was ordered.
    await sent(house, f"{PATH}/transfers", 503, **order)
    await house.client.post(f"{PATH}/mode", json={"mode": Mode.OFF})
    refused = await sent(house, f"{PATH}/transfers", 409, **order)
    assert "nothing leaves its wallet" in refused["detail"]
    assert (await read(house, f"{PATH}/transfers"))["orders"] == []


async def test_a_deduction_is_agreed_once_and_waived_once(house: House) -> None:
    await house.register()
    body = {"owed_to": DELEGATORS[0], "amount": "100", "consent": "by mail", "key": "oo1"}

    agreed = await sent(house, f"{PATH}/deductions", 201, **body)
    assert await sent(house, f"{PATH}/deductions", 201, **body) == agreed
    await sent(house, f"{PATH}/deductions", 409, **{**body, "amount": "101"})
    await sent(house, f"{PATH}/deductions", 422, **{**body, "consent": " ", "key": "oo2"})
    assert (agreed["left"], agreed["taken"], agreed["consent"]) == ("100", "0", "by mail")
    assert (await read(house, f"{PATH}/deductions"))["deductions"] == [agreed]
    path = f"{PATH}/deductions/{agreed['id']}/waive"
    waived = await sent(house, path, 200)

    assert (waived["left"], waived["amount"]) == ("0", "100")
    await sent(house, path, 409)
    await sent(house, f"{PATH}/deductions/4711/waive", 404)


async def test_topping_up_is_set_as_a_whole_and_with_a_key_only(house: House) -> None:
    await house.register()
    whole = {"funding_address": STRANGER, "target_balance": "9", "top_up_cap": "5"}

    for settings, complaint in (
        (whole, "nobody can sign for"),
        ({"target_balance": "9"}, "topping up takes"),
        ({"top_up_cap": "0"}, "top_up_cap must be 1 mutez or more"),
    ):
        answer = await house.client.patch(PATH, json=settings)
        assert (answer.status_code, complaint in answer.json()["detail"]) == (422, True)
    shown = await read(house, PATH)
    assert (shown["funding_address"], shown["target_balance"], shown["top_up_cap"]) == (None,) * 3


async def test_what_a_wallet_lacks_is_told_with_a_code_of_its_address(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    before = await read(house, f"{PATH}/funding")
    # Two payouts of together 100 mutez are owed.
    assert (before["address"], before["wanted"], before["missing"]) == (BAKER, "100", None)
    await house.workshop.cache.set(
        f"balance:{BAKER}", {"balance": "40", "level": 7, "at": NOW.isoformat()}, 60
    )

    told = await read(house, f"{PATH}/funding")

    assert (told["balance"], told["missing"]) == ("40", "60")
    assert told["qr_svg"] == qr_svg(Address(BAKER))
    page = await house.page(f"/bakers/{BAKER}/fund")
    assert told["qr_svg"] in page.html
    assert "0.000060 tez" in page.text
    assert "The address as a QR code" in page.values("aria-label", "figure")
