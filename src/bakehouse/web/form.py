"""Forms that pages send, read as plain fields; what is wrong is told by name."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request

from bakehouse.errors import InputError


async def read_form(request: Request) -> Mapping[str, str]:
    """Read a form's fields, the last of each name; InputError for what is no form."""
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000))
    except ValueError as error:
        raise InputError("this form cannot be read") from error


def field(form: Mapping[str, str], name: str) -> str:
    """Give a field without spaces around it; InputError when it is empty or missing."""
    value = form.get(name, "").strip()
    if not value:
        raise InputError(f"fill in the field {name}")
    return value
