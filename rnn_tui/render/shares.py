"""The probabilities of the current time step as bars, target and chosen token marked."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_engine.snapshot import Matrix
from rnn_tui.render.measure import known_at
from rnn_tui.render.number import number, scale
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import cells, clip, safe_text, token_text

LONGEST_BAR, SHORTEST_BAR = 40, 12
"""Cells of a full bar: bars stand in several columns where each has at least the latter."""
AFTER = 10
"""Cells of the gap, the number and the mark beside a bar."""
BETWEEN = 2
"""Cells between two columns of bars."""


def has_shares(matrices: Sequence[Matrix]) -> bool:
    """Whether the first matrix is a choice among named columns."""
    if not matrices:
        return False
    matrix = matrices[0]
    return matrix.values.shape[1] >= 2 and (matrix.target is not None or matrix.chosen is not None)


def shares(
    matrix: Matrix,
    width: int,
    height: int,
    *,
    largest_first: bool | None = None,
    row: int | None = None,
    column: int | None = None,
) -> list[Line]:
    """A bar for each column of one row, that of the current time step if no other is wanted.

    They stand in the order of the columns or, with `largest_first`, of their sizes; left to itself, of their sizes
    where not all fit. What does not fit is counted; the target and the selected `column` always stay.
    """
    at_row = matrix.current if row is None else row
    count = matrix.values.shape[1]
    if at_row is None or height < 1 or not all(known_at(matrix, at_row, at) for at in range(count)):
        return []
    values: list[float] = matrix.values[at_row].tolist()
    if not all(0.0 <= value <= 1.0 for value in values):
        return []
    target = matrix.target[at_row] if matrix.target is not None else None
    chosen = matrix.chosen[at_row] if matrix.chosen is not None else None
    names = [token_text(name) for name in matrix.columns[:count]]
    names += [str(at) for at in range(len(names), count)]
    lead = min(12, max(map(cells, names)))
    across = max(1, (width + BETWEEN) // (lead + SHORTEST_BAR + AFTER + BETWEEN))
    by_size = sorted(range(count), key=lambda at: (-values[at], at))
    elsewhere = at_row != matrix.current
    places = height - (elsewhere and height > 1)
    if count > places * across:
        places = max(height - 1, 1)
    first = {at for at in (target, column) if at is not None}
    kept = sorted(by_size, key=lambda at: at not in first)[: places * across]
    by_their_size = largest_first or (largest_first is None and len(kept) < count)
    order = [at for at in by_size if at in set(kept)] if by_their_size else sorted(kept)
    columns = -(-len(order) // places)
    each = (width + BETWEEN) // columns - BETWEEN
    room = min(LONGEST_BAR, each - lead - AFTER)
    if room < 4:
        return []
    full = 1.0 if max(values) > 0.5 else scale(max(values))
    each = lead + room + AFTER
    drawn = [
        _line(names[at], values[at], lead, room, full, at == target, at == chosen, at == column, each)
        for at in order
    ]
    down = -(-len(order) // columns)
    lines: list[Line] = [fit(merge(_beside(drawn[y::down], columns)), width) for y in range(down)]
    said = [f"t={safe_text(matrix.rows[at_row])}"] if elsewhere else []
    if len(kept) < count:
        said.append(f"{count - len(kept)} more")
    if full < 1 and (said or len(lines) < height):
        said.append(f"a full bar is {full:g}")
    if len(kept) < count and not by_their_size:
        largest = next(at for at, one in enumerate(by_size) if one not in kept)
        said.append(f"the {largest} largest{' and the marked' if largest < len(kept) else ''}")
    while said and cells("; ".join(said)) > width:  # a sentence that is cut says something else
        said.pop()
    if said and len(lines) < height:
        lines.append(fit([("; ".join(said), "muted")], width))
    return lines


def _beside(parts: Sequence[Line], columns: int) -> list[Span]:
    """Lines side by side."""
    spans: list[Span] = []
    for part in parts[:columns]:
        spans += [(" " * BETWEEN, ""), *part] if spans else part
    return spans


def _bar(share: float, room: int) -> str:
    """A slim bar, to half a cell; what is not zero shows."""
    ends = round(2 * room * min(max(share, 0.0), 1.0)) or int(share > 0)
    return "━" * (ends // 2) + "╸" * (ends % 2)


def _line(
    name: str,
    value: float,
    lead: int,
    room: int,
    full: float,
    target: bool,
    chosen: bool,
    selected: bool,
    width: int,
) -> Line:
    mark = "◉" if target and chosen else "◎" if target else "●" if chosen else " "
    role = "target" if target else "chosen" if chosen else "muted"
    drawn = _bar(value / full, room)
    label = clip(name, lead)
    spans: list[Span] = [
        (" " * (lead - cells(label)), ""), (label, "cursor" if selected else "text" if role == "muted" else role),
        (" ", ""),
        (drawn + " " * (room - cells(drawn)), role if role != "muted" else "bars"),
        (f" {number(value, 6, 4):>6} ", "zero" if value == 0 else "text"), (mark, role),
    ]  # fmt: skip
    return fit(merge(spans), width)
