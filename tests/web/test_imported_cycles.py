"""A cycle that another tool has paid is shown like all others, with that tool's operation."""

from datetime import UTC, datetime

from bakehouse.importers.moving import Choice, look_offline, move_in
from bakehouse.importers.moving_in import (
    MovingIn,
    OldHistory,
    OldPayment,
    OldSettings,
    Outcome,
    Tool,
)
from bakehouse.importers.place import Place
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from tests.web.conftest import BAKER, DELEGATORS, NETWORK, NOW, House
from tests.web.scenes import operation_hash

CYCLE = 1335
HASH = operation_hash(7)


async def import_a_cycle(house: House) -> None:
    payments = tuple(
        OldPayment(
            cycle=CYCLE,
            kind=PayoutKind.DELEGATOR,
            owed_to=address,
            address=address,
            amount=Mutez(1_500_000),
            outcome=outcome,
            said="so",
            place=Place("payouts.csv", 2),
            operation_hash=HASH if outcome is Outcome.PAID else None,
            paid_at=datetime(2026, 11, 20, tzinfo=UTC),
        )
        for address, outcome in zip(DELEGATORS, Outcome, strict=True)
    )
    moving = MovingIn(
        tool=Tool.TEZPAY,
        files={},
        settings=OldSettings(baker_id=BAKER, payout_address=None, settings={}),
        history=OldHistory(payments=payments, last_cycle=CYCLE),
    )
    ledger = house.workshop.payer.ledger
    choice = Choice(NETWORK, "test", NOW)
    await move_in(ledger, await look_offline(ledger, moving, choice))


async def test_pages_show_who_was_paid_by_which_operation_and_who_waits(house: House) -> None:
    await house.register()
    async with house.workshop.payer.ledger.write() as tx:
        await tx.exec_driver_sql("UPDATE bakers SET public_page = 1")
    await import_a_cycle(house)

    for path in ("", "?kind=bond_pool", "/plan"):
        page = await house.page(f"/bakers/{BAKER}/cycles/{CYCLE}{path}")
        assert str(CYCLE) in page.title, page.title
    cycle = await house.page(f"/bakers/{BAKER}/cycles/{CYCLE}")
    assert HASH in cycle.html
    assert "TezPay says" in cycle.html
    for path in ("/", "/waiting", f"/bakers/{BAKER}", f"/bakers/{BAKER}/statistics"):
        assert (await house.page(path)).title.endswith(" · Bakehouse")
    for whose in (f"/bakers/{BAKER}/delegators/{DELEGATORS[0]}", f"/public/{BAKER}"):
        page = await house.page(f"{whose}?address={DELEGATORS[0]}")
        assert HASH in page.html


async def test_programs_read_it_like_all_others(house: House) -> None:
    await house.register()
    await import_a_cycle(house)
    of_baker = f"/api/bakers/{BAKER}"

    cycle = (await house.client.get(f"{of_baker}/cycles/{CYCLE}")).json()
    assert cycle["distribution"]["state"] == "paid", cycle
    for path in (f"cycles/{CYCLE}/payouts", "payouts"):
        answer = await house.client.get(f"{of_baker}/{path}")
        assert answer.status_code == 200, answer.text
        assert HASH in answer.text
    for path in ("overview", f"cycles/{CYCLE}/rules", f"cycles/{CYCLE}/exclusions", "statistics"):
        assert (await house.client.get(f"{of_baker}/{path}")).status_code == 200, path
    statement = await house.client.get(
        f"{of_baker}/export/statement", params={"address": DELEGATORS[0], "year": 2026}
    )
    assert HASH in statement.text, statement.text
