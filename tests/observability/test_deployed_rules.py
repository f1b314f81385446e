"""The dashboard and the alert rules that are shipped ask only for what a scrape answers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bakehouse.jobs.job_types import JobState, QueueName
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.observability.job_metrics import JobOutcome

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCUMENT = ROOT / "docs" / "observability.md"
DASHBOARD = DEPLOY / "grafana" / "bakehouse.json"
RULES = DEPLOY / "prometheus" / "alerts.yml"

_METRIC = re.compile(r"\b((?:bakehouse|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"([a-z_]+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
_GROUPING = re.compile(r"by \(([a-z_, ]+)\)")
_PLACEHOLDER = re.compile(r"\$labels\.([a-z_]+)|\{\{([a-z_]+)\}\}")

#: Which values a label can have, where that is known.
VALUES: dict[str, set[str]] = {
    "state": {
        *(state.value for states in (JobState, PayoutState) for state in states),
        *(state.value for states in (OperationState, DistributionState) for state in states),
    },
    "outcome": {outcome.value for outcome in JobOutcome},
    "queue": {queue.value for queue in QueueName},
    "kind": {*(kind.value for kind in DistributionKind), "node", "indexer"},
    "mode": {mode.value for mode in Mode},
    "code": {"node-refused"},
}
#: Labels that Prometheus adds to whatever it scrapes.
OF_PROMETHEUS = {"job", "instance"}
_OF_HISTOGRAMS = {"_bucket", "_sum", "_count"}


def expressions_of_rules() -> Iterator[str]:
    for line in RULES.read_text().splitlines():
        name, _, value = line.strip().partition(": ")
        if name == "expr":
            yield value


def expressions_of_dashboard(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"expr", "query"} and isinstance(value, str):
                yield value
            yield from expressions_of_dashboard(value)
    if isinstance(node, list):
        for value in node:
            yield from expressions_of_dashboard(value)


EXPRESSIONS = [
    *expressions_of_rules(),
    *expressions_of_dashboard(json.loads(DASHBOARD.read_text())),
]


def test_there_are_rules_and_panels_to_look_at() -> None:
    assert len(list(expressions_of_rules())) == RULES.read_text().count("- alert:") > 10
    assert len(EXPRESSIONS) > 40


@pytest.fixture(scope="module")
def exported(scraped_text: str) -> dict[str, set[str]]:
    """Each name that a scrape of a house at work answers, with the labels it has."""
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(scraped_text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


def test_every_metric_that_is_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    asked = {name for each in EXPRESSIONS for name, _ in _METRIC.findall(each)}

    assert asked - set(exported) == set()
    assert asked


def test_every_metric_of_ours_is_asked_for(exported: dict[str, set[str]]) -> None:
    asked = {name for each in EXPRESSIONS for name, _ in _METRIC.findall(each)}
    unasked = {name for name in set(exported) - asked if name.startswith("bakehouse_")}
    of_histograms = {name for name in unasked for suffix in _OF_HISTOGRAMS if name.endswith(suffix)}
    created = {name for name in unasked if name.endswith("_created")}

    assert unasked - of_histograms - created == {
        "bakehouse_build_info",
        "bakehouse_chain_head_level",
    }


def test_exactly_the_metrics_there_are_are_documented(exported: dict[str, set[str]]) -> None:
    rows = re.findall(r"^\| `(bakehouse_\w+)` \|([a-z, ]*)\|", DOCUMENT.read_text(), re.MULTILINE)
    documented = {name: set(labels.replace(",", " ").split()) for name, labels in rows}
    suffix = re.compile("(_bucket|_sum|_count)$")

    actual: dict[str, set[str]] = {}
    for name, labels in exported.items():
        if name.startswith("bakehouse_") and not name.endswith("_created"):
            actual.setdefault(suffix.sub("", name), set()).update(labels - {"le"})
    assert documented == actual


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_every_label_that_is_asked_for_is_there(
    exported: dict[str, set[str]], expression: str
) -> None:
    present = {label for name, _ in _METRIC.findall(expression) for label in exported[name]}
    for name, matchers in _METRIC.findall(expression):
        for label, _, value in _MATCHER.findall(matchers):
            assert label in exported[name] | OF_PROMETHEUS, (name, label)
            if label in VALUES:
                assert set(value.split("|")) <= VALUES[label], (label, value)
    for grouping in _GROUPING.findall(expression):
        assert set(grouping.split(", ")) <= present | OF_PROMETHEUS


def test_a_rule_speaks_only_of_labels_that_are_left(exported: dict[str, set[str]]) -> None:
    for rule in RULES.read_text().split("- alert:")[1:]:
        (expression,) = re.findall(r"expr: (.*)", rule)
        groupings = _GROUPING.findall(expression)
        left = set(groupings[0].split(", ")) if groupings else {*OF_PROMETHEUS, "part"}
        spoken = {first or second for first, second in _PLACEHOLDER.findall(rule)}
        assert spoken <= left, rule


def test_panels_of_the_dashboard_have_ids_titles_and_places_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
