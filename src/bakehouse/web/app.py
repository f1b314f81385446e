"""The ASGI application: routers, middleware and error handlers put together."""

from collections.abc import Sequence
from functools import cache

from fastapi import FastAPI
from starlette.routing import BaseRoute

from bakehouse.web import static_files
from bakehouse.web.access import Guard
from bakehouse.web.api.routers import ROUTERS, TAGS
from bakehouse.web.board.mounting import add_board_routes
from bakehouse.web.board.page import read_board_files
from bakehouse.web.change_feed import feed_of
from bakehouse.web.hardening import BodyLimit, Failsafe, HostCheck, SecurityHeaders
from bakehouse.web.metrics import metrics_router
from bakehouse.web.pages import (
    account,
    baker,
    cycle,
    cycle_export,
    cycle_plan,
    delegator,
    events,
    fund,
    home,
    public,
    reference,
    sign_in,
    statement,
    statistics,
    theme,
    users,
    welcome,
)
from bakehouse.web.pages.changing import CHANGING
from bakehouse.web.pages.navigation import Navigation
from bakehouse.web.pages.renderer import Renderer
from bakehouse.web.pages.state_line import STATE_LINE
from bakehouse.web.permission import refuse_silent_routes, served_routes
from bakehouse.web.problems import add_problem_handlers
from bakehouse.web.request_observation import RequestObservation
from bakehouse.web.services import WebServices

_DESCRIPTION = """
Bakehouse pays the delegators of Tezos bakers. Amounts are strings of mutez, because large numbers
in JSON do not survive every reader; times are ISO 8601 in UTC. Errors are problem documents
(RFC 9457) with a stable code.
"""


def create_app(services: WebServices) -> FastAPI:
    """Make the application; nothing is opened or started by it."""
    app = FastAPI(
        title="Bakehouse",
        version=services.version,
        description=_DESCRIPTION,
        # FastAPI's own reference pages load scripts from elsewhere; ours needs none.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        openapi_tags=TAGS,
        # A redirect would be sent to whatever the Host header says.
        redirect_slashes=False,
    )
    files = static_files.read_static_files()
    app.state.services = services
    app.state.static_files = files
    app.state.renderer = Renderer(services, files)
    app.state.changes = feed_of(services.workshop)
    app.state.board_files = read_board_files()
    add_problem_handlers(app)
    app.router.routes.extend(_routes())
    if services.instruments is not None:
        is_open = services.metrics_are_open
        app.include_router(metrics_router(services.instruments, is_open=is_open))
    routes = served_routes(app.routes)
    refuse_silent_routes(routes)
    app.state.navigation = Navigation(routes)
    # The last one added is the first to see a request.
    for middleware in (BodyLimit, Guard, HostCheck, Failsafe, SecurityHeaders):
        app.add_middleware(middleware)
    app.add_middleware(RequestObservation, instruments=services.instruments, tracer=services.tracer)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """Give the routes that every application has: they know nothing of its services.

    To make them takes longer than all else that an application needs, hence once in a process.
    """
    routes = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for router in (
        *ROUTERS,
        *(home.router, cycle.router, reference.router, sign_in.router),
        *CHANGING,
        *(baker.router, fund.router, cycle_plan.router, cycle_export.router, delegator.router),
        *(public.router, events.router, statement.router, statistics.router),
        *(welcome.router, theme.router, users.router, account.router),
        static_files.router,
    ):
        routes.include_router(router, dependencies=[STATE_LINE])
    add_board_routes(routes)
    return tuple(routes.routes)
