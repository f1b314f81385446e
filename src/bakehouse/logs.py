"""How Bakehouse logs: one line an event, for people or for machines, and never a secret."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TextIO

import structlog

_SECRET_NAMES = re.compile(r"secret|passphrase|password|token|authorization|cookie", re.IGNORECASE)
# Secret keys by their prefixes, plain or encrypted, wherever they turn up in a text.
_SECRET_KEYS = re.compile(r"\b(?:edsk|spsk|p2sk|edesk|spesk|p2esk|BLsk)[1-9A-HJ-NP-Za-km-z]{40,}")
_URL_PASSWORD = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_HIDDEN = "[hidden]"


class LogFormat(StrEnum):
    """How a line is written."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(log_format: LogFormat, level: str, stream: TextIO = sys.stderr) -> None:
    """Send every log of this process, those of libraries included, to one stream in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Tracebacks become text here, so that secrets are hidden in them as in everything else.
        structlog.processors.format_exc_info,
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                hide_secrets,
                render,
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
        name: _HIDDEN if _SECRET_NAMES.search(name) else _without_secrets(value)
        for name, value in event.items()
    }


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return _URL_PASSWORD.sub(_HIDDEN, _SECRET_KEYS.sub(_HIDDEN, value))
        case Mapping():
            return hide_secrets(None, "", dict(value))
        case list() | tuple():
            return [_without_secrets(each) for each in value]
        case _:
            return value
