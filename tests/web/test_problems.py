"""Whatever is asked wrongly is answered with a problem document, and a person with a page."""

import json

import pytest

from tests.web.conftest import BAKER, BROWSER, STRANGER, House

pytestmark = pytest.mark.asyncio(loop_scope="module")

CYCLES = f"/api/bakers/{BAKER}/cycles"
PAYOUTS = f"{CYCLES}/1336/payouts"
REMOVE = "/api/jobs/remove"
FIELDS = {"type", "title", "status", "detail", "code"}

REQUESTS = [
    ("GET", "/api/nothing", 404, "not-found"),
    ("GET", "/nothing", 404, "not-found"),
    ("GET", "/api/jobs/status/", 404, "not-found"),
    ("GET", f"/api/bakers/{STRANGER}", 404, "not-found"),
    ("GET", f"/api/bakers/{STRANGER}/cycles", 404, "not-found"),
    ("GET", f"/api/bakers/{STRANGER}/cycles/1336/payouts", 404, "not-found"),
    ("GET", f"{CYCLES}/1335/payouts", 404, "not-found"),
    ("GET", f"{PAYOUTS}?mode=simulation", 404, "not-found"),
    ("GET", f"{PAYOUTS}?kind=bond_pool", 404, "not-found"),
    ("GET", f"/bakers/{STRANGER}/cycles/1336", 404, "not-found"),
    ("GET", "/api/bakers/tz1nonsense", 422, "address"),
    ("GET", f"/api/bakers/{BAKER}x", 422, "address"),
    ("GET", "/api/bakers/KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn", 422, "address"),
    ("GET", "/api/bakers/%00%0d%0aSet-Cookie:%20x=y", 422, "address"),
    ("GET", "/bakers/tz1nonsense/cycles/1336", 422, "address"),
    ("GET", f"{CYCLES}/-1/payouts", 422, "input"),
    ("GET", f"{CYCLES}/{2**31}/payouts", 422, "input"),
    ("GET", f"{CYCLES}/{10**30}/payouts", 422, "input"),
    ("GET", f"{CYCLES}/last/payouts", 422, "input"),
    ("GET", f"{PAYOUTS}?offset=-1", 422, "input"),
    ("GET", f"{PAYOUTS}?offset={2**63}", 422, "input"),
    ("GET", f"{PAYOUTS}?limit=0", 422, "input"),
    ("GET", f"{PAYOUTS}?limit=1001", 422, "input"),
    ("GET", f"{PAYOUTS}?kind=nobody", 422, "input"),
    ("GET", f"{PAYOUTS}?unknown=1", 422, "input"),
    ("GET", f"{CYCLES}?limit=0", 422, "input"),
    ("GET", f"{CYCLES}?unknown=1", 422, "input"),
    ("GET", f"/bakers/{BAKER}/cycles/{2**31}", 422, "input"),
    ("GET", f"/bakers/{BAKER}/cycles/1336?offset={2**63}", 422, "input"),
    ("GET", "/api/jobs/status", 422, "input"),
    ("GET", f"/api/jobs/status?baker_id={BAKER}&unknown=1", 422, "input"),
    ("GET", REMOVE, 405, "method-not-allowed"),
    ("DELETE", "/api/bakers", 405, "method-not-allowed"),
    ("HEAD", "/api/bakers", 405, "method-not-allowed"),
    ("OPTIONS", "/api/bakers", 405, "method-not-allowed"),
    ("POST", "/", 405, "method-not-allowed"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), REQUESTS)
async def test_a_request_that_cannot_be_met_is_a_problem_document(
    still_house: House, method: str, path: str, status: int, code: str
) -> None:
    answer = await still_house.client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.headers) & {"set-cookie", "location"} == set()
    if method == "HEAD":
        return
    problem = answer.json()
    assert FIELDS <= problem.keys() <= FIELDS | {"errors"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:bakehouse:problem:{code}"
    assert problem["detail"].strip()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"null", "application/json", 422),
        (b'"tz1"', "application/json", 422),
        (b'{"baker_id": "tz1", "baker_id": null}', "application/json", 422),
        (b'{"baker_id": 1e999}', "application/json", 422),
        (b'{"baker_id": ' + b"9" * 5_000 + b"}", "application/json", 400),
        (b'{"baker_id": "\xc3\x28"}', "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (json.dumps({"baker_id": BAKER}).encode(), "text/plain", 422),
        (f"baker_id={BAKER}".encode(), "application/x-www-form-urlencoded", 422),
    ],
)
async def test_a_body_that_is_not_the_json_wanted_is_a_problem(
    still_house: House, body: bytes, content_type: str, status: int
) -> None:
    answer = await still_house.client.post(
        REMOVE, content=body, headers={"content-type": content_type}
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


async def test_each_field_that_is_wrong_is_named(still_house: House) -> None:
    answer = await still_house.client.post(REMOVE, json={"baker": BAKER, "cycle": 7})

    problem = answer.json()
    named = {each["field"] for each in problem["errors"]}
    assert named == {"body.baker_id", "body.baker", "body.cycle"}
    assert all(name in problem["detail"] for name in named)


async def test_an_address_that_is_wrong_is_shown_with_what_is_wrong(still_house: House) -> None:
    mistyped = BAKER[:-1] + "b"

    answer = await still_house.client.post(REMOVE, json={"baker_id": mistyped})

    assert mistyped in answer.json()["detail"]
    assert "checksum" in answer.json()["detail"]


async def test_a_method_that_is_not_taken_comes_with_those_that_are(still_house: House) -> None:
    answer = await still_house.client.get(REMOVE)

    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        (f"/bakers/{BAKER}/cycles/1", 404),
        (f"/bakers/{STRANGER}/cycles/1336", 404),
        ("/bakers/tz1nonsense/cycles/1336", 422),
        ("/bakers/tz1nonsense/cycles/last", 422),
        ("/static/bakehouse.css", 404),
    ],
)
async def test_a_person_is_told_with_a_page(still_house: House, path: str, status: int) -> None:
    answer = await still_house.client.get(path, headers=BROWSER)

    assert answer.status_code == status
    page = await still_house.page(path)
    assert page.title.endswith("· Bakehouse")
    assert "Back to the bakers" in page.text


async def test_a_program_is_told_with_a_document_by_the_api_whatever_it_accepts(
    still_house: House,
) -> None:
    answer = await still_house.client.get("/api/nothing", headers=BROWSER)

    assert answer.headers["content-type"] == "application/problem+json"
