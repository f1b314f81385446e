"""The chain as each node and indexer tells it, and whether they tell the same."""

from collections.abc import AsyncIterator
from typing import Final

import httpx2

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.config import Config
from bakehouse.errors import BakehouseError, SourceStaleError, WrongChainError
from bakehouse.opening import utc_now
from bakehouse.payments.agreement import VOICES_MIN
from bakehouse.tezos.indexer_head import IndexerHead
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient

#: A person waits: one attempt, and not for long.
_LIMITS: Final = SourceLimits(attempts=1, attempt_seconds=10.0, total_seconds=10.0)
#: Blocks carry the time at which they were due: a head from the future means a slow clock here.
_AHEAD_SECONDS_MAX: Final = 5.0


async def check_chain(config: Config, client: httpx2.AsyncClient) -> AsyncIterator[Finding]:
    """Ask every node and indexer by itself, then compare them."""
    if not config.node_urls:
        yield fail("nodes", "none is set", "set BAKEHOUSE_NODE_URLS")
    if not config.indexer_urls:
        yield fail("indexers", "none is set", "set BAKEHOUSE_INDEXER_URLS")
    nodes: list[NodeClient] = []
    heads: list[tuple[str, IndexerHead]] = []
    for url in config.node_urls:
        try:
            source = JsonSource(url, client, limits=_LIMITS)
            node = _node(config, source)
            yield await _check_node(source.name, node)
            nodes.append(node)
        except BakehouseError as error:
            yield fail("node", error.message, _advice(error, "BAKEHOUSE_NODE_URLS"))
    for url in config.indexer_urls:
        try:
            source = JsonSource(url, client, limits=_LIMITS)
            head = await TzktClient([source], chain_id=config.chain_id).head()
            yield _check_indexer(source.name, head)
            heads.append((source.name, head))
        except BakehouseError as error:
            yield fail("indexer", error.message, _advice(error, "BAKEHOUSE_INDEXER_URLS"))
    if nodes and heads:
        yield await _compare(nodes[0], *heads[0])
    if len(nodes) + len(heads) < VOICES_MIN:
        yield fail(
            "two voices",
            f"{len(nodes) + len(heads)} source answers, and two must agree that a block is final",
            "set a second node, or an indexer",
        )


def _node(config: Config, source: JsonSource) -> NodeClient:
    return NodeClient(
        [source],
        chain_id=config.chain_id,
        now=utc_now,
        head_age_seconds_max=config.head_age_seconds_max,
    )


async def _check_node(name: str, node: NodeClient) -> Finding:
    head = await node.head()
    age = (utc_now() - head.timestamp).total_seconds()
    subject, seen = f"node {name}", f"at block {head.level}, {age:.0f} s old"
    if age < -_AHEAD_SECONDS_MAX:
        return warn(subject, f"at block {head.level}, {-age:.0f} s ahead of this clock", _CLOCK)
    return ok(subject, seen)


def _check_indexer(name: str, head: IndexerHead) -> Finding:
    subject, seen = f"indexer {name}", f"at block {head.level}, cycle {head.cycle}"
    if not head.synced:
        return warn(subject, f"{seen}, of {head.known_level}", "wait until it has read the rest")
    return ok(subject, seen)


async def _compare(node: NodeClient, name: str, head: IndexerHead) -> Finding:
    subject = "agreement"
    try:
        if head.level > (await node.head()).level:
            return ok(subject, f"{name} is ahead of the node by a moment")
        header = await node.header(head.level)
    except BakehouseError as error:
        return fail(subject, error.message, "see the node above")
    if header.hash != head.hash:
        return fail(
            subject,
            f"at block {head.level} {name} has {head.hash}, the node {header.hash}",
            "wait for a block and look again; if it stays, one of them is on a fork",
        )
    return ok(subject, f"node and {name} have the same block {head.level}")


_CLOCK: Final = "set this machine's clock (timedatectl set-ntp true)"


def _advice(error: BakehouseError, variable: str) -> str:
    match error:
        case SourceStaleError():
            return f"wait until it has caught up, or {_CLOCK}"
        case WrongChainError():
            return f"correct {variable} or BAKEHOUSE_NETWORK"
        case _:
            return f"see whether {variable} is right and the host answers"
