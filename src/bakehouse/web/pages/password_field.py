"""The field in which somebody who is signed in enters their password again. No other field."""

from typing import Final

from fastapi import Request

from bakehouse.errors import ForbiddenError
from bakehouse.web.caller import Caller, CallerKind
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.password_again import require_password
from bakehouse.web.services import WebServices

_NAME: Final = "password"


async def read_password_again(
    request: Request, services: WebServices, caller: Caller, form: FilledForm
) -> None:
    """Look at the password of a form; what is wrong with it is kept beside its field.

    Who is in a demo has no account; a token has none either, and cannot let money go.
    """
    if caller.kind is CallerKind.DEMO:
        return
    try:
        await require_password(request, services, caller, form.entered.get(_NAME, ""))
    except ForbiddenError as error:
        form.errors[_NAME] = error.message
