"""Splits over real HTTP: every page from one indexer, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bakehouse.errors import (
    SourceMalformedError,
    SplitRefusedError,
)
from bakehouse.tezos.rewards_split import parse_split

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub
    from tests.tezos.indexer.conftest import IndexerScript

Document = dict[str, Any]


async def test_a_small_split_is_one_request(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    found = await indexer.client(indexer.serve(stub, split)).split(indexer.baker, indexer.cycle)

    assert found == parse_split(split)
    assert stub.count(indexer.split_path) == 1
    assert stub.asked[-1].query == {"offset": "0", "limit": "10000"}


@pytest.mark.parametrize(("count", "pages"), [(9_999, 1), (10_000, 2), (10_001, 2), (20_001, 3)])
async def test_a_split_is_read_to_the_last_delegator(
    stub: Stub, indexer: IndexerScript, split: Document, count: int, pages: int
) -> None:
    members = indexer.delegators(count)
    indexer.serve(stub, split).on(indexer.split_path, indexer.paged(split, members))

    found = await indexer.client(stub).split(indexer.baker, indexer.cycle)

    assert [each.address for each in found.rewards.delegators] == [
        each["address"] for each in members
    ]
    assert stub.count(indexer.split_path) == pages


async def test_totals_that_change_between_pages_are_malformed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    members = indexer.delegators(10_001)
    now, later = (
        indexer.paged(split, members),
        indexer.paged(split | {"blockFees": 357_035}, members),
    )
    indexer.serve(stub, split).on(indexer.split_path, now, later)

    with pytest.raises(
        SourceMalformedError, match=f"split of cycle {indexer.cycle} changed while indexer-1"
    ):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_as_many_pages_as_are_thinkable_are_read(
    stub: Stub, indexer: IndexerScript, split: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakehouse.tezos.tzkt.PAGES_MAX", 2)
    members = indexer.delegators(19_999)
    indexer.serve(stub, split).on(indexer.split_path, indexer.paged(split, members))

    found = await indexer.client(stub).split(indexer.baker, indexer.cycle)

    assert len(found.rewards.delegators) == 19_999


async def test_an_indexer_that_never_ends_is_given_up(
    stub: Stub, indexer: IndexerScript, split: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakehouse.tezos.tzkt.PAGES_MAX", 2)
    members = indexer.delegators(20_000)
    indexer.serve(stub, split).on(indexer.split_path, indexer.paged(split, members))

    with pytest.raises(SourceMalformedError, match="does not come to an end of the delegators"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_price_that_changes_between_pages_changes_nothing(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    members = indexer.delegators(10_001)
    now, later = (
        indexer.paged(split, members),
        indexer.paged(split | {"quote": {"usd": 2.5}}, members),
    )
    indexer.serve(stub, split).on(indexer.split_path, now, later)

    assert (
        len((await indexer.client(stub).split(indexer.baker, indexer.cycle)).rewards.delegators)
        == 10_001
    )


async def test_a_delegator_on_two_pages_is_malformed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    # As when two equal balances change places between two requests: the sum is right.
    members = indexer.delegators(10_001)
    members[10_000] = members[4]
    indexer.serve(stub, split).on(indexer.split_path, indexer.paged(split, members))

    with pytest.raises(SourceMalformedError, match="names a delegator of cycle 1336 on two pages"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_an_indexer_that_ignores_the_offset_is_found_out_at_once(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    members = indexer.delegators(10_000)
    indexer.serve(stub, split).on(indexer.split_path, split | {"delegators": members})

    with pytest.raises(SourceMalformedError, match="on two pages"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)

    assert stub.count(indexer.split_path) == 2


async def test_an_indexer_that_ignores_the_limit_is_malformed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(
        indexer.split_path, split | {"delegators": indexer.delegators(10_001)}
    )

    with pytest.raises(SourceMalformedError, match="more than the 10000 delegators of a page"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_last_page_that_is_missing_is_refused_by_the_sum(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    total = sum(each["delegatedBalance"] for each in indexer.delegators(60))
    short = {"externalDelegatedBalance": total, "delegators": indexer.delegators(50)}
    indexer.serve(stub, split).on(indexer.split_path, split | short)

    with pytest.raises(SplitRefusedError, match=f"{total - 50_001_225} mutez are missing"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_wrong_delegator_is_named_by_its_place_among_all(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    members = indexer.delegators(10_001)
    members[10_000]["address"] = "tz1nobody"
    indexer.serve(stub, split).on(indexer.split_path, indexer.paged(split, members))

    with pytest.raises(SourceMalformedError, match=r"delegators\[10000\]\.address"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_no_content_means_that_the_baker_or_cycle_is_unknown(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(indexer.split_path, stub.no_content())

    with pytest.raises(
        SplitRefusedError, match=f"indexer-1 knows no rewards of {indexer.baker} in cycle"
    ):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_split_of_another_cycle_is_malformed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(indexer.split_path, split | {"cycle": indexer.cycle - 1})

    with pytest.raises(SourceMalformedError, match="it is about cycle 1335"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_page_of_html_is_not_a_split(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(indexer.split_path, stub.html(200))

    with pytest.raises(SourceMalformedError, match="it is an HTML or XML page"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_flood_of_requests_is_waited_out(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(indexer.split_path, stub.html(429), split)

    assert await indexer.client(stub).split(indexer.baker, indexer.cycle) == parse_split(split)


async def test_a_truncated_split_is_malformed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(
        indexer.split_path, stub.raw(b'{"cycle": 1336, "delegators": [{"address": "tz1')
    )

    with pytest.raises(SourceMalformedError, match="JSON cut short"):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_a_split_that_names_a_key_twice_is_malformed(
    stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split).on(indexer.split_path, stub.raw(b'{"cycle": 1336, "cycle": 1336}'))

    with pytest.raises(SourceMalformedError, match='names "cycle" twice'):
        await indexer.client(stub).split(indexer.baker, indexer.cycle)


async def test_the_next_indexer_gives_all_pages_when_the_first_breaks_off(
    stub: Stub, other_stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    members = indexer.delegators(10_001)
    indexer.serve(stub, split).on(indexer.split_path, indexer.paged(split, members), stub.html(502))
    indexer.serve(other_stub, split).on(indexer.split_path, indexer.paged(split, members))

    found = await indexer.client(stub, other_stub).split(indexer.baker, indexer.cycle)

    assert len(found.rewards.delegators) == 10_001
    assert other_stub.count(indexer.split_path) == 2


async def test_a_split_that_does_not_add_up_is_not_asked_for_elsewhere(
    stub: Stub, other_stub: Stub, indexer: IndexerScript, split: Document
) -> None:
    indexer.serve(stub, split | {"externalDelegatedBalance": 1})

    with pytest.raises(SplitRefusedError, match="too many"):
        await indexer.client(stub, indexer.serve(other_stub, split)).split(
            indexer.baker, indexer.cycle
        )

    assert other_stub.asked == []
