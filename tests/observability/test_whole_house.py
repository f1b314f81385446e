"""What a whole house, wired as it is shipped, has counted after some work on a simulated chain."""

import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@pytest.fixture(scope="module")
def samples(scraped_text: str) -> list[Sample]:
    return [
        sample
        for family in text_string_to_metric_families(scraped_text)
        for sample in family.samples
    ]


def of(samples: list[Sample], name: str, **labels: str) -> list[Sample]:
    return [
        sample
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def value(samples: list[Sample], name: str, **labels: str) -> float:
    (found,) = of(samples, name, **labels)
    return found.value


@pytest.mark.parametrize("queue", ["cycle-monitoring", "blockchain-polling", "reward-distribution"])
def test_jobs_of_each_queue_are_measured(samples: list[Sample], queue: str) -> None:
    assert value(samples, "bakehouse_jobs_total", queue=queue, outcome="completed") >= 1
    assert value(samples, "bakehouse_job_duration_seconds_count", queue=queue) >= 1
    assert value(samples, "bakehouse_job_wait_seconds_count", queue=queue) >= 1


@pytest.mark.parametrize("kind", ["node", "indexer"])
def test_each_source_is_measured_under_its_host(samples: list[Sample], kind: str) -> None:
    hosts = {
        sample.labels["source"]: sample.value
        for sample in of(samples, "bakehouse_source_request_duration_seconds_count", kind=kind)
    }
    assert all(re.fullmatch(r"127\.0\.0\.1:[0-9]+", host) for host in hosts)
    assert all(count >= 1 for count in hosts.values())


def test_the_head_of_a_node_is_known_and_young(samples: list[Sample]) -> None:
    (age,) = of(samples, "bakehouse_chain_head_age_seconds", kind="node")
    assert age.labels["source"] != "127.0.0.1:9"
    assert abs(age.value) < 600


def test_a_node_that_is_away_is_told_of_without_its_password(
    samples: list[Sample], scraped_text: str
) -> None:
    labels = {"kind": "node", "source": "127.0.0.1:9", "code": "source-unreachable"}
    assert value(samples, "bakehouse_source_errors_total", **labels) >= 1
    assert "pa55word" not in scraped_text


def test_every_part_works_and_was_reconciled(samples: list[Sample]) -> None:
    parts = {sample.labels["part"]: sample.value for sample in of(samples, "bakehouse_up")}
    assert set(parts.values()) == {1}
    assert {"ledger", "queue", "worker bond-pool"} <= set(parts)
    reconciled_at = value(samples, "bakehouse_reconciler_last_success_timestamp_seconds")
    assert 0 < time.time() - reconciled_at < 600
