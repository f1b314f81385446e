"""Scripts that H2 writes of a database (`SCRIPT TO`), of versions 1.3 and 1.4, as tables.

Only what tables hold is read; everything else of a script is passed over, unread.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from bakehouse.errors import InputError
from bakehouse.importers.old_tables import OldRow, OldTable, row_of
from bakehouse.importers.place import Place

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign>[();,.&=<>*+:?@\-])
    """,
    re.VERBOSE,
)
#: What H2 notes of each table before its rows.
_ROW_COUNT: Final = re.compile(
    r'--\s+(\d+)\s+\+/-\s+SELECT COUNT\(\*\) FROM (?:"?PUBLIC"?\.)?"?(\w+)"?', re.IGNORECASE
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b"}
#: Words before a string that say what is in it.
_TYPED: Final = frozenset({"DATE", "TIMESTAMP", "TIME"})
_WORDS: Final = frozenset({"TRUE", "FALSE"})
#: What else stands among the columns of a table.
_NO_COLUMNS: Final = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str = field(repr=False)
    line: int


@dataclass(slots=True)
class _Script:
    """What was read so far."""

    file: str
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, list[OldRow]] = field(default_factory=dict)
    #: How many rows H2 says each table has.
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_script(text: str, file: str, wanted: frozenset[str]) -> dict[str, OldTable]:
    """Read the wanted tables (names in capitals) of a script.

    Raises InputError with file and line for what H2 does not write, and for a script that is cut
    off: a statement without its end, or fewer rows than it says.
    """
    script = _Script(file)
    for statement in _statements(script, text):
        words = [token.text.upper() for token in statement[:2]]
        if words[0] == "CREATE" and "TABLE" in {token.text.upper() for token in statement[1:3]}:
            _create_table(script, statement, wanted)
        elif words == ["INSERT", "INTO"]:
            _insert(script, statement, wanted)
    _check_counts(script)
    return {
        name: OldTable(name, columns, tuple(script.rows.get(name, ())))
        for name, columns in script.columns.items()
    }


def _statements(script: _Script, text: str) -> Iterator[list[_Token]]:
    statement: list[_Token] = []
    for token in _tokens(script, text):
        if token.kind == "sign" and token.text == ";":
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        raise Place(script.file, statement[0].line).mistake(
            "this statement has no end: the file is cut off; export it again"
        )


def _tokens(script: _Script, text: str) -> Iterator[_Token]:
    line, position = 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            _refuse(script, line, text[position])
        kind, found = match.lastgroup or "", match.group()
        if kind == "comment" and (count := _ROW_COUNT.match(found)):
            script.counts[count[2].upper()] = (int(count[1]), line)
        elif kind not in {"space", "comment"}:
            yield _Token(kind, found, line)
        line += found.count("\n")
        position = match.end()


def _refuse(script: _Script, line: int, sign: str) -> NoReturn:
    if sign in {"'", '"'}:
        words = "this text has no end: the file is cut off; export it again"
    else:
        words = f"{sign!r} is nothing that H2 writes: this is no script of H2"
    raise Place(script.file, line).mistake(words)


def _create_table(script: _Script, statement: Sequence[_Token], wanted: frozenset[str]) -> None:
    start = next(index for index, token in enumerate(statement) if token.text.upper() == "TABLE")
    name, position = _table_name(script, statement, start + 1)
    if name not in wanted:
        return
    columns = [
        _name_of(part[0])
        for part in _in_brackets(script, statement, position)
        if part[0].text.upper() not in _NO_COLUMNS
    ]
    if name in script.columns:
        raise Place(script.file, statement[0].line).mistake(f"the table {name} is there twice")
    script.columns[name] = tuple(columns)


def _insert(script: _Script, statement: Sequence[_Token], wanted: frozenset[str]) -> None:
    name, position = _table_name(script, statement, 2)
    if name not in wanted:
        return
    place = Place(script.file, statement[0].line)
    columns = script.columns.get(name)
    if columns is None:
        raise place.mistake(f"rows of {name} stand before the table itself")
    if position < len(statement) and statement[position].text == "(":
        columns = tuple(_name_of(part[0]) for part in _in_brackets(script, statement, position))
        position = _after_brackets(script, statement, position)
    if position >= len(statement) or statement[position].text.upper() != "VALUES":
        raise place.mistake("rows must follow as VALUES: this is no script of H2")
    position += 1
    while position < len(statement):
        line = statement[position].line
        values = [_value(script, part) for part in _in_brackets(script, statement, position)]
        row = row_of(Place(script.file, line), columns, values)
        script.rows.setdefault(name, []).append(row)
        position = _after_brackets(script, statement, position)
        if position < len(statement) and statement[position].text == ",":
            position += 1


def _table_name(script: _Script, statement: Sequence[_Token], position: int) -> tuple[str, int]:
    names = []
    while position < len(statement) and statement[position].kind in {"word", "quoted"}:
        names.append(_name_of(statement[position]))
        position += 1
        if position >= len(statement) or statement[position].text != ".":
            break
        position += 1
    if not names or (len(names) > 1 and names[0] != "PUBLIC"):
        raise Place(script.file, statement[0].line).mistake("this names no table of TAPS")
    return names[-1], position


def _name_of(token: _Token) -> str:
    return token.text.strip('"').upper()


def _in_brackets(script: _Script, statement: Sequence[_Token], position: int) -> list[list[_Token]]:
    """Give what stands in the brackets at a position, split at its commas."""
    end = _after_brackets(script, statement, position) - 1
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in statement[position + 1 : end]:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0 and token.kind == "sign":
            parts.append([])
        else:
            parts[-1].append(token)
    if not all(parts):
        raise Place(script.file, statement[position].line).mistake("there is nothing in brackets")
    return parts


def _after_brackets(script: _Script, statement: Sequence[_Token], position: int) -> int:
    depth = 0
    for index in range(position, len(statement)):
        if statement[index].kind == "sign":
            depth += (statement[index].text == "(") - (statement[index].text == ")")
        if depth == 0:
            break
    else:
        index = position
    if position >= len(statement) or index == position:
        line = statement[min(position, len(statement) - 1)].line
        raise Place(script.file, line).mistake("brackets are missing: this is no script of H2")
    return index + 1


def _value(script: _Script, part: Sequence[_Token]) -> str | None:
    """Give what one value says. Its text is in no message: it may be a secret."""
    first, words = part[0], [token.text.upper() for token in part]
    if len(part) == 1:
        if first.kind == "string":
            return _unquoted(first.text)
        if first.kind == "number":
            return first.text
        if words[0] == "NULL":
            return None
        if words[0] in _WORDS:
            return words[0]
    if len(part) == 2 and words[0] in _TYPED and part[1].kind == "string":  # noqa: PLR2004
        return _unquoted(part[1].text)
    if words[:2] == ["STRINGDECODE", "("] and len(part) == 4 and part[2].kind == "string":  # noqa: PLR2004
        return _ESCAPE.sub(_unescaped, _unquoted(part[2].text))
    raise Place(script.file, first.line).mistake("one of the values is of a kind that TAPS has not")


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _unescaped(match: re.Match[str]) -> str:
    sign = match[1]
    if len(sign) > 1:
        return chr(int(sign[1:], 16))
    return _PLAIN_ESCAPES.get(sign, sign)


def _check_counts(script: _Script) -> None:
    for name, (count, line) in script.counts.items():
        found = len(script.rows.get(name, ()))
        if name in script.columns and found < count:
            raise InputError(
                f"{Place(script.file, line)}: {name} has {count} rows by this line, and {found} "
                "are there: the file is cut off or was edited; export it again"
            )
