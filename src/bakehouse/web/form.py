"""Forms that pages send, read as plain fields; what is wrong is told by name."""

from collections.abc import Mapping
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from fastapi import Request

from bakehouse.errors import InputError

_FIELDS_MAX = 10_000


async def read_form(request: Request) -> Mapping[str, str]:
    """Read a form's fields, the last of each name; InputError for what is no form."""
    return dict(await read_fields(request))


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """Read every field in its order: a name comes once for each box that was ticked.

    An uploaded file is a field too, with its text. InputError for what is no form.
    """
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return list(_parts(kind, body))
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError as error:
        raise InputError("this form cannot be read") from error


def field(form: Mapping[str, str], name: str) -> str:
    """Give a field without spaces around it; InputError when it is empty or missing."""
    value = form.get(name, "").strip()
    if not value:
        raise InputError(f"fill in the field {name}")
    return value


def _parts(kind: str, body: bytes) -> list[tuple[str, str]]:
    # A form with files is written as mails with attachments are (RFC 7578).
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body
    )
    if not message.is_multipart():
        raise InputError("this form cannot be read")
    return [_part(part) for part in message.iter_parts()]


def _part(part: MIMEPart) -> tuple[str, str]:
    name = part.get_param("name", header="content-disposition")
    content = part.get_payload(decode=True)
    if not isinstance(name, str) or not isinstance(content, bytes):
        raise InputError("this form cannot be read")
    try:
        return name, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the file of {name} is not a text in UTF-8") from error
