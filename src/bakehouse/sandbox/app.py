"""The simulated node and indexer as one ASGI application."""

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from bakehouse.errors import EncodingError
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.indexer_api import indexer_router
from bakehouse.sandbox.node_api import NO_SERVICE, node_router
from bakehouse.sandbox.node_error import OperationRefusedError


def sandbox_app(chain: Chain, feed: HeadFeed) -> FastAPI:
    """Serve a chain as a node and, below /v1, as an indexer; errors look as they do at a node."""
    app = FastAPI(openapi_url=None)
    app.include_router(node_router(chain, feed))
    app.include_router(indexer_router(chain))
    app.add_exception_handler(OperationRefusedError, _refused)
    app.add_exception_handler(EncodingError, _malformed)
    app.add_exception_handler(HTTPException, _failed)
    app.add_exception_handler(404, _unknown_path)
    app.add_exception_handler(405, _unknown_path)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    # A node answers 500 to what the protocol refuses, as if the fault were its own.
    errors = error.errors if isinstance(error, OperationRefusedError) else ()
    return JSONResponse([each.json() for each in errors], 500)


async def _malformed(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"Failed to parse the request body: {error}", 400)


async def _failed(_: Request, error: Exception) -> Response:
    status, detail = (
        (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    )
    return PlainTextResponse(detail, status)


async def _unknown_path(_: Request, __: Exception) -> Response:
    return PlainTextResponse(NO_SERVICE, 404)
