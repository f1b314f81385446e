"""A simulated chain with many bakers, a wallet for each, and a remote signer for all of them.

The chain knows one baker; the others have its delegators and rewards, but for the first, which is
as large as is wanted. What each pays from its own wallet is the chain's own affair.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bakehouse.asgi_server import serving
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Mode
from bakehouse.rewards.money import MUTEZ_PER_TEZ
from bakehouse.sandbox.account import Account, is_implicit
from bakehouse.sandbox.app import app_of
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.routing import Question, Reply
from bakehouse.sandbox.service import honest_service
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.transfer_record import TransferRecord, transfers_from
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey

_SPLIT = re.compile(r"/v1/rewards/split/(tz1\w+)/(\d+)")
_FUNDS = 1_000_000 * MUTEZ_PER_TEZ


@dataclass(frozen=True, slots=True)
class OneOfMany:
    """A baker by its address, and the key that it pays with."""

    baker_id: str
    payout_key: SecretKey

    @property
    def payout_address(self) -> str:
        return self.payout_key.public_key.address


@dataclass
class ManyBakers:
    """The chain with its bakers, as it is served; `asked` counts what was asked of it, by path."""

    chain: Chain
    #: Another chain in step with the first: its baker's split is that of the first of many.
    large: Chain
    bakers: Sequence[OneOfMany]
    url: str = ""
    signer_url: str = ""
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def cycle(self) -> int:
        """The cycle that is finished first."""
        return self.chain.settings.starting_cycle

    def answer(self, question: Question) -> Reply:
        """Answer as node and indexer do, each baker's split being that of its chain."""
        self.asked[question.path] += 1
        found = _SPLIT.fullmatch(question.path)
        if found is None:
            return honest_service(self.chain).answer(question)
        chain = self.large if found[1] == self.bakers[0].baker_id else self.chain
        path = question.path.replace(found[1], chain.world.baker)
        return honest_service(chain).answer(replace(question, path=path))

    def splits_asked(self) -> Counter[str]:
        """How often each split was asked for."""
        return Counter({path: n for path, n in self.asked.items() if _SPLIT.fullmatch(path)})

    def bake(self) -> None:
        for chain in (self.chain, self.large):
            chain.bake(int(time.time()))

    async def bake_by_the_clock(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.bake()

    def transfers(self, baker: OneOfMany) -> list[TransferRecord]:
        return transfers_from(self.chain, baker.payout_address)

    def registered(self, baker: OneOfMany, **settings: Any) -> Baker:
        """Give the baker as it is registered: on, paying each finished cycle at once."""
        defaults = {
            "baker_id": baker.baker_id,
            "network": self.chain.chain_id,
            "payout_address": baker.payout_address,
            "first_cycle": self.cycle,
            "mode": Mode.ON,
            "payout_delay_cycles": 0,
            "confirm_first_cycle": False,
            "payment_retries": 3,
        }
        return Baker(**{**defaults, **settings})


@asynccontextmanager
async def many_bakers(count: int, *, large: int, small: int = 6) -> AsyncIterator[ManyBakers]:
    """Serve such a chain, three blocks before the end of its first cycle; it is baked by hand.

    The first baker has about `large` delegators, each other about `small`.
    """
    bakers = [OneOfMany(_key(1, n).public_key.address, _key(2, n)) for n in range(count)]
    many = ManyBakers(_chain(small, seed=0), _chain(large, seed=7), bakers)
    wallets = {baker.payout_address: Account(balance=_FUNDS) for baker in bakers}
    # A transfer to a contract that is not there would be held back.
    contracts = {
        address: account
        for address, account in many.large.world.origin.items()
        if not is_implicit(address)
    }
    many.chain._ledger.record(many.chain.head.level, {**contracts, **wallets})
    keys = {baker.payout_address: baker.payout_key for baker in bakers}
    feed = HeadFeed()
    async with (
        serving(app_of(many, lambda: many.chain, feed)) as many.url,
        serving(_signer(keys)) as many.signer_url,
    ):
        yield many
        feed.close()


def _chain(delegators: int, seed: int) -> Chain:
    settings = SandboxSettings(
        seed=seed,
        delegator_count=delegators,
        blocks_per_cycle=2_000,
        blocks_before_first_turn=3,
        block_seconds=None,
    )
    return Chain(settings, start_timestamp=int(time.time()))


def _key(kind: int, number: int) -> SecretKey:
    seed = kind.to_bytes(2) + number.to_bytes(2)
    return SecretKey.from_seed(Curve.ED25519, seed.ljust(SEED_SIZE, b"\0"))


def _signer(keys: dict[str, SecretKey]) -> Starlette:
    """Sign for whoever asks, as octez-signer does without authentication."""

    async def authorized_keys(_: Request) -> Response:
        return JSONResponse({})

    async def key(request: Request) -> Response:
        found = keys.get(request.path_params["pkh"])
        if found is None:
            return PlainTextResponse("No service found at this URL", 404)
        if request.method == "GET":
            return JSONResponse({"public_key": found.public_key.encode()})
        signature = found.sign(bytes.fromhex(await request.json()))
        return JSONResponse({"signature": found.public_key.encode_signature(signature)})

    return Starlette(
        routes=[
            Route("/authorized_keys", authorized_keys, methods=["GET"]),
            Route("/keys/{pkh}", key, methods=["GET", "POST"]),
        ]
    )
