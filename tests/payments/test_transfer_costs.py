"""What a transfer costs is borne by whom the baker says, to the mutez; nobody is left in debt."""

from collections import Counter
from dataclasses import replace

import pytest

from bakehouse.ledger import distributions, payouts
from bakehouse.ledger.states import DistributionState, PayoutState
from bakehouse.payments.batch import IntentPart, TransferIntent
from bakehouse.payments.transfer_costs import share_costs
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_rules import CostBearer
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker

DELEGATOR = CostBearer.DELEGATOR


def intent(*parts: tuple[int, bool, bool]) -> TransferIntent:
    return TransferIntent(
        "tz1",
        tuple(
            IntentPart(number, Mutez(net), fee, burn)
            for number, (net, fee, burn) in enumerate(parts)
        ),
    )


def shared(*parts: tuple[int, bool, bool], fee: int = 0, burn: int = 0) -> dict[int, int]:
    return dict(share_costs(intent(*parts), fee=Mutez(fee), burn=Mutez(burn)))


def test_a_cost_empties_one_part_before_it_touches_the_next() -> None:
    both = ((3_000_000, True, True), (4_000_000, True, True))

    assert shared(*both, fee=2_000) == {0: 2_000}
    assert shared(*both, fee=3_000_001) == {0: 3_000_000, 1: 1}
    assert shared(*both, fee=7_000_000, burn=1) == {0: 3_000_000, 1: 4_000_000}


def test_only_who_bears_a_cost_is_charged_and_never_more_than_it_gets() -> None:
    assert shared((500, False, False), (500, True, False), fee=300, burn=64_250) == {1: 300}
    assert shared((500, False, True), fee=300, burn=64_250) == {0: 500}
    assert shared((500, False, False), fee=300, burn=64_250) == {}


async def test_by_default_the_baker_pays_all_costs(baker: PayingBaker) -> None:
    await baker.pay()

    rows = await baker.payouts()
    assert {row.withheld for row in rows} == {0}
    assert baker.paid_on_chain() == Counter({row.address: row.net for row in rows})


async def test_delegators_bear_exactly_what_their_transfers_cost(open_baker: OpenBaker) -> None:
    baker = await open_baker(transfer_fee_payer=DELEGATOR, burn_payer=DELEGATOR)
    before = baker.balance(baker.payout_address)

    await baker.pay()

    costs: Counter[str] = Counter()
    for operation in await baker.operations():
        transfers = await baker.transfers_of(operation)
        costs.update({each.destination: each.fee + each.burn for each in transfers})
    rows = await baker.payouts()
    paid = [row for row in rows if row.state is PayoutState.PAID]
    assert {row.address: row.withheld for row in paid} == dict(costs)
    assert min(costs.values()) > 0
    assert max(row.withheld for row in paid) > 64_250, "an emptied account is paid in this cycle"
    assert baker.paid_on_chain() == Counter({row.address: row.received for row in paid})
    first, *_ = await baker.operations()
    reveal = first.total_fee - sum(each.fee for each in await baker.transfers_of(first))
    assert before - baker.balance(baker.payout_address) == sum(row.net for row in paid) + reveal


async def test_who_would_get_nothing_after_costs_waits_and_is_never_in_debt(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(burn_payer=DELEGATOR, transfer_fee_payer=DELEGATOR)

    step = await baker.pay()

    assert step.is_settled
    rows = await baker.payouts()
    waiting = [row for row in rows if row.state is PayoutState.CARRIED]
    assert waiting
    assert {row.reason for row in waiting} == {"below-its-cost"}
    assert {row.withheld for row in waiting} == {0}
    assert all(row.received > 0 for row in rows)
    assert not {row.address for row in waiting} & baker.paid_on_chain().keys()


async def test_a_cost_that_was_not_foreseen_makes_a_payout_wait_when_it_is_signed(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(transfer_fee_payer=DELEGATOR)
    await baker.plan_only()
    prices = await baker.payer.node.fee_filter()
    dear = replace(prices, nanotez_per_byte=prices.nanotez_per_byte * 2_000)

    async def dear_filter() -> object:
        return dear

    baker.payer.node.fee_filter = dear_filter  # type: ignore[method-assign, assignment]
    await baker.pay()

    rows = await baker.payouts()
    states = {row.state for row in rows}
    assert states == {PayoutState.PAID, PayoutState.CARRIED}
    assert min(row.received for row in rows if row.state is PayoutState.PAID) > 0
    assert {row.reason for row in rows if row.state is PayoutState.CARRIED} == {"below-its-cost"}


async def test_a_transfer_to_a_contract_that_costs_too_much_is_held_alone(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(contract_cost_cap=1)

    await baker.pay()

    rows = await baker.payouts()
    held = [row for row in rows if row.state is PayoutState.HELD]
    assert held
    assert {row.address[:3] for row in held} == {"KT1"}
    assert all(
        "contract-cost-cap: the transfer to it would cost" in str(row.reason) for row in held
    )
    others = [row for row in rows if row not in held]
    assert {row.state for row in others} == {PayoutState.PAID}

    distribution = await baker.distribution()
    async with baker.payer.ledger.write() as tx:
        await payouts.release(tx, [row.id for row in held], at=baker.payer.clock())
        await distributions.enter_state(
            tx, distribution, DistributionState.PAYING, at=baker.payer.clock()
        )
    await baker.pay()

    assert {row.state for row in await baker.payouts()} == {PayoutState.PAID}


@pytest.mark.parametrize("bearer", [CostBearer.BAKER, DELEGATOR])
async def test_one_delegator_may_differ(open_baker: OpenBaker, bearer: CostBearer) -> None:
    other = DELEGATOR if bearer is CostBearer.BAKER else CostBearer.BAKER
    baker = await open_baker(transfer_fee_payer=other)
    [largest, *_] = sorted(
        baker.chain.rights.snapshot(baker.first_cycle).delegators, key=lambda each: -each[1]
    )
    await baker.set_rule(largest[0], transfer_fee_payer=bearer)

    await baker.pay()

    bears = {
        row.owed_to: row.withheld > 0
        for row in await baker.payouts()
        if row.state is PayoutState.PAID
    }
    assert bears.pop(largest[0]) is (bearer is DELEGATOR)
    assert set(bears.values()) == {other is DELEGATOR}
