"""The API's document, and the reference made from it, leave nothing out."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES = {
    ("post", "/api/jobs/trigger/cycle-check"): {"202", "401", "404", "422", "503"},
    ("post", "/api/jobs/trigger/balance-poll"): {"202", "401", "404", "422", "503"},
    ("get", "/api/jobs/status"): {"200", "401", "404", "422", "503"},
    ("post", "/api/jobs/initialize"): {"202", "401", "404", "409", "422", "503"},
    ("post", "/api/jobs/remove"): {"200", "401", "404", "409", "422", "503"},
    ("get", "/api/bakers"): {"200", "401"},
    ("get", "/api/bakers/{baker_id}"): {"200", "401", "404", "422"},
    ("get", "/api/bakers/{baker_id}/cycles"): {"200", "401", "404", "422"},
    ("get", "/api/bakers/{baker_id}/cycles/{cycle}/payouts"): {"200", "401", "404", "422"},
    ("get", "/api/alerts"): {"200", "401"},
    ("get", "/health"): {"200", "503"},
    ("get", "/health/live"): {"200"},
    ("get", "/health/ready"): {"200", "503"},
}

HEALTH = {"/health", "/health/live", "/health/ready"}


async def document_of(house: House) -> dict[str, Any]:
    document: dict[str, Any] = (await house.stranger.get("/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield (method, path), operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_every_route_is_described_with_all_its_answers(still_house: House) -> None:
    document = await document_of(still_house)

    assert {route: set(each["responses"]) for route, each in operations(document)} == ROUTES
    for _, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        for answer in operation["responses"].values():
            assert answer["description"] not in {"", "Successful Response"}


async def test_problems_are_described_under_their_own_media_type(still_house: House) -> None:
    # Twice: the document is made once and kept.
    for _ in range(2):
        document = await document_of(still_house)
        for (_, path), operation in operations(document):
            for status, answer in operation["responses"].items():
                is_problem = status.startswith("4") or (status == "503" and path not in HEALTH)
                media = "application/problem+json" if is_problem else "application/json"
                assert list(answer["content"]) == [media]


async def test_everything_but_health_wants_the_token(still_house: House) -> None:
    document = await document_of(still_house)

    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    open_ones = {path for (_, path), each in operations(document) if "security" not in each}
    assert open_ones == HEALTH


async def test_every_reference_leads_somewhere(still_house: House) -> None:
    document = await document_of(still_house)

    for reference in references(document):
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


async def test_every_parameter_and_field_sent_says_what_it_is(still_house: House) -> None:
    document = await document_of(still_house)

    reference = document["components"]["schemas"]["BakerReference"]
    assert reference["additionalProperties"] is False
    assert reference["properties"]["baker_id"]["examples"]


async def test_the_reference_shows_every_route_and_field(still_house: House) -> None:
    document = await document_of(still_house)
    page = await still_house.page("/docs")

    anchors = page.values("id")
    for (method, path), operation in operations(document):
        assert f"{method.upper()} {path}" in page.text
        assert operation["operationId"] in anchors
        assert all(f"{status} " in page.text for status in operation["responses"])
    for field in ("schedules[].next_run", "payouts[].net", "checks.queue", "balance.mutez"):
        assert field in page.text
    assert "seen | rewards_pending" in page.text
    assert "whole number from 1 to 1000, 500 if not given" in page.text


async def test_the_reference_is_open_and_needs_nothing_from_elsewhere(still_house: House) -> None:
    answer = await still_house.stranger.get("/docs")

    assert answer.status_code == 200
    page = await still_house.page("/docs")
    loaded = [*page.values("src"), *page.values("href", "link")]
    assert all(address.startswith("/static/") for address in loaded)
    assert all(address[0] in "/#" for address in page.values("href", "a"))
