"""A webhook is called with a signature that can be checked, and believed only within bounds."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bakehouse.asgi_server import serving
from bakehouse.errors import HookFailedError, SettingError
from bakehouse.hooks import webhook
from bakehouse.hooks.caller import HookCaller
from bakehouse.hooks.question import Request
from bakehouse.hooks.webhook import check_url, new_secret, signed_headers
from bakehouse.ledger.hooks import Hook
from bakehouse.ledger.states import HookPoint
from bakehouse.secret_box import SecretKeyFile
from tests.alerts.conftest import NOW

ASKED = Request(HookPoint.PAID, "paid-7", b'{"version":1}')

Answer = Callable[[], Awaitable[Response]]


@dataclass
class Receiver:
    """A service as a baker would run it."""

    url: str = ""
    answer: Answer | None = None
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: WebRequest) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        return await self.answer() if self.answer else Response(b"taken")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taking = Receiver()
    app = Starlette(routes=[Route("/{path:path}", taking.take, methods=["POST", "GET"])])
    async with serving(app) as url:
        taking.url = url
        yield taking


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[HookCaller]:
    key = SecretKeyFile(tmp_path / "secret.key", made_when_missing=True)
    async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
        yield HookCaller(client, key)


def hook_at(caller: HookCaller, url: str, secret: str, seconds: int = 10) -> Hook:
    assert caller.secret_key is not None
    return Hook(
        id=1,
        baker_id="tz1-baker",
        name="told",
        points=frozenset({HookPoint.PAID}),
        url=url,
        sealed_secret=caller.secret_key.seal(secret),
        seconds_max=seconds,
        enabled=True,
        created_at=NOW,
    )


async def test_a_receiver_can_check_who_calls_and_that_it_is_no_recording(
    caller: HookCaller, receiver: Receiver
) -> None:
    secret = new_secret()

    answer = await caller.call(hook_at(caller, f"{receiver.url}/hook", secret), ASKED)

    assert answer == b"taken"
    [headers], [body] = receiver.headers, receiver.bodies
    assert body == ASKED.body
    assert headers["webhook-id"] == "paid-7"
    assert headers["content-type"] == "application/json"
    # As https://www.standardwebhooks.com tells receivers to check it.
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert len(key) == 32


def test_the_signature_is_that_of_the_published_example() -> None:
    # The vector that the libraries of Standard Webhooks are tested with.
    request = Request(HookPoint.PAID, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')

    headers = signed_headers("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", request, 1614265330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_is_no_answer_says_why(caller: HookCaller, receiver: Receiver) -> None:
    hook = hook_at(caller, receiver.url, new_secret())

    async def error() -> Response:
        return Response(status_code=500)

    async def elsewhere() -> Response:
        return RedirectResponse("/other")

    for answer, complaint in ((error, "HTTP 500"), (elsewhere, "HTTP 307")):
        receiver.answer = answer
        with pytest.raises(HookFailedError, match=f"it answered with {complaint}"):
            await caller.call(hook, ASKED)
    # Nobody went where the redirect pointed.
    assert len(receiver.bodies) == 2


async def test_one_that_hangs_or_talks_without_end_is_left(
    caller: HookCaller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "ANSWER_BYTES_MAX", 10)
    hung = asyncio.Event()

    async def hang() -> Response:
        await hung.wait()
        return Response()

    async def talk() -> Response:
        return Response(b"x" * 11)

    receiver.answer = talk
    with pytest.raises(HookFailedError, match="longer than 10 bytes"):
        await caller.call(hook_at(caller, receiver.url, new_secret()), ASKED)
    receiver.answer = hang
    with pytest.raises(HookFailedError, match="did not answer within 1 s"):
        await caller.call(hook_at(caller, receiver.url, new_secret(), seconds=1), ASKED)
    hung.set()


async def test_one_that_is_not_there_is_told_without_its_secret(caller: HookCaller) -> None:
    secret = new_secret()
    with pytest.raises(HookFailedError, match="cannot be reached") as failed:
        await caller.call(hook_at(caller, "http://127.0.0.1:9/", secret), ASKED)

    assert secret not in repr(failed.value)


async def test_without_the_key_nothing_is_called(caller: HookCaller, receiver: Receiver) -> None:
    hook = hook_at(caller, receiver.url, new_secret())
    assert caller.secret_key is not None
    caller.secret_key.path.unlink()

    with pytest.raises(HookFailedError, match="cannot be read"):
        await caller.call(hook, ASKED)
    with pytest.raises(HookFailedError, match="cannot be called from here"):
        await HookCaller().call(hook, ASKED)
    assert receiver.bodies == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/bakehouse",
        "https://10.0.0.3:8443/",
        "http://127.0.0.1:8000/hook",
        "http://localhost/hook",
        "http://[::1]:8000/",
    ],
)
def test_a_url_over_tls_or_on_this_machine_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "of the form https"),
        ("hooks.example.com", "of the form https"),
        ("https://", "of the form https"),
        ("https://a\n.example", "of the form https"),
        ("https://" + "a" * 500, "of the form https"),
        ("http://hooks.example.com/", "begins with https"),
        ("http://10.0.0.3/", "begins with https"),
        ("http://localhost.example.com/", "begins with https"),
        ("file:///etc/passwd", "of the form https"),
        ("ftp://example.com/", "begins with https"),
        ("https://ann:secret@example.com/", "no password"),
        ("https://example.com/?token=secret", "no query"),
        ("https://example.com/#part", "no query"),
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str, complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint) as refused:
        check_url(url)

    assert "secret" not in refused.value.message
