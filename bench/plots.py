"""Plots as SVG, drawn from figures: bars on their side, readable in the light and in the dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 640
_LABEL_WIDTH: Final = 190
_VALUE_WIDTH: Final = 96
_ROW: Final = 24
_BAR: Final = 14
_TOP: Final = 34
_FOOT: Final = 26

#: The pairs of colours have a contrast of at least 4.5 (text) and 3 (bars) with their grounds.
_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px } .label { text-anchor: end }
.ours { fill: #0b6bcb } .theirs { fill: #6e7781 } .limit { stroke: #b42318; stroke-width: 1.5 }
.told { fill: #b42318; text-anchor: middle }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ours { fill: #58a6ff } .theirs { fill: #8b949e }
.limit { stroke: #ff7b72 } .told { fill: #ff7b72 }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `is_ours` sets it apart from peers and bounds."""

    label: str
    value: float
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Limit:
    """A line across all bars."""

    label: str
    value: float


def bars(title: str, unit: str, rows: Sequence[Bar], limit: Limit | None = None) -> str:
    """Draw bars that begin at nothing, with their values beside them."""
    most = max([bar.value for bar in rows] + ([limit.value] if limit else []))
    room = _WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    height = _TOP + _ROW * len(rows) + _FOOT
    box = f"0 0 {_WIDTH} {height}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="0" y="16">{escape(title)}</text>',
    ]
    for index, bar in enumerate(rows):
        y = _TOP + _ROW * index
        width = max(1.0, room * bar.value / most)
        kind = "ours" if bar.is_ours else "theirs"
        after = _LABEL_WIDTH + width + 6
        size = f'width="{width:.1f}" height="{_BAR}"'
        told = f"{shown(bar.value)} {escape(unit)}"
        lines += [
            f'<text class="label" x="{_LABEL_WIDTH - 8}" y="{y + 11}">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{_LABEL_WIDTH}" y="{y}" {size}/>',
            f'<text x="{after:.1f}" y="{y + 11}">{told}</text>',
        ]
    if limit:
        x = _LABEL_WIDTH + room * limit.value / most
        bottom = _TOP + _ROW * len(rows)
        lines += [
            f'<line class="limit" x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>',
            f'<text class="told" x="{x:.1f}" y="{bottom + 16}">{escape(limit.label)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def shown(value: float) -> str:
    """Write a number as people do: more digits where it is small, none where it was counted."""
    if isinstance(value, int) or value >= 100:  # noqa: PLR2004 - where nobody reads decimals
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - same
