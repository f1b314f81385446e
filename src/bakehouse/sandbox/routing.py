"""Questions to a simulated server and its answers, and which path is answered by what.

Nothing here depends on sockets or frameworks: the same services answer over HTTP (`app`) and in
process.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

#: What a node says of a path it does not know.
NO_SERVICE: Final = "No service found at this URL"

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"

#: Marks an answer without a body: an indexer knows nothing by that name.
UNKNOWN: Final = object()


class Query:
    """The parameters of a question; of one that is given several times, the last counts."""

    def __init__(self, text: str) -> None:
        self._pairs = parse_qsl(text, keep_blank_values=True) if text else []
        self._values = dict(self._pairs)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: str | None = None) -> str | None:
        """Give the value of a parameter."""
        return self._values.get(name, default)

    def all(self, name: str) -> list[str]:
        """Give all values of a parameter."""
        return [value for key, value in self._pairs if key == name]


@dataclass(frozen=True)
class Question:
    """One request; `path` is without the query, which is kept as it came."""

    method: str
    path: str
    query_text: str = ""
    body: bytes = b""

    @cached_property
    def query(self) -> Query:
        """The parameters."""
        return Query(self.query_text)

    def json(self) -> Any:
        """Read the body; RefusedQuestionError if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            message = f"Failed to parse the request body: {error}"
            raise RefusedQuestionError(HTTPStatus.BAD_REQUEST, message) from error


@dataclass(frozen=True, slots=True)
class Reply:
    """One response."""

    status: int
    media_type: str | None
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedQuestionError(Exception):
    """A question that is answered by a status and a sentence."""

    def __init__(self, status: int, message: str = NO_SERVICE) -> None:
        self.status = status
        super().__init__(message)


def not_found() -> RefusedQuestionError:
    """Give what is raised where a node has nothing."""
    return RefusedQuestionError(HTTPStatus.NOT_FOUND)


def json_reply(
    document: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Reply:
    """Answer with a document."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Reply(status, _JSON, text.encode(), headers or {})


def text_reply(text: str, status: int) -> Reply:
    """Answer with a sentence."""
    return Reply(status, _TEXT, text.encode())


Parts = Mapping[str, str]
Answer = Callable[[Question, Parts], Reply]


class _Place:
    """What can follow after some parts of a path, and what answers there."""

    __slots__ = ("answers", "fixed", "named", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, _Place] = {}
        self.variable: _Place | None = None
        self.named = ""
        self.answers: dict[str, Answer] = {}


class Routes:
    """Paths with `{variable}` parts, each answered by one function; a fixed part goes first."""

    def __init__(self) -> None:
        self._root = _Place()

    def add(self, method: str, path: str, answer: Answer) -> None:
        """Have the questions of a method and path answered."""
        place = self._root
        for part in path.strip("/").split("/"):
            if part.startswith("{"):
                place.variable = place.variable or _Place()
                place.named = part.strip("{}")
                place = place.variable
            else:
                place = place.fixed.setdefault(part, _Place())
        place.answers[method] = answer

    def answer(self, question: Question) -> Reply:
        """Answer a question; RefusedQuestionError for a path that is not known."""
        place, parts = self._root, {}
        for part in question.path.removeprefix("/").split("/"):
            following = place.fixed.get(part)
            if following is None:
                following = place.variable
                if following is None or not part:
                    raise not_found()
                parts[place.named] = part
            place = following
        answer = place.answers.get(question.method)
        if answer is None:
            raise not_found()
        return answer(question, parts)
