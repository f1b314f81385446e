"""One source over real HTTP: what each kind of bad answer becomes, and what is tried again."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from bakehouse.errors import (
    NodeRefusedError,
    Outcome,
    SettingError,
    SourceBusyError,
    SourceMalformedError,
    SourceUnreachableError,
)
from bakehouse.tezos.strict_json import Fields, decode_unique
from bakehouse.tezos.transport import JsonSource, SourceLimits

if TYPE_CHECKING:
    from tests.tezos.conftest import Stub

PATH = "/v1/thing"


def anything(document: Any) -> Any:
    return document


async def test_a_json_answer_is_parsed(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, {"level": 3})

    level = await stub.source(client).get(
        PATH, lambda document: Fields.of(document).natural("level")
    )

    assert level == 3


async def test_parameters_travel_in_the_query(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, [])

    await stub.source(client).get(PATH, anything, params={"offset": 0, "limit": 10})

    assert stub.asked[0].query == {"offset": "0", "limit": "10"}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_source_is_asked_again(
    stub: Stub, client: httpx2.AsyncClient, status: int
) -> None:
    stub.on(PATH, stub.html(status), stub.html(status), "ready")

    assert await stub.source(client).get(PATH, anything) == "ready"
    assert stub.count(PATH) == 3


async def test_a_server_error_that_explains_nothing_is_busyness(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.text(500, "Internal Server Error"), "ready")

    assert await stub.source(client).get(PATH, anything) == "ready"


async def test_a_source_that_stays_busy_is_given_up(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, stub.html(429))

    with pytest.raises(
        SourceBusyError, match=r"^stub answered /v1/thing with HTTP 429: "
    ) as caught:
        await stub.source(client).get(PATH, anything)

    assert stub.count(PATH) == 3
    assert caught.value.retryable


async def test_a_reset_connection_is_unreachable(
    resetting_url: str, stub: Stub, client: httpx2.AsyncClient
) -> None:
    limits = SourceLimits(attempts=2, wait_initial_seconds=0.001, wait_jitter_seconds=0)
    source = JsonSource(resetting_url, client, name="resetter", limits=limits)

    with pytest.raises(SourceUnreachableError, match="resetter cannot be reached for /v1/thing"):
        await source.get(PATH, anything)


async def test_an_answer_cut_in_its_middle_is_asked_for_again(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.cut(b'{"level": 3'), {"level": 3})

    assert await stub.source(client).get(PATH, anything) == {"level": 3}


async def test_a_silent_source_is_given_up_in_time(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, stub.hang())

    with pytest.raises(SourceUnreachableError, match=r"did not answer /v1/thing within 0\.05 sec"):
        await stub.source(client, attempt_seconds=0.05).get(PATH, anything)


async def test_all_attempts_together_are_bounded_in_time(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.hang())

    with pytest.raises(SourceUnreachableError, match=r"did not answer /v1/thing within 0\.1 sec"):
        await stub.source(client, total_seconds=0.1).get(PATH, anything)

    assert stub.count(PATH) <= 1


async def test_a_host_that_is_not_there_is_unreachable(client: httpx2.AsyncClient) -> None:
    limits = SourceLimits(attempts=1)
    # Port 1 belongs to a service that nobody runs.
    source = JsonSource("http://127.0.0.1:1", client, limits=limits)

    with pytest.raises(SourceUnreachableError, match=r"^127\.0\.0\.1:1 cannot be reached"):
        await source.get(PATH, anything)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<!DOCTYPE html><html>", "an HTML or XML page, not JSON"),
        (b'{"level": 3, "hash": "BL', "JSON cut short"),
        (b'[{"level": 3},', "JSON cut short"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"", "it is empty"),
        (b"NaN", "NaN, which is not JSON"),
        (b'{"level": 3} {"level": 4}', "not JSON"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b"9" * 5_000, "not JSON that can be read"),
    ],
)
async def test_an_answer_that_is_not_json_is_malformed_and_not_asked_for_again(
    stub: Stub, client: httpx2.AsyncClient, body: bytes, reason: str
) -> None:
    stub.on(PATH, stub.raw(body))

    with pytest.raises(SourceMalformedError, match=reason) as caught:
        await stub.source(client).get(PATH, anything)

    assert caught.value.message.startswith("stub answered /v1/thing wrongly: it ")
    assert stub.count(PATH) == 1


async def test_a_parser_complaint_is_told_with_source_and_path(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, {"level": 1.5})

    with pytest.raises(SourceMalformedError) as caught:
        await stub.source(client).get(PATH, lambda document: Fields.of(document).natural("level"))

    assert caught.value.message == (
        "stub answered /v1/thing wrongly: level must be a whole number of 0 or more, not 1.5"
    )


async def test_a_large_answer_is_parsed_alike(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, list(range(100_000)))

    assert sum(await stub.source(client).get(PATH, anything)) == 4_999_950_000


async def test_an_answer_beyond_the_limit_is_refused(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.raw(b'"' + b"x" * 1000 + b'"'))

    assert await stub.source(client, body_bytes_max=1002).get(PATH, anything) == "x" * 1000
    with pytest.raises(SourceMalformedError, match="it is longer than 1,001 bytes"):
        await stub.source(client, body_bytes_max=1001).get(PATH, anything)


async def test_broken_compression_is_malformed(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, stub.compressed(b"not gzip at all"))

    with pytest.raises(SourceMalformedError, match="compression is broken"):
        await stub.source(client).get(PATH, anything)


async def test_a_compressed_answer_is_measured_unpacked(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.compressed(gzip.compress(json.dumps("x" * 100_000).encode())))

    with pytest.raises(SourceMalformedError, match="longer than 10,000 bytes"):
        await stub.source(client, body_bytes_max=10_000).get(PATH, anything)


async def test_no_content_is_given_as_none(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, stub.no_content())

    assert await stub.source(client).get(PATH, anything) is None


async def test_the_errors_of_a_node_are_named(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, stub.refusal("proto.025-PsUshuai.contract.counter_in_the_past"))

    with pytest.raises(NodeRefusedError, match="counter_in_the_past") as caught:
        await stub.source(client).get(PATH, anything)

    assert caught.value.error_ids == ("proto.025-PsUshuai.contract.counter_in_the_past",)
    assert caught.value.body == [
        {"kind": "temporary", "id": "proto.025-PsUshuai.contract.counter_in_the_past"}
    ]
    assert stub.count(PATH) == 1


async def test_an_error_of_a_node_without_id_keeps_its_text(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.raw(b'"Assert_failure operation_repr.ml:203:6"', 500))

    with pytest.raises(NodeRefusedError, match="Assert_failure") as caught:
        await stub.source(client).get(PATH, anything)

    assert caught.value.error_ids == ()


@pytest.mark.parametrize("status", [404, 410])
async def test_what_does_not_exist_is_told_by_its_status(
    stub: Stub, client: httpx2.AsyncClient, status: int
) -> None:
    stub.on(PATH, stub.text(status, "No service found at this URL"))

    with pytest.raises(NodeRefusedError, match="there is nothing at this path") as caught:
        await stub.source(client).get(PATH, anything)

    assert caught.value.facts["status"] == status


async def test_a_redirect_is_not_followed(
    stub: Stub, other_stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.html(302))

    with pytest.raises(NodeRefusedError, match="HTTP 302: an HTML page"):
        await stub.source(client).get(PATH, anything)


@pytest.mark.parametrize("status", [429, 502])
async def test_a_post_to_a_busy_source_is_sent_once(
    stub: Stub, client: httpx2.AsyncClient, status: int
) -> None:
    stub.on(PATH, stub.html(status), "ready")

    with pytest.raises(SourceBusyError) as caught:
        await stub.source(client).post_once(PATH, "00ff", anything)

    assert stub.count(PATH) == 1
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_post_whose_answer_is_lost_is_sent_once(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.cut(b'"oo'), "ready")

    with pytest.raises(SourceUnreachableError) as caught:
        await stub.source(client).post_once(PATH, "00ff", anything)

    assert stub.count(PATH) == 1
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_post_to_a_silent_source_is_sent_once(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.hang())

    with pytest.raises(SourceUnreachableError):
        await stub.source(client, attempt_seconds=0.1).post_once(PATH, "00ff", anything)

    assert stub.count(PATH) <= 1


async def test_a_post_carries_its_body_as_json(stub: Stub, client: httpx2.AsyncClient) -> None:
    stub.on(PATH, "done")

    assert await stub.source(client).post_once(PATH, "00ff", anything) == "done"
    assert stub.asked[0].body == b'"00ff"'
    assert stub.asked[0].headers["content-type"] == "application/json"


async def test_credentials_of_a_url_are_used_but_never_told(
    stub: Stub, client: httpx2.AsyncClient
) -> None:
    stub.on(PATH, stub.html(502))
    url = stub.url.replace("http://", "http://me:sesame@")
    limits = SourceLimits(attempts=1)
    source = JsonSource(url, client, limits=limits)

    with pytest.raises(SourceBusyError) as caught:
        await source.get(PATH, anything)

    assert stub.asked[0].headers["authorization"].startswith("Basic ")
    told = f"{source.name} {caught.value} {caught.value.facts}"
    assert "sesame" not in told
    assert "host-" not in told, "tokens stand in the paths of many hosted nodes"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://node",
        "node:8732",
        "http://",
        "http://node:port",
        "https://node?key=1",
        "https://node/#x",
    ],
)
async def test_a_url_that_cannot_be_a_source_is_a_wrong_setting(
    client: httpx2.AsyncClient, url: str
) -> None:
    with pytest.raises(SettingError, match="https://host"):
        JsonSource(url, client)


def test_a_repeated_key_is_refused_where_it_must_be() -> None:
    with pytest.raises(SourceMalformedError, match='it names "blocks" twice'):
        decode_unique(b'{"cycle": 1, "inner": {"blocks": 2, "x": 3, "blocks": 5}}')
