"""Logging is set for a whole process: tests that set it give it back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_given_back() -> Iterator[None]:
    """Undo what `configure_logs` does inside the block."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {logger.name: logger.level for logger in _loggers()}
    configured = structlog.get_config()
    try:
        yield
    finally:
        structlog.configure(**configured)
        root.handlers = handlers
        root.setLevel(level)
        for logger in _loggers():
            logger.setLevel(levels.get(logger.name, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    known = logging.getLogger().manager.loggerDict.values()
    return [logger for logger in known if isinstance(logger, logging.Logger)]
