"""Signing here and far away: a remote signer is believed as far as its answers can be checked."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import blake2b

import httpx2
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from bakehouse.errors import Outcome, SignerError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos import signer as signer_module
from bakehouse.tezos.address import Address, parse_address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.keys import Curve, PublicKey, SecretKey
from bakehouse.tezos.operation import OperationGroup, Transaction
from bakehouse.tezos.signed_operation import seal
from bakehouse.tezos.signer import LocalSigner, RemoteSigner

SEED = bytes(range(1, 33))
KEY = SecretKey.from_seed(Curve.ED25519, SEED)
OTHER_KEY = SecretKey.from_seed(Curve.ED25519, bytes(range(2, 34)))
CLIENT_KEY = SecretKey.from_seed(Curve.ED25519, bytes(range(3, 35)))
TZ4 = parse_address("tz4MvCEiLgK6vYRSkug9Nz64UNTbT4McNq8m")
BRANCH = "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU"

Handler = Callable[[Request], Awaitable[Response]]

pytestmark = pytest.mark.asyncio(loop_scope="module")
every_curve = pytest.mark.parametrize("curve", Curve)


def transfer_from(source: Address) -> OperationGroup:
    return OperationGroup(BRANCH, (Transaction(source, Mutez(300), 10, 2269, 0, Mutez(5), source),))


def answering(response_to: Callable[[bytes], Response]) -> Handler:
    """Answer with what a function makes of the bytes to sign."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        return response_to(bytes.fromhex(json.loads(body)) if body else b"")

    return answer


def signature_response(signature: bytes) -> Response:
    return JSONResponse({"signature": KEY.public_key.encode_signature(signature)})


BAD_ANSWERS: dict[str, tuple[Callable[[bytes], Response], str]] = {
    "for other bytes": (lambda data: signature_response(KEY.sign(data + b"0")), "does not fit"),
    "of another key": (lambda data: signature_response(OTHER_KEY.sign(data)), "does not fit"),
    "of another curve": (
        lambda _: JSONResponse({"signature": encode(Prefix.SPSIG, bytes(64))}),
        "is not one: its prefix is not one of edsig, sig",
    ),
    "damaged": (
        lambda _: JSONResponse({"signature": encode(Prefix.EDSIG, bytes(64))[:-1]}),
        "is not one: its checksum is wrong",
    ),
    "HTML": (lambda _: HTMLResponse("<html>Hi"), "answered without a signature: '<html>"),
    "HTML error": (lambda _: HTMLResponse("<html>Bad", 502), "answered HTTP 502: '<html>"),
    "error": (lambda _: JSONResponse([{"msg": "magic byte"}], 500), "HTTP 500: .*magic byte"),
    "redirect": (lambda _: RedirectResponse("/keys/x"), "answered HTTP 307"),
    "nothing": (lambda _: Response(status_code=204), "answered HTTP 204"),
    "a megabyte": (lambda _: Response(b"x" * 1_000_000), "answered more than 65536 bytes"),
    "deep JSON": (lambda _: Response("[" * 60_000), "answered without a signature"),
    "not text": (lambda _: Response(b"\xff\xfe"), "answered without a signature"),
}


class SigningService:
    """Speaks octez-signer's protocol over real HTTP, honestly until a test replaces an answer."""

    def __init__(self) -> None:
        self.url = ""
        self.be_honest()

    def be_honest(self) -> None:
        self.key = KEY
        self.authorized: PublicKey | None = None
        self.give_key: Handler = self.give_key_honestly
        self.give_signature: Handler = self.sign_honestly
        self.signature_requests = 0

    async def answer(self, request: Request) -> Response:
        if request.method == "GET":
            return await self.give_key(request)
        self.signature_requests += 1
        return await self.give_signature(request)

    async def give_key_honestly(self, request: Request) -> Response:
        if request.path_params["address"] != self.key.public_key.address:
            return PlainTextResponse("No service found at this URL", 404)
        return JSONResponse({"public_key": self.key.public_key.encode()})

    async def sign_honestly(self, request: Request) -> Response:
        data = bytes.fromhex(await request.json())
        if self.authorized is not None and not self._is_authenticated(request, data):
            return JSONResponse([{"kind": "temporary", "id": "signer.unauthorized"}], 403)
        return JSONResponse(
            {"signature": self.key.public_key.encode_signature(self.key.sign(data))}
        )

    def _is_authenticated(self, request: Request, data: bytes) -> bool:
        assert self.authorized is not None
        key_hash = blake2b(self.key.public_key.raw, digest_size=20).digest()
        signature = self.authorized.decode_signature(request.query_params["authentication"])
        return self.authorized.verify(signature, b"\x04\x01" + b"\x00" + key_hash + data)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_service() -> AsyncIterator[SigningService]:
    service = SigningService()
    app = Starlette(routes=[Route("/keys/{address}", service.answer, methods=["GET", "POST"])])
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    host, port = server.servers[0].sockets[0].getsockname()
    service.url = f"http://{host}:{port}"
    yield service
    await server.shutdown()


@pytest.fixture
def service(running_service: SigningService) -> SigningService:
    running_service.be_honest()
    return running_service


@pytest_asyncio.fixture(loop_scope="module")
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
        yield client


async def connect(
    client: httpx2.AsyncClient, service: SigningService, key: SecretKey | None = None
) -> RemoteSigner:
    return await RemoteSigner.connect(client, service.url, KEY.public_key.address, key)


async def test_a_local_signer_signs_for_the_account_of_its_key() -> None:
    signer = LocalSigner(KEY)

    assert signer.address == KEY.public_key.address
    signature = await signer.sign(b"forged")
    assert signer.public_key.verify(signature, b"\x03forged")
    assert encode(Prefix.EDSK_SEED, SEED) not in repr(signer)


@every_curve
async def test_a_remote_signer_seals_as_a_local_one_does(
    client: httpx2.AsyncClient, service: SigningService, curve: Curve
) -> None:
    service.key = SecretKey.from_seed(curve, SEED)
    address = service.key.public_key.address
    remote = await RemoteSigner.connect(client, f"{service.url}/", address)

    assert remote.public_key == service.key.public_key
    assert await seal(transfer_from(address), remote) == await seal(
        transfer_from(address), LocalSigner(service.key)
    )
    assert service.signature_requests == 1


async def test_a_signature_in_the_generic_spelling_is_taken(
    client: httpx2.AsyncClient, service: SigningService
) -> None:
    service.give_signature = answering(
        lambda data: JSONResponse({"signature": encode(Prefix.SIG, KEY.sign(data))})
    )

    await seal(transfer_from(KEY.public_key.address), await connect(client, service))


async def test_a_client_key_authenticates_each_request(
    client: httpx2.AsyncClient, service: SigningService
) -> None:
    service.authorized = CLIENT_KEY.public_key
    group = transfer_from(KEY.public_key.address)

    await seal(group, await connect(client, service, CLIENT_KEY))
    with pytest.raises(SignerError, match=r"answered HTTP 403: .*signer\.unauthorized"):
        await seal(group, await connect(client, service, OTHER_KEY))


async def test_connecting_needs_the_very_key_that_was_named(
    client: httpx2.AsyncClient, service: SigningService
) -> None:
    with pytest.raises(SignerError, match="answered HTTP 404"):
        await RemoteSigner.connect(client, service.url, OTHER_KEY.public_key.address)

    service.give_key = answering(
        lambda _: JSONResponse({"public_key": OTHER_KEY.public_key.encode()})
    )
    with pytest.raises(SignerError, match=f"gave the key of {OTHER_KEY.public_key.address} for"):
        await connect(client, service)


async def test_an_account_with_a_bls_key_is_refused_before_asking(
    client: httpx2.AsyncClient,
) -> None:
    with pytest.raises(SignerError, match=f"{TZ4} cannot pay"):
        await RemoteSigner.connect(client, "http://unused.invalid", TZ4)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "answered without a public_key"),
        ({"public_key": None}, "answered without a public_key"),
        ({"public_key": 1}, "answered without a public_key"),
        (["edpk"], "answered without a public_key"),
        ({"public_key": "edpk"}, "is not one: its checksum is wrong"),
        ({"public_key": encode(Prefix.BLPK, bytes(48))}, "is not one: its prefix"),
    ],
)
async def test_what_is_not_a_public_key_is_refused(
    client: httpx2.AsyncClient, service: SigningService, body: object, reason: str
) -> None:
    service.give_key = answering(lambda _: JSONResponse(body))

    with pytest.raises(SignerError, match=reason):
        await connect(client, service)


@pytest.mark.parametrize(("response_to", "reason"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_an_answer_that_is_no_fitting_signature_is_refused_and_not_asked_for_again(
    client: httpx2.AsyncClient,
    service: SigningService,
    response_to: Callable[[bytes], Response],
    reason: str,
) -> None:
    service.give_signature = answering(response_to)
    remote = await connect(client, service)

    with pytest.raises(SignerError, match=reason) as refusal:
        await seal(transfer_from(KEY.public_key.address), remote)
    assert refusal.value.outcome is Outcome.NOT_DONE
    assert not refusal.value.retryable
    assert len(refusal.value.message) < 400
    assert service.signature_requests == 1


async def test_a_signer_that_hangs_is_given_up(
    client: httpx2.AsyncClient, service: SigningService
) -> None:
    async def hang(request: Request) -> Response:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response()

    service.give_signature = hang
    remote = await connect(client, service)
    client.timeout = httpx2.Timeout(0.2)

    with pytest.raises(SignerError, match=r"did not answer \(ReadTimeout\)"):
        await remote.sign(b"forged")


async def test_a_signer_that_answers_drop_by_drop_is_given_up(
    client: httpx2.AsyncClient, service: SigningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip(request: Request) -> Response:
        async def drops() -> AsyncIterator[bytes]:
            while not await request.is_disconnected():
                yield b" "
                await asyncio.sleep(0.02)

        return StreamingResponse(drops())

    service.give_signature = drip
    remote = await connect(client, service)
    monkeypatch.setattr(signer_module, "ANSWER_SECONDS_MAX", 0.2)

    with pytest.raises(SignerError, match=r"did not answer \(TimeoutError\)"):
        await remote.sign(b"forged")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "nonsense", "ftp://127.0.0.1", "http://[", ""]
)
async def test_a_url_where_no_signer_answers_is_refused(
    client: httpx2.AsyncClient, url: str
) -> None:
    with pytest.raises(SignerError, match="did not answer"):
        await RemoteSigner.connect(client, url, KEY.public_key.address)


async def test_credentials_in_the_url_show_nowhere(client: httpx2.AsyncClient) -> None:
    password = "letmein"
    url = f"http://baker:{password}@127.0.0.1:1"

    with pytest.raises(SignerError) as refusal:
        await RemoteSigner.connect(client, url, KEY.public_key.address)
    assert password not in "".join(traceback.format_exception(refusal.value))


async def test_a_remote_signer_shows_neither_url_nor_client_key(
    client: httpx2.AsyncClient, service: SigningService
) -> None:
    shown = repr(await connect(client, service, CLIENT_KEY))

    assert KEY.public_key.address in shown
    assert service.url not in shown
    assert CLIENT_KEY.public_key.encode() not in shown
