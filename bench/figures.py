"""What the benchmarks have measured, kept between runs; `report` makes tables and plots of it."""

import json
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "figures.json"

Row = dict[str, Any]


def keep(section: str, row: str, figures: Row) -> None:
    """Keep the figures of one row; other rows stay, so a short run spoils no long one."""
    everything = kept()
    everything.setdefault(section, {})[row] = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")


def kept() -> dict[str, dict[str, Row]]:
    """Give all that is kept, by section and row."""
    found: dict[str, dict[str, Row]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def quantile(values: list[float], share: float) -> float:
    """Give the value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
