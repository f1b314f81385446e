"""Saying in the log that somebody was refused. What they showed is not repeated."""

from typing import Final

import structlog
from fastapi import Request

_log = structlog.get_logger(__name__)

_LOGGED_LENGTH_MAX: Final = 200


def denied(request: Request, reason: str, who: str = "nobody") -> None:
    """Log a refusal with its reason, who was refused, and where they came from."""
    _log.warning(
        "access-denied",
        reason=reason[:_LOGGED_LENGTH_MAX],
        who=who,
        method=request.method,
        path=request.url.path[:_LOGGED_LENGTH_MAX],
        client=client_of(request),
    )


def client_of(request: Request) -> str:
    """Name where a request comes from."""
    return request.client.host if request.client else "unknown"
