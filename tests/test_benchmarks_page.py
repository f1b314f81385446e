"""The page of the benchmarks says what was measured: its tables and plots are the figures kept."""

from xml.etree import ElementTree as ET

import pytest

from bench.figures import kept
from bench.plots import Bar, Limit, bars
from bench.report import DOCUMENT, PLOTS, TABLES, plots, table, with_tables


def test_tables_and_plots_are_those_of_the_figures_that_were_kept() -> None:
    figures = kept()

    assert with_tables(DOCUMENT.read_text(), figures) == DOCUMENT.read_text()
    for file, drawing in plots(figures).items():
        assert file.read_text() == drawing, file.name


def test_the_page_has_a_place_for_every_table_and_shows_every_plot() -> None:
    page = DOCUMENT.read_text()

    assert all(f"<!-- table: {name} -->" in page for name in TABLES)
    assert all(f"(benchmarks/{name}.svg)" in page for name in PLOTS)


def test_a_table_is_made_anew_from_other_figures() -> None:
    before = "a\n<!-- table: fees -->\nold\n<!-- end -->\nb\n"
    figures = kept()
    figures["paying"] = {"1000": figures["paying"]["1000"] | {"fee": 123_456.0}}

    after = with_tables(before, figures)

    assert "123456" in after
    assert "old" not in after
    assert after.startswith("a\n<!-- table: fees -->\n")
    assert after.endswith("<!-- end -->\nb\n")


def test_rows_of_a_table_have_as_many_cells_as_its_head() -> None:
    assert table(" a | b ", [["1", "2"]]) == "| a | b |\n|---|--:|\n| 1 | 2 |\n"


@pytest.mark.parametrize("limit", [None, Limit("limit", 20.0)])
def test_bars_are_as_long_as_their_values_say(limit: Limit | None) -> None:
    drawing = ET.fromstring(  # noqa: S314 - our own
        bars("Figures & more", "s", [Bar("a <b>", 10.0), Bar("c", 5.0, is_ours=False)], limit)
    )

    first, second = drawing.iter("{http://www.w3.org/2000/svg}rect")
    assert float(first.attrib["width"]) == pytest.approx(2 * float(second.attrib["width"]))
    assert (first.attrib["class"], second.attrib["class"]) == ("ours", "theirs")
    texts = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Figures & more", "a <b>", "10.0 s", "5.00 s"} <= set(texts)
    assert ("limit" in texts) is (limit is not None)
