"""A table as PDF, page by page: text that can be selected, the same bytes for the same rows.

It knows nothing of what the table says. Its faces are among those that every PDF reader has, so no
font is embedded or missing; columns line up because every letter of the face is as wide as another.
"""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pydyf

#: A4, lying; in points, as everything below.
_WIDTH: Final = 842
_HEIGHT: Final = 595
_MARGIN: Final = 36
_SIZE: Final = 6.5
_LEADING: Final = 8.5
_TITLE_SIZE: Final = 14
#: Each letter of Courier is so wide, in thousandths of the size.
_LETTER: Final = 600

#: Letters that fit in a line.
LINE_LENGTH: Final = int((_WIDTH - 2 * _MARGIN) / (_SIZE * _LETTER / 1_000))
_LINES: Final = int((_HEIGHT - 2 * _MARGIN) / _LEADING) - 2

_GAP: Final = "  "
#: What stands for the rest of a text that is longer than its column.
_CUT: Final = "~"

_PLAIN, _BOLD, _TITLE = b"/F1", b"/F2", b"/F3"
_FACES: Final = {"F1": "Courier", "F2": "Courier-Bold", "F3": "Helvetica-Bold"}


@dataclass(frozen=True, slots=True)
class PdfColumn:
    """A column: its title, how many letters wide it is, and whether it holds numbers."""

    title: str
    width: int
    is_number: bool = False


class PdfTable:
    """Takes rows, and gives the document when there are no more. It keeps pages compressed."""

    def __init__(self, title: str, facts: Sequence[str], columns: Sequence[PdfColumn]) -> None:
        self._title = title
        self._columns = columns
        self._pdf = pydyf.PDF()
        self._fonts = pydyf.Dictionary(
            {
                name: pydyf.Dictionary(
                    {
                        "Type": "/Font",
                        "Subtype": "/Type1",
                        "BaseFont": f"/{face}",
                        "Encoding": "/WinAnsiEncoding",
                    }
                )
                for name, face in _FACES.items()
            }
        )
        self._count = 0
        self._lines: list[bytes] = []
        self._room = 0
        self._begin_page()
        for fact in facts:
            self._put(_PLAIN, fact)
        self._put_head()

    def add(self, cells: Sequence[str]) -> None:
        """Add a row; a cell longer than its column is cut, and marked so."""
        self._put(_PLAIN, self._row(cells))

    def add_bold(self, text: str) -> None:
        """Add a line that is no row, such as a sum."""
        self._put(_BOLD, text)

    def finish(self) -> bytes:
        """Give the whole document."""
        self._end_page()
        self._pdf.info["Title"] = _text(self._title)
        self._pdf.info["Producer"] = _text("Bakehouse")
        self._pdf.catalog["Lang"] = pydyf.String("en")
        self._pdf.catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})
        written = io.BytesIO()
        # The identifier is made of what is written: no clock is in it.
        self._pdf.write(written, identifier=True)
        return written.getvalue()

    def _put(self, face: bytes, text: str) -> None:
        if not self._room:
            self._end_page()
            self._begin_page()
            self._put_head()
        self._lines.append(b"%s %s Tf %s '" % (face, _number(_SIZE), _escaped(text)))
        self._room -= 1

    def _put_head(self) -> None:
        self._put(_BOLD, self._row([column.title for column in self._columns]))

    def _row(self, cells: Sequence[str]) -> str:
        return _GAP.join(
            _fitted(cell, column) for cell, column in zip(cells, self._columns, strict=True)
        )

    def _begin_page(self) -> None:
        self._count += 1
        self._room = _LINES
        top = _number(_HEIGHT - _MARGIN)
        self._lines = [b"BT", b"%s TL" % _number(_LEADING), b"%d %s Td" % (_MARGIN, top)]
        if self._count == 1:
            self._lines.append(b"%s %d Tf %s Tj T*" % (_TITLE, _TITLE_SIZE, _escaped(self._title)))
            self._room -= 2

    def _end_page(self) -> None:
        foot = _escaped(f"{self._title}, page {self._count}")
        self._lines += [
            b"1 0 0 1 %d %d Tm" % (_MARGIN, _MARGIN // 2),
            b"%s %s Tf %s Tj" % (_PLAIN, _number(_SIZE), foot),
            b"ET",
        ]
        # Compressed now: a thousand pages of plain text would fill the memory.
        packed = zlib.compress(b"\n".join(self._lines), 6)
        stream = pydyf.Stream([packed], {"Filter": "/FlateDecode"})
        self._pdf.add_object(stream)
        if self._count == 1:
            self._pdf.add_object(self._fonts)
        self._pdf.add_page(
            pydyf.Dictionary(
                {
                    "Type": "/Page",
                    "Parent": self._pdf.pages.reference,
                    "MediaBox": pydyf.Array([0, 0, _WIDTH, _HEIGHT]),
                    "Resources": pydyf.Dictionary({"Font": self._fonts.reference}),
                    "Contents": stream.reference,
                }
            )
        )


def _fitted(cell: str, column: PdfColumn) -> str:
    text = cell if len(cell) <= column.width else f"{cell[: column.width - 1]}{_CUT}"
    return text.rjust(column.width) if column.is_number else text.ljust(column.width)


def _escaped(text: str) -> bytes:
    literal: bytes = _text(text).data
    return literal


def _text(text: str) -> pydyf.String:
    # What the faces do not have is written as its code: an alias may be in any script.
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return pydyf.String(text.encode("cp1252", "backslashreplace"))


def _number(value: float) -> bytes:
    return f"{value:g}".encode()
