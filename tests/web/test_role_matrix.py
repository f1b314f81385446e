"""Who may do what: every route of the application, asked by everybody it could be asked by."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from bakehouse.errors import NotFoundError
from bakehouse.ledger.roles import Grant, Role
from bakehouse.web.app import create_app
from bakehouse.web.permission import (
    Need,
    ServedRoute,
    needs,
    refuse_silent_routes,
    served_routes,
)
from bakehouse.web.services import WebServices
from tests.web.changing_routes import CHANGING, Changing
from tests.web.conftest import BAKER, DELEGATORS, STRANGER, House, new_client
from tests.web.people import add_token
from tests.web.scenes import operation_hash

READING = {"GET", "HEAD"}
RANKS = list(Role)

#: What stands in a path; what is not named here is a number.
NAMES = {
    "baker_id": BAKER,
    "cycle": "1336",
    "address": DELEGATORS[0],
    "operation_hash": operation_hash(1),
    "sha256": "0" * 64,
    "name": "bakehouse.css",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with a token; None: nobody."""

    name: str
    grant: Grant | None

    @property
    def sees_baker(self) -> bool:
        return self.grant is not None and self.grant.covers(BAKER)


ASKERS = (
    Asker("anonymous", None),
    Asker("viewer", Grant(Role.VIEWER)),
    Asker("operator", Grant(Role.OPERATOR)),
    Asker("administrator", Grant(Role.ADMINISTRATOR)),
    Asker("another baker's administrator", Grant(Role.ADMINISTRATOR, frozenset({STRANGER}))),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One method of one route."""

    method: str
    route: ServedRoute

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.route.path

    @property
    def changing(self) -> Changing | None:
        return CHANGING.get(self.key)

    @property
    def role(self) -> Role | None:
        """What it takes, by the list for what changes and by the route's word for what is read."""
        return self.changing.role if self.changing else strongest(self.route.needs)

    @property
    def all_bakers(self) -> bool:
        if self.changing:
            return self.changing.all_bakers
        return any(need.all_bakers for need in self.route.needs)

    @property
    def is_about_baker(self) -> bool:
        in_body = self.changing is not None and self.changing.baker_in_body
        return "{baker_id}" in self.route.path or in_body


def strongest(several: tuple[Need, ...]) -> Role | None:
    roles = [need.role for need in several if need.role is not None]
    return max(roles, key=RANKS.index) if roles else None


def expected(asked: Asked, asker: Asker) -> str:
    """The table: what comes of asking."""
    is_open = asked.role is None and not (asked.changing and asked.changing.behind_the_door)
    if asker.grant is None:
        return "let in" if is_open else "unknown"
    if asked.role is None:
        return "let in"
    if not asker.grant.role.includes(asked.role):
        return "forbidden"
    if asked.is_about_baker and not asker.sees_baker:
        return "hidden"
    if asked.all_bakers and not asker.grant.covers_all:
        return "forbidden"
    return "let in"


def outcome(answer: httpx2.Response) -> str:
    """What an answer says of whether the asker was let in, whatever the route said then."""
    # The queue board tells its refusals in a form of its own, under the same codes.
    is_told = answer.status_code >= HTTPStatus.BAD_REQUEST and "json" in answer.headers.get(
        "content-type", ""
    )
    code = answer.json().get("code", "") if is_told else ""
    if code == "unauthorized":
        return "unknown"
    if code == "forbidden":
        return "forbidden"
    if code == NotFoundError.code and answer.json()["detail"].startswith("no baker '"):
        return "hidden"
    return "let in"


def application(house: House) -> FastAPI:
    return create_app(
        WebServices(
            workshop=house.workshop,
            scheduler=house.scheduler,
            secret_key=house.secret_key,
            version="9.9.9",
        )
    )


def asked_of(app: FastAPI) -> Iterator[Asked]:
    for route in served_routes(app.routes):
        for method in sorted(route.methods):
            yield Asked(method, route)


async def ask(client: httpx2.AsyncClient, asked: Asked) -> httpx2.Response:
    path = re.sub(r"{(\w+)(?::\w+)?}", lambda name: NAMES.get(name[1], "4711"), asked.route.path)
    body = asked.changing.body if asked.changing else None
    async with client.stream(asked.method, path, json=body) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
            return answer
    # Events never end: that they began is the answer.
    return httpx2.Response(answer.status_code)


@pytest.mark.asyncio(loop_scope="module")
async def test_every_changing_route_is_on_the_list_with_the_role_it_declares(
    still_house: House,
) -> None:
    changing = [each for each in asked_of(application(still_house)) if each.method not in READING]

    assert {each.key for each in changing} == set(CHANGING)
    for each in changing:
        entry = CHANGING[each.key]
        declared = strongest(each.route.needs)
        # Which baker is meant is known only when the body was read: until then it takes the least.
        assert declared == (Role.VIEWER if entry.baker_in_body else entry.role), each.key
        assert any(need.all_bakers for need in each.route.needs) == entry.all_bakers, each.key


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_read_of_bakers_is_open_to_nobody(still_house: House) -> None:
    open_ones = {
        each.route.path
        for each in asked_of(application(still_house))
        if each.method in READING and each.role is None
    }

    assert open_ones == {
        "/health",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs",
        "/sign-in",
        "/welcome",
        "/static/{name}",
        # What a baker has made public; of all others it says that there is nothing.
        "/public/{baker_id}",
        "/public/{baker_id}/statement.{form}",
    }


@pytest.mark.timeout(120)
async def test_everybody_gets_exactly_as_far_as_their_role_goes(house: House) -> None:
    await house.register()
    await house.register(baker_id=STRANGER)
    await house.plan_a_cycle()
    every = list(asked_of(application(house)))

    several = await asyncio.gather(*(wrongly_treated(house, asker, every) for asker in ASKERS))

    assert [each for found in several for each in found] == []


async def wrongly_treated(house: House, asker: Asker, every: Sequence[Asked]) -> list[str]:
    """Ask for everything; gives what came out otherwise than the table says, or told too much."""
    found: list[str] = []
    headers = {"accept": "application/json"}
    if asker.grant is not None:
        headers["Authorization"] = f"Bearer {await add_token(house, asker.name, asker.grant)}"
    async with new_client(house.url, headers) as client:
        for asked in every:
            answer = await ask(client, asked)
            came, wanted = outcome(answer), expected(asked, asker)
            who = f"{asker.name}: {' '.join(asked.key)}: {answer.status_code} {answer.text[:300]}"
            if came != wanted or answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
                found.append(f"{who}: {came}, not {wanted}")
            if asked.role is not None and not asker.sees_baker and came != "hidden":
                found.extend([f"{who}: tells of a baker of others"] * (BAKER in answer.text))
    return found


def test_a_route_that_says_nothing_is_found_in_an_included_router() -> None:
    silent, telling = APIRouter(prefix="/inner"), APIRouter(dependencies=[needs(Role.VIEWER)])

    async def nothing() -> None:
        """Do nothing."""

    silent.add_api_route("/silent", nothing)
    telling.add_api_route("/telling", nothing)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(telling)
    refuse_silent_routes(served_routes(app.routes))

    app.include_router(silent, prefix="/outer")

    with pytest.raises(RuntimeError, match=r"^/outer/inner/silent says nothing"):
        refuse_silent_routes(served_routes(app.routes))
