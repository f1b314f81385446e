"""Light or dark: the system's choice unless a reader made one, which is kept in a cookie."""

from enum import StrEnum
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bakehouse.web.form import read_form
from bakehouse.web.own_path import own_path
from bakehouse.web.permission import open_to_all

PATH: Final = "/theme"
_COOKIE: Final = "bakehouse_theme"
_YEAR_SECONDS: Final = 365 * 24 * 3600

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])


class Theme(StrEnum):
    """How pages look."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


#: What the switch leads to, by what is shown.
_NEXT: Final = {Theme.SYSTEM: Theme.DARK, Theme.DARK: Theme.LIGHT, Theme.LIGHT: Theme.SYSTEM}


def theme_of(request: Request) -> Theme:
    """Give what the reader chose; whatever else the cookie says is the system's choice."""
    try:
        return Theme(request.cookies.get(_COOKIE, ""))
    except ValueError:
        return Theme.SYSTEM


def next_theme(theme: Theme) -> Theme:
    """Give what the switch leads to."""
    return _NEXT[theme]


@router.post(PATH)
async def choose(request: Request) -> Response:
    """Keep the choice, and lead back to the page it was made on."""
    form = await read_form(request)
    answer = RedirectResponse(own_path(form.get("next", "/")), HTTPStatus.SEE_OTHER)
    chosen = form.get("theme", "")
    if chosen in {Theme.LIGHT, Theme.DARK}:
        answer.set_cookie(
            _COOKIE,
            chosen,
            max_age=_YEAR_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    else:
        answer.delete_cookie(_COOKIE)
    return answer
