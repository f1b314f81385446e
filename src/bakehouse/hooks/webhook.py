"""Calling a webhook of the baker's own: signed, over TLS, never redirected, bounded.

Requests are signed as Standard Webhooks (https://www.standardwebhooks.com) has it, so that ready
libraries check them: HMAC-SHA256 over `id.timestamp.body`. A receiver that refuses old timestamps
cannot be fooled by a recorded request, and one that knows the id does nothing twice.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx2

from bakehouse.errors import HookFailedError, SettingError
from bakehouse.hooks.question import Request

ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
_URL_LENGTH_MAX: Final = 500
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every such secret begins
_SECRET_SIZE: Final = 32


def check_url(url: str) -> None:
    """Raise SettingError for a URL that a hook cannot be called at.

    Its answer decides about payments and only TLS vouches for it: plain http is for this machine.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError):
        parsed = httpx2.URL("")
    if len(url) > _URL_LENGTH_MAX or not url.isprintable() or not parsed.host:
        raise SettingError("a webhook needs a URL of the form https://host/path")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and _is_here(parsed.host)):
        raise SettingError("a webhook's URL begins with https://, or is on this machine")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise SettingError(
            "a webhook's URL has no password and no query: it is shown, and the signature tells "
            "who calls"
        )


def new_secret() -> str:
    """Make what a webhook's requests are signed with."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_SIZE)).decode()


def signed_headers(secret: str, request: Request, timestamp: int) -> Mapping[str, str]:
    """Sign a request sent at `timestamp`, in seconds since 1970.

    Raises SettingError for a secret that is none.

    >>> from bakehouse.ledger.states import HookPoint
    >>> request = Request(HookPoint.PAID, "msg_1", b"{}")
    >>> signed_headers("whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", request, 7)["webhook-id"]
    'msg_1'
    """
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise SettingError("the webhook's secret is damaged: enter the hook anew") from None
    signed = b".".join((request.id.encode(), str(timestamp).encode(), request.body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": request.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


async def call_webhook(
    client: httpx2.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    request: Request,
    seconds: float,
) -> bytes:
    """Post a request; give the body of its answer.

    Raises HookFailedError for a status other than 2xx, and for an answer that is late or too long.
    """
    try:
        async with (
            # The client's own limit is for each read: one that drips would never meet it.
            asyncio.timeout(seconds),
            client.stream(
                "POST",
                url,
                content=request.body,
                headers=dict(headers),
                timeout=seconds,
                follow_redirects=False,
            ) as response,
        ):
            if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                raise HookFailedError(f"it answered with HTTP {response.status_code}")
            return await _body(response)
    except (TimeoutError, httpx2.TimeoutException):
        raise HookFailedError(f"it did not answer within {seconds:g} s") from None
    except httpx2.HTTPError as error:
        raise HookFailedError(
            f"it cannot be reached: {str(error) or type(error).__name__}"
        ) from error


async def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise HookFailedError(f"its answer is longer than {ANSWER_BYTES_MAX:,} bytes")
    return bytes(body)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
