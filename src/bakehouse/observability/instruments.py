"""All that one process counts, on a registry of its own; made once, where it is wired together."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, Info, ProcessCollector

from bakehouse.observability.job_metrics import JobMetrics
from bakehouse.observability.source_metrics import SourceMetrics

_HTTP_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Instruments:
    """The counters, gauges and histograms of one process."""

    def __init__(self, version: str, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("bakehouse_build", "What runs.", registry=self.registry).info({"version": version})
        self.sources = SourceMetrics(self.registry, clock)
        self.jobs = JobMetrics(self.registry)
        self._reconciled_at = Gauge(
            "bakehouse_reconciler_last_success_timestamp_seconds",
            "When ledger and queue were last compared, in seconds since 1970.",
            registry=self.registry,
        )
        self._requests = Histogram(
            "bakehouse_http_request_duration_seconds",
            "One request to this process, until its answer began.",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=_HTTP_BUCKETS,
        )

    def reconciled(self) -> None:
        """Note that ledger and queue were compared just now."""
        self._reconciled_at.set(self._clock().timestamp())

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note a request to this process; the caller keeps methods and routes few."""
        self._requests.labels(method, route, str(status)).observe(seconds)
