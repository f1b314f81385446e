"""The API's OpenAPI document: FastAPI's own, put right where FastAPI cannot know better."""

from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from bakehouse.web.permission import open_to_all
from bakehouse.web.problems import MEDIA_TYPE, Problem

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])

_PROBLEM: Final = Problem.__name__
_JSON: Final = "application/json"
_PROBLEM_CONTENT: Final = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}}
#: How any body may be refused before its route sees it, which FastAPI does not say.
_OF_BODIES: Final = {
    "400": {"description": "The body is nothing that can be read.", "content": _PROBLEM_CONTENT},
    "413": {"description": "The body is longer than is read.", "content": _PROBLEM_CONTENT},
}
#: What FastAPI says of an answer of which nothing else is said.
_NO_DESCRIPTION: Final = "Successful Response"


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    """Give the document."""
    return JSONResponse(document_of(request.app))


def document_of(app: FastAPI) -> dict[str, Any]:
    """Describe every route of the API: problems under their own media type, answers in words."""
    document = app.openapi()
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["responses"] = _OF_BODIES | operation["responses"]
            for response in operation["responses"].values():
                _put_right(response, schemas)
    return document


def _put_right(response: dict[str, Any], schemas: dict[str, Any]) -> None:
    content = response.get("content", {})
    reference = content.get(_JSON, {}).get("schema", {}).get("$ref")
    if reference is None:
        # A file, an answer without a body, or (FastAPI keeps the document) put right before.
        return
    name = reference.rpartition("/")[2]
    if name == _PROBLEM:
        content[MEDIA_TYPE] = content.pop(_JSON)
    elif response["description"] == _NO_DESCRIPTION:
        response["description"] = schemas[name]["description"]
