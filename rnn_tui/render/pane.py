"""A pane as lines: its frame with title and letter, and its matrices within."""

from __future__ import annotations

from dataclasses import dataclass, field

from rnn_engine.snapshot import Matrix
from rnn_tui.render.cells import Cell, Selection, first_written, resolve
from rnn_tui.render.layout import Layout, layout
from rnn_tui.render.matrix import PRECISION, draw, measure, part
from rnn_tui.render.shares import has_shares, shares
from rnn_tui.render.spans import Line, Span, beside, fit, merge, width
from rnn_tui.render.strip import is_strip, strip
from rnn_tui.text import cells, clip, safe_text


@dataclass(frozen=True, slots=True)
class Manner:
    """How a pane differs from the others."""

    across: bool = False
    """Single entries per time step run to the right."""
    entries: bool = False
    """Whole numbers need no decimals."""
    shares: bool = False
    """Bars for the current time step below the matrices."""


@dataclass(frozen=True, slots=True)
class PaneView:
    """All a pane shows."""

    title: str
    letter: str
    matrices: tuple[Matrix, ...] = ()
    selection: Selection | None = None
    focused: bool = False
    jump: bool = False
    boxed: bool = True
    manner: Manner = field(default_factory=Manner)
    precision: int = PRECISION
    """Decimals where there is room."""


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """The lines of a pane, and what moving the cell in it needs to know."""

    lines: list[Line]
    layout: Layout
    across: bool


def draw_pane(view: PaneView, wide: int, high: int) -> Drawn:
    """The whole pane in `wide` × `high` cells."""
    inner_wide, inner_high = (wide - 4, high - 2) if view.boxed else (wide - 1, high - 1)
    cell = resolve(view.selection, view.matrices)
    cursor = cell if view.focused else None
    if view.manner.across and is_strip(view.matrices):
        body, blocks, across = (
            strip(view.matrices, inner_wide, inner_high, cursor, view.precision),
            Layout(()),
            True,
        )
    else:
        body, blocks = _matrices(view, inner_wide, inner_high, cursor)
        across = False
    if not view.matrices:
        body = [fit([("nothing here", "faint")], inner_wide)]
    missing = tuple(view.matrices[index].key for index in blocks.hidden)
    return Drawn(framed(view, body, wide, high, missing), blocks, across)


def _matrices(view: PaneView, wide: int, high: int, cursor: Cell | None) -> tuple[list[Line], Layout]:
    matrices = view.matrices
    bars = view.manner.shares and high >= 8 and has_shares(matrices)
    reserved = _room_for_bars(matrices[0], high) + 1 if bars else 0
    shapes = tuple(
        measure(matrix, entries=view.manner.entries, precision=view.precision) for matrix in matrices
    )
    placed = layout(shapes, wide, high - reserved, _primary(view, cursor))
    lines: list[Line] = []
    tall = max((block.y + block.height for block in placed.blocks), default=0)
    lines = [()] * tall
    for block in sorted(placed.blocks, key=lambda block: block.x):
        matrix, shape = matrices[block.index], shapes[block.index]
        mine = cursor if cursor and cursor.index == block.index else None
        row, column = (mine.row, mine.column) if mine else _focus(matrix)
        shown = part(shape, block.form, block.width, block.height, row, column)
        drawn = draw(matrix, shape, block.form, shown, block.width, (row, column) if mine else None)
        at = slice(block.y, block.y + len(drawn))
        lines[at] = beside(lines[at], drawn, block.x)
    if bars:
        lines += [(), *shares(matrices[0], wide, high - len(lines) - 1)]
    return lines, placed


def _room_for_bars(matrix: Matrix, high: int) -> int:
    """Lines for bars below a matrix: what it leaves, but no fewer than about half."""
    columns = len(matrix.columns)
    spare = high - len(matrix.rows) - 2
    return min(columns, spare if spare >= min(columns, 3) else max(3, high // 2 - 2))


def _primary(view: PaneView, cursor: Cell | None) -> int:
    """The matrix to show where not all fit: the selected one, else the one being written, else the first."""
    if view.selection is not None and cursor is not None:
        return cursor.index
    if view.manner.shares:
        return 0  # the output itself, also while its loss is being written
    matrices = view.matrices
    return next((index for index, matrix in enumerate(matrices) if first_written(matrix)), 0)


def _focus(matrix: Matrix) -> tuple[int, int]:
    """The cell to keep in view where none is selected."""
    wrote = first_written(matrix)
    if matrix.current is not None:
        target = matrix.target[matrix.current] if matrix.target is not None else None
        return matrix.current, target if target is not None else 0
    return wrote or (0, 0)


def framed(
    view: PaneView, body: list[Line], wide: int, high: int, missing: tuple[str, ...] = ()
) -> list[Line]:
    """The body within a box, or below a rule; a focused pane has heavy lines, `missing` names stand in the frame."""
    heavy = view.focused
    role = "focus" if heavy else "faint"
    inner_high = high - 2 if view.boxed else high - 1
    body = body[:inner_high] + [()] * (inner_high - len(body))
    top = _top(view, role, wide, () if view.boxed else missing)
    if not view.boxed:
        return [top, *(fit([(" ", ""), *line], wide) for line in body)]
    side = "┃" if heavy else "│"
    ends: tuple[Span, Span] = (side, role), (" ", "")
    lines = [top, *(merge([*ends, *fit(line, wide - 4), *reversed(ends)]) for line in body)]
    flat = "━" if heavy else "─"
    left, right = ("┗", "┛") if heavy else ("╰", "╯")
    said = _missing(missing, wide - 6)
    rest = wide - 3 - cells(said)
    lines.append(merge([(left + flat, role), (said, "muted"), (flat * rest + right, role)]))
    return lines


def _missing(names: tuple[str, ...], room: int) -> str:
    """The sign that not all matrices are shown: their names, as far as there is room."""
    if not names:
        return ""
    count = f" +{len(names)} more"
    named = f"{count}: {' '.join(map(safe_text, names))} "
    if cells(named) <= room:
        return named
    if room >= len(count) + 8:
        return clip(named, room)
    return f"{count} " if room > len(count) else f" +{len(names)} "


def _top(view: PaneView, role: str, wide: int, missing: tuple[str, ...]) -> Line:
    flat = "━" if view.focused else "─"
    left, right = ("┏", "┓") if view.focused else ("╭", "╮")
    ends = (left + flat, flat + right) if view.boxed else (flat, flat)
    letter: list[Span] = [(ends[1], role)]
    if view.letter:
        letter.insert(0, (f" {view.letter} ", "jump" if view.jump else "muted"))
    title = clip(f" {safe_text(view.title)} ", wide - 8)
    head: list[Span] = [(ends[0], role), (title, "focus" if view.focused else "strong")]
    room = wide - width(head) - width(letter) - 2
    aside: list[Span] = []
    if missing:
        aside = [(_missing(missing, room), "muted")]
    elif view.manner.shares and has_shares(view.matrices):
        legend: list[Span] = [(" ◎ ", "target"), ("target", "muted"), (" ● ", "chosen"), ("chosen ", "muted")]
        aside = legend if width(legend) <= room else []
    if aside:
        aside.append((flat, role))
    rest = wide - width(head) - width(aside) - width(letter)
    return merge([*head, (flat * rest, role), *aside, *letter])
