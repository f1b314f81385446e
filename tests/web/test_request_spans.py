"""Spans around requests, named by their route."""

import httpx2
import pytest
from fastapi import FastAPI

from bakehouse.observability.tracing import OpenTelemetryTracer
from bakehouse.web.request_observation import RequestObservation
from tests.observability.recording_tracer import FAILED, RecordedSpan, RecordingTracer


async def span_of(path: str) -> RecordedSpan:
    """Ask an application with one route that works and one that does not."""
    recording = RecordingTracer()
    app = FastAPI()

    @app.get("/things/{number}")
    async def thing(number: int) -> int:
        return number

    @app.get("/fault")
    async def fault() -> None:
        raise ValueError("the passphrase is edsk")

    app.add_middleware(RequestObservation, tracer=OpenTelemetryTracer(recording, FAILED))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get(path)
    (span,) = recording.spans
    assert span.is_over
    return span


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [("/things/7", "/things/{number}", 200), ("/things/x", "/things/{number}", 422)],
)
async def test_a_request_is_a_span_named_by_its_route(path: str, route: str, status: int) -> None:
    span = await span_of(path)

    assert span.name == f"GET {route}"
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": route,
        "http.response.status_code": status,
    }
    assert span.status is None


async def test_a_path_without_a_route_is_not_told() -> None:
    assert (await span_of("/secret")).name == "GET none"


async def test_a_fault_is_a_failed_span_without_its_words() -> None:
    span = await span_of("/fault")

    assert (span.status, span.attributes["error.type"]) == (FAILED, "ValueError")
    assert "passphrase" not in str(span)
