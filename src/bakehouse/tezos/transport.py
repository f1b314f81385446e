"""One source of JSON over HTTP, a node or an indexer: bounded in time and size, errors told apart.

What the answers mean is not known here; neither is which source to ask next.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx2
import stamina

from bakehouse.errors import (
    NodeRefusedError,
    SettingError,
    SourceBusyError,
    SourceError,
    SourceMalformedError,
    SourceUnreachableError,
)
from bakehouse.tezos.pace import Pace, TooLongError, rest_wanted
from bakehouse.tezos.source_observer import UNOBSERVED, SourceObserver
from bakehouse.tezos.strict_json import decode

Result = TypeVar("Result")

#: Statuses by which a server or a proxy in front of it says nothing about the request itself.
_BUSY: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

#: A larger answer is decoded in a thread, so that other work of the event loop goes on meanwhile.
_INLINE_BYTES_MAX: Final = 128 * 1024

#: How much of an answer that explains nothing is worth repeating in a message.
_SHOWN_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """What one call may cost: times in seconds, for reads over all their attempts in total."""

    attempts: int = 3
    attempt_seconds: float = 15.0
    total_seconds: float = 40.0
    wait_initial_seconds: float = 0.25
    wait_seconds_max: float = 5.0
    wait_jitter_seconds: float = 0.5
    #: An indexer's page of 10,000 delegators is about 2 MB, a full block less.
    body_bytes_max: int = 32 * 1024 * 1024


DEFAULT_LIMITS: Final = SourceLimits()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


class JsonSource:
    """A base URL that answers JSON, and the name by which messages speak of it.

    The name is the host (and port) unless one is given: credentials stand in a URL's user part,
    and access tokens often in its path, so neither is ever shown. Raises SettingError for a URL
    that is not http or https.
    """

    def __init__(  # noqa: PLR0913 - each has a default
        self,
        base_url: str,
        client: httpx2.AsyncClient,
        *,
        name: str | None = None,
        limits: SourceLimits = DEFAULT_LIMITS,
        observer: SourceObserver = UNOBSERVED,
        pace: Pace | None = None,
    ) -> None:
        host = _host(base_url)
        self.name = name or host
        self.observer = observer
        self._base_url = base_url.rstrip("/")
        self._client = client
        self._limits = limits
        self._pace = pace or Pace()

    async def get(
        self,
        path: str,
        parse: Callable[[Any], Result],
        *,
        params: Mapping[str, str | int] | None = None,
        decode: Callable[[bytes], Any] = decode,
    ) -> Result:
        """Read `path` and parse its document (None when the answer is 204, No Content).

        Tried again, with jittered waits, while the source is unreachable or busy. Raises
        SourceUnreachableError, SourceBusyError, SourceMalformedError (also when `parse` does), or
        NodeRefusedError when the source says no; its fact `status` is 404 for what does not exist.
        """
        answer = await self._ask_patiently(path, params or {})
        is_empty = answer.status == HTTPStatus.NO_CONTENT
        return await self._read(
            path, answer, lambda body: parse(None if is_empty else decode(body))
        )

    async def post_once(
        self,
        path: str,
        body: Any,
        parse: Callable[[Any], Result],
        *,
        params: Mapping[str, str | int] | None = None,
    ) -> Result:
        """Send `body` as JSON one single time and parse the answer; raises like `get`.

        After an error nothing is known of its effect: only looking at the chain tells.
        """
        answer = await self._ask("POST", path, params or {}, body)
        return await self._read(path, answer, lambda answered: parse(decode(answered)))

    async def _ask_patiently(self, path: str, params: Mapping[str, str | int]) -> _Answer:
        limits = self._limits
        try:
            async with asyncio.timeout(limits.total_seconds):
                async for attempt in stamina.retry_context(
                    on=(SourceUnreachableError, SourceBusyError),
                    attempts=limits.attempts,
                    timeout=None,
                    wait_initial=limits.wait_initial_seconds,
                    wait_max=limits.wait_seconds_max,
                    wait_jitter=limits.wait_jitter_seconds,
                ):
                    with attempt:
                        answer = await self._ask("GET", path, params)
        except TimeoutError as error:
            raise self._unreachable(
                f"{self.name} did not answer {path} within {limits.total_seconds:g} seconds"
            ) from error
        return answer

    async def _ask(
        self, method: str, path: str, params: Mapping[str, str | int], body: Any = None
    ) -> _Answer:
        try:
            async with self._pace.turn(self._limits.attempt_seconds):
                return await self._ask_now(method, path, params, body)
        except TooLongError as error:
            raise self._observed(
                SourceBusyError(
                    f"{self.name} is not asked for {path}: it allows fewer requests, and the next "
                    f"turn comes in {error.seconds:.0f} seconds",
                    source=self.name,
                )
            ) from None

    async def _ask_now(
        self, method: str, path: str, params: Mapping[str, str | int], body: Any
    ) -> _Answer:
        seconds = self._limits.attempt_seconds
        started = time.perf_counter()
        try:
            # The client's own timeouts are per read: a server that drips would never meet them.
            async with (
                asyncio.timeout(seconds),
                self._client.stream(
                    method,
                    self._base_url + path,
                    params=dict(params),
                    json=body,
                    timeout=seconds,
                    follow_redirects=False,
                ) as response,
            ):
                if response.status_code in _BUSY:
                    self._pace.rest(rest_wanted(response.headers))
                answer = _Answer(response.status_code, await self._body(path, response))
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise self._unreachable(
                f"{self.name} did not answer {path} within {seconds:g} seconds"
            ) from error
        except httpx2.DecodingError as error:
            raise self._malformed(path, "its compression is broken") from error
        except httpx2.RequestError as error:
            raise self._unreachable(
                f"{self.name} cannot be reached for {path}: {str(error) or 'connection lost'}"
            ) from error
        finally:
            self.observer.request_ended(self.name, time.perf_counter() - started)
        self._refuse_busy(path, answer)
        return answer

    async def _body(self, path: str, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.body_bytes_max:
                raise self._malformed(
                    path, f"it is longer than {self._limits.body_bytes_max:,} bytes"
                )
        return bytes(body)

    def _refuse_busy(self, path: str, answer: _Answer) -> None:
        if answer.status in _BUSY or (
            answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and _document(answer) is None
        ):
            raise self._observed(
                SourceBusyError(
                    f"{self.name} answered {path} with HTTP {answer.status}: "
                    "it is busy, out of order, or allows fewer requests",
                    source=self.name,
                    status=answer.status,
                )
            )

    async def _read(self, path: str, answer: _Answer, parse: Callable[[bytes], Result]) -> Result:
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(path, answer)
        try:
            if len(answer.body) > _INLINE_BYTES_MAX:
                return await asyncio.to_thread(parse, answer.body)
            return parse(answer.body)
        except SourceMalformedError as error:
            raise self._malformed(path, error.message) from error

    def _refusal(self, path: str, answer: _Answer) -> SourceError:
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            reason = "there is nothing at this path"
        else:
            reason = _excerpt(answer.body)
        document = _document(answer)
        error_ids = _error_ids(document)
        return self._observed(
            NodeRefusedError(
                f"{self.name} refused {path} with HTTP {answer.status}: "
                f"{', '.join(_told(document)) or reason or 'no reason given'}",
                error_ids=error_ids,
                body=document,
                source=self.name,
                status=answer.status,
            )
        )

    def _unreachable(self, message: str) -> SourceError:
        return self._observed(SourceUnreachableError(message, source=self.name))

    def _malformed(self, path: str, clause: str) -> SourceError:
        return self._observed(
            SourceMalformedError(f"{self.name} answered {path} wrongly: {clause}", source=self.name)
        )

    def _observed(self, error: SourceError) -> SourceError:
        self.observer.request_failed(self.name, error.code)
        return error


def _host(base_url: str) -> str:
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, TypeError):
        url = httpx2.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
        raise SettingError(
            "a node or indexer needs a URL of the form https://host or https://host/path, "
            "without a query"
        )
    return url.netloc.decode("ascii")


def _excerpt(body: bytes) -> str:
    text = body[:_SHOWN_LENGTH_MAX].decode(errors="replace").strip()
    return "an HTML page" if text.startswith("<") else text


def _document(answer: _Answer) -> Any:
    try:
        return decode(answer.body)
    except SourceMalformedError:
        return None


def _error_ids(document: Any) -> tuple[str, ...]:
    """Name the errors of an octez node, which come as a list of objects with a kind and an id."""
    return tuple(error["id"] for error in _errors(document))


def _told(document: Any) -> list[str]:
    """Give each error's id, and its words where a node has some: of injections it tells no more."""
    return [
        f"{error['id']} ({' '.join(error['msg'].split())[:_SHOWN_LENGTH_MAX]})"
        if isinstance(error.get("msg"), str)
        else error["id"]
        for error in _errors(document)
    ]


def _errors(document: Any) -> list[dict[str, Any]]:
    errors = document if isinstance(document, list) else [document]
    return [
        error for error in errors if isinstance(error, dict) and isinstance(error.get("id"), str)
    ]
