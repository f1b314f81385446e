"""What pages with a table of delegators share: the part shown, its forms, imports and exports.

What a row says, and what is done to it, is each page's own.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bakehouse.desk.address_table import Import
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.page import OFFSET_MAX, Page
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.paging import Paging
from bakehouse.web.services import WebServices

#: How many rows a page shows.
ROWS: Final = 100
#: How many changes a page shows, and how many addresses of each.
CHANGES_SHOWN: Final = 20
ADDRESSES_SHOWN: Final = 200

Row = TypeVar("Row")


class TableQuery(BaseModel):
    """Which rows are shown, and whose row is about to be changed."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0
    search: Annotated[str, Field(max_length=100)] = ""
    address: Annotated[str, Field(max_length=100)] = ""


@dataclass(frozen=True, slots=True)
class TableForms:
    """The two forms of the page, as they were filled in."""

    one: FilledForm
    many: FilledForm

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to be told beside a field."""
        return self.one.is_good and self.many.is_good


@dataclass(frozen=True, slots=True)
class ShownChange(Generic[Row]):
    """One change in words, with what it says of the first addresses it touched."""

    at: datetime
    actor: str
    words: str
    why: str | None
    rows: list[Row]
    #: How many more it touched.
    more: int


def change_words(what: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Sum a change up: `what` is what a delegator has of its own."""
    if before is None:
        return f"all replaced: {len(after)} have a {what} of their own"
    touched = len({*before, *after})
    return f"{touched} set" if after else f"{touched} removed"


def paging_of(path: str, page: Page[Any], query: TableQuery, search: str, count: int) -> Paging:
    """Give the links to the pages beside this one."""
    return Paging(
        path=path,
        query={"search": search} if search else {},
        offset=query.offset,
        shown=len(page.rows),
        limit=ROWS,
        next_offset=page.next_offset,
        total=count,
        anchor="#own",
    )


def imported_text(form: FilledForm) -> str:
    """Give what was uploaded, else what was pasted; InputError for neither."""
    text = form.entered.get("file", "").strip() or form.entered.get("pasted", "").strip()
    if not text:
        raise InputError("paste something, or choose a file")
    return text


def import_wanted(form: FilledForm) -> Import:
    """Tell whether rows that are not named go."""
    return Import.REPLACE if form.entered.get("replace") == "yes" else Import.MERGE


async def ledger_of(services: WebServices, baker_id: str) -> Ledger:
    """Give the ledger; NotFoundError for an unknown baker."""
    # Before the first byte is sent: else a baker that is not there would be an empty file.
    ledger = services.workshop.payer.ledger
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
    return ledger


def file_answer(parts: AsyncIterator[str], name: str, media_type: str) -> Response:
    """Answer with a file, as it is written."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type=media_type, headers=headers)


async def json_object(pages: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[str]:
    """Write one object address → value, a line each, a part for each page that comes."""
    yield "{"
    separator = "\n"
    async for page in pages:
        lines = [f"{json.dumps(address)}: {json.dumps(value)}" for address, value in page.items()]
        if lines:
            yield separator + ",\n".join(lines)
            separator = ",\n"
    yield "\n}\n"
