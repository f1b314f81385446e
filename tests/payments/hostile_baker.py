"""A baker that pays on a hostile chain, without sockets, threads or waiting: for long stories."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2

from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.signed_operation import operation_hash
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.faults.inline_sqlite import open_engine
from tests.payments.registered_baker import RegisteredBaker
from tests.payments.surroundings import HEAD_AGE_SECONDS_MAX, owed, small_chain

#: A source is asked once: who asks again is the code under test.
ONE_ATTEMPT = SourceLimits(attempts=1)

NODES = "node-."
INDEXER = "indexer"

#: Alters an answer, or replaces it; an exception is what the client sees instead.
Treatment = Callable[[httpx2.Response], httpx2.Response]


@dataclass(slots=True)
class _Rule:
    request: re.Pattern[str]
    treatment: Treatment
    times: int | None


@dataclass(slots=True)
class Way(httpx2.AsyncBaseTransport):
    """The way to nodes and indexer; `requests` keeps what was asked, as `HOST METHOD path`.

    `injected` keeps the hash of what was sent, each time that it was.
    """

    network: httpx2.AsyncBaseTransport
    requests: list[str] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    #: Awaited before a request is on its way.
    before: Callable[[str], Awaitable[None]] | None = None
    _rules: list[_Rule] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        asked = f"{request.url.host} {request.method} {request.url.path}"
        self.requests.append(asked)
        if request.url.path == "/injection/operation":
            signed = bytes.fromhex(json.loads(await request.aread()))
            self.injected.append(operation_hash(signed))
        if self.before is not None:
            await self.before(asked)
        response = await self.network.handle_async_request(request)
        for rule in self._rules:
            if rule.times != 0 and rule.request.fullmatch(asked):
                if rule.times is not None:
                    rule.times -= 1
                return rule.treatment(response)
        return response

    def treat(self, request: str, treatment: Treatment, *, times: int | None = None) -> None:
        """Treat answers to requests that match otherwise, so many times or for ever."""
        self._rules.append(_Rule(re.compile(request), treatment, times))

    def be_good(self) -> None:
        """Pass everything on from now."""
        self._rules.clear()

    def asked(self, request: str) -> int:
        """Count the requests that matched."""
        return sum(bool(re.fullmatch(request, each)) for each in self.requests)


def altered(alter: Callable[[Any], Any]) -> Treatment:
    """Answer with another document than the one that was meant."""
    return lambda response: httpx2.Response(
        response.status_code, json=alter(json.loads(response.content or b"null"))
    )


def answered(status: int, body: str = "", media_type: str = "application/json") -> Treatment:
    """Answer something else."""
    return lambda _: httpx2.Response(
        status, content=body.encode(), headers={"content-type": media_type}
    )


NOT_FOUND = answered(404)
BAD_GATEWAY = answered(502, "<html>bad gateway</html>", "text/html")


@dataclass(frozen=True, slots=True)
class HostileBaker(RegisteredBaker):
    """The baker of a hostile sandbox with some nodes and an indexer."""

    sandbox: HostileSandbox
    way: Way
    database: Path

    def bake(self) -> Block:
        return self.sandbox.bake()

    def bake_to(self, level: int) -> None:
        """Bake until a block of this level is the head."""
        while self.chain.head.level < level:
            self.bake()

    def heal(self) -> None:
        """End every fault."""
        self.sandbox.heal()
        self.way.be_good()

    def other(self, **changes: Any) -> "HostileBaker":
        """Give the same baker with another payer: one of whose parts are others."""
        return replace(self, payer=replace(self.payer, **changes))


@asynccontextmanager
async def hostile_baker(
    database: Path,
    chain_settings: SandboxSettings | None = None,
    limits: PaymentLimits | None = None,
    *,
    seed: int = 1,
    node_count: int = 2,
    **settings: Any,
) -> AsyncIterator[HostileBaker]:
    """Register the baker of a hostile chain in a migrated ledger, its first cycle being over."""
    chain = Chain(chain_settings or small_chain(delegator_count=6))
    sandbox = HostileSandbox(chain, seed=seed, node_count=node_count)
    way = Way(sandbox.transport())
    engine = open_engine(database)
    try:
        async with httpx2.AsyncClient(transport=way) as client:
            payer = _payer(Ledger(engine), sandbox, client, limits or PaymentLimits())
            baker = HostileBaker(chain, payer, sandbox, way, database)
            await baker.register(**settings)
            baker.finish_cycle()
            await baker.notice()
            yield baker
    finally:
        await engine.dispose()


def _payer(
    ledger: Ledger, sandbox: HostileSandbox, client: httpx2.AsyncClient, limits: PaymentLimits
) -> Payer:
    def source(host: str) -> JsonSource:
        return JsonSource(f"http://{host}", client, limits=ONE_ATTEMPT)

    chain_id = sandbox.chain.chain_id
    return Payer(
        ledger=ledger,
        node=NodeClient(
            [source(node.name) for node in sandbox.nodes],
            chain_id=chain_id,
            now=sandbox.now,
            head_age_seconds_max=HEAD_AGE_SECONDS_MAX,
        ),
        indexer=TzktClient([source(INDEXER)], chain_id=chain_id),
        signers=Keyring([LocalSigner(sandbox.chain.world.payout_key)]),
        clock=sandbox.now,
        limits=limits,
    )


async def assert_paid_once(baker: HostileBaker) -> None:
    """Make sure that all are paid once, in the ledger and on the chain."""
    baker.heal()
    step = await baker.pay()
    assert step.is_settled
    assert (step.paid, step.held, step.quarantined) == (step.total, 0, ())
    assert baker.paid_on_chain() == owed(await baker.payouts())
    applied = [each.destination for each in baker.transfers() if each.status == "applied"]
    assert len(applied) == len(set(applied))
    assert await baker.audit_is_unbroken()
