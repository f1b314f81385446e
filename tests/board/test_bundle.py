"""The pinned Bull Board against what is served: a newer one that asks for more is noticed here."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute

from bakehouse.web.board import changing, page, reading, refusing
from tests.board.conftest import API, Board
from tests.web.conftest import BROWSER

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIST: Final = Path(page.__file__).with_name("dist")
#: How the scripts write the parts of a path that are filled in.
_FILLED_IN: Final = re.compile(r"\$\{encodeURIComponent\((?:`\$\{\w\}`|\w)\)\}")
_QUERY: Final = re.compile(r'\$\{s\?`\?\$\{s\}`:""\}')
_CALL: Final = re.compile(r'this\.axios\.(\w+)\([`"]([^`"]+)[`"]')
_LINK: Final = re.compile(r'(?:href|src)="([^"]+)"')


def main_script() -> str:
    [script] = (DIST / "static" / "js").glob("main.*.js")
    return script.read_text()


def calls() -> set[tuple[str, str]]:
    """Every request the pages of the board can send, `{}` standing for what is filled in."""
    script = _QUERY.sub("", _FILLED_IN.sub("{}", main_script()))
    return {(method.upper(), path) for method, path in _CALL.findall(script)}


def served() -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"\{\w+\}", "{}", route.path.removeprefix(API)))
        for module in (reading, changing, refusing)
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


async def test_whatever_the_board_can_ask_for_is_answered() -> None:
    assert len(calls()) >= 38
    assert ("PUT", "/queues/{}/{}/retry") in calls()
    assert ("GET", "/queues/{}/{}/flow") in calls()
    assert calls() - served() == set()


async def test_nothing_is_served_that_the_board_does_not_ask_for() -> None:
    assert served() - calls() == set()


async def test_what_is_refused_is_hidden_by_names_that_the_scripts_use() -> None:
    hidden = Path(page.__file__).parents[1] / "static" / "board.css"
    scripts = "".join(path.read_text() for path in (DIST / "static" / "js").rglob("*.js"))

    names = re.findall(r'\^="([a-zA-Z]+-)"', hidden.read_text())
    icons = re.findall(r"\.lucide-([a-z]+)", hidden.read_text())

    assert set(names) == {"danger-", "jobActions-", "actionsCell-", "appVersion-"}
    assert set(icons) == {"pencil", "trash"}
    for name in names:
        assert f'"{name}' in scripts
    for icon in icons:
        assert f'"{icon}' in scripts


async def page_of(board: Board, path: str) -> str:
    answer = await board.house.client.get(f"/admin/queues{path}", headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


async def test_every_view_is_the_one_page_and_all_it_loads_is_served_here(board: Board) -> None:
    html = await page_of(board, "")
    links = _LINK.findall(html)

    assert len(links) >= 9
    for path in ("/", "/job-schedulers", "/queue/bond-pool", "/queue/bond-pool/repeat:a/b:1"):
        assert _LINK.findall(await page_of(board, path)) == links
    for link in links:
        assert link.startswith(("/", "static/"))
        path = link if link.startswith("/") else f"/admin/queues/{link}"
        assert (await board.house.client.get(path, headers=BROWSER)).status_code == 200


async def test_the_page_says_where_it_is_and_links_to_nowhere_else(board: Board) -> None:
    found = re.search(r'type="application/json">(.*?)</script>', await page_of(board, ""))
    assert found
    config: dict[str, Any] = json.loads(found[1])

    assert config["boardTitle"] == "Bakehouse"
    assert config["environment"]["label"] == "Demo: no real money"
    assert config["hideDocsLink"] is True
    assert config["hasHistoryProvider"] is False
    assert config["miscLinks"][0] == {"text": "Home", "url": "/"}
    assert {link["url"][0] for link in config["miscLinks"]} == {"/"}


async def test_only_this_page_may_style_itself_and_only_by_a_secret_of_the_moment(
    board: Board,
) -> None:
    client = board.house.client
    first, second = [
        (await client.get("/admin/queues")).headers["content-security-policy"] for _ in range(2)
    ]
    other = (await client.get("/")).headers["content-security-policy"]

    assert "script-src 'self'; style-src 'self' 'nonce-" in first
    assert "unsafe" not in first
    assert first != second
    assert "style-src 'self'; " in other
    assert "base-uri 'none'" in other


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("js/main.*.js", "public, max-age=31536000, immutable"),
        ("css/main.*.css", "public, max-age=31536000, immutable"),
        ("locales/fr-FR/messages.json", "no-cache"),
        ("images/logo.svg", "no-cache"),
    ],
)
async def test_files_named_after_their_content_are_kept_for_good(
    board: Board, name: str, cache: str
) -> None:
    [path] = (DIST / "static").glob(name)
    answer = await board.house.client.get(
        f"/admin/queues/static/{path.relative_to(DIST / 'static')}"
    )

    assert (answer.status_code, answer.headers["cache-control"]) == (200, cache)
    assert answer.content == path.read_bytes()


@pytest.mark.parametrize("path", ["../index.ejs", "..%2findex.ejs", "js", "", "js/none.js"])
async def test_nothing_but_those_files_is_served(board: Board, path: str) -> None:
    answer = await board.house.client.get(f"/admin/queues/static/{path}")

    assert answer.status_code == 404
