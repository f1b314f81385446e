"""Requests to nodes and indexers, counted and timed by source. No requests are made here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from bakehouse.tezos.source_observer import SourceObserver

_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_LABELS: Final = ("kind", "source")


class SourceKind(StrEnum):
    """What a source is asked as."""

    NODE = "node"
    INDEXER = "indexer"


@dataclass(frozen=True, slots=True)
class _Head:
    level: int
    timestamp: datetime


class SourceMetrics:
    """How the sources of one process fare."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._heads: dict[tuple[str, str], _Head] = {}
        self.seconds = Histogram(
            "bakehouse_source_request_duration_seconds",
            "One request to a node or an indexer, whatever became of it.",
            _LABELS,
            registry=registry,
            buckets=_BUCKETS,
        )
        self.errors = Counter(
            "bakehouse_source_errors",
            "Requests to a node or an indexer that failed, by the code of the error.",
            (*_LABELS, "code"),
            registry=registry,
        )
        registry.register(self)

    def of(self, kind: SourceKind) -> SourceObserver:
        """Give the listener for the sources of a kind."""
        return _Listener(self, kind.value)

    def keep_head(self, kind: str, source: str, level: int, timestamp: datetime) -> None:
        """Remember the newest block that a source has told of."""
        self._heads[kind, source] = _Head(level, timestamp)

    def collect(self) -> Iterator[Metric]:
        """Give how old each source's newest block is by now; the registry calls this."""
        age = GaugeMetricFamily(
            "bakehouse_chain_head_age_seconds",
            "Since the newest block that the source has told of was baked.",
            labels=_LABELS,
        )
        level = GaugeMetricFamily(
            "bakehouse_chain_head_level", "The level of that block.", labels=_LABELS
        )
        for labels, head in self._heads.items():
            age.add_metric(labels, (self._clock() - head.timestamp).total_seconds())
            level.add_metric(labels, head.level)
        yield age
        yield level


@dataclass(frozen=True, slots=True)
class _Listener:
    metrics: SourceMetrics
    kind: str

    def request_ended(self, source: str, seconds: float) -> None:
        self.metrics.seconds.labels(self.kind, source).observe(seconds)

    def request_failed(self, source: str, code: str) -> None:
        self.metrics.errors.labels(self.kind, source, code).inc()

    def head_heard(self, source: str, level: int, timestamp: datetime) -> None:
        self.metrics.keep_head(self.kind, source, level, timestamp)
