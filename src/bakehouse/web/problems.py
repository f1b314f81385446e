"""Errors as HTTP tells them: problem documents (RFC 9457) for programs, a page for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final, Self

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
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
from bakehouse.web.caller import NotTheirsError, caller_of
from bakehouse.web.denial import denied
from bakehouse.web.pages.renderer import renderer_of

MEDIA_TYPE: Final = "application/problem+json"

_STATUSES: Final = (
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (ConflictError, HTTPStatus.CONFLICT),
    (RefusalError, HTTPStatus.CONFLICT),
    (SourceError, HTTPStatus.SERVICE_UNAVAILABLE),
)

_DETAILS: Final[Mapping[int, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: ("bad-request", "The request cannot be read."),
    HTTPStatus.NOT_FOUND: ("not-found", "There is nothing at this address."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method-not-allowed", "This address takes other methods."),
}

_DESCRIPTIONS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "No token, or one that is not valid (any more).",
    HTTPStatus.FORBIDDEN: "The caller's role does not allow this.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or it is not the caller's to see.",
    HTTPStatus.CONFLICT: "The present state does not allow this.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "What was sent is not valid; the fields are named.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The queue does not answer.",
}


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(description="Its name, after where it was sent: body.baker_id")]
    message: Annotated[str, Field(examples=["Field required"])]


class Problem(BaseModel):
    """What went wrong, as RFC 9457 writes it."""

    model_config = ConfigDict(frozen=True)

    type: Annotated[str, Field(examples=["urn:bakehouse:problem:not-found"])]
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(description="One sentence for a person.")]
    code: Annotated[str, Field(description="Stable, for programs.", examples=["not-found"])]
    errors: Annotated[
        tuple[FieldError, ...] | None, Field(description="Present when fields are not valid.")
    ] = None

    @classmethod
    def of(
        cls, status: int, code: str, detail: str, errors: tuple[FieldError, ...] | None = None
    ) -> Self:
        """Make a problem; `code` is stable, `detail` is a sentence for a person."""
        return cls(
            type=f"urn:bakehouse:problem:{code}",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            code=code,
            errors=errors,
        )


#: Whatever happened, nothing of it is told.
UNEXPECTED: Final = Problem.of(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "unexpected",
    "Something went wrong inside Bakehouse; its log says what.",
)


def refusals(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe, for the API's document, with which problems a route may answer."""
    return {
        int(status): {"model": Problem, "description": _DESCRIPTIONS[status]}
        for status in (HTTPStatus.UNAUTHORIZED, *statuses)
    }


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, outside the API."""
    accepts_html = "text/html" in request.headers.get("accept", "")
    return accepts_html and not request.url.path.startswith("/api/")


def answer(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    """Tell a problem in the form the caller reads."""
    if wants_page(request):
        page = renderer_of(request).page(
            request, "problem.html", status=problem.status, problem=problem
        )
        page.headers.update(headers or {})
        return page
    return JSONResponse(
        problem.model_dump(exclude_none=True), problem.status, dict(headers or {}), MEDIA_TYPE
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error that is foreseen told as a problem."""
    app.add_exception_handler(BakehouseError, _bakehouse)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _bakehouse(request: Request, error: Exception) -> Response:
    if not isinstance(error, BakehouseError):
        raise error
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            if isinstance(error, ForbiddenError | NotTheirsError):
                denied(request, error.message, caller_of(request).actor)
            return answer(request, Problem.of(status, error.code, error.message))
    raise error


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = tuple(_field_error(each) for each in error.errors())
    detail = "; ".join(f"{each.field}: {each.message}" for each in errors)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return answer(request, Problem.of(status, InputError.code, detail, errors))


def _field_error(error: Mapping[str, Any]) -> FieldError:
    # Where JSON broke off is a number, not a field.
    names = [str(part) for part in error["loc"] if not isinstance(part, int)]
    return FieldError(field=".".join(names), message=error["msg"])


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code, detail = _DETAILS.get(error.status_code, ("refused", error.detail))
    return answer(request, Problem.of(error.status_code, code, detail), error.headers)
