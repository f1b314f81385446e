"""Recipients that cannot be paid: they are held for a person, and everybody else is paid."""

from collections.abc import Callable
from typing import Any

import pytest

from bakehouse.errors import GuardRefusedError
from bakehouse.ledger.states import DistributionState, OperationState, PayoutState
from bakehouse.sandbox.receipt import Status
from bakehouse.tezos.operation import Reveal
from bakehouse.tezos.signed_operation import decode_signed
from tests.payments.chain_front import SIMULATION, altered
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

GAS_EXHAUSTED = {
    "kind": "temporary",
    "id": "proto.025-PsUshuai.gas_exhausted.operation",
}
GAS_IN_A_BLOCK = 1_040_000

Alter = Callable[[Any], Any]


async def addresses(baker: PayingBaker, state: PayoutState) -> set[str]:
    return {row.address for row in await baker.payouts() if row.state is state}


async def assert_all_are_paid_but(baker: PayingBaker, held: set[str]) -> None:
    rows = await baker.payouts()
    assert await addresses(baker, PayoutState.HELD) == held
    assert await addresses(baker, PayoutState.PAID) == {row.address for row in rows} - held
    assert baker.paid_on_chain() == owed([row for row in rows if row.address not in held])
    assert (await baker.distribution()).state is DistributionState.PAID
    assert await baker.audit_is_unbroken()


def needing_gas(destination: str, gas: int) -> Alter:
    """Have the node say that the code of one recipient consumes so much."""

    def alter(document: Any) -> Any:
        for content in document["contents"]:
            if content.get("destination") != destination:
                continue
            result = content["metadata"]["operation_result"]
            if int(content["gas_limit"]) < gas:
                result |= {"status": "failed", "errors": [GAS_EXHAUSTED]}
            result["consumed_milligas"] = str(gas * 1_000)
        return document

    return alter


def with_every_status(status: str, *, of: str) -> Alter:
    """Have the node say of the contents of a kind that this became of them."""

    def alter(document: Any) -> Any:
        for content in document["contents"]:
            if content["kind"] == of:
                content["metadata"]["operation_result"] = {"status": status}
        return document

    return alter


async def test_a_recipient_that_does_not_exist_is_held_and_the_others_are_paid(
    baker: PayingBaker,
) -> None:
    await baker.notice()
    snapshot = baker.chain.accounts(baker.chain.head.level)
    gone = {address for address in snapshot if address.startswith("KT1")}
    for address in gone:
        baker.empty(address)

    step = await baker.pay()

    assert (step.held, step.paid) == (2, 19)
    await assert_all_are_paid_but(baker, gone)
    reasons = {row.reason for row in await baker.payouts() if row.state is PayoutState.HELD}
    error = "proto.025-PsUshuai.contract.non_existing_contract"
    assert reasons == {f"a transfer to it would fail: {error} (there is no such contract any more)"}


async def test_a_cycle_in_which_nobody_can_be_paid_is_closed_with_everybody_held(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker(minimum_payout=700_000)
    for address in baker.chain.accounts(baker.chain.head.level):
        if address.startswith("KT1"):
            baker.empty(address)
    baker.front.treat(SIMULATION, altered(with_every_status("failed", of="transaction")))

    step = await baker.pay()

    assert (step.paid, step.held, step.total) == (0, 2, 2)
    assert step.is_settled
    assert await baker.operations() == []


async def test_a_group_that_fails_in_its_block_is_owed_again_but_for_the_one_to_blame(
    baker: PayingBaker,
) -> None:
    await baker.step()
    (failing,) = await baker.operations()
    transfer = (await baker.transfers_of(failing))[4]
    # Simulated while it existed, it now burns storage that nobody allowed for.
    baker.empty(transfer.destination)
    baker.bake()

    await baker.step()

    (failing, *_) = await baker.operations()
    assert (failing.state, failing.applied) == (OperationState.INCLUDED, False)
    assert await addresses(baker, PayoutState.HELD) == set()
    await baker.pay()
    await assert_all_are_paid_but(baker, {transfer.destination})
    (held,) = [row for row in await baker.payouts() if row.state is PayoutState.HELD]
    assert held.reason is not None
    assert held.reason.startswith("the transfer failed on chain: ")
    assert "storage_exhausted" in held.reason
    statuses = [row.status for row in await baker.transfers_of(failing)]
    assert statuses == [Status.BACKTRACKED] * 5 + [Status.SKIPPED] * 5
    assert {row.burn for row in await baker.transfers_of(failing)} == {0}


async def test_a_key_whose_reveal_failed_with_its_group_is_revealed_again(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker()
    await baker.step()
    (failing,) = await baker.operations()
    transfer, *_ = await baker.transfers_of(failing)
    baker.empty(transfer.destination)

    await baker.pay()

    groups = [decode_signed(each.signed_bytes)[0] for each in await baker.operations()]
    assert [isinstance(group.contents[0], Reveal) for group in groups] == [True, True]
    await assert_all_are_paid_but(baker, {transfer.destination})


async def test_a_recipient_that_takes_much_gas_is_paid_together_with_others(
    baker: PayingBaker,
) -> None:
    await baker.notice()
    hungry = next(
        address
        for address in baker.chain.accounts(baker.chain.head.level)
        if address.startswith("KT1")
    )
    baker.front.treat(SIMULATION, altered(needing_gas(hungry, gas=200_000)))

    await baker.pay()

    await assert_all_are_paid_but(baker, set())
    groups = [
        {row.destination for row in await baker.transfers_of(operation)}
        for operation in await baker.operations()
    ]
    assert [len(group) for group in groups if hungry in group] == [10]


@pytest.mark.parametrize(
    "gas", [GAS_IN_A_BLOCK - 50, 2 * GAS_IN_A_BLOCK], ids=["no margin", "more than a block"]
)
@pytest.mark.parametrize("position", [0, 20], ids=["with a reveal", "without"])
async def test_a_recipient_that_takes_more_gas_than_a_group_may_is_held(
    baker: PayingBaker, gas: int, position: int
) -> None:
    await baker.plan_only()
    hungry = sorted(owed(await baker.payouts()))[position]
    baker.front.treat(SIMULATION, altered(needing_gas(hungry, gas)))

    await baker.pay()

    await assert_all_are_paid_but(baker, {hungry})
    (held,) = [row for row in await baker.payouts() if row.state is PayoutState.HELD]
    assert held.reason is not None
    assert "gas" in held.reason


async def test_a_wallet_that_cannot_burn_for_new_accounts_is_nobody_elses_fault(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker()
    wanted = 3_077_408
    baker.set_balance(baker.payout_address, wanted + 10_000)

    with pytest.raises(GuardRefusedError, match=r"balance-covers: .* tez are missing"):
        await baker.step()

    assert (await baker.distribution()).figures.total_net == wanted
    assert await addresses(baker, PayoutState.HELD) == set()
    assert await baker.operations() == []
    baker.set_balance(baker.payout_address, wanted + 1_000_000)
    await baker.pay()
    await assert_all_are_paid_but(baker, set())


@pytest.mark.parametrize(
    ("alter", "why"),
    [
        (with_every_status("failed", of="reveal"), "the reveal would fail"),
        (with_every_status("skipped", of="transaction"), "applied nothing and gave no reason"),
    ],
)
async def test_a_simulation_that_blames_no_recipient_stops_before_anything_is_signed(
    baker: PayingBaker, alter: Alter, why: str
) -> None:
    baker.front.treat(SIMULATION, altered(alter))

    with pytest.raises(GuardRefusedError, match=f"simulation: .*{why}"):
        await baker.step()

    assert await baker.operations() == []
    assert await addresses(baker, PayoutState.HELD) == set()
