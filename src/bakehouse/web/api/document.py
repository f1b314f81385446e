"""The API's OpenAPI document: FastAPI's own, put right where FastAPI cannot know better."""

from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from bakehouse.web.problems import MEDIA_TYPE, Problem

router: Final = APIRouter(include_in_schema=False)

_PROBLEM: Final = f"#/components/schemas/{Problem.__name__}"


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    """Give the document."""
    return JSONResponse(document_of(request.app))


def document_of(app: FastAPI) -> dict[str, Any]:
    """Describe every route of the API; problems under the media type they are sent with."""
    document = app.openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                _name_media_type(response.get("content", {}))
    return document


def _name_media_type(content: dict[str, Any]) -> None:
    # FastAPI keeps the document it made: the second time there is nothing left to do.
    if content.get("application/json", {}).get("schema", {}).get("$ref") == _PROBLEM:
        content[MEDIA_TYPE] = content.pop("application/json")
