"""The n-th call to one of the things that paying needs fails, once; all others are as they were."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import SignerError
from bakehouse.ledger.database import Ledger
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.signer import LocalSigner
from tests.payments.hostile_baker import HostileBaker, Treatment, answered

#: How large the sweeps are: 1 for every change, more for a night.


@dataclass(slots=True)
class Nth:
    """Counts calls, and tells which one is to fail."""

    number: int
    calls: int = 0

    def is_now(self) -> bool:
        self.calls += 1
        return self.calls == self.number

    @property
    def has_struck(self) -> bool:
        return self.calls >= self.number


def full_disk() -> OperationalError:
    return OperationalError("COMMIT", {}, Exception("database or disk is full"))


class FailingLedger(Ledger):
    """One commit does not happen, or nobody is told that it did."""

    nth: Nth
    fails_after: bool

    @asynccontextmanager
    async def write(self, *, why: str | None = None) -> AsyncIterator[AsyncConnection]:
        fails = self.nth.is_now()
        async with super().write(why=why) as tx:
            yield tx
            if fails and not self.fails_after:
                raise full_disk()
        if fails:
            raise full_disk()


@dataclass(frozen=True)
class FailingSigner(LocalSigner):
    """Does not answer one of its requests."""

    nth: Nth

    async def sign(self, forged: bytes) -> bytes:
        if self.nth.is_now():
            raise SignerError("the signer did not answer")
        return await super().sign(forged)


def _time_out(_response: httpx2.Response) -> httpx2.Response:
    raise httpx2.ReadTimeout("The read operation timed out")


#: What becomes of an answer; the request has arrived.
_ANSWERS: dict[str, Treatment] = {
    "no answer": _time_out,
    "502": answered(502, "<html>bad gateway</html>", "text/html"),
    "HTML": answered(200, "<html>welcome</html>", "text/html"),
    "an empty object": answered(200, "{}"),
    "an empty list": answered(200, "[]"),
    "nothing": answered(204),
    "null": answered(200, "null"),
}


def fail_answer(kind: str) -> Callable[[HostileBaker, Nth], HostileBaker]:
    """Have one answer of a node or an indexer be another."""

    def arm(baker: HostileBaker, nth: Nth) -> HostileBaker:
        def treat(response: httpx2.Response) -> httpx2.Response:
            return _ANSWERS[kind](response) if nth.is_now() else response

        baker.way.treat(".*", treat)
        return baker

    return arm


def fail_request(baker: HostileBaker, nth: Nth) -> HostileBaker:
    """Have one request not arrive."""

    async def stop(_asked: str) -> None:
        if nth.is_now():
            raise httpx2.ConnectError("All connection attempts failed")

    baker.way.before = stop
    return baker


def fail_commit(*, after: bool) -> Callable[[HostileBaker, Nth], HostileBaker]:
    """Have one commit fail, or be done with nobody knowing."""

    def arm(baker: HostileBaker, nth: Nth) -> HostileBaker:
        ledger = FailingLedger(baker.payer.ledger._engine)
        ledger.nth, ledger.fails_after = nth, after
        return baker.other(ledger=ledger)

    return arm


def fail_signature(baker: HostileBaker, nth: Nth) -> HostileBaker:
    """Have one signature not come."""
    signer = FailingSigner(baker.chain.world.payout_key, nth)
    return baker.other(signers=Keyring([signer]))


def mislead_clock(hours: int) -> Callable[[HostileBaker, Nth], HostileBaker]:
    """Have the clock be wrong once."""

    def arm(baker: HostileBaker, nth: Nth) -> HostileBaker:
        right = baker.payer.clock

        def tell() -> datetime:
            return right() + timedelta(hours=hours if nth.is_now() else 0)

        return baker.other(clock=tell)

    return arm


#: Ways to fail, by name; each arms a baker before it pays.
FAILURES: dict[str, Callable[[HostileBaker, Nth], HostileBaker]] = {
    **{f"answer: {kind}": fail_answer(kind) for kind in _ANSWERS},
    "request does not arrive": fail_request,
    "commit fails": fail_commit(after=False),
    "commit done, not told": fail_commit(after=True),
    "signer does not answer": fail_signature,
    "clock an hour ahead": mislead_clock(1),
    "clock an hour behind": mislead_clock(-1),
}
