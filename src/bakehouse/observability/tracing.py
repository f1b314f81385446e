"""Spans around jobs and requests, for whoever runs OpenTelemetry; without it nothing is done.

The one module that knows OpenTelemetry, which is not installed unless its extra is asked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol

from bakehouse.errors import SettingError
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, RunningJob, WaitThenContinue

_NAME: Final = "bakehouse"


class Span(Protocol):
    """A span that is not over yet."""

    def set_attribute(self, key: str, value: str | int) -> None:
        """Say one more thing about it."""

    def update_name(self, name: str) -> None:
        """Call it otherwise."""


class Tracer(Protocol):
    """What makes spans."""

    def span(self, name: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[Span]:
        """Open a span for as long as the block runs; an error that leaves it is noted by type."""


class _NoSpan:
    def set_attribute(self, key: str, value: str | int) -> None:
        pass

    def update_name(self, name: str) -> None:
        pass


class _NoTracer:
    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | int]) -> Iterator[Span]:  # noqa: ARG002 - the protocol names them
        yield _NoSpan()


#: For whom nobody traces.
UNTRACED: Final[Tracer] = _NoTracer()


class OpenTelemetryTracer:
    """Makes spans with OpenTelemetry's own tracer; `error_status` is what marks one as failed.

    An error's words are not sent: they go to the log, which hides what looks like a secret.
    """

    def __init__(self, tracer: Any, error_status: Any) -> None:
        self._tracer = tracer
        self._error_status = error_status

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | int]) -> Iterator[Span]:
        """Open a span for as long as the block runs."""
        with self._tracer.start_as_current_span(
            name,
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._error_status)
                raise


@contextmanager
def tracing(endpoint: str | None, version: str) -> Iterator[Tracer]:
    """Give what makes spans and sends them to an OTLP endpoint (HTTP) while the block runs.

    Without an endpoint it does nothing. Raises SettingError when OpenTelemetry is not installed.
    """
    if endpoint is None:
        yield UNTRACED
        return
    if not endpoint.startswith(("http://", "https://")):
        raise SettingError("BAKEHOUSE_OTLP_ENDPOINT is the URL of an OTLP receiver: http://…")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - same
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - same
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - same
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - same
    except ImportError as error:
        raise SettingError(
            "BAKEHOUSE_OTLP_ENDPOINT needs OpenTelemetry: install bakehouse[telemetry], "
            "or unset the variable"
        ) from error
    resource = Resource.create({"service.name": _NAME, "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    try:
        yield OpenTelemetryTracer(provider.get_tracer(_NAME, version), StatusCode.ERROR)
    finally:
        provider.shutdown()


def traced(processor: Processor, tracer: Tracer) -> Processor:
    """Wrap a processor: each run is a span, and ends as it would have."""

    async def process(job: RunningJob) -> JSON:
        # Named as OpenTelemetry's conventions for messaging have it.
        attributes: dict[str, str | int] = {
            "messaging.system": "bullmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": job.queue.value,
            "messaging.message.id": job.id,
            "bakehouse.attempt": job.attempt,
        }
        with tracer.span(f"process {job.queue}", attributes) as span:
            try:
                return await processor(job)
            except WaitThenContinue as wait:
                # Not an error, so it may not leave the span as one.
                span.set_attribute("bakehouse.waits_seconds", wait.seconds)
                waits = wait
        raise waits

    return process
