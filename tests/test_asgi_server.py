"""An app served from within this process: reached, stopped, and refused a port that is taken."""

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bakehouse.asgi_server import serving
from bakehouse.errors import SettingError


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _endless(_: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield b"still here\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(lines())


APP = Starlette(routes=[Route("/", _hello), Route("/endless", _endless)])


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    # Nothing here speaks TLS, and loading certificates would take most of a test's time.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx2.AsyncClient(trust_env=False, verify=no_certificates) as opened:
        yield opened


@pytest.fixture
def ipv6() -> None:
    """Skip what a machine without IPv6 cannot show."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])  # noqa: S104 - a case
async def test_an_app_is_reached_at_the_url_that_is_given(
    client: httpx2.AsyncClient, host: str
) -> None:
    async with serving(APP, host=host) as url:
        answer = await client.get(url)

    assert answer.text == "hello"
    assert url == f"http://localhost:{_port(url)}"


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("host", ["::1", "::"])
async def test_an_app_is_reached_over_ipv6(client: httpx2.AsyncClient, host: str) -> None:
    async with serving(APP, host=host) as url:
        answer = await client.get(f"http://[::1]:{_port(url)}")

    assert answer.text == "hello"
    assert url == f"http://localhost:{_port(url)}"


@pytest.mark.usefixtures("ipv6")
async def test_an_app_on_all_addresses_is_reached_over_both_protocols(
    client: httpx2.AsyncClient,
) -> None:
    async with serving(APP, host="::") as url:
        answers = [
            await client.get(f"http://{host}:{_port(url)}") for host in ("[::1]", "127.0.0.1")
        ]

    assert [answer.text for answer in answers] == ["hello", "hello"]


async def test_a_port_that_is_chosen_is_the_one_that_is_served(client: httpx2.AsyncClient) -> None:
    async with serving(APP) as url:
        port = _port(url)

    async with serving(APP, port=port) as url:
        assert _port(url) == port
        assert (await client.get(url)).text == "hello"


async def test_a_port_that_another_server_has_is_refused_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingError) as refused:
            async with serving(APP, port=port):
                pass

    assert refused.value.message.startswith(f"cannot listen on 127.0.0.1 port {port} (")
    assert "choose another port" in refused.value.message


async def test_of_two_that_want_one_port_at_once_one_is_served_and_one_refused(
    client: httpx2.AsyncClient,
) -> None:
    async with serving(APP) as url:
        port = _port(url)
    enough = asyncio.Event()

    async def serve() -> None:
        async with serving(APP, port=port):
            await enough.wait()

    both = [asyncio.create_task(serve()) for _ in range(2)]
    (refused,), (served,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(refused.exception(), SettingError)
    assert (await client.get(f"http://127.0.0.1:{port}")).text == "hello"
    enough.set()
    await served


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.7", "fe80::1"])
async def test_a_host_that_is_not_this_machine_is_refused_with_a_sentence(host: str) -> None:
    with pytest.raises(SettingError, match=f"^cannot listen on {host} port 0 "):
        async with serving(APP, host=host):
            pass


async def test_after_the_block_nobody_listens_and_nothing_runs_on(
    client: httpx2.AsyncClient,
) -> None:
    before = asyncio.all_tasks()
    async with serving(APP) as url:
        await client.get(url)

    with pytest.raises(httpx2.ConnectError):
        await client.get(url)
    assert asyncio.all_tasks() == before


async def test_an_answer_without_end_does_not_keep_the_server_from_stopping(
    client: httpx2.AsyncClient,
) -> None:
    async with serving(APP) as url:
        streaming = client.stream("GET", f"{url}/endless")
        answer = await streaming.__aenter__()
        lines = answer.aiter_lines()
        assert await anext(lines) == "still here"

    with pytest.raises(httpx2.RemoteProtocolError):
        async for _ in lines:
            pass
    await streaming.__aexit__(None, None, None)


async def test_an_error_inside_the_block_stops_the_server_and_comes_through(
    client: httpx2.AsyncClient,
) -> None:
    with pytest.raises(KeyError, match="inside"):
        async with serving(APP) as url:
            raise KeyError("inside")

    with pytest.raises(httpx2.ConnectError):
        await client.get(url)


async def test_signals_are_left_to_the_process_around_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with serving(APP):
        assert signal.getsignal(signal.SIGTERM) is before
