"""Answers that say whether they changed: an ETag, and 304 for whoever has the same already."""

import hashlib
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from pydantic import BaseModel

#: For the document of routes that answer so.
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    int(HTTPStatus.NOT_MODIFIED): {
        "description": "Nothing changed since the answer with the ETag that If-None-Match named."
    }
}


def tagged(request: Request, view: BaseModel) -> Response:
    """Answer with a view under the hash of it, or with 304 when the caller has that already."""
    body = view.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    known = {each.strip().removeprefix("W/") for each in _if_none_match(request).split(",")}
    if tag in known:
        return Response(None, HTTPStatus.NOT_MODIFIED, {"ETag": tag})
    return Response(body, headers={"ETag": tag}, media_type="application/json")


def _if_none_match(request: Request) -> str:
    return request.headers.get("if-none-match", "")
