"""`/metrics`, for Prometheus. What is measured, and how, is not known here."""

from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.ledger.roles import Role
from bakehouse.observability.exposition import expose
from bakehouse.observability.instruments import Instruments
from bakehouse.web.permission import needs, open_to_all
from bakehouse.web.services import Services

METRICS_PATH: Final = "/metrics"


def metrics_router(instruments: Instruments, *, is_open: bool) -> APIRouter:
    """Make the route: for a viewer of all bakers, or for anybody if the settings say so."""
    need = open_to_all() if is_open else needs(Role.VIEWER, all_bakers=True)
    router = APIRouter(include_in_schema=False, dependencies=[need])

    @router.get(METRICS_PATH)
    async def metrics(request: Request, services: Services) -> Response:
        """Give every metric, in the text format the scraper prefers."""
        accept = request.headers.get("accept", "")
        told = await expose(services.workshop, instruments, accept)
        return Response(told.body, headers={"Content-Type": told.content_type})

    return router
