"""Who listens to how sources fare. Nothing that is heard here decides anything."""

from datetime import datetime
from typing import Final, Protocol


class SourceObserver(Protocol):
    """Told of every request to a node or an indexer. Its methods return at once, and never raise.

    A source goes by its name, which holds no credentials.
    """

    def request_ended(self, source: str, seconds: float) -> None:
        """Note that a request took so long, whatever became of it."""

    def request_failed(self, source: str, code: str) -> None:
        """Note an error, by the code that its class has in `errors`."""

    def head_heard(self, source: str, level: int, timestamp: datetime) -> None:
        """Note the newest block a source has told of, and when that was baked."""


class _Nobody:
    def request_ended(self, source: str, seconds: float) -> None:
        pass

    def request_failed(self, source: str, code: str) -> None:
        pass

    def head_heard(self, source: str, level: int, timestamp: datetime) -> None:
        pass


#: For whom nobody listens.
UNOBSERVED: Final[SourceObserver] = _Nobody()
