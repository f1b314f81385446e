"""Moving in from each tool, then paying the next cycle: no old one is ever touched."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from bakehouse.importers.report import report_text
from bakehouse.ledger import bakers, distributions, payouts
from bakehouse.ledger.payouts import NewPayout
from bakehouse.ledger.schema import distributions as distributions_table
from bakehouse.ledger.schema import payouts as payouts_table
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.importers.old_life import OldLife, Paid
from tests.importers.reading import read
from tests.payments.surroundings import owed


def decision(life: OldLife) -> Decision:
    return Decision("test", "I looked", life.new.payer.clock())


@pytest.mark.parametrize("tool", ["taps-1.3", "taps-1.4", "trd", "tezpay"])
async def test_after_moving_in_the_next_cycle_is_paid_and_no_old_one(
    life: OldLife, tool: str, taps_scripts: dict[str, Path]
) -> None:
    seen = await life.move_in(read(life, tool, taps_scripts))

    assert await life.states() == {each.address: "paid" for each in life.paid}
    assert await life.both_kinds_are_closed()
    async with life.new.payer.ledger.read() as tx:
        baker = await bakers.get(tx, life.old.baker_id)
    assert (baker.mode, baker.first_cycle) == (Mode.SIMULATION, life.cycle + 1)
    assert baker.payout_address == life.old.payout_address
    # A simulation of the next cycle, and then the real thing: nobody is held for old payments,
    # though they were sent after the cycle had ended.
    before = life.new.paid_on_chain()
    await life.switch_on()
    await life.new.change(first_cycle=life.cycle)
    due = await life.new.notice()
    assert due[0] == life.new.key(life.cycle + 1)
    step = await life.new.pay(due[0])
    assert (step.is_settled, step.held) == (True, 0)
    assert life.new.paid_on_chain() - before == owed(await life.new.payouts(due[0]))
    assert await life.states() == {each.address: "paid" for each in life.paid}
    assert await life.new.audit_is_unbroken()
    assert seen.deed.checked_level is not None


async def test_what_was_provably_not_paid_waits_for_a_person_and_is_paid_once_by_its_word(
    life: OldLife, taps_scripts: dict[str, Path]
) -> None:
    stranger = life.old.baker_id
    rows = [*life.paid, Paid(stranger, 123_457, None, "failed")]
    seen = await life.move_in(read(life, "taps-1.4", taps_scripts, *rows))
    text = report_text(seen)
    assert "1 payments of 0.123457 tez are held for a person" in text
    assert "provably not paid" in text
    await life.switch_on()
    for key in await life.new.notice():
        await life.new.pay(key)
    assert (await life.states())[stranger] == "held"
    before = life.new.paid_on_chain()

    async with life.new.payer.ledger.write() as tx:
        await controls.release(tx, life.new.key(life.cycle), decision(life))
    step = await life.new.pay(life.new.key(life.cycle))

    assert step.is_settled
    assert life.new.paid_on_chain() - before == Counter({stranger: 123_457})
    assert (await life.states())[stranger] == "paid"
    # What follows a paid cycle, the bond pool, does not follow this one.
    assert await life.both_kinds_are_closed()


async def test_the_database_itself_refuses_to_open_an_imported_cycle(
    life: OldLife, taps_scripts: dict[str, Path]
) -> None:
    await life.move_in(read(life, "taps-1.4", taps_scripts))
    ledger = life.new.payer.ledger
    key = life.new.key(life.cycle)
    async with ledger.read() as tx:
        distribution = await distributions.get(tx, key)
    row = NewPayout(
        "delegator", life.old.baker_id, Mutez(1), Mutez(1), BasisPoints(0), Mutez(0), Mutez(1),
        PayoutState.OWED,
    )  # fmt: skip
    again = insert(distributions_table).values(
        network=key.network, baker_id=key.baker_id, cycle=key.cycle, kind=key.kind, mode=key.mode,
        state=DistributionState.SEEN, created_at=distribution.created_at,
        updated_at=distribution.created_at,
    )  # fmt: skip
    table = payouts_table
    refused = {
        "identity|UNIQUE constraint failed: distributions": again,
        "what distributions say may not change": update(distributions_table).values(import_id=None),
        "illegal move of payouts": update(table).values(state="owed"),
        "what payouts say may not change": update(table).values(imported_payment_id=None),
    }
    for complaint, statement in refused.items():
        with pytest.raises(IntegrityError, match=complaint):
            async with ledger.write() as tx:
                await tx.execute(statement)
    with pytest.raises(IntegrityError, match="of an imported cycle only its history is entered"):
        async with ledger.write() as tx:
            await payouts.add(tx, distribution, [row])
    for state in (DistributionState.PAYING, DistributionState.FAILED):
        async with ledger.write() as tx:
            await distributions.enter_state(tx, distribution, state, at=life.new.payer.clock())
    with pytest.raises(IntegrityError, match="an imported cycle is never planned anew"):
        async with ledger.write() as tx:
            await distributions.enter_state(
                tx, distribution, DistributionState.REWARDS_PENDING, at=life.new.payer.clock()
            )
    # A retry by a person goes on where it was, and finds nothing to pay.
    async with ledger.write() as tx:
        await controls.retry(tx, key, decision(life))
    await life.switch_on()
    before = life.new.paid_on_chain()
    assert (await life.new.pay(key)).is_settled
    assert life.new.paid_on_chain() == before
    assert not await life.new.exists(
        life.new.key(life.cycle, DistributionKind.BOND_POOL, Mode.SIMULATION)
    )
