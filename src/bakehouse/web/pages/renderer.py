"""Turning a template and what it shows into an answer."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import URL

from bakehouse.rewards.money import format_percentage, format_tez
from bakehouse.web.caller import caller_of
from bakehouse.web.pages import marked, wording
from bakehouse.web.pages.house_state import house_state_of
from bakehouse.web.pages.navigation import Navigation
from bakehouse.web.pages.theme import next_theme, theme_of
from bakehouse.web.services import WebServices
from bakehouse.web.static_files import StaticFile

_TEMPLATES: Final = Path(__file__).parent.with_name("templates")

_SCRIPTS: Final = ("htmx.min.js", "sse.js")

#: Seconds between two loads of a page that shows what is going on.
REFRESH_SECONDS: Final = 5


class Renderer:
    """The templates, with what every page needs."""

    def __init__(self, services: WebServices, static_files: Mapping[str, StaticFile]) -> None:
        self._services = services
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "tez": format_tez,
            "percent": format_percentage,
            "iso": wording.iso,
            "clock": wording.clock,
            "ago": wording.ago,
            "span": wording.span,
            "plain": wording.plain,
            "sentence": wording.sentence,
            "short": wording.short,
            "tez_brief": wording.tez_brief,
            "count": wording.count,
            "brief": wording.brief,
            "cut": wording.cut,
            "told": marked.told,
        }
        self._environment.globals |= {
            "static": {name: file.path for name, file in static_files.items()},
            # Without them pages load themselves again as they do where scripts are off.
            "scripts": [static_files[name].path for name in _SCRIPTS if name in static_files],
            "version": services.version,
            "network": services.network_shown,
            "operation_url": services.operation_url,
            "operation": partial(marked.operation, services.operation_url),
            "amount": marked.amount,
            "roughly": marked.roughly,
            "when": marked.when,
            "state": marked.state,
            "cycle_path": wording.cycle_path,
            "plan_path": wording.plan_path,
            "delegator_path": wording.delegator_path,
            "refresh_seconds": REFRESH_SECONDS,
        }

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        is_live: bool = False,
        **shown: Any,
    ) -> HTMLResponse:
        """Render a page; one that `is_live` loads itself again unless its reader paused that."""
        is_paused = request.query_params.get("live") == "off"
        caller, theme = caller_of(request), theme_of(request)
        navigation: Navigation = request.app.state.navigation
        html = self._environment.get_template(template).render(
            path=request.url.path,
            here=_path_of(request.url),
            caller=caller,
            navigation=navigation.house(caller),
            baker_pages=partial(navigation.baker, caller),
            house_state=house_state_of(request),
            theme=theme,
            next_theme=next_theme(theme),
            origin=str(request.base_url).rstrip("/"),
            now=self._services.workshop.payer.clock(),
            is_live=is_live,
            refreshes=is_live and not is_paused,
            pause=partial(_with_live, request),
            **shown,
        )
        return HTMLResponse(html, status)


def renderer_of(request: Request) -> Renderer:
    """Give the renderer of the application."""
    renderer: Renderer = request.app.state.renderer
    return renderer


def _with_live(request: Request, *, off: bool) -> str:
    """Give this page's address, with or without loading itself again."""
    url = request.url.remove_query_params("live")
    if off:
        url = url.include_query_params(live="off")
    return _path_of(url)


def _path_of(url: URL) -> str:
    return f"{url.path}?{url.query}" if url.query else url.path
