"""Refusals in the form that Bull Board's pages show: a headline they can translate, and a text."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from bakehouse.errors import (
    BakehouseError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    RefusalError,
    SourceError,
)

FORBIDDEN: Final = "ERRORS.FORBIDDEN"
_QUEUE_NOT_FOUND: Final = "ERRORS.QUEUE_NOT_FOUND"
_INVALID_BODY: Final = "ERRORS.INVALID_REQUEST_BODY"
_INVALID_QUERY: Final = "ERRORS.INVALID_QUERY_PARAM"

#: A text without braces: as a headline it is shown as it is, whatever the language.
_HEADLINES: Final = (
    (InputError, HTTPStatus.BAD_REQUEST, "This cannot be done"),
    (NotFoundError, HTTPStatus.NOT_FOUND, "ERRORS.JOB_NOT_FOUND"),
    (ConflictError, HTTPStatus.CONFLICT, "This cannot be done now"),
    (ForbiddenError, HTTPStatus.FORBIDDEN, FORBIDDEN),
    (RefusalError, HTTPStatus.FORBIDDEN, FORBIDDEN),
    (SourceError, HTTPStatus.SERVICE_UNAVAILABLE, "ERRORS.REDIS_UNAVAILABLE"),
)

#: What a route answers: shaped in `wire`, and sent as it is.
Answer: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]


class BoardRoute(APIRoute):
    """A route whose refusals the board can show."""

    def get_route_handler(self) -> Handler:
        """Handle a request; what is raised on purpose becomes an answer."""
        handle = super().get_route_handler()

        async def handle_and_tell(request: Request) -> Response:
            try:
                return await handle(request)
            except BakehouseError as error:
                return _told(error)
            except RequestValidationError as error:
                return _invalid(error)
            except HTTPException as error:
                return refusal(error.status_code, FORBIDDEN, str(error.detail))

        return handle_and_tell


def refusal(status: int, headline: str, detail: str, **options: str) -> Response:
    """Refuse: `headline` is a key of the board's own texts, `detail` a sentence for a person."""
    error: dict[str, Any] = {"key": headline}
    if options:
        error["options"] = options
    return JSONResponse({"error": error, "message": detail}, status)


def _told(error: BakehouseError) -> Response:
    for kind, status, headline in _HEADLINES:
        if isinstance(error, kind):
            return refusal(status, headline, error.message)
    raise error


def _invalid(error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where, *path = first["loc"]
    field = ".".join(str(part) for part in path)
    if (where, field) == ("path", "queue"):
        return refusal(HTTPStatus.NOT_FOUND, _QUEUE_NOT_FOUND, "Bakehouse has no such queue.")
    headline = _INVALID_QUERY if where == "query" else _INVALID_BODY
    return refusal(HTTPStatus.BAD_REQUEST, headline, f"{field}: {first['msg']}", field=field)
