"""The API's reference as a page, made from its OpenAPI document, without any script."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.web.api.document import document_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.schema_fields import Field, Node, field_of, fields_of
from bakehouse.web.permission import open_to_all
from bakehouse.web.problems import Problem

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])


@dataclass(frozen=True, slots=True)
class Answer:
    """A status a route answers with, and what its body holds unless it is a problem."""

    status: str
    description: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Operation:
    """One route."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    needs_token: bool
    parameters: list[Field]
    body: list[Field]
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Group:
    """Routes that belong together."""

    name: str
    description: str
    operations: list[Operation]


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    """Show every route with what it takes and what it answers."""
    document = document_of(request.app)
    groups = [
        Group(tag["name"], tag["description"], list(_operations(document, tag["name"])))
        for tag in document["tags"]
    ]
    problem = document["components"]["schemas"][Problem.__name__]
    return renderer_of(request).page(
        request,
        "reference.html",
        info=document["info"],
        groups=groups,
        problem_fields=list(fields_of(document, problem)),
    )


def _operations(document: Node, tag: str) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, found in methods.items():
            if tag in found["tags"]:
                yield _operation(document, method.upper(), path, found)


def _operation(document: Node, method: str, path: str, found: Node) -> Operation:
    return Operation(
        id=found["operationId"],
        method=method,
        path=path,
        summary=found["summary"],
        description=found["description"],
        needs_token="security" in found,
        parameters=[
            field_of(document, each["name"], each["schema"], is_required=each["required"])
            for each in found.get("parameters", ())
        ],
        body=_json_fields(document, found.get("requestBody", {})),
        answers=[
            Answer(status, answer["description"], _json_fields(document, answer))
            for status, answer in sorted(found["responses"].items())
        ],
    )


def _json_fields(document: Node, carrier: Node) -> list[Field]:
    json = carrier.get("content", {}).get("application/json")
    return list(fields_of(document, json["schema"])) if json else []
