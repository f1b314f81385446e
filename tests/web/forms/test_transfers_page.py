"""Transfers by hand in a browser: ordered on a second look, taken back, cancelled, given again."""

from typing import Any

import pytest

from bakehouse.ledger import leases, manual_transfers, operations
from bakehouse.ledger.manual_transfers import ManualTransfer, NewManualTransfer
from bakehouse.ledger.page import Slice
from bakehouse.ledger.states import ManualOrigin, ManualState, Mode, OperationState
from bakehouse.rewards.money import Mutez
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.people import PASSWORD
from tests.web.scenes import address, new_operation

pytestmark = pytest.mark.asyncio(loop_scope="session")

TO = address(77)
TYPED = {"to": TO, "amount": "12.5", "why": "rent of May", "origin": "transfer", "key": "k-1"}


async def orders_of(bakery: Bakery, baker_id: str) -> list[ManualTransfer]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return list((await manual_transfers.listed(tx, baker_id, Slice(0, 50))).rows)


async def enter(
    bakery: Bakery,
    baker_id: str,
    origin: ManualOrigin = ManualOrigin.TRANSFER,
    key: str = "may",
) -> ManualTransfer:
    """An order as it stands in the ledger before anything is signed."""
    wallet = (await bakery.baker(baker_id)).payout_address
    new = NewManualTransfer(
        network=bakery.chain.chain_id,
        baker_id=baker_id,
        origin=origin,
        idempotence_key=key,
        source=wallet,
        destination=TO,
        amount=Mutez(7_000_001),
        actor="cli:anna",
        why="rent <of> May",
        ordered_level=1,
    )
    async with bakery.write() as tx:
        return await manual_transfers.order(tx, new, at=bakery.now)


async def sign(bakery: Bakery, order: ManualTransfer) -> str:
    """What does it is signed and sent; gives its hash."""
    counter = 700_000 + order.id
    async with bakery.write() as tx:
        lease = await leases.acquire(
            tx, order.network, order.source, holder="test", at=bakery.now, seconds=9
        )
        assert lease is not None
        new = new_operation(order.source, counter, {order.destination: order.amount})
        number = await manual_transfers.store_signed(tx, order, new, lease, at=bakery.now)
        (signed,) = await operations.by_ids(tx, {number})
        await operations.enter_state(tx, signed, OperationState.INJECTED, at=bakery.now)
        return signed.hash


async def fail(bakery: Bakery, order: ManualTransfer) -> None:
    async with bakery.write() as tx:
        why = "keeps-owed: <too little> would be left"
        await manual_transfers.give_up(tx, order, why, actor="bakehouse", at=bakery.now)


async def asked(bakery: Bakery, path: str, **answers: str) -> dict[str, str]:
    """What a browser sends back of a question, with what a person enters."""
    page = await shown(bakery.administrator, path)
    return {"seen": page.entries["seen"], "why": "no longer needed", **answers}


async def test_a_transfer_is_shown_once_more_and_ordered_once_with_the_password(
    bakery: Bakery,
) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/transfers/new"

    question = await sent(bakery.administrator, path, TYPED, 200)
    assert await orders_of(bakery, baker_id) == []
    assert "Send 12.500000 tez" in question.text
    assert f"To {TO} 12.500000 tez" in question.text
    answer = {name: question.entries[name] for name in (*TYPED, "confirmed")}
    wrong = await sent(bakery.administrator, path, {**answer, "password": "guess"}, 422)
    assert "The password is wrong." in wrong.text
    right = {**answer, "password": PASSWORD}
    done = await followed(bakery.administrator, path, right)
    await followed(bakery.administrator, path, right)

    assert "Ordered: it is signed within a minute" in done.text
    (order,) = await orders_of(bakery, baker_id)
    facts = (order.destination, order.amount, order.why, order.actor, order.idempotence_key)
    assert facts == (TO, 12_500_000, "rent of May", "user:anna", "k-1")
    assert not order.spends_owed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"to": "tz1x"}, "not a valid Tezos address"),
        ({"amount": "0"}, "0.000001 tez or more"),
        ({"amount": "a lot"}, "not an amount"),
        ({"why": " "}, "Say why"),
        ({"origin": "top-up"}, "Choose what it is"),
        ({"name": "x" * 101}, "1 to 100 characters"),
    ],
)
async def test_what_cannot_be_transferred_is_told_beside_its_field(
    bakery: Bakery, change: dict[str, str], told: str
) -> None:
    baker_id = await bakery.register()

    page = await sent(
        bakery.administrator, f"/bakers/{baker_id}/transfers/new", TYPED | change, 422
    )

    (error,) = [each for each in page.values("id", "p") if each.endswith("-error")]
    assert error == f"{next(iter(change))}-error"
    assert told in page.text


async def test_what_is_refused_is_told_and_nothing_typed_is_lost(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    wallet = (await bakery.baker(baker_id)).payout_address
    form = {**TYPED, "to": wallet, "confirmed": "yes", "password": PASSWORD}

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/transfers/new", form, 422)

    assert "is the payout wallet itself" in page.text
    assert page.entries["to"] == wallet
    assert await orders_of(bakery, baker_id) == []


async def test_the_form_comes_filled_from_a_delegators_page(bakery: Bakery) -> None:
    baker_id = await bakery.register()

    delegator = await shown(bakery.administrator, f"/bakers/{baker_id}/delegators/{TO}")
    (link,) = [each for each in delegator.values("href", "a") if "/transfers/new" in each]
    form = await shown(bakery.administrator, link)

    assert (form.entries["to"], form.entries["origin"]) == (TO, "extra-payment")
    for_operator = await shown(bakery.operator, f"/bakers/{baker_id}/delegators/{TO}")
    assert link not in for_operator.values("href", "a")


async def test_an_order_that_is_not_signed_is_taken_back(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/transfers/{(await enter(bakery, baker_id)).id}/give-up"

    page = await shown(bakery.administrator, f"/bakers/{baker_id}/transfers")
    assert f"Transfer to {TO} 7.000001 tez wanted Rent <of> May. cli:anna" in page.text
    assert path in page.values("href", "a")
    form = await asked(bakery, path)
    await sent(bakery.administrator, path, {**form, "why": ""}, 422)
    done = await followed(bakery.administrator, path, form)

    assert "Given up: no longer needed (user:anna)." in done.text
    (order,) = await orders_of(bakery, baker_id)
    assert order.state is ManualState.FAILED


async def test_what_went_on_meanwhile_is_not_decided_by_what_was_seen(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    order = await enter(bakery, baker_id)
    path = f"/bakers/{baker_id}/transfers/{order.id}/give-up"
    form = await asked(bakery, path)

    await sign(bakery, order)
    page = await sent(bakery.administrator, path, form, 422)

    assert "has gone on since you opened this page" in page.text
    (order,) = await orders_of(bakery, baker_id)
    assert order.state is ManualState.ASSIGNED


async def test_what_is_signed_shows_its_operation_and_can_be_cancelled(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    order = await enter(bakery, baker_id)
    signed = await sign(bakery, order)
    path = f"/bakers/{baker_id}/transfers/{order.id}/cancel"

    page = await shown(bakery.operator, f"/bakers/{baker_id}/transfers")
    assert signed in page.values("title")
    assert "injected" in page.text
    assert path in page.values("href", "a")
    await followed(bakery.operator, path, await asked(bakery, path))

    async with bakery.house.workshop.payer.ledger.read() as tx:
        found = await operations.find(tx, signed)
    assert found is not None
    assert found.cancel_requested_at is not None
    again = await shown(bakery.operator, f"/bakers/{baker_id}/transfers")
    assert path not in again.values("href", "a")


async def test_a_failed_order_is_given_again_with_the_password(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    order = await enter(bakery, baker_id)
    await fail(bakery, order)
    path = f"/bakers/{baker_id}/transfers/{order.id}/again"

    page = await shown(bakery.administrator, f"/bakers/{baker_id}/transfers")
    assert "Keeps-owed: <too little> would be left." in page.text
    form = await asked(bakery, path)
    await sent(bakery.administrator, path, form, 422)
    await followed(bakery.administrator, path, {**form, "password": PASSWORD})

    (again,) = await orders_of(bakery, baker_id)
    assert (again.state, again.id, again.reason) == (ManualState.WANTED, order.id, None)
    (event,) = await bakery.events("manual_transfer.ordered_again", baker_id)
    assert (event.actor, event.detail["why"]) == ("user:anna", "no longer needed")


async def test_a_top_up_is_not_for_a_person_to_give_again(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    order = await enter(bakery, baker_id, ManualOrigin.TOP_UP)
    await fail(bakery, order)
    path = f"/bakers/{baker_id}/transfers/{order.id}/again"

    page = await shown(bakery.administrator, f"/bakers/{baker_id}/transfers")
    assert path not in page.values("href", "a")
    refused = await sent(
        bakery.administrator, path, await asked(bakery, path, password=PASSWORD), 422
    )
    assert "only a failed order of a person can be given again" in refused.text


async def test_a_baker_that_is_off_takes_no_orders(bakery: Bakery) -> None:
    baker_id = await bakery.register(mode=Mode.OFF)

    page = await shown(bakery.administrator, f"/bakers/{baker_id}/transfers")
    form = {**TYPED, "confirmed": "yes", "password": PASSWORD}
    refused = await sent(bakery.administrator, f"/bakers/{baker_id}/transfers/new", form, 422)

    assert "Nothing was ever transferred by hand." in page.text
    assert not [each for each in page.values("href", "a") if each.endswith("/new")]
    assert "nothing leaves its wallet" in refused.text


async def test_a_key_is_ordered_to_be_revealed(bakery: Bakery) -> None:
    baker_id = await bakery.register()

    done = await followed(bakery.administrator, f"/bakers/{baker_id}/transfers/reveal", {})

    assert "the key is revealed within a minute or two" in done.text
    (order,) = await orders_of(bakery, baker_id)
    assert order.origin is ManualOrigin.REVEAL


async def test_a_program_gives_a_failed_order_again(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    order = await enter(bakery, baker_id)
    path = f"/api/bakers/{baker_id}/transfers/{order.id}/again"
    body: dict[str, Any] = {"json": {"why": "funded"}}

    refused = await bakery.house.client.post(path, **body)
    await fail(bakery, order)
    again = await bakery.house.client.post(path, **body)

    assert refused.status_code == 409
    assert (again.status_code, again.json()["state"]) == (202, "wanted")
