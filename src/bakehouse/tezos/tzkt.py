"""TzKT, the indexer: how far it is, and what a baker earned in a cycle, to the last delegator.

Whether it agrees with a node is not decided here. Powered by TzKT API, as its terms ask to say.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bakehouse.errors import (
    SourceError,
    SourceMalformedError,
    SourceStaleError,
    SplitRefusedError,
)
from bakehouse.rewards.cycle_rewards import DelegatorBalance
from bakehouse.tezos.address import Address
from bakehouse.tezos.chain_sources import ChainSources
from bakehouse.tezos.indexer_head import IndexerHead, parse_indexer_head
from bakehouse.tezos.indexer_history import (
    AppliedTransfer,
    SentTransfer,
    parse_account_counter,
    parse_applied,
    parse_block_hash,
    parse_cycle_end,
    parse_cycle_last_level,
    parse_levels,
    parse_transfers,
)
from bakehouse.tezos.rewards_split import (
    RewardSplit,
    SplitTotals,
    complete,
    parse_delegators,
    parse_totals,
)
from bakehouse.tezos.strict_json import decode_unique
from bakehouse.tezos.testimony import AbsenceQuestion, Testimony, compare, silent
from bakehouse.tezos.transport import JsonSource

#: Members a page: the most that TzKT gives. Fewer means that the page is the last.
PAGE_SIZE: Final = 10_000

#: How often something is read again because a block came in between.
_READS_MAX: Final = 5

#: No baker comes near a million delegators: an indexer that goes on has lost count.
PAGES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class _Page:
    totals: SplitTotals
    delegators: tuple[DelegatorBalance, ...]


class TzktClient:
    """Indexers of one chain in order of preference, the next asked when one fails.

    `chain_id` None accepts the chain of whichever answers first. A split, with all its pages, comes
    from one indexer. The methods raise a SourceError when no indexer is left.
    """

    def __init__(self, indexers: Sequence[JsonSource], *, chain_id: str | None) -> None:
        self._indexers = ChainSources(indexers, _chain_id, chain_id=chain_id)

    async def head(self) -> IndexerHead:
        """Give how far the indexer has read the chain; it may lag, and says so."""
        return await self._indexers.first(self._head)

    async def split(self, baker: Address, cycle: int) -> RewardSplit:
        """Give a baker's rewards of a cycle with every delegator, of a running cycle as it stands.

        Raises SplitRefusedError when the indexer knows no such baker in that cycle, or leaves
        delegators out (as balances that do not add up show).
        """
        return await self._indexers.first(lambda indexer: _split(indexer, baker, cycle))

    async def closed_split(self, baker: Address, cycle: int) -> RewardSplit:
        """Give the split of a cycle that is over, for paying it; raises like `split`.

        The same indexer is first asked how far it is: see `require_closed`.
        """

        async def read(indexer: JsonSource) -> RewardSplit:
            head = await self._head(indexer)
            split = await _split(indexer, baker, cycle)
            require_closed(split, head)
            return split

        return await self._indexers.first(read)

    async def cycle_last_level(self, cycle: int) -> int:
        """Give the level of the last block of a cycle."""
        return await self._indexers.first(
            lambda indexer: indexer.get(f"/v1/cycles/{cycle}", parse_cycle_last_level)
        )

    async def cycle_end(self, cycle: int) -> datetime:
        """Give the timestamp of the last block of a cycle that is over."""
        return await self._indexers.first(
            lambda indexer: indexer.get(f"/v1/cycles/{cycle}", parse_cycle_end)
        )

    async def sent_transfers(
        self, sender: Address, *, after_level: int
    ) -> tuple[IndexerHead, tuple[SentTransfer, ...]]:
        """Give every applied transfer of an account after a level, up to the head given with them.

        Oldest first. All of it comes from one indexer.
        """

        async def read(
            indexer: JsonSource,
        ) -> tuple[IndexerHead, tuple[SentTransfer, ...]]:
            head = await self._head(indexer)
            return head, await _sent_transfers(indexer, sender, after_level, head.level)

        return await self._indexers.first(read)

    async def applied_transfers(self, operation_hash: str) -> tuple[AppliedTransfer, ...]:
        """Give the applied transfers of an operation, whoever sent it; none, when it is unknown."""
        return await self._indexers.first(
            lambda indexer: indexer.get(
                f"/v1/operations/transactions/{operation_hash}", parse_applied
            )
        )

    async def account_counter(self, address: Address) -> tuple[IndexerHead, int]:
        """Give the counter of an account, and the head at which the indexer has it.

        Raises SourceStaleError when the indexer moves on each time that it is read.
        """

        async def read(indexer: JsonSource) -> tuple[IndexerHead, int]:
            head = await self._head(indexer)
            for _ in range(_READS_MAX):
                before = head
                counter = await indexer.get(f"/v1/accounts/{address}", parse_account_counter)
                head = await self._head(indexer)
                if head.hash == before.hash:
                    return head, counter
            raise SourceStaleError(f"{indexer.name} moves on whenever it is read")

        return await self._indexers.first(read)

    async def on_block(self, level: int, block: str) -> tuple[Testimony, ...]:
        """Ask every indexer by itself whether the block of a level is this one."""
        return await self._testimonies(lambda indexer: _on_block(indexer, level, block))

    async def on_absence(self, question: AbsenceQuestion) -> tuple[Testimony, ...]:
        """Ask every indexer that has the final block whether it knows the operation at all."""
        return await self._testimonies(lambda indexer: _on_absence(indexer, question))

    async def _testimonies(
        self, ask: Callable[[JsonSource], Awaitable[Testimony]]
    ) -> tuple[Testimony, ...]:
        return tuple(
            silent(indexer.name, answer) if isinstance(answer, SourceError) else answer
            for indexer, answer in await self._indexers.poll(ask)
        )

    async def _head(self, indexer: JsonSource) -> IndexerHead:
        head = await _head(indexer)
        self._indexers.check_chain(indexer, head.chain_id)
        indexer.observer.head_heard(indexer.name, head.level, head.timestamp)
        return head


def require_closed(split: RewardSplit, head: IndexerHead) -> None:
    """Make sure that a split can no longer change, its indexer having been at `head` before.

    Raises SourceStaleError when the indexer lags behind its own node, SplitRefusedError when the
    cycle is not over or more is still expected of it.
    """
    cycle = split.rewards.cycle
    if not head.synced:
        raise SourceStaleError(
            f"the indexer has read block {head.level} of {head.known_level}: wait for the rest"
        )
    if head.cycle <= cycle:
        raise SplitRefusedError(
            f"cycle {cycle} is not over: the indexer is at cycle {head.cycle}", cycle=cycle
        )
    if not split.is_closed:
        totals = split.totals
        raise SplitRefusedError(
            f"the split of cycle {cycle} is not final: it still expects {totals.future_blocks} "
            f"blocks, {totals.future_attestations} attestations and {totals.future_rewards} mutez",
            cycle=cycle,
        )


async def _head(indexer: JsonSource) -> IndexerHead:
    return await indexer.get("/v1/head", parse_indexer_head)


async def _chain_id(indexer: JsonSource) -> str:
    return (await _head(indexer)).chain_id


async def _on_block(indexer: JsonSource, level: int, block: str) -> Testimony:
    told_level, told = await indexer.get(f"/v1/blocks/{level}", parse_block_hash)
    if told_level != level:
        raise SourceMalformedError(f"{indexer.name} gave block {told_level} for block {level}")
    return compare(indexer.name, level, asked=block, told=told)


async def _on_absence(indexer: JsonSource, question: AbsenceQuestion) -> Testimony:
    # Having this block, it has every one before: what it does not know by then is in none of them.
    block = await _on_block(indexer, question.final.level, question.final.hash)
    if not block.confirms:
        return block
    levels = await indexer.get(f"/v1/operations/{question.operation_hash}", parse_levels)
    if levels:
        return Testimony(indexer.name, confirms=False, words=f"it is in block {levels[0]}")
    words = f"unknown, with all blocks read to {question.final.level}"
    return Testimony(indexer.name, confirms=True, words=words)


async def _sent_transfers(
    indexer: JsonSource, sender: Address, after_level: int, last_level: int
) -> tuple[SentTransfer, ...]:
    found: list[SentTransfer] = []
    for _ in range(PAGES_MAX):
        params: dict[str, str | int] = {
            "sender": sender,
            "status": "applied",
            "level.gt": after_level,
            "level.le": last_level,
            "sort.asc": "id",
            "limit": PAGE_SIZE,
        }
        if found:
            params["offset.cr"] = found[-1].id
        page = await indexer.get("/v1/operations/transactions", parse_transfers, params=params)
        ids = [transfer.id for transfer in [*found[-1:], *page]]
        if ids != sorted(set(ids)):
            raise SourceMalformedError(f"{indexer.name} gives transfers twice, or out of order")
        found += page
        if len(page) < PAGE_SIZE:
            return tuple(found)
    raise SourceMalformedError(
        f"{indexer.name} does not come to an end of the transfers of {sender}", source=indexer.name
    )


async def _split(indexer: JsonSource, baker: Address, cycle: int) -> RewardSplit:
    pages: list[_Page] = []
    for number in range(PAGES_MAX):
        page = await _page(indexer, baker, cycle, offset=number * PAGE_SIZE)
        _check_continuation(pages, page, cycle, indexer)
        pages.append(page)
        if len(page.delegators) < PAGE_SIZE:
            return complete(page.totals, [each for page in pages for each in page.delegators])
    raise SourceMalformedError(
        f"{indexer.name} does not come to an end of the delegators of {baker}", source=indexer.name
    )


def _check_continuation(
    pages: Sequence[_Page], page: _Page, cycle: int, indexer: JsonSource
) -> None:
    """Make sure that a page goes on where those before it end, in the same split."""
    addresses = {delegator.address for delegator in page.delegators}
    for earlier in pages:
        if earlier.totals != page.totals:
            raise SourceMalformedError(
                f"the split of cycle {cycle} changed while {indexer.name} was being read",
                source=indexer.name,
            )
        if not addresses.isdisjoint(delegator.address for delegator in earlier.delegators):
            raise SourceMalformedError(
                f"{indexer.name} names a delegator of cycle {cycle} on two pages: "
                "the split changed while it was being read",
                source=indexer.name,
            )


async def _page(indexer: JsonSource, baker: Address, cycle: int, *, offset: int) -> _Page:
    def parse(document: Any) -> _Page:
        # 204, No Content
        if document is None:
            raise SplitRefusedError(
                f"{indexer.name} knows no rewards of {baker} in cycle {cycle}: "
                "the address is not a baker's, or it had no rights then",
                baker=baker,
                cycle=cycle,
            )
        page = _Page(parse_totals(document), parse_delegators(document, offset))
        if page.totals.cycle != cycle:
            raise SourceMalformedError(f"it is about cycle {page.totals.cycle}")
        if len(page.delegators) > PAGE_SIZE:
            raise SourceMalformedError(f"it has more than the {PAGE_SIZE} delegators of a page")
        return page

    return await indexer.get(
        f"/v1/rewards/split/{baker}/{cycle}",
        parse,
        params={"offset": offset, "limit": PAGE_SIZE},
        decode=decode_unique,
    )
