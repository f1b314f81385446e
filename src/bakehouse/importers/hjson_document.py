"""Reading Hjson (JSON for people, of hjson.github.io), as TezPay keeps its settings.

Written here because a mistake has to be told with its line, and a name given twice refused.
"""

import json
import re
from typing import Final

from bakehouse.errors import InputError
from bakehouse.importers.old_document import Node
from bakehouse.importers.place import Place

_DEPTH_MAX: Final = 40
_SPACE: Final = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SPACE_AND_COMMAS: Final = re.compile(r"(?:[\s,]+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?!\'\')(?:[^\'\\\n]|\\.)*\'')
_MULTILINE: Final = re.compile(r"'''(.*?)'''", re.DOTALL)
_BARE_KEY: Final = re.compile(r"[^\s,:\[\]{}\"']+")
#: A value that ends before a comma, a bracket or a comment; every other runs to its line's end.
_LITERAL: Final = re.compile(
    r"(true|false|null|-?(?:0|[1-9]\d*|(?=\.\d))(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"(?=[ \t\r]*(?:[,\]}\n#]|//|/\*|$))"
)
_REST_OF_LINE: Final = re.compile(r"[^\n]*")


def read_hjson(text: str, file: str) -> Node:
    """Read a document, whose outer braces may be left out; raises InputError with file and line."""
    return _Reader(text, file).document()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._counted = (0, 1)

    def document(self) -> Node:
        self._pass(_SPACE)
        place = self._place()
        if self._next() == "{":
            node = self._value(0)
        else:
            node = Node(place, entries=self._entries(0, closed_by=""))
        self._pass(_SPACE)
        if self._at < len(self._text):
            raise self._mistake("there is more after the end of the document")
        return node

    def _value(self, depth: int) -> Node:
        if depth > _DEPTH_MAX:
            raise self._mistake("this is nested too deep to be settings")
        place, sign = self._place(), self._next()
        if sign == "{":
            self._at += 1
            return Node(place, entries=self._entries(depth + 1, closed_by="}"))
        if sign == "[":
            self._at += 1
            return Node(place, items=self._items(depth + 1))
        for pattern in (_MULTILINE, _QUOTED):
            match = pattern.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                inner = match[1].strip() if pattern is _MULTILINE else self._unquoted(match[0])
                return Node(place, text=inner, is_quoted=True)
        if sign in {"", "}", "]", ",", ":", '"', "'"}:
            raise self._mistake("a value is missing, or a text has no end: is the file cut off?")
        literal = _LITERAL.match(self._text, self._at)
        if literal is not None:
            self._at = literal.end()
            return Node(place, text=literal[1])
        rest = _REST_OF_LINE.match(self._text, self._at)
        found = rest[0] if rest else ""
        self._at += len(found)
        # A text without quotes: it is never null, a number or a word of yes and no.
        return Node(place, text=found.strip(), is_quoted=True)

    def _entries(self, depth: int, *, closed_by: str) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while True:
            self._pass(_SPACE_AND_COMMAS)
            if self._next() == closed_by:
                self._at += len(closed_by)
                return entries
            if not self._next():
                raise self._mistake("a brace is never closed: is the file cut off?")
            key = self._key()
            if key in entries:
                raise self._mistake(f"{key[:64]!r} is there a second time")
            self._pass(_SPACE)
            if self._next() != ":":
                raise self._mistake("a colon is missing after a name")
            self._at += 1
            self._pass(_SPACE)
            entries[key] = self._value(depth)

    def _items(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while True:
            self._pass(_SPACE_AND_COMMAS)
            if self._next() == "]":
                self._at += 1
                return items
            if not self._next():
                raise self._mistake("a bracket is never closed: is the file cut off?")
            items.append(self._value(depth))

    def _key(self) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is not None:
            self._at = quoted.end()
            return self._unquoted(quoted[0])
        bare = _BARE_KEY.match(self._text, self._at)
        if bare is None:
            raise self._mistake("a name is missing here")
        self._at = bare.end()
        return bare[0]

    def _unquoted(self, text: str) -> str:
        if text.startswith("'"):
            text = '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
        try:
            found: str = json.loads(text)
        except ValueError as error:
            raise self._mistake("a text in quotes is not written as JSON has it") from error
        return found

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _pass(self, what: re.Pattern[str]) -> None:
        match = what.match(self._text, self._at)
        if match is not None:
            self._at = match.end()

    def _place(self) -> Place:
        position, line = self._counted
        line += self._text.count("\n", position, self._at)
        self._counted = (self._at, line)
        return Place(self._file, line)

    def _mistake(self, words: str) -> InputError:
        return self._place().mistake(words)
