"""How cost grows: forward + loss + backward against T, H and B, one of them at a time; and bytes of tape.

Absolute times are those of one machine; what carries over is how they grow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.engine import CELLS, ours
from benchmarks.timing import best_of_each

BASE = {"T": 32, "H": 64, "B": 1}
V = 32
RANGES = {
    "T": (8, 16, 32, 64, 128, 256, 512),
    "H": (8, 16, 32, 64, 128, 256, 512),
    "B": (1, 2, 4, 8, 16, 32, 64),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A cell with one length changed."""

    cell: str
    varied: str
    size: int
    us: float
    """Forward + loss + backward."""
    tape: int
    """Bytes of the arrays."""
    expected: int
    """The same by the rule of docs/engine.md."""
    calls: int
    """NumPy calls of one pass and its way back."""


def measure(ranges: Mapping[str, Sequence[int]] = RANGES, rounds: int = 20) -> list[Row]:
    """A row per cell, length and size; the cells take turns."""
    places = [(varied, size, {**BASE, varied: size}) for varied, sizes in ranges.items() for size in sizes]
    groups = [{cell: ours(cell, at["H"], at["T"], V, at["B"]) for cell in CELLS} for _, _, at in places]
    return [
        _row(cell, varied, size, run(), best[cell])
        for (varied, size, _), group, best in zip(places, groups, best_of_each(groups, rounds), strict=True)
        for cell, run in group.items()
    ]


def _row(cell: str, varied: str, size: int, tape: Any, seconds: float) -> Row:
    space = tape.workspace
    calls = len(space.forward) + sum(len(w.calls) + len(w.parameter_calls) for w in space.ways_back.values())
    expected = memory.expected(tape.plan, tape.T, tape.B)
    return Row(cell, varied, size, seconds * 1e6, memory.measured(space), expected, calls)


def doublings(rows: Sequence[Row], cell: str, varied: str) -> list[float]:
    """By how much the time multiplies with each doubling."""
    us = [row.us for row in rows if row.cell == cell and row.varied == varied]
    return [after / before for before, after in pairwise(us)]


def table(rows: Sequence[Row]) -> str:
    """Markdown: a line per length and size, the cells side by side, times and how they multiply."""
    lines = [f"| | {' | '.join(f'{c} µs | × ' for c in CELLS)}|", f"|---|{'---:|' * 2 * len(CELLS)}"]
    for varied in dict.fromkeys(row.varied for row in rows):
        at = {cell: [r for r in rows if (r.cell, r.varied) == (cell, varied)] for cell in CELLS}
        for k, first in enumerate(at["rnn"]):
            cells = []
            for cell in CELLS:
                growth = f"{doublings(rows, cell, varied)[k - 1]:.2f}" if k else ""
                cells.append(f"{at[cell][k].us:,.0f} | {growth}")
            lines.append(f"| {varied} = {first.size} | {' | '.join(cells)} |")
    return "\n".join(lines)


# ---------------------------------------------------------------- the drawing

WIDTH, HEIGHT, PANEL, GAP, LEFT, TOP, DEPTH = 780, 300, 216, 32, 44, 40, 206
STROKES = {"rnn": "#0072b2", "lstm": "#d55e00", "gru": "#009e73", "proportional": "#999"}
DASHES = {"lstm": "6 3", "gru": "2 3"}


def svg(rows: Sequence[Row]) -> str:
    """Three panels, T, H and B, logarithmic both ways; the grey line is proportional growth."""
    low, high = min(row.us for row in rows) / 1.5, max(row.us for row in rows) * 1.5
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}'>",
        "<style>text{font:11px sans-serif}</style>",
        "<title>Time of forward + loss + backward against T, H and B</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>",
    ]
    for k, name in enumerate(STROKES):
        parts += [_line(name, [(LEFT + 90 * k, 18), (LEFT + 90 * k + 28, 18)])]
        parts += [_text(LEFT + 90 * k + 34, 22, name, "start")]
    for k, varied in enumerate(dict.fromkeys(row.varied for row in rows)):
        here = [row for row in rows if row.varied == varied]
        parts += _panel(here, varied, LEFT + k * (PANEL + GAP), low, high, labels=k == 0)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    rows: Sequence[Row], varied: str, left: int, low: float, high: float, labels: bool
) -> Iterable[str]:
    sizes = sorted({row.size for row in rows})
    first, last = sizes[0], sizes[-1]

    def at(size: float, us: float) -> tuple[float, float]:
        across, up = log(size / first) / log(last / first), log(us / low) / log(high / low)
        return left + PANEL * across, TOP + DEPTH * (1 - up)

    for us, label in ((10.0**k, f"{10**k} µs" if k < 3 else f"{10 ** (k - 3)} ms") for k in range(8)):
        if low <= us <= high:
            _, y = at(first, us)
            yield f"<path d='M{left} {y:.1f}h{PANEL}' stroke='#ddd'/>"
            if labels:
                yield _text(left - 4, y + 4, label, "end")
    for size in sizes:
        yield _text(at(size, low)[0], TOP + DEPTH + 16, str(size))
    fixed = ", ".join(f"{name} = {value}" for name, value in BASE.items() if name != varied)
    yield _text(left + PANEL / 2, TOP + DEPTH + 36, f"{varied} ({fixed})")
    floor = min(row.us for row in rows)
    end = min(last, first * high / floor)
    yield _line("proportional", [at(first, floor), at(end, floor * end / first)])
    for cell in CELLS:
        yield _line(cell, [at(row.size, row.us) for row in rows if row.cell == cell])


def _line(name: str, points: Iterable[tuple[float, float]]) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = f" stroke-dasharray='{DASHES[name]}'" if name in DASHES else ""
    return f"<polyline points='{joined}' fill='none' stroke='{STROKES[name]}' stroke-width='2'{dashes}/>"


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{text}</text>"


def main(as_json: bool, drawing: str | None = None) -> int:
    rows = measure()
    if drawing is not None:
        Path(drawing).write_text(svg(rows), encoding="utf-8")
    if as_json:
        print(json.dumps({"base": {**BASE, "V": V}, "growth": [asdict(row) for row in rows]}, indent=1))
        return 0
    fixed = ", ".join(f"{name} = {value}" for name, value in {**BASE, "V": V}.items())
    worst = max(abs(row.tape / row.expected - 1) for row in rows)
    print(f"forward + loss + backward, float64, one thread; {fixed} where not varied\n")
    print(table(rows))
    print(f"\nbytes of tape, {min(r.tape for r in rows):,} to {max(r.tape for r in rows):,}:", end=" ")
    print(f"the rule of docs/engine.md holds within {worst:.2%}")
    return 0
