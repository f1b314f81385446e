"""A question before what cannot be taken back: what it is about, once more, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import Request, Response

from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.renderer import renderer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; `things` are a line and an amount each, `hidden` is sent back as it is."""

    title: str
    warning: str
    button: str
    #: Where the answer goes, and where to go without.
    action: str
    back: str
    things: Sequence[tuple[str, str]] = ()
    hidden: Sequence[tuple[str, str]] = ()
    asks_why: bool = False
    #: Whether why may be left out.
    may_leave_why: bool = False
    #: Of who is signed in; for what moves money.
    asks_password: bool = False
    form: FilledForm = field(default_factory=FilledForm)

    def page(self, request: Request) -> Response:
        """Ask it."""
        status = HTTPStatus.OK if self.form.is_good else HTTPStatus.UNPROCESSABLE_ENTITY
        return renderer_of(request).page(
            request, "question.html", status=status, question=self, form=self.form
        )
