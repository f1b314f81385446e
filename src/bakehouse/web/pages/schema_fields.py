"""JSON schemas of the API's document as a flat list of fields, which is how people read them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

#: A part of an OpenAPI document; what it consists of depends on where in it one is.
Node: TypeAlias = dict[str, Any]

_KINDS: Final = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "null": "null",
    "object": "object",
    "string": "text",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field, sent or answered; one inside another is named after it: cycles[].state."""

    name: str
    kind: str
    is_required: bool
    description: str
    example: str


def fields_of(document: Node, schema: Node, within: str = "") -> Iterator[Field]:
    """List the fields of an object, each followed by those inside it."""
    node = _resolved(document, schema)
    for name, found in node.get("properties", {}).items():
        path = within + name
        yield field_of(document, path, found, is_required=name in node.get("required", ()))
        for alternative in _alternatives(document, found):
            items = alternative.get("items")
            inner, suffix = (items, "[].") if items else (alternative, ".")
            yield from fields_of(document, inner, path + suffix)


def field_of(document: Node, name: str, schema: Node, *, is_required: bool) -> Field:
    """Describe one field."""
    node = _resolved(document, schema)
    kind = " or ".join(_kind(each) for each in _alternatives(document, schema))
    if "default" in schema:
        kind += f", {schema['default']} if not given"
    return Field(
        name=name,
        kind=kind,
        is_required=is_required,
        description=schema.get("description") or node.get("description") or "",
        example=", ".join(str(example) for example in node.get("examples", ())),
    )


def _alternatives(document: Node, schema: Node) -> list[Node]:
    node = _resolved(document, schema)
    return [_resolved(document, each) for each in node.get("anyOf", (node,))]


def _resolved(document: Node, schema: Node) -> Node:
    if "$ref" not in schema:
        return schema
    node: Node = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        node = node[part]
    return node


def _kind(node: Node) -> str:
    if "enum" in node:
        return " | ".join(node["enum"])
    if node.get("format") == "date-time":
        return "time"
    kind = _KINDS[node["type"]]
    if "minimum" in node:
        kind += f" from {node['minimum']} to {node['maximum']}"
    return kind
