"""How a process without pages says that it is well: a small port, if one is set."""

import json
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, Final

from bakehouse import __version__
from bakehouse.asgi_server import serving
from bakehouse.observability.exposition import expose
from bakehouse.observability.readiness import look
from bakehouse.roles.foundation import Foundation

_JSON: Final = "application/json"


async def open_health(stack: AsyncExitStack, foundation: Foundation) -> None:
    """Serve `/health/live`, `/health/ready` and, if the settings open it, `/metrics`.

    Nothing is served unless a port is set. Raises SettingError when it cannot be had.
    """
    config = foundation.config
    if config.health_port is None:
        return

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        answer = await _answer(foundation, scope["path"], _accept(scope))
        status, content_type, body = answer
        headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": body})

    await stack.enter_async_context(serving(app, host=config.host, port=config.health_port))


async def _answer(foundation: Foundation, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
    match path:
        case "/health/live":
            return HTTPStatus.OK, _JSON, b'{"status": "ok"}'
        case "/health/ready" | "/health":
            found = await look(foundation.workshop)
            document = {
                "status": "ok" if found.is_ready else "failing",
                "version": __version__,
                "checks": {
                    "ledger": found.ledger,
                    "queue": found.queue,
                    "workers": found.workers,
                },
            }
            status = HTTPStatus.OK if found.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
            return status, _JSON, json.dumps(document).encode()
        case "/metrics" if foundation.config.metrics_open:
            told = await expose(foundation.workshop, foundation.instruments, accept)
            return HTTPStatus.OK, told.content_type, told.body
    return HTTPStatus.NOT_FOUND, _JSON, b'{"status": "there is nothing here"}'


def _accept(scope: dict[str, Any]) -> str:
    return next((value.decode() for name, value in scope["headers"] if name == b"accept"), "")
