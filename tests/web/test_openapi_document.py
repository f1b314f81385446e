"""The API's document, and the reference made from it, leave nothing out."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAKER_PATH = "/api/bakers/{baker_id}"
CYCLE_PATH = f"{BAKER_PATH}/cycles/{{cycle}}"
OPERATION_PATH = f"{BAKER_PATH}/operations/{{operation_hash}}"
SIMULATION_PATH = f"{BAKER_PATH}/simulations/{{sha256}}"
CHANNELS = "/api/alerts/channels"
CHANNEL_PATH = f"{CHANNELS}/{{channel_id}}"

READ = {"200", "401", "404", "422"}
TAGGED = {*READ, "304"}
CHANGED = {*READ, "400", "413", "403"}
#: Changed without a body.
REMOVED = {*READ, "403"}
DECIDED = {*CHANGED, "409"}
QUEUED = {*CHANGED, "503", "202"} - {"200"}

ROUTES = {
    ("post", "/api/jobs/trigger/cycle-check"): QUEUED,
    ("post", "/api/jobs/trigger/balance-poll"): QUEUED,
    ("get", "/api/jobs/status"): {*READ, "503"},
    ("post", "/api/jobs/initialize"): {*QUEUED, "409"},
    ("post", "/api/jobs/remove"): {*DECIDED, "503"},
    ("get", "/api/bakers"): {"200", "401"},
    ("post", "/api/bakers"): {"201", "400", "413", "401", "403", "409", "422", "503"},
    ("get", BAKER_PATH): TAGGED,
    ("patch", BAKER_PATH): CHANGED,
    ("delete", BAKER_PATH): REMOVED,
    ("get", "/api/overview"): {"200", "401"},
    ("get", f"{BAKER_PATH}/overview"): READ,
    ("post", f"{BAKER_PATH}/mode"): CHANGED,
    ("get", f"{BAKER_PATH}/fees"): TAGGED,
    ("get", f"{BAKER_PATH}/fees/history"): READ,
    ("post", f"{BAKER_PATH}/fees/import"): CHANGED,
    ("put", f"{BAKER_PATH}/fees/{{address}}"): CHANGED,
    ("delete", f"{BAKER_PATH}/fees/{{address}}"): REMOVED,
    ("get", f"{BAKER_PATH}/rules"): TAGGED,
    ("get", f"{BAKER_PATH}/rules/history"): READ,
    ("post", f"{BAKER_PATH}/rules/import"): CHANGED,
    ("put", f"{BAKER_PATH}/rules"): CHANGED,
    ("put", f"{BAKER_PATH}/rules/{{address}}"): CHANGED,
    ("delete", f"{BAKER_PATH}/rules/{{address}}"): REMOVED,
    ("get", f"{BAKER_PATH}/income"): TAGGED,
    ("put", f"{BAKER_PATH}/income"): CHANGED,
    ("get", f"{BAKER_PATH}/bond-pool"): TAGGED,
    ("put", f"{BAKER_PATH}/bond-pool"): CHANGED,
    ("post", f"{BAKER_PATH}/bond-pool/import"): CHANGED,
    ("get", f"{BAKER_PATH}/cycles"): READ,
    ("get", CYCLE_PATH): READ,
    ("get", f"{CYCLE_PATH}/payouts"): READ,
    ("get", f"{BAKER_PATH}/statistics"): READ,
    ("get", f"{CYCLE_PATH}/rules"): READ,
    ("get", f"{CYCLE_PATH}/exclusions"): READ,
    ("get", f"{BAKER_PATH}/payouts"): READ,
    ("get", f"{BAKER_PATH}/operations"): READ,
    ("get", OPERATION_PATH): READ,
    ("post", f"{OPERATION_PATH}/cancel"): {*DECIDED, "202"} - {"200"},
    ("post", f"{OPERATION_PATH}/declare-dead"): DECIDED,
    ("post", f"{BAKER_PATH}/simulations"): {*DECIDED, "201", "503"} - {"200"},
    ("get", f"{BAKER_PATH}/simulations"): READ,
    ("get", SIMULATION_PATH): READ,
    ("get", f"{SIMULATION_PATH}/payouts"): READ,
    ("get", f"{SIMULATION_PATH}/exclusions"): READ,
    ("get", f"{SIMULATION_PATH}/changes"): READ,
    ("get", "/api/waiting"): {"200", "401", "422"},
    ("post", f"{BAKER_PATH}/pause"): CHANGED,
    ("post", f"{CYCLE_PATH}/approve"): DECIDED,
    ("post", f"{CYCLE_PATH}/retry"): DECIDED,
    ("post", f"{CYCLE_PATH}/hold"): DECIDED,
    ("post", f"{CYCLE_PATH}/release"): DECIDED,
    ("post", f"{CYCLE_PATH}/drop"): DECIDED,
    ("get", f"{BAKER_PATH}/transfers"): READ,
    ("post", f"{BAKER_PATH}/transfers"): {*DECIDED, "202", "503"} - {"200"},
    ("post", f"{BAKER_PATH}/transfers/{{transfer_id}}/give-up"): DECIDED,
    ("get", f"{BAKER_PATH}/deductions"): READ,
    ("get", f"{BAKER_PATH}/funding"): READ,
    ("post", f"{BAKER_PATH}/deductions"): {*DECIDED, "201"} - {"200"},
    ("post", f"{BAKER_PATH}/deductions/{{deduction_id}}/waive"): DECIDED,
    ("get", f"{CYCLE_PATH}/hooks"): READ,
    ("get", f"{BAKER_PATH}/hooks"): READ,
    ("post", f"{BAKER_PATH}/hooks"): {*DECIDED, "201"} - {"200"},
    ("put", f"{BAKER_PATH}/hooks/{{name}}"): CHANGED,
    ("delete", f"{BAKER_PATH}/hooks/{{name}}"): REMOVED,
    ("post", f"{BAKER_PATH}/hooks/{{name}}/test"): REMOVED,
    ("get", f"{BAKER_PATH}/announcements"): READ,
    ("put", f"{BAKER_PATH}/announcements"): CHANGED,
    ("post", f"{BAKER_PATH}/announcements/preview"): CHANGED,
    ("post", f"{BAKER_PATH}/announcements/test"): DECIDED,
    ("post", f"{BAKER_PATH}/announcements/{{announcement_id}}/again"): DECIDED,
    ("post", f"{BAKER_PATH}/announcements/{{announcement_id}}/leave"): DECIDED,
    ("get", f"{BAKER_PATH}/export/payouts"): READ,
    ("get", f"{BAKER_PATH}/export/cycles"): READ,
    ("get", f"{BAKER_PATH}/export/statement"): READ,
    ("get", f"{BAKER_PATH}/export/tezpay"): READ,
    ("get", f"{BAKER_PATH}/export/exclusions"): READ,
    ("get", f"{BAKER_PATH}/export/adjustments"): READ,
    ("get", "/api/alerts"): READ,
    ("get", "/api/alerts/{alert_id}"): READ,
    ("post", "/api/alerts/{alert_id}/acknowledge"): {*REMOVED, "409"},
    ("get", CHANNELS): {"200", "401", "403"},
    ("post", CHANNELS): {*DECIDED, "201"} - {"200"},
    ("put", CHANNEL_PATH): DECIDED,
    ("delete", CHANNEL_PATH): REMOVED,
    ("post", f"{CHANNEL_PATH}/test"): REMOVED,
    ("get", "/api/audit"): {"200", "401", "422"},
    ("get", "/health"): {"200", "503"},
    ("get", "/health/live"): {"200"},
    ("get", "/health/ready"): {"200", "503"},
}
BOOKS = ["text/csv", "application/pdf", "application/json"]
#: Routes that answer with a file, and which kinds of it.
FILES = {
    f"{BAKER_PATH}/export/payouts": BOOKS,
    f"{BAKER_PATH}/export/cycles": BOOKS,
    f"{BAKER_PATH}/export/statement": BOOKS,
    f"{BAKER_PATH}/export/exclusions": ["text/csv", "application/json"],
    f"{BAKER_PATH}/export/adjustments": ["text/csv", "application/json"],
    f"{BAKER_PATH}/export/tezpay": ["text/csv"],
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
                wanted = ["application/problem+json" if is_problem else "application/json"]
                if status == "304":
                    wanted = []
                elif status == "200" and path in FILES:
                    wanted = FILES[path]
                assert list(answer.get("content", ())) == wanted


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
    schemas = document["components"]["schemas"]

    for route, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert is_explained(schemas, parameter["schema"]), (route, parameter["name"])
        if "requestBody" not in operation:
            continue
        (media,) = operation["requestBody"]["content"].values()
        body = resolved(schemas, media["schema"])
        assert body["additionalProperties"] is False
        assert body["description"]
        for name, schema in body["properties"].items():
            assert is_explained(schemas, schema), (route, name)


async def test_every_field_answered_has_an_example_or_few_values(still_house: House) -> None:
    schemas = (await document_of(still_house))["components"]["schemas"]

    for name in schemas:
        for field, described in schemas[name].get("properties", {}).items():
            assert is_explained(schemas, described), f"{name}.{field}"


def resolved(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema
    while "$ref" in found:
        found = schemas[found["$ref"].rpartition("/")[2]]
    return found


def is_explained(schemas: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether a reader knows what to write there: by an example, a description or the values."""
    several = [resolved(schemas, each) for each in schema.get("anyOf", (schema,))]
    return any(
        {"examples", "description", "enum", "properties"} & {*schema, *each}
        or each.get("type") == "boolean"
        or (each.get("type") == "array" and "$ref" in each["items"])
        for each in several
    )


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
