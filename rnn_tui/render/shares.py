"""The probabilities of the current time step as bars, target and chosen token marked."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_engine.snapshot import Matrix
from rnn_tui.render.measure import known_at
from rnn_tui.render.number import number, scale
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import cells, clip, token_text

LONGEST_BAR = 40


def has_shares(matrices: Sequence[Matrix]) -> bool:
    """Whether the first matrix is a choice among named columns."""
    if not matrices:
        return False
    matrix = matrices[0]
    return matrix.values.shape[1] >= 2 and (matrix.target is not None or matrix.chosen is not None)


def shares(matrix: Matrix, width: int, height: int, *, largest_first: bool = False) -> list[Line]:
    """A line per column, in their order where all fit (or the largest first), else the largest ones and the target."""
    now = matrix.current
    if (
        now is None
        or height < 1
        or not all(known_at(matrix, now, at) for at in range(matrix.values.shape[1]))
    ):
        return []
    row = [float(value) for value in matrix.values[now]]
    if not all(0.0 <= value <= 1.0 for value in row):
        return []
    target = matrix.target[now] if matrix.target is not None else None
    chosen = matrix.chosen[now] if matrix.chosen is not None else None
    order = list(range(len(row)))
    left_out = 0
    if largest_first:
        order.sort(key=lambda at: (-row[at], at))
    if len(order) > height:
        best = sorted(order, key=lambda at: (at != target, -row[at], at))[: max(height - 1, 1)]
        left_out = len(order) - len(best)
        order = sorted(best, key=lambda at: (-row[at], at))
    names = [
        token_text(matrix.columns[at]) if at < len(matrix.columns) else str(at) for at in range(len(row))
    ]
    lead = min(12, max(cells(names[at]) for at in order))
    room = min(LONGEST_BAR, width - lead - 10)
    if room < 4:
        return []
    full = 1.0 if max(row) > 0.5 else scale(max(row))
    lines = [_line(names[at], row[at], lead, room, full, at == target, at == chosen, width) for at in order]
    if left_out and height > 1:
        said = f"{left_out} more" + (f"; a full bar is {full:g}" if full < 1 else "")
        lines.append(fit([(said, "muted")], width))
    return lines


def _bar(share: float, room: int) -> str:
    """A slim bar, to half a cell; what is not zero shows."""
    ends = round(2 * room * min(max(share, 0.0), 1.0)) or int(share > 0)
    return "━" * (ends // 2) + "╸" * (ends % 2)


def _line(
    name: str, value: float, lead: int, room: int, full: float, target: bool, chosen: bool, width: int
) -> Line:
    mark = "◉" if target and chosen else "◎" if target else "●" if chosen else " "
    role = "target" if target else "chosen" if chosen else "muted"
    drawn = _bar(value / full, room)
    label = clip(name, lead)
    spans: list[Span] = [
        (" " * (lead - cells(label)) + label, "text" if role == "muted" else role), (" ", ""),
        (drawn + " " * (room - cells(drawn)), role if role != "muted" else "bars"),
        (f" {number(value, 6, 4):>6} ", "zero" if value == 0 else "text"), (mark, role),
    ]  # fmt: skip
    return fit(merge(spans), width)
