"""What an indexer may answer for a split: nothing is planned from it, and the reason is told."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from bakehouse.errors import RefusalError
from bakehouse.ledger.states import DistributionState
from bakehouse.sandbox.hostile.fault import Fault
from tests.fault_scale import some_of
from tests.payments.hostile_baker import (
    HostileBaker,
    Treatment,
    altered,
    answered,
    assert_paid_once,
)

SPLIT = "indexer GET /v1/rewards/split/.*"

Json = dict[str, Any]


async def reason(baker: HostileBaker) -> str:
    """Step, and give why nothing came of it, however that is told."""
    try:
        step = await baker.step()
    except RefusalError as refused:
        return refused.message
    assert step.wait_seconds is not None
    return step.trouble or ""


async def assert_never_planned_from(baker: HostileBaker, why: str) -> None:
    for _ in range(2):
        assert why in await reason(baker)
        baker.bake()
    distribution = await baker.distribution()
    assert distribution.state is DistributionState.REWARDS_PENDING
    assert not distribution.is_planned
    assert distribution.figures.total_net == 0
    assert await baker.payouts() == []
    assert baker.way.injected == []
    await assert_paid_once(baker)


def cut(response: httpx2.Response) -> httpx2.Response:
    return httpx2.Response(200, content=response.content[: len(response.content) // 2])


def time_out(_response: httpx2.Response) -> httpx2.Response:
    raise httpx2.ReadTimeout("The read operation timed out")


@pytest.mark.parametrize(
    ("treatment", "why"),
    some_of(
        [
            pytest.param(answered(200, "[]"), "", id="an empty list"),
            pytest.param(answered(200, "{}"), "", id="an empty object"),
            pytest.param(answered(200, "null"), "", id="null"),
            pytest.param(answered(200, ""), "", id="an empty body"),
            pytest.param(answered(204), "knows no rewards", id="no content"),
            pytest.param(answered(200, "<html>hello</html>", "text/html"), "", id="HTML"),
            pytest.param(answered(429, "slow down"), "429", id="429"),
            pytest.param(answered(500, "oops"), "500", id="500"),
            pytest.param(answered(404, "{}"), "404", id="404"),
            pytest.param(cut, "", id="truncated JSON"),
            pytest.param(time_out, "", id="no answer"),
            pytest.param(altered(lambda _: {"cycle": 1}), "", id="nearly nothing"),
        ]
    ),
)
async def test_an_answer_that_is_no_split_is_never_planned_from(
    hostile: HostileBaker, treatment: Treatment, why: str
) -> None:
    hostile.way.treat(SPLIT, treatment)
    told = await reason(hostile)
    assert told

    await assert_never_planned_from(hostile, why)


def other_cycle(split: Json) -> Json:
    return {**split, "cycle": split["cycle"] - 1}


def no_delegators(split: Json) -> Json:
    return {**split, "delegators": []}


def one_delegator_less(split: Json) -> Json:
    return {**split, "delegators": split["delegators"][1:]}


def one_delegator_twice(split: Json) -> Json:
    return {**split, "delegators": [split["delegators"][0], *split["delegators"]]}


def one_mutez_more(split: Json) -> Json:
    split["delegators"][0]["delegatedBalance"] += 1
    return split


def one_mutez_less(split: Json) -> Json:
    split["delegators"][-1]["delegatedBalance"] -= 1
    return split


def total_one_mutez_more(split: Json) -> Json:
    return {**split, "externalDelegatedBalance": split["externalDelegatedBalance"] + 1}


def negative_reward(split: Json) -> Json:
    return {**split, "blockRewardsDelegated": -1}


def fraction_of_a_mutez(split: Json) -> Json:
    return {**split, "blockRewardsDelegated": 0.5}


def rewards_left_out(split: Json) -> Json:
    return {name: value for name, value in split.items() if name != "blockRewardsDelegated"}


def more_to_come(split: Json) -> Json:
    return {**split, "futureBlocks": 1}


@pytest.mark.parametrize(
    "alter",
    some_of(
        [
            other_cycle,
            no_delegators,
            one_delegator_less,
            one_delegator_twice,
            one_mutez_more,
            one_mutez_less,
            total_one_mutez_more,
            negative_reward,
            fraction_of_a_mutez,
            rewards_left_out,
            more_to_come,
        ]
    ),
)
async def test_a_split_that_is_wrong_in_one_thing_is_never_planned_from(
    hostile: HostileBaker, alter: Callable[[Json], Json]
) -> None:
    hostile.way.treat(SPLIT, altered(alter))
    assert await reason(hostile)

    await assert_never_planned_from(hostile, "")


@pytest.mark.parametrize("name", ["blockRewardsDelegated", "delegatedBalance"])
async def test_a_split_that_names_a_field_twice_is_never_planned_from(
    hostile: HostileBaker, name: str
) -> None:
    def twice(response: httpx2.Response) -> httpx2.Response:
        written = json.dumps(json.loads(response.content))
        field = f'"{name}":'
        doubled = written.replace(field, f"{field} 1, {field}", 1)
        assert doubled != written
        return httpx2.Response(200, content=doubled.encode())

    hostile.way.treat(SPLIT, twice)
    assert await reason(hostile)

    await assert_never_planned_from(hostile, "")


@pytest.mark.parametrize("mode", ["short", "cut"])
async def test_a_page_that_comes_short_is_never_planned_from(
    hostile: HostileBaker, mode: str
) -> None:
    hostile.sandbox.inflict(Fault.TRUNCATED_PAGES, mode=mode, times=None)
    assert await reason(hostile)

    await assert_never_planned_from(hostile, "")
    assert hostile.sandbox.struck[Fault.TRUNCATED_PAGES]


@pytest.mark.parametrize("mode", ["rows", "totals"])
async def test_a_page_that_changes_while_it_is_read_is_never_planned_from(
    hostile: HostileBaker, mode: str
) -> None:
    hostile.sandbox.inflict(Fault.CHANGING_PAGES, mode=mode, after=0)
    assert await reason(hostile)

    await assert_never_planned_from(hostile, "")
    assert hostile.sandbox.struck[Fault.CHANGING_PAGES]
