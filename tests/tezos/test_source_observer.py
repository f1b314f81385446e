"""Who listens to a source hears of every request, of every error, and of no secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from bakehouse.errors import SourceError
from bakehouse.tezos.transport import JsonSource, SourceLimits

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub

PATH = "/v1/thing"


@dataclass
class Listener:
    ended: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    heads: list[tuple[str, int, datetime]] = field(default_factory=list)

    def request_ended(self, source: str, seconds: float) -> None:
        assert seconds > 0
        self.ended.append(source)

    def request_failed(self, source: str, code: str) -> None:
        self.failed.append((source, code))

    def head_heard(self, source: str, level: int, timestamp: datetime) -> None:
        self.heads.append((source, level, timestamp))


def anything(document: Any) -> Any:
    return document


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def source(
    stub: Stub, client: httpx2.AsyncClient, limits: SourceLimits, listener: Listener
) -> JsonSource:
    return JsonSource(stub.url, client, name="stub", limits=limits, observer=listener)


async def test_an_answer_is_one_request_and_no_error(
    stub: Stub, source: JsonSource, listener: Listener
) -> None:
    stub.on(PATH, {"level": 3})

    await source.get(PATH, anything)

    assert (listener.ended, listener.failed) == (["stub"], [])


async def test_each_attempt_is_a_request_of_its_own(
    stub: Stub, source: JsonSource, listener: Listener
) -> None:
    stub.on(PATH, stub.html(429), stub.html(503), "ready")

    await source.get(PATH, anything)

    assert listener.ended == ["stub"] * 3
    assert listener.failed == [("stub", "source-busy")] * 2


async def test_an_error_is_heard_by_its_code(
    stub: Stub, source: JsonSource, listener: Listener
) -> None:
    for reply in (stub.text(200, "{"), stub.refusal("proto.bad"), stub.compressed(b"no gzip")):
        path = f"{PATH}/{len(listener.ended)}"
        stub.on(path, reply)
        with pytest.raises(SourceError):
            await source.get(path, anything)

    assert listener.ended == ["stub"] * 3
    assert [code for _, code in listener.failed] == [
        "source-malformed",
        "node-refused",
        "source-malformed",
    ]


async def test_a_source_goes_by_its_host_without_password_or_path(
    resetting_url: str, client: httpx2.AsyncClient, limits: SourceLimits, listener: Listener
) -> None:
    host = resetting_url.removeprefix("http://")
    url = f"http://user:pa55word@{host}/rpc-token"
    source = JsonSource(url, client, limits=limits, observer=listener)

    with pytest.raises(SourceError):
        await source.post_once(PATH, {}, anything)

    assert listener.ended == [host]
    assert listener.failed == [(host, "source-unreachable")]
