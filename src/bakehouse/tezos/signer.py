"""Who signs operations: a key in this process, or a remote signer that never gives its key away."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

import httpx2

from bakehouse.errors import EncodingError, SignerError
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.forging import forge_key_hash
from bakehouse.tezos.keys import OPERATION_WATERMARK, PublicKey, SecretKey

#: How long a remote signer may take to answer whole; a hardware device may ask a person.
ANSWER_SECONDS_MAX: Final = 30.0

#: An answer is one key or signature in JSON, or an error in words.
ANSWER_SIZE_MAX: Final = 64 * 1024

_EXCERPT_LENGTH: Final = 200

#: What octez-signer has its clients sign: these two bytes, the key's hash, the data.
_AUTHENTICATION_WATERMARK: Final = b"\x04\x01"


class Signer(Protocol):
    """Signs for one account."""

    @property
    def address(self) -> Address:
        """The account it signs for."""

    @property
    def public_key(self) -> PublicKey:
        """The key that its signatures are checked with."""

    async def sign(self, forged: bytes) -> bytes:
        """Sign forged bytes as an operation: 64 raw bytes; raises SignerError.

        The watermark is added inside. Signing the same bytes twice may give two signatures.
        """


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """Signs with a secret key held in memory."""

    secret_key: SecretKey

    @property
    def public_key(self) -> PublicKey:
        """The key that its signatures are checked with."""
        return self.secret_key.public_key

    @property
    def address(self) -> Address:
        """The account it signs for."""
        return self.public_key.address

    async def sign(self, forged: bytes) -> bytes:
        """Sign forged bytes as an operation: 64 raw bytes, always the same for the same bytes."""
        return self.secret_key.sign(OPERATION_WATERMARK + forged)


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """Signs through octez-signer's HTTP protocol, which Signatory and others speak too.

    Asks once and never again by itself: what a repeated request means is the signer's affair.
    """

    address: Address
    public_key: PublicKey
    _endpoint: "_Endpoint" = field(repr=False)
    _authentication_key: SecretKey | None = field(repr=False)

    @classmethod
    async def connect(
        cls,
        client: httpx2.AsyncClient,
        base_url: str,
        address: Address,
        authentication_key: SecretKey | None = None,
    ) -> Self:
        """Ask the signer for the public key of `address`; SignerError if it has not that very key.

        `authentication_key` is for signers that sign only for clients they know.
        """
        if address.startswith(Prefix.TZ4.text):
            raise SignerError(f"{address} cannot pay: only tz1, tz2 and tz3 accounts can")
        endpoint = _Endpoint(client, f"{base_url.rstrip('/')}/keys/{address}")
        text = await endpoint.ask("GET", "public_key")
        try:
            public_key = PublicKey.parse(text)
        except EncodingError as error:
            raise SignerError(
                f"the remote signer's public key of {address} is not one: {error.message}"
            ) from error
        if public_key.address != address:
            raise SignerError(
                f"the remote signer gave the key of {public_key.address} for {address}"
            )
        return cls(address, public_key, endpoint, authentication_key)

    async def sign(self, forged: bytes) -> bytes:
        """Have forged bytes signed as an operation: 64 raw bytes, not verified yet."""
        data = OPERATION_WATERMARK + forged
        text = await self._endpoint.ask(
            "POST", "signature", params=self._authentication(data), json=data.hex()
        )
        try:
            return self.public_key.decode_signature(text)
        except EncodingError as error:
            raise SignerError(
                f"the remote signer's signature for {self.address} is not one: {error.message}"
            ) from error

    def _authentication(self, data: bytes) -> dict[str, str]:
        if self._authentication_key is None:
            return {}
        signature = self._authentication_key.sign(
            _AUTHENTICATION_WATERMARK + forge_key_hash(self.address) + data
        )
        return {"authentication": self._authentication_key.public_key.encode_signature(signature)}


async def authorized_addresses(client: httpx2.AsyncClient, base_url: str) -> tuple[str, ...] | None:
    """Ask a remote signer whose requests it signs; None when it signs anybody's.

    Raises SignerError, also for signers that do not tell.
    """
    endpoint = _Endpoint(client, f"{base_url.rstrip('/')}/authorized_keys")
    answer = await endpoint.document("GET")
    # Octez leaves the field out when it asks for no authentication.
    listed = answer.get("authorized_keys") if isinstance(answer, dict) else ()
    if listed is None:
        return None
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise SignerError("the remote signer did not tell which keys it knows")
    return tuple(listed)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """One resource of a remote signer; every failure is a SignerError without the URL."""

    client: httpx2.AsyncClient
    url: str

    async def ask(self, method: str, field_name: str, **request: Any) -> str:
        """Send one request and give that field of the JSON object that answers it."""
        return _string_field(await self._answer(method, **request), field_name)

    async def document(self, method: str, **request: Any) -> Any:
        """Send one request and give the JSON that answers it; None for what is not JSON."""
        return _decoded(await self._answer(method, **request))

    async def _answer(self, method: str, **request: Any) -> bytes:
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS_MAX),
                self.client.stream(method, self.url, follow_redirects=False, **request) as response,
            ):
                body = await _read(response)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise SignerError(
                f"the remote signer did not answer ({type(error).__name__})"
            ) from error
        if response.status_code != httpx2.codes.OK:
            raise SignerError(
                f"the remote signer answered HTTP {response.status_code}: {_excerpt(body)}"
            )
        return body


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_SIZE_MAX:
            raise SignerError(f"the remote signer answered more than {ANSWER_SIZE_MAX} bytes")
    return bytes(body)


def _string_field(body: bytes, name: str) -> str:
    answer = _decoded(body)
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise SignerError(f"the remote signer answered without a {name}: {_excerpt(body)}")
    return value


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # the latter for lists nested without end
        return None


def _excerpt(body: bytes) -> str:
    return repr(body[:_EXCERPT_LENGTH].decode(errors="replace"))
