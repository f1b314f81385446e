"""The page that Bull Board runs in, and its files. Its own page loads fonts from elsewhere."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from bakehouse.jobs.job_types import JSON
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import caller_of
from bakehouse.web.hardening import content_security_policy
from bakehouse.web.network import Network, NetworkKind
from bakehouse.web.pages.navigation import Navigation
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices
from bakehouse.web.static_files import FOREVER

PATH: Final = "/admin/queues"
router: Final = APIRouter(
    prefix=PATH, include_in_schema=False, dependencies=[needs(Role.VIEWER, all_bakers=True)]
)

_FOLDER: Final = Path(__file__).with_name("dist")
_STYLES: Final = re.compile(r'href="(static/css/[^"]+\.css)"')
_HASHED: Final = re.compile(r"\.[0-9a-f]{10}\.(css|js)$")
_SCRIPTS: Final = re.compile(r'src="(static/js/[^"]+\.js)"')


@dataclass(frozen=True, slots=True)
class BoardFiles:
    """What Bull Board's page loads, each under a name that changes with its content."""

    styles: tuple[str, ...]
    scripts: tuple[str, ...]


def read_board_files() -> BoardFiles:
    """Read what the page loads."""
    index = (_FOLDER / "index.ejs").read_text()
    return BoardFiles(tuple(_STYLES.findall(index)), tuple(_SCRIPTS.findall(index)))


@router.get("")
@router.get("/")
@router.get("/job-schedulers")
@router.get("/queue/{queue}")
@router.get("/queue/{queue}/{job_id:path}")
async def board(request: Request, services: Services) -> HTMLResponse:
    """Give the page; which of its views is shown, it reads from its own address."""
    files: BoardFiles = request.app.state.board_files
    nonce = secrets.token_urlsafe(16)
    page = renderer_of(request).page(
        request,
        "board.html",
        base_path=f"{PATH}/",
        board=files,
        nonce=nonce,
        ui_config=_ui_config(request, services),
    )
    page.headers["Content-Security-Policy"] = content_security_policy(
        {
            # The editor and the selects of the board style themselves, by <style> elements that
            # their scripts make; `board.js` gives those this nonce.
            "style-src": f"'self' 'nonce-{nonce}'",
            "base-uri": "'self'",
        }
    )
    return page


class StaticBoardFiles(StaticFiles):
    """Bull Board's own files; most are named after their content and never change."""

    def __init__(self) -> None:
        super().__init__(directory=_FOLDER / "static")

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Serve a file, and say how long it may be kept."""
        response = super().file_response(*args, **kwargs)
        is_hashed = _HASHED.search(str(args[0])) is not None
        response.headers["Cache-Control"] = FOREVER if is_hashed else "no-cache"
        return response


def _ui_config(request: Request, services: WebServices) -> JSON:
    mark = request.app.state.static_files["mark.svg"].path
    navigation: Navigation = request.app.state.navigation
    others = [place for place in navigation.house(caller_of(request)) if place.path != PATH]
    return {
        "boardTitle": "Bakehouse",
        "boardLogo": {"path": mark, "width": 28, "height": 28},
        "favIcon": {"default": mark, "alternative": mark},
        "miscLinks": [{"text": place.name, "url": place.path} for place in others],
        "environment": _environment(services.network_shown),
        "hideDocsLink": True,
        "hideRedisDetails": False,
        "showMetrics": True,
        "showWorkers": True,
        # In the order in which a cycle passes through them.
        "sortQueues": False,
        "hasHistoryProvider": False,
        "hasHistoryUsage": False,
        "canPurgeHistory": False,
        "hasLatencyHistory": False,
    }


def _environment(network: Network) -> JSON:
    match network.kind:
        case NetworkKind.MAINNET:
            return {"label": "Tezos mainnet", "color": "#b42318", "textColor": "#fff"}
        case NetworkKind.TEST:
            return {"label": f"Tezos {network.name}", "color": "#4a5568", "textColor": "#fff"}
        case NetworkKind.DEMO:
            return {"label": "Demo: no real money", "color": "#4a5568", "textColor": "#fff"}
