"""The ASGI application: routers, middleware and error handlers put together."""

from fastapi import FastAPI

from bakehouse.web import static_files
from bakehouse.web.access import Guard
from bakehouse.web.api import alerts, bakers, document, health, jobs
from bakehouse.web.hardening import BodyLimit, Failsafe, HostCheck, SecurityHeaders
from bakehouse.web.metrics import metrics_router
from bakehouse.web.pages import account, cycle, home, queues, reference, sign_in, users, welcome
from bakehouse.web.pages.renderer import Renderer
from bakehouse.web.permission import refuse_silent_routes
from bakehouse.web.problems import add_problem_handlers
from bakehouse.web.request_observation import RequestObservation
from bakehouse.web.services import WebServices

_DESCRIPTION = """
Bakehouse pays the delegators of Tezos bakers. Amounts are strings of mutez, because large numbers
in JSON do not survive every reader; times are ISO 8601 in UTC. Errors are problem documents
(RFC 9457) with a stable code.
"""

_TAGS = [
    {"name": "jobs", "description": "Schedules and triggers, under their long-known paths."},
    {"name": "bakers", "description": "What is owed, and what became of it. To read."},
    {"name": "alerts", "description": "What waits for a person. To read."},
    {"name": "health", "description": "For whoever watches over this process."},
]


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
        openapi_tags=_TAGS,
        # A redirect would be sent to whatever the Host header says.
        redirect_slashes=False,
    )
    files = static_files.read_static_files()
    app.state.services = services
    app.state.static_files = files
    app.state.renderer = Renderer(services, files)
    add_problem_handlers(app)
    for router in (
        *(jobs.router, bakers.router, alerts.router, health.router, document.router),
        *(home.router, cycle.router, queues.router, reference.router, sign_in.router),
        welcome.router,
        users.router,
        account.router,
        static_files.router,
    ):
        app.include_router(router)
    if services.instruments is not None:
        is_open = services.metrics_are_open
        app.include_router(metrics_router(services.instruments, is_open=is_open))
    refuse_silent_routes(app.routes)
    # The last one added is the first to see a request.
    for middleware in (BodyLimit, Guard, HostCheck, Failsafe, SecurityHeaders):
        app.add_middleware(middleware)
    app.add_middleware(RequestObservation, instruments=services.instruments, tracer=services.tracer)
    return app
