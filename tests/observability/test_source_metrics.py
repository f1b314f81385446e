"""Requests to sources are counted by host, and the newest block ages until a newer one is heard."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from bakehouse.observability.source_metrics import SourceKind, SourceMetrics

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_requests_and_errors_are_counted_by_kind_and_source() -> None:
    registry = CollectorRegistry()
    metrics = SourceMetrics(registry, Clock())
    node, indexer = metrics.of(SourceKind.NODE), metrics.of(SourceKind.INDEXER)

    node.request_ended("a.example", 0.2)
    node.request_ended("a.example", 0.3)
    node.request_failed("a.example", "source-busy")
    indexer.request_ended("a.example", 1.0)

    def value(name: str, kind: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"kind": kind, "source": "a.example", **labels})

    assert value("bakehouse_source_request_duration_seconds_count", "node") == 2
    assert value("bakehouse_source_request_duration_seconds_sum", "node") == 0.5
    assert value("bakehouse_source_request_duration_seconds_count", "indexer") == 1
    assert value("bakehouse_source_errors_total", "node", code="source-busy") == 1
    assert value("bakehouse_source_errors_total", "indexer", code="source-busy") is None


def test_a_head_ages_until_a_newer_one_is_heard() -> None:
    registry, clock = CollectorRegistry(), Clock()
    node = SourceMetrics(registry, clock).of(SourceKind.NODE)
    labels = {"kind": "node", "source": "a.example"}

    def age() -> float | None:
        return registry.get_sample_value("bakehouse_chain_head_age_seconds", labels)

    assert age() is None
    node.head_heard("a.example", 7, NOON - timedelta(seconds=6))
    clock.now += timedelta(minutes=1)
    assert age() == 66
    node.head_heard("a.example", 8, NOON + timedelta(seconds=56))
    assert age() == 4
    assert registry.get_sample_value("bakehouse_chain_head_level", labels) == 8
