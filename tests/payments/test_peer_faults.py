"""The ten faults under which TRD was run, by the names of docs/coming-from-trd.md, on Bakehouse.

As there: three groups, and the second is the one that is struck. The tally is the chain's.
"""

import httpx2
import pytest

from bakehouse.ledger.operations import Operation
from bakehouse.payments import controls
from bakehouse.payments.advance import fail
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import PaymentLimits, SourceLocks
from bakehouse.payments.wallet_transfers import WalletTransfers
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.receipt import Status
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import (
    NODES,
    HostileBaker,
    Treatment,
    answered,
    assert_paid_once,
)
from tests.payments.surroundings import STEPS_MAX, small_chain

INJECTION = f"{NODES} POST /injection/operation"
ANYTHING = f"{NODES} .*"
BALANCE = f"{NODES} GET .*/contracts/{{}}/balance"


@pytest.fixture
async def baker(open_hostile: OpenHostileBaker) -> HostileBaker:
    """One with three delegators, each of whom is paid by a group of its own."""
    return await open_hostile(small_chain(delegator_count=3), limits=PaymentLimits(transfers_max=1))


class Killed(BaseException):
    """The process is no more: what it would have done next never happens."""


def kill(_: httpx2.Response) -> httpx2.Response:
    raise Killed


def lose(_: httpx2.Response) -> httpx2.Response:
    raise httpx2.ReadError("the connection broke")


def restarted(baker: HostileBaker) -> HostileBaker:
    """Start the process that takes over: it knows what is in the ledger, and no more."""
    return baker.other(holder="restarted", locks=SourceLocks(), wallet_transfers=WalletTransfers())


async def until_second_group(baker: HostileBaker) -> Operation:
    """Advance until the second of the three groups is signed and on its way, or lost on it."""
    for _ in range(STEPS_MAX):
        await baker.step()
        if len(signed := await baker.operations()) == 2:
            return signed[-1]
        baker.bake()
    raise AssertionError("there was no second group")


async def strike_second_group(baker: HostileBaker, treatment: Treatment) -> Operation:
    """Both nodes take the second group; what they answer is treated otherwise."""
    await baker.step()
    baker.bake()
    baker.way.treat(INJECTION, treatment, times=2)
    return await until_second_group(baker)


async def assert_three_groups_paid_all(baker: HostileBaker, second: Operation) -> None:
    await assert_paid_once(baker)
    groups = await baker.operations()
    assert len(groups) == 3
    assert groups[1].hash == second.hash


async def test_none(baker: HostileBaker) -> None:
    await assert_three_groups_paid_all(baker, await until_second_group(baker))


async def test_killed_after_the_second_group_and_restarted(baker: HostileBaker) -> None:
    with pytest.raises(Killed):
        await strike_second_group(baker, kill)
    second = (await baker.operations())[-1]

    await assert_three_groups_paid_all(restarted(baker), second)


async def test_node_unreachable_as_the_second_reply_is_lost_then_restarted(
    baker: HostileBaker,
) -> None:
    def lose_and_be_gone(response: httpx2.Response) -> httpx2.Response:
        baker.way.treat(ANYTHING, lose)
        return lose(response)

    second = await strike_second_group(baker, lose_and_be_gone)
    for _ in range(5):
        assert (await baker.step()).trouble is not None
        baker.bake()

    await assert_three_groups_paid_all(restarted(baker), second)


async def test_node_accepted_and_a_proxy_answered_500(baker: HostileBaker) -> None:
    second = await strike_second_group(baker, answered(500, "no"))

    await assert_three_groups_paid_all(baker, second)


async def test_one_reply_lost_and_the_node_is_fine(baker: HostileBaker) -> None:
    second = await strike_second_group(baker, lose)

    await assert_three_groups_paid_all(baker, second)


async def test_included_but_backtracked(open_hostile: OpenHostileBaker) -> None:
    baker = await open_hostile(limits=PaymentLimits(transfers_max=2))
    failing = await until_second_group(baker)
    baker.sandbox.inflict(Fault.INCLUDED_BUT_FAILED, position=1)
    baker.bake()
    await baker.step()

    await assert_paid_once(baker)
    groups = await baker.operations()
    assert [each.applied for each in groups if each.hash == failing.hash] == [False]
    assert Status.BACKTRACKED in {each.status for each in baker.transfers()}
    assert len(groups) == 4


async def nine_blocks_without(baker: HostileBaker) -> Operation:
    """The second group waits for nine blocks, and nothing is signed in its place."""
    second = await until_second_group(baker)
    baker.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    for _ in range(3):
        baker.bake_to(baker.chain.head.level + 3)
        assert (await baker.step()).waiting_for == "a block"
        assert len(await baker.operations()) == 2
    return second


async def test_operation_waits_nine_blocks(baker: HostileBaker) -> None:
    second = await nine_blocks_without(baker)

    await assert_three_groups_paid_all(baker, second)


async def test_operation_waits_nine_blocks_and_a_person_retries(baker: HostileBaker) -> None:
    second = await nine_blocks_without(baker)
    await fail(baker.payer, baker.key(), "given up")
    async with baker.payer.ledger.write() as tx:
        await controls.retry(tx, baker.key(), Decision("cli:ann", "again", baker.payer.clock()))
    await baker.step()
    assert len(await baker.operations()) == 2

    await assert_three_groups_paid_all(baker, second)


async def test_one_500_on_the_balance_request(baker: HostileBaker) -> None:
    baker.way.treat(BALANCE.format(baker.payout_address), answered(500, "no"), times=2)

    assert "500" in ((await baker.step()).trouble or "")
    assert await baker.operations() == []
    await assert_paid_once(baker)


async def test_one_emptied_delegator_in_a_group(baker: HostileBaker) -> None:
    await baker.plan_only()
    emptied = next(row.address for row in await baker.payouts() if row.address.startswith("tz"))
    assert baker.balance(emptied) > 0
    baker.empty(emptied)

    await assert_paid_once(baker)
    assert baker.balance(emptied) > 0
