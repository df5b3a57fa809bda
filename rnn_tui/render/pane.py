"""A pane as lines: its matrices within a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from rnn_engine.snapshot import Matrix
from rnn_tui.render.cells import Cell, Selection, exact, first_written, resolve
from rnn_tui.render.display import BARS, Display
from rnn_tui.render.frame import framed, legends
from rnn_tui.render.heat import draw_heat
from rnn_tui.render.layout import Layout, Placed, layout
from rnn_tui.render.levels import full_scales
from rnn_tui.render.matrix import Block, draw_numbers
from rnn_tui.render.measure import Part, Shape, known_at, measure, part
from rnn_tui.render.measure import cell_at as in_block
from rnn_tui.render.number import PRECISION, number
from rnn_tui.render.shares import has_shares, shares
from rnn_tui.render.spans import Line, Span, fit
from rnn_tui.render.strip import cell_in_strip, is_strip, strip
from rnn_tui.text import safe_text

if TYPE_CHECKING:
    from rnn_engine.snapshot import Bools, Floats


class Manner(NamedTuple):
    """How a pane differs from the others."""

    across: bool = False
    """Single entries per time step run to the right."""
    entries: bool = False
    """Whole numbers need no decimals."""
    shares: bool = False
    """Bars for the current time step below the matrices."""
    norms: bool = False
    """The norm of each time step's row beside it."""


@dataclass(frozen=True, slots=True)
class PaneView:
    """All a pane shows."""

    title: str
    letter: str
    matrices: tuple[Matrix, ...] = ()
    selection: Selection | None = None
    focused: bool = False
    """Whether the selected cell is one of its own."""
    picked: bool = True
    """Whether a person has picked this pane; without that, its frame is like those of the others."""
    jump: bool = False
    boxed: bool = True
    manner: Manner = field(default_factory=Manner)
    display: Display = field(default_factory=Display)
    halves: bool = True
    """Whether a heat map may put two rows in a line; see `Palette.halves`."""
    precision: int = PRECISION
    """Decimals where there is room."""

    @property
    def heavy(self) -> bool:
        """Whether its frame says that it has the focus."""
        return self.focused and self.picked


_GRIDS = ("values", "known", "written", "edited", "asked")
_grids = attrgetter(*_GRIDS)
_plain = attrgetter(*(each.name for each in fields(Matrix) if each.name not in _GRIDS))
_settings = attrgetter(*(each.name for each in fields(PaneView) if each.name != "matrices"))


def same(one: PaneView, other: PaneView) -> bool:
    """Whether two views are drawn alike. Weights, say, stay as they are through two phases of three."""
    return (
        len(one.matrices) == len(other.matrices)
        and bool(_settings(one) == _settings(other))
        and all(map(_alike, one.matrices, other.matrices))
    )


def _alike(one: Matrix, other: Matrix) -> bool:
    return one is other or (
        bool(_plain(one) == _plain(other)) and all(map(_same_numbers, _grids(one), _grids(other)))
    )


def _same_numbers(one: Floats | Bools | None, other: Floats | Bools | None) -> bool:
    """Bit for bit: a NaN is what it was."""
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and one.tobytes() == other.tobytes()


class Shown(NamedTuple):
    """A block as it is drawn: where, and what of the matrix it shows."""

    block: Placed
    shape: Shape
    part: Part


@dataclass(frozen=True, eq=False, slots=True)
class Done:
    """The lines of a block, and all that they come from: they are used again while that stays as it is."""

    matrix: Matrix
    shape: Shape
    how: Block
    lines: list[Line]


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """The lines of a pane, and what moving the cell in it needs to know."""

    lines: list[Line]
    layout: Layout
    across: bool
    parts: tuple[Shown, ...] = ()
    done: Mapping[int, Done] = field(default_factory=dict)
    """By the place of the matrix among all."""


def draw_pane(view: PaneView, wide: int, high: int, before: Drawn | None = None) -> Drawn:
    """The whole pane in `wide` × `high` cells; `before` is how the same pane was drawn last.

    Of many matrices a step writes one or two: the others are taken from there.
    """
    inner_wide, inner_high = (wide - 4, high - 2) if view.boxed else (wide - 1, high - 1)
    cell = resolve(view.selection, view.matrices)
    cursor = cell if view.focused else None
    blocks, across, asides = Layout(()), False, legends(view, Layout(()))
    parts: list[Shown] = []
    done: dict[int, Done] = {}
    if view.manner.across and is_strip(view.matrices):
        body, across = strip(view.matrices, inner_wide, inner_high, cursor, view.precision), True
    elif view.display.mode in BARS and (bars := _bars_alone(view, cursor, inner_wide, inner_high)):
        body, blocks = bars, Layout((), tuple(range(1, len(view.matrices))))
    else:
        body, blocks = _matrices(
            view, inner_wide, inner_high, cursor, before.done if before else {}, done, parts
        )
        asides = legends(view, blocks)
    if not view.matrices:
        body = [fit([("nothing here", "faint")], inner_wide)]
    missing = tuple(view.matrices[index].key for index in blocks.hidden)
    under = _under_cursor(view, cursor, blocks)
    return Drawn(framed(view, body, wide, high, missing, asides, under), blocks, across, tuple(parts), done)


def cell_at(view: PaneView, drawn: Drawn, wide: int, high: int, x: int, y: int) -> Cell | None:
    """The cell that is drawn at (x, y) of the pane; None where there is none."""
    x, y, inner = (x - 2, y - 1, (wide - 4, high - 2)) if view.boxed else (x - 1, y - 1, (wide - 1, high - 1))
    if drawn.across:
        cell = resolve(view.selection, view.matrices) if view.focused else None
        return cell_in_strip(view.matrices, inner, cell, view.precision, x, y)
    for each in drawn.parts:
        block = each.block
        if block.x <= x < block.x + block.width and block.y <= y < block.y + block.height:
            found = in_block(each.shape, block.form, each.part, x - block.x, y - block.y)
            return Cell(block.index, *found) if found else None
    return None


def _matrices(
    view: PaneView,
    wide: int,
    high: int,
    cursor: Cell | None,
    before: Mapping[int, Done],
    done: dict[int, Done],
    parts: list[Shown],
) -> tuple[list[Line], Layout]:
    """The lines and the layout; what each block shows goes into `parts`, its lines into `done`."""
    matrices = view.matrices
    kept = {
        at: before[at]
        for at, matrix in enumerate(matrices)
        if at in before and _alike(before[at].matrix, matrix)
    }
    bars = view.manner.shares and high >= 8 and has_shares(matrices)
    reserved = _room_for_bars(matrices[0], high) + 1 if bars else 0
    shapes = tuple(
        kept[at].shape
        if at in kept
        else measure(matrix, entries=view.manner.entries, norms=view.manner.norms, precision=view.precision)
        for at, matrix in enumerate(matrices)
    )
    mode = "auto" if view.display.mode in BARS else view.display.mode
    placed = layout(shapes, wide, high - reserved, 0, mode, view.halves)
    if placed.hidden:
        placed = layout(shapes, wide, high - reserved, _primary(view, cursor), mode, view.halves)
    fulls = full_scales(matrices, view.display)
    tall = max((block.y + block.height for block in placed.blocks), default=0)
    rows: list[list[Span]] = [[] for _ in range(tall)]
    ends = [0] * tall
    for block in sorted(placed.blocks, key=lambda block: block.x):
        matrix, shape = matrices[block.index], shapes[block.index]
        mine = cursor if cursor and cursor.index == block.index else None
        row, column = (mine.row, mine.column) if mine else _focus(matrix)
        shown = part(shape, block.form, block.width, block.height, row, column, matrix.current)
        parts.append(Shown(block, shape, shown))
        place = (row, column) if mine else None
        own = view.display.scale == "matrix"
        how = Block(block.form, shown, block.width, fulls[block.index], place, own)
        last = kept.get(block.index)
        if last is not None and last.how == how:
            lines = last.lines
        else:
            lines = (draw_heat if block.form.heat else draw_numbers)(matrix, shape, how)
        done[block.index] = Done(matrix, shape, how, lines)
        for y, line in enumerate(lines, block.y):
            if block.x > ends[y]:
                rows[y].append((" " * (block.x - ends[y]), ""))
            rows[y] += line
            ends[y] = block.x + block.width
    body: list[Line] = [tuple(row) for row in rows]
    if bars:
        body += [(), *shares(matrices[0], wide, high - len(body) - 1, row=_row_of_bars(cursor))]
    return body, placed


def _bars_alone(view: PaneView, cursor: Cell | None, wide: int, high: int) -> list[Line]:
    """The probabilities of the time step that is looked at with all the room; nothing where there are none."""
    if not has_shares(view.matrices):
        return []
    matrix = view.matrices[0]
    row, column = _row_of_bars(cursor), cursor.column if cursor and cursor.index == 0 else None
    at = matrix.current if row is None else row
    if at is not None and not all(known_at(matrix, at, each) for each in range(2)):
        return [fit([(f"t={safe_text(matrix.rows[at])}: not computed yet", "faint")], wide)]
    largest_first = view.display.mode == "sorted bars"
    return shares(matrix, wide, high, largest_first=largest_first, row=row, column=column)


def _row_of_bars(cursor: Cell | None) -> int | None:
    """The time step whose bars are drawn: that of the selected cell, else the current one."""
    return cursor.row if cursor and cursor.index == 0 else None


def _under_cursor(view: PaneView, cursor: Cell | None, blocks: Layout) -> str:
    """The number under the cursor, where the pane does not show it as one."""
    form = next((block.form for block in blocks.blocks if cursor and block.index == cursor.index), None)
    if cursor is None or form is None or not form.heat:
        return ""
    name, value = exact(cursor, view.matrices)
    if known_at(matrix := view.matrices[cursor.index], cursor.row, cursor.column) and matrix.texts is None:
        value = number(float(value), 9, 6)
    return f"{name} = {value}"


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
