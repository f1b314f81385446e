"""Whatever is sent to the API, it answers as its document says, and never with a fault of ours."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fault_scale import FAULT_SCALE
from tests.web.conftest import BAKER, DELEGATORS, TOKEN, House

#: For each route and for each of the two: what its document allows, and what it does not.
EXAMPLES = 3 * FAULT_SCALE
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

#: What is there, so that not every request ends at a baker that nobody knows.
KNOWN = {"baker_id": BAKER, "cycle": 1336, "address": DELEGATORS[0]}


def never_our_fault(_ctx: CheckContext, response: Response, _case: Case[Any]) -> bool | None:
    """Unlike 503, which says that a node does not answer (here none does), 500 is a mistake."""
    assert response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, response.content
    return None


CHECKS: list[Callable[..., Any]] = [
    never_our_fault,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.timeout(180)
async def test_every_route_answers_as_its_document_says(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    document = (await house.stranger.get("/openapi.json")).json()

    answers = await asyncio.to_thread(fuzz, document, house.url)

    assert set(answers) == {
        f"{method.upper()} {path}" for path, each in document["paths"].items() for method in each
    }
    silent = [route for route, statuses in answers.items() if not statuses]
    assert silent == []
    # It got past the door and past the checks of what is sent.
    done = {route for route, statuses in answers.items() if statuses & {200, 201, 202}}
    assert {"GET /api/bakers", "GET /api/audit", "GET /api/waiting"} <= done


def fuzz(document: dict[str, Any], url: str) -> dict[str, set[int]]:
    """Send every route some requests of both kinds; gives which statuses were answered."""
    schema = schemathesis.openapi.from_dict(document)
    answers: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        statuses = answers.setdefault(operation.label, set())
        for mode in MODES:
            _fuzz_one(operation.as_strategy(generation_mode=mode), url, statuses)
    return answers


def _fuzz_one(cases: st.SearchStrategy[Case[Any]], url: str, statuses: set[int]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, names_what_is_there=st.booleans())
    def send(case: Case[Any], names_what_is_there: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        if names_what_is_there:
            case.path_parameters = {
                name: KNOWN.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        response = case.call(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    # A route without parameters cannot be asked wrongly.
    with suppress(Unsatisfiable):
        send()
