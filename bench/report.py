"""Tables and plots of docs/benchmarks.md, made of the figures that the benchmarks have kept.

Run it with `python -m bench.report`; `bench/run.py` does so at its end. Nothing is measured here.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from bench.figures import FILE, kept
from bench.paying import NETWORK_MEDIAN
from bench.plots import Bar, Limit, bars, shown
from bench.schedules import LATE_LIMIT_SECONDS

DOCUMENT: Final = FILE.parents[1] / "benchmarks.md"
_BLOCK: Final = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

Rows = Mapping[str, Mapping[str, Any]]


def _by_size(rows: Rows) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{int(name):,}", rows[name]) for name in sorted(rows, key=int)]


def table(head: str, lines: list[list[str]]) -> str:
    """Write a table whose first column is text, and all others numbers."""
    columns = head.split("|")
    rule = "|".join(["---", *["--:"] * (len(columns) - 1)])
    return "\n".join([f"|{head}|", f"|{rule}|", *(f"| {' | '.join(line)} |" for line in lines), ""])


def jobs_table(rows: Rows) -> str:
    """Bakehouse's engine beside BullMQ for Node."""
    ours, theirs = rows["bakehouse"], rows["node"]
    words = {
        "added_a_second": "added a second, one after another",
        "run_a_second": "run a second, 16 side by side",
        "cpu_ms_a_job": "processor of the worker for each, ms",
        "one_job_ms_p50": "from added to done with nothing else to do, ms, median",
        "one_job_ms_p99": "… 99 of 100 within, ms",
    }
    return table(
        " what | Bakehouse | Node's BullMQ | ratio ",
        [
            [text, shown(ours[name]), shown(theirs[name]), f"{ours[name] / theirs[name]:.2f}"]
            for name, text in words.items()
        ],
    )


def paying_table(rows: Rows) -> str:
    """Planning and paying by the number of delegators."""
    return table(
        " delegators | payouts | planning step | median step | blocks | fewest | ratio "
        "| time on chain | processor | memory ",
        [
            [
                size,
                f"{row['payouts']:,}",
                f"{row['plan_seconds']:.2f} s",
                f"{row['step_p50']:.2f} s",
                str(row["blocks"]),
                str(row["fewest_blocks"]),
                f"{row['of_fewest']:.2f}",
                f"{row['pay_minutes']:.1f} min",
                f"{row['cpu_seconds']:.1f} s",
                f"{row['megabytes']:.0f} MB",
            ]
            for size, row in _by_size(rows)
        ],
    )


def fees_table(rows: Rows) -> str:
    """Fees for each payout by the number of delegators."""
    return table(
        " delegators | mutez a payout | protocol's minimum | ratio | network's median | of it ",
        [
            [
                size,
                f"{row['fee']:.0f}",
                f"{row['minimum_fee']:.0f}",
                f"{row['of_minimum']:.2f}",
                str(NETWORK_MEDIAN),
                f"{row['of_network']:.0%}",
            ]
            for size, row in _by_size(rows)
        ],
    )


def schedules_table(rows: Rows) -> str:
    """Lateness and cost of schedules by the number of bakers."""
    return table(
        " bakers | processes | measured for | jobs a second | late: median | 99 of 100 | most "
        "| of 5 s | left waiting | processor: Bakehouse | Valkey | memory | looks a second, most ",
        [
            [
                size,
                str(row["processes"]),
                f"{row['seconds']} s",
                f"{row['jobs_a_second']:.1f}",
                f"{row['late_p50']:.2f} s",
                f"{row['late_p99']:.2f} s",
                f"{row['late_most']:.2f} s",
                f"{row['late_p99'] / LATE_LIMIT_SECONDS:.0%}",
                f"{row['waiting_after']:,}",
                f"{row['house_cores']:.0%} of a core",
                f"{row['valkey_cores']:.0%}",
                f"{row['house_megabytes']:.0f} + {row['valkey_megabytes']:.0f} MB",
                f"{row['looks_a_second_at_start']:.0f}",
            ]
            for size, row in _by_size(rows)
        ],
    )


def jobs_plot(rows: Rows) -> str:
    """Jobs a second, ours and Node's."""
    words = {"added_a_second": "added", "run_a_second": "run"}
    return bars(
        "Jobs a second on the same Valkey",
        "/s",
        [
            Bar(f"{who}, {text}", rows[peer][name], is_ours=peer == "bakehouse")
            for name, text in words.items()
            for peer, who in (("bakehouse", "Bakehouse"), ("node", "Node's BullMQ"))
        ],
    )


def paying_plot(rows: Rows) -> str:
    """Blocks that paying takes, beside the fewest."""
    return bars(
        "Blocks to pay a cycle",
        "blocks",
        [
            each
            for size, row in _by_size(rows)
            for each in (
                Bar(f"{size} delegators", row["blocks"]),
                Bar("the fewest that hold them", row["fewest_blocks"], is_ours=False),
            )
        ],
    )


def fees_plot(rows: Rows) -> str:
    """Fees for each payout, beside the minimum and the median."""
    size, row = _by_size(rows)[-1]
    return bars(
        f"Fee of a payout, {size} delegators",
        "mutez",
        [
            Bar("the protocol's minimum", row["minimum_fee"], is_ours=False),
            Bar("Bakehouse", row["fee"]),
            Bar("the network's median", NETWORK_MEDIAN, is_ours=False),
        ],
    )


def schedules_plot(rows: Rows) -> str:
    """Lateness of schedules, beside the limit."""
    return bars(
        "How late schedules are",
        "s",
        [
            each
            for size, row in _by_size(rows)
            for each in (
                Bar(f"{size} bakers, median", row["late_p50"]),
                Bar("99 of 100 within", row["late_p99"]),
            )
        ],
        Limit("limit", LATE_LIMIT_SECONDS),
    )


TABLES: Final[dict[str, tuple[str, Callable[[Rows], str]]]] = {
    "jobs": ("jobs", jobs_table),
    "paying": ("paying", paying_table),
    "fees": ("paying", fees_table),
    "schedules": ("schedules", schedules_table),
}
PLOTS: Final[dict[str, tuple[str, Callable[[Rows], str]]]] = {
    "jobs": ("jobs", jobs_plot),
    "paying": ("paying", paying_plot),
    "fees": ("paying", fees_plot),
    "schedules": ("schedules", schedules_plot),
}


def with_tables(document: str, figures: Mapping[str, Rows]) -> str:
    """Give the document with its tables made anew."""

    def made(found: re.Match[str]) -> str:
        section, write = TABLES[found[2]]
        return f"{found[1]}{write(figures[section])}{found[4]}"

    return _BLOCK.sub(made, document)


def plots(figures: Mapping[str, Rows]) -> dict[Path, str]:
    """Give each plot, by the file it belongs in."""
    return {
        FILE.with_name(f"{name}.svg"): draw(figures[section])
        for name, (section, draw) in PLOTS.items()
    }


def main() -> int:
    figures = kept()
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(), figures))
    for file, drawing in plots(figures).items():
        file.write_text(drawing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
