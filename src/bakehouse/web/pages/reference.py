"""The API's reference as a page, made from its OpenAPI document, without any script."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.web.pages.renderer import renderer_of

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    """Show every route with what it takes and what it answers."""
    document: dict[str, Any] = request.app.openapi()
    routes = [
        {"method": method.upper(), "path": path, **details}
        for path, methods in document["paths"].items()
        for method, details in methods.items()
    ]
    return renderer_of(request).page(request, "reference.html", document=document, routes=routes)
