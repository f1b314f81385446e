"""A remote signer as strict as octez-signer with --require-authentication, over real HTTP.

Written after octez' own services and messages; it shares no code with the client under test but
the encodings of keys.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bakehouse.errors import EncodingError
from bakehouse.tezos.keys import Curve, PublicKey, SecretKey

_TAGS: Final = {Curve.ED25519: 0, Curve.SECP256K1: 1, Curve.P256: 2}
_MAGIC_BYTES: Final = {0x03}


@dataclass(frozen=True, slots=True)
class OctezSigner:
    """Signs with one key for the clients whose keys it knows; `signed` keeps what it signed."""

    key: SecretKey
    authorized: tuple[PublicKey, ...]
    signed: list[bytes] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/authorized_keys", self._authorized_keys, methods=["GET"]),
                Route("/keys/{pkh}", self._public_key, methods=["GET"]),
                Route("/keys/{pkh}", self._sign, methods=["POST"]),
            ]
        )

    async def _authorized_keys(self, _: Request) -> Response:
        return JSONResponse({"authorized_keys": [each.address for each in self.authorized]})

    async def _public_key(self, request: Request) -> Response:
        if request.path_params["pkh"] != self.key.public_key.address:
            return PlainTextResponse("No service found at this URL", HTTPStatus.NOT_FOUND)
        return JSONResponse({"public_key": self.key.public_key.encode()})

    async def _sign(self, request: Request) -> Response:
        if request.headers["content-type"] != "application/json":
            return Response(status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if set(request.query_params) - {"authentication", "version"}:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        document = await request.json()
        assert isinstance(document, str)
        data = bytes.fromhex(document)
        if data[0] not in _MAGIC_BYTES:
            return _failure(f"magic byte 0x{data[0]:02X} not allowed")
        authentication = request.query_params.get("authentication")
        if authentication is None:
            return _failure("missing authentication signature field")
        if not self._is_authorized(authentication, data):
            return _failure("invalid authentication signature")
        self.signed.append(data)
        public_key = self.key.public_key
        return JSONResponse({"signature": public_key.encode_signature(self.key.sign(data))})

    def _is_authorized(self, text: str, data: bytes) -> bool:
        public_key = self.key.public_key
        key_hash = blake2b(public_key.raw, digest_size=20).digest()
        message = b"\x04\x01" + bytes([_TAGS[public_key.curve]]) + key_hash + data
        for each in self.authorized:
            try:
                if each.verify(each.decode_signature(text), message):
                    return True
            except EncodingError:
                # The signature of another curve than this key's.
                continue
        return False


def _failure(message: str) -> Response:
    error = {"kind": "temporary", "id": "failure", "msg": message}
    return JSONResponse([error], HTTPStatus.INTERNAL_SERVER_ERROR)
