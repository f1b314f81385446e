"""Tables as PDF: every row as text, the same bytes for the same rows, no face that is missing."""

import io
from typing import Any, cast

import pytest
from pypdf import PdfReader

from bakehouse.desk import report
from bakehouse.desk.pdf_table import LINE_LENGTH, PdfColumn, PdfTable
from tests.web.scenes import address, operation_hash

COLUMNS = (PdfColumn("Cycle", 6, is_number=True), PdfColumn("Whom", 36), PdfColumn("Operation", 51))


def table(rows: int, title: str = "Payouts") -> bytes:
    made = PdfTable(title, ["a fact"], COLUMNS)
    for number in range(rows):
        made.add([str(number), address(number), operation_hash(number)])
    made.add_bold("the sum")
    return made.finish()


def read(document: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(document), strict=True)


def lines_of(reader: PdfReader) -> list[str]:
    return [line for page in reader.pages for line in page.extract_text().splitlines()]


def test_every_row_is_text_that_can_be_taken_out_again() -> None:
    reader = read(table(150))

    lines = lines_of(reader)
    rows = [line.split() for line in lines if line.split()[0].isdigit()]
    assert rows == [[str(number), address(number), operation_hash(number)] for number in range(150)]
    assert lines[:2] == ["Payouts", "a fact"]
    assert lines[2].split() == ["Cycle", "Whom", "Operation"]
    assert lines[-2:] == ["the sum", "Payouts, page 3"]
    # Each page says again what its columns are.
    assert sum(line.startswith(" Cycle  Whom") for line in lines) == len(reader.pages) == 3


def test_the_same_rows_are_the_same_bytes() -> None:
    assert table(70) == table(70)
    assert table(70) != table(71)
    assert b"CreationDate" not in table(1)


def test_no_face_can_be_missing_and_addresses_stand_in_one_of_equal_letters() -> None:
    reader = read(table(1))

    resources = cast("dict[str, Any]", reader.pages[0]["/Resources"])
    faces = {font.get_object()["/BaseFont"] for font in resources["/Font"].values()}
    # Every reader has these fourteen: PDF 1.7, 9.6.2.2.
    assert faces == {"/Courier", "/Courier-Bold", "/Helvetica-Bold"}
    assert reader.metadata is not None
    assert reader.metadata.title == "Payouts"
    assert cast("str", reader.root_object["/Lang"]) == "en"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Bäckerei (Süd) \\ Ost", "Bäckerei (Süd) \\ Ost"),
        ("パン屋", "\\u30d1\\u30f3\\u5c4b"),
        ("two\nlines\0", "two lines "),
    ],
)
def test_a_name_in_any_script_is_written_letters_without_a_face_as_codes(
    title: str, shown: str
) -> None:
    [first, *_] = lines_of(read(table(0, title)))

    assert first.rstrip() == shown.rstrip()


def test_what_is_longer_than_its_column_is_cut_and_marked() -> None:
    made = PdfTable("x", [], [PdfColumn("a", 5), PdfColumn("n", 4, is_number=True)])
    made.add(["abcdef", "1"])

    assert "abcd~     1" in lines_of(read(made.finish()))


@pytest.mark.parametrize("layout", [report.PAYOUTS, report.CYCLES, report.STATEMENT])
def test_what_a_report_shows_fits_on_its_page(layout: report.Layout) -> None:
    widths = [each.column.width for each in layout.shown]

    assert sum(widths) + 2 * (len(widths) - 1) <= LINE_LENGTH
