"""Simulations side by side: each recipient that cannot be paid is found at once, and by itself."""

import asyncio
import json
import re

import httpx2
import pytest

from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.payments.payer import PaymentLimits
from bakehouse.tezos.operation import Reveal, Transaction
from bakehouse.tezos.signed_operation import decode_signed
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker, Treatment
from tests.payments.surroundings import owed, small_chain

SIMULATION = "node-. POST .*/simulate_operation"
REJECTED = [
    {"kind": "temporary", "id": "proto.025-PsUshuai.michelson_v1.runtime_error"},
    {"kind": "temporary", "id": "proto.025-PsUshuai.michelson_v1.script_rejected"},
]

WHY = (
    "a transfer to it would fail: proto.025-PsUshuai.michelson_v1.runtime_error, "
    "proto.025-PsUshuai.michelson_v1.script_rejected "
    "(its code fails; its code refuses the transfer)"
)


def refusing(refused: set[str]) -> Treatment:
    """Have nodes simulate as if these recipients refused: the first undoes its group."""

    def treat(response: httpx2.Response) -> httpx2.Response:
        document = json.loads(response.content)
        contents = document["contents"]
        bad = [index for index, each in enumerate(contents) if each.get("destination") in refused]
        if bad:
            for content in contents[: bad[0]]:
                content["metadata"]["operation_result"]["status"] = "backtracked"
            for content in contents[bad[0] + 1 :]:
                content["metadata"]["operation_result"] = {"status": "skipped"}
            result = {"status": "failed", "errors": REJECTED}
            contents[bad[0]]["metadata"]["operation_result"] = result
        return httpx2.Response(response.status_code, json=document)

    return treat


async def payees(baker: HostileBaker) -> list[str]:
    await baker.plan_only()
    return sorted(owed(await baker.payouts()))


def blocks_asked(baker: HostileBaker) -> list[str]:
    """Give the block of each simulation, in their order."""
    asked = (re.search(r"/blocks/(\w+)/helpers/scripts", each) for each in baker.way.requests)
    return [found[1] for found in asked if found]


@pytest.mark.parametrize(
    ("chosen", "together"),
    [
        pytest.param(slice(0, 1), 200, id="first"),
        pytest.param(slice(20, 21), 8, id="last of several parts"),
        pytest.param(slice(3, 6), 200, id="a few in a row"),
        pytest.param(slice(0, None, 3), 8, id="every third of several parts"),
        pytest.param(slice(0, 20), 200, id="all but one"),
        pytest.param(slice(0, 21), 8, id="all"),
    ],
)
async def test_all_who_cannot_be_paid_are_found_in_one_step_and_the_others_are_one_group(
    open_hostile: OpenHostileBaker, chosen: slice, together: int
) -> None:
    limits = PaymentLimits(simulated_together_max=together)
    baker = await open_hostile(small_chain(), limits=limits)
    everybody = await payees(baker)
    bad = set(everybody[chosen])
    baker.way.treat(SIMULATION, refusing(bad))

    await baker.step()

    rows = await baker.payouts()
    assert {row.address for row in rows if row.state is PayoutState.HELD} == bad
    assert {row.reason for row in rows if row.address in bad} == {WHY}
    assert {row.address for row in rows if row.state is PayoutState.ASSIGNED} == (
        set(everybody) - bad
    )
    assert len(await baker.operations()) == (len(bad) < len(everybody))
    assert len(set(blocks_asked(baker))) == 1

    step = await baker.pay()

    assert (step.is_settled, step.held) == (True, len(bad))
    assert baker.paid_on_chain() == owed([row for row in rows if row.address not in bad])
    assert {each.state for each in await baker.operations()} <= {OperationState.FINAL}


async def test_one_bad_recipient_among_many_costs_a_few_simulations(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(small_chain())
    everybody = await payees(baker)
    baker.way.treat(SIMULATION, refusing({everybody[10]}))

    await baker.step()

    # All, those before it, it alone, twice a half of those after it, and the group that is left.
    assert len(blocks_asked(baker)) == 6


async def test_simulations_run_side_by_side_but_not_more_than_allowed(
    open_hostile: OpenHostileBaker,
) -> None:
    limits = PaymentLimits(simulated_together_max=2, simulations_at_once=3)
    baker = await open_hostile(small_chain(), limits=limits)
    await payees(baker)
    at_once = 0
    most = 0

    async def note(asked: str) -> None:
        nonlocal at_once, most
        if not asked.endswith("/simulate_operation"):
            return
        at_once += 1
        most = max(most, at_once)
        # Whoever may run beside this one gets to its own request meanwhile.
        for _ in range(20):
            await asyncio.sleep(0)
        at_once -= 1

    baker.way.before = note

    await baker.step()

    assert most == 3
    assert len(await baker.operations()) == 1


async def test_a_group_of_several_parts_has_the_limits_it_takes_as_a_whole(
    open_hostile: OpenHostileBaker,
) -> None:
    limits = PaymentLimits(simulated_together_max=4)
    baker = await open_hostile(small_chain(), limits=limits)

    step = await baker.pay()

    assert step.paid == step.total == 21
    (operation,) = await baker.operations()
    contents = decode_signed(operation.signed_bytes)[0].contents
    assert isinstance(contents[0], Reveal)
    (block,) = [each for each in baker.chain.simulated_blocks() if each.operations]
    for content, receipt in list(zip(contents, block.operations[0].receipts, strict=True))[1:]:
        assert isinstance(content, Transaction)
        margin = 100 if content.destination.startswith("KT1") else 10
        assert content.gas_limit == receipt.gas_used + margin
    spare = contents[0].gas_limit - block.operations[0].receipts[0].gas_used
    assert 98 <= spare <= 100


async def test_what_fails_among_others_alone_waits_until_it_comes_first(
    open_hostile: OpenHostileBaker,
) -> None:
    limits = PaymentLimits(simulated_together_max=4)
    baker = await open_hostile(small_chain(), limits=limits)
    everybody = await payees(baker)
    shy = everybody[7]

    def refuse_among_many(response: httpx2.Response) -> httpx2.Response:
        contents = json.loads(response.content)["contents"]
        transfers = [each for each in contents if each["kind"] == "transaction"]
        is_shy = len(transfers) > limits.simulated_together_max
        is_shy = is_shy and transfers[0]["destination"] != shy
        return refusing({shy} if is_shy else set())(response)

    baker.way.treat(SIMULATION, refuse_among_many)

    step = await baker.pay()

    assert (step.paid, step.held) == (21, 0)
    groups = [
        [row.destination for row in await baker.transfers_of(operation)]
        for operation in await baker.operations()
    ]
    assert groups == [everybody[:7], everybody[7:]]
