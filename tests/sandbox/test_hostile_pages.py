import json

import httpx2
import pytest

from bakehouse.sandbox.hostile.fault import Fault
from tests.sandbox.hostile_world import HostileWorld, served


def split_path(world: HostileWorld) -> str:
    cycle = world.chain.settings.starting_cycle
    return f"/v1/rewards/split/{world.chain.world.baker}/{cycle}"


async def test_a_page_comes_short_once(world: HostileWorld) -> None:
    honest = await world.get(split_path(world), "indexer")
    world.sandbox.inflict(Fault.TRUNCATED_PAGES, mode="short", rows=2)

    short = await world.get(split_path(world), "indexer")

    assert short["delegators"] == honest["delegators"][:-2]
    assert short["delegatorsCount"] == honest["delegatorsCount"]
    assert await world.get(split_path(world), "indexer") == honest
    assert world.sandbox.struck == {Fault.TRUNCATED_PAGES: 1}


async def test_a_page_is_cut_in_the_middle_of_its_json(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.TRUNCATED_PAGES, mode="cut", times=2)

    async with (
        served(world.sandbox.indexer_app()) as url,
        httpx2.AsyncClient(base_url=url) as over_http,
    ):
        answers = [
            await world.client.get("http://indexer" + split_path(world)),
            await over_http.get(split_path(world)),
        ]

    for answer in answers:
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize("mode", ["rewards", "totals", "rows", "moved", "gone"])
async def test_what_is_said_of_a_cycle_changes_after_it_was_read(
    world: HostileWorld, mode: str
) -> None:
    world.sandbox.inflict(Fault.CHANGING_PAGES, mode=mode, after=1, amount=7)
    before = await world.get(split_path(world), "indexer")
    after = await world.get(split_path(world), "indexer")

    sums = [
        sum(row["delegatedBalance"] for row in split["delegators"]) for split in (before, after)
    ]
    difference = after["externalDelegatedBalance"] - before["externalDelegatedBalance"]
    assert before["externalDelegatedBalance"] == sums[0]
    assert await world.get(split_path(world), "indexer") == after
    assert world.sandbox.struck == {Fault.CHANGING_PAGES: 2}
    match mode:
        case "rewards":
            assert after["attestationRewardsDelegated"] == before["attestationRewardsDelegated"] + 7
            assert sums[0] == sums[1]
        case "totals":
            assert (difference, sums[1] - sums[0]) == (7, 0)
        case "rows":
            assert (difference, sums[1] - sums[0]) == (0, 7)
        case "moved":
            assert (difference, sums[1] - sums[0]) == (7, 7)
        case _:
            assert difference == sums[1] - sums[0] < 0
            assert after["delegatorsCount"] == before["delegatorsCount"] - 1


async def test_healed_pages_are_as_they_were(world: HostileWorld) -> None:
    honest = await world.get(split_path(world), "indexer")
    world.sandbox.inflict(Fault.CHANGING_PAGES, after=0)
    assert await world.get(split_path(world), "indexer") != honest

    world.sandbox.heal()

    assert await world.get(split_path(world), "indexer") == honest


def test_pages_are_not_told_what_they_do_not_know(world: HostileWorld) -> None:
    with pytest.raises(TypeError, match="depth"):
        world.sandbox.inflict(Fault.CHANGING_PAGES, depth=3)
