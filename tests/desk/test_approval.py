"""A cycle goes by the hash of the plan that was seen, and by no other."""

import pytest
from sqlalchemy import text

from bakehouse.desk.approval import approve, plan_sha256
from bakehouse.desk.decisions import CycleOf, hold
from bakehouse.errors import ConflictError, InputError, NotFoundError
from bakehouse.ledger import distributions
from tests.payments.hostile_baker import HostileBaker

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
WHY = {"actor": "user:ann", "why": "looked at it"}


async def hash_of(baker: HostileBaker) -> str:
    async with baker.payer.ledger.read() as tx:
        return await plan_sha256(tx, await baker.distribution())


def cycle_of(baker: HostileBaker) -> CycleOf:
    return CycleOf(baker.baker_id, baker.first_cycle)


async def test_the_plan_that_was_seen_is_let_go_and_paid(baker: HostileBaker) -> None:
    await baker.plan_only()
    assert (await baker.pay()).awaits_go

    seen = await hash_of(baker)
    # As people copy it.
    await approve(baker.payer, cycle_of(baker), expected_sha256=f" {seen.upper()}\n", **WHY)

    assert (await baker.pay()).is_settled
    assert "distribution.approved" in await baker.audit_actions(str(baker.key()))


async def test_a_second_go_is_a_conflict(baker: HostileBaker) -> None:
    await baker.plan_only()
    seen = await hash_of(baker)
    await approve(baker.payer, cycle_of(baker), expected_sha256=seen, **WHY)

    with pytest.raises(ConflictError, match="needs no go"):
        await approve(baker.payer, cycle_of(baker), expected_sha256=seen, **WHY)


async def test_nothing_is_approved_before_it_is_planned(baker: HostileBaker) -> None:
    with pytest.raises(ConflictError, match="not planned yet"):
        await approve(baker.payer, cycle_of(baker), expected_sha256="0" * 64, **WHY)
    unknown = CycleOf(baker.baker_id, 4711)
    with pytest.raises(NotFoundError):
        await approve(baker.payer, unknown, expected_sha256="0" * 64, **WHY)


@pytest.mark.parametrize("other", ["", "0" * 64, "nonsense ✓"])
async def test_another_plan_than_the_one_seen_is_refused(baker: HostileBaker, other: str) -> None:
    await baker.plan_only()

    with pytest.raises(ConflictError, match="not the one you saw"):
        await approve(baker.payer, cycle_of(baker), expected_sha256=other, **WHY)

    assert (await baker.distribution()).approved_at is None
    assert (await baker.pay()).awaits_go


async def test_a_go_without_a_reason_is_refused(baker: HostileBaker) -> None:
    await baker.plan_only()
    seen = await hash_of(baker)

    with pytest.raises(InputError, match="why"):
        await approve(
            baker.payer, cycle_of(baker), expected_sha256=seen, actor="user:ann", why="  "
        )


async def test_states_move_under_the_hash_and_money_does_not(baker: HostileBaker) -> None:
    await baker.plan_only()
    seen = await hash_of(baker)
    largest, *_ = await baker.payouts()

    await hold(baker.payer, cycle_of(baker), owed_to=largest.owed_to, **WHY)
    assert await hash_of(baker) == seen


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payouts SET net = net + 1, gross = gross + 1 WHERE id = 1",
        "UPDATE payouts SET fee = fee + 1, gross = gross + 1 WHERE id = 1",
        "UPDATE payouts SET delegated_balance = delegated_balance + 1 WHERE id = 1",
        "UPDATE payouts SET owed_to = 'tz1elsewhere' WHERE id = 1",
        "UPDATE payouts SET address = 'tz1elsewhere' WHERE id = 1",
        "UPDATE payouts SET kind = 'bond-member' WHERE id = 1",
        "DELETE FROM payouts WHERE id = 1",
        "UPDATE distributions SET dust = dust + 1, pool = pool + 1",
        "UPDATE distributions SET snapshot_sha256 = 'other'",
        "UPDATE distributions SET cycle = cycle + 1",
    ],
)
async def test_whatever_would_be_paid_otherwise_has_another_hash(
    baker: HostileBaker, change: str
) -> None:
    await baker.plan_only()
    distribution = await baker.distribution()
    async with baker.payer.ledger.write() as tx:
        before = await plan_sha256(tx, distribution)
        # Nobody can do this: the guards of the database are taken away for it.
        for row in (await tx.execute(text(TRIGGERS))).all():
            await tx.execute(text(f'DROP TRIGGER "{row.name}"'))
        await tx.execute(text(change))
        assert await plan_sha256(tx, await distributions.by_id(tx, distribution.id)) != before
        await tx.rollback()
