"""How Bakehouse logs: one line an event, for people or for machines, and never a secret."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TextIO

import structlog

_SECRET_NAMES = re.compile(r"secret|passphrase|password|token|authorization|cookie", re.IGNORECASE)
# What is replaced wherever it turns up in a text, and by what.
_SECRET_SHAPES = (
    # Secret keys by their prefixes, plain or encrypted.
    re.compile(r"()(?:edsk|spsk|p2sk|edesk|spesk|p2esk|BLsk)[1-9A-HJ-NP-Za-km-z]{40,}"),
    # User and password of a URL; a password may hold an @ that nobody escaped.
    re.compile(r"(://)[^/\s\"'<>]+(?=@)"),
    # Headers, and `name=value` or `"name": "value"` in what other libraries write.
    re.compile(r"(\bBearer\s+)[^\s\"',]+", re.IGNORECASE),
    re.compile(r"(\bAuthorization\W+Basic\s+)[^\s\"',]+", re.IGNORECASE),
    re.compile(
        r"((?:secret|passphrase|password|token)\w*(?:=|[\"']\s*:\s*[\"'])[\"']?)[^\s\"'&,;)]+",
        re.IGNORECASE,
    ),
)
# What each of these has in it, so that most texts are done with after one look.
_MAY_BE_SECRET = re.compile(
    r"sk|://|Bearer|Authorization|secret|passphrase|password|token", re.IGNORECASE
)
_HIDDEN = "[hidden]"
#: What structlog and we call a traceback and a stack.
_OF_SEVERAL_LINES = frozenset({"exception", "stack"})


class LogFormat(StrEnum):
    """How a line is written."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(log_format: LogFormat, level: str, stream: TextIO | None = None) -> None:
    """Send every log of this process, those of libraries included, to one stream in one format.

    That is standard error unless told, whatever that is at the time.
    """
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Tracebacks become text here, so that secrets are hidden in them as in everything else.
        structlog.processors.format_exc_info,
    ]
    render: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer()]
        if log_format is LogFormat.JSON
        else [escape_controls, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    # Of the handler too: loggers with a level of their own pass by that of the root.
    handler.setLevel(level.upper())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                hide_secrets,
                *render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # One line a request would drown the lines that matter, and could show URLs with tokens.
    for chatty in ("httpx2", "httpcore2", "uvicorn", "alembic", "aiosqlite", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def hide_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace secrets by name and by shape, however deep they are."""
    return {
        _without_secrets(name): _HIDDEN
        if _SECRET_NAMES.search(str(name))
        else _without_secrets(value)
        for name, value in event.items()
    }


def escape_controls(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep what others sent from writing lines or colours of its own: JSON does so by itself.

    Only a traceback has several lines. They are set in, so that none looks like an event.
    """
    return {
        name: _indented(value) if name in _OF_SEVERAL_LINES else _on_one_line(value)
        for name, value in event.items()
    }


def _on_one_line(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in value
    )


def _indented(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return "\n".join(f"    {_on_one_line(line)}" for line in value.split("\n"))


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            if _MAY_BE_SECRET.search(value) is None:
                return value
            for shape in _SECRET_SHAPES:
                value = shape.sub(rf"\1{_HIDDEN}", value)
            return value
        case Mapping():
            return hide_secrets(None, "", dict(value))
        case list() | tuple():
            return [_without_secrets(each) for each in value]
        case None | bool() | int() | float():
            return value
        case _:
            # An error, bytes, anything else: the renderer would write just this, secrets and all.
            return _without_secrets(repr(value))
