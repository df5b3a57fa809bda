"""The selected cell: where it is, how it moves, what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rnn_engine.snapshot import Matrix
from rnn_tui.render.layout import Layout
from rnn_tui.render.measure import known_at
from rnn_tui.text import safe_text, token_text


class Selection(NamedTuple):
    """What a person chose in a pane: a cell of a matrix; `row` None follows the current time step."""

    key: str
    row: int | None
    column: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the matrices at hand."""

    index: int
    row: int
    column: int


def resolve(selection: Selection | None, matrices: Sequence[Matrix]) -> Cell | None:
    """The cell a selection means in these matrices; without one, what this step wrote, or what is current."""
    if selection is not None:
        for index, matrix in enumerate(matrices):
            if matrix.key == selection.key and matrix.values.size:
                row = (matrix.current or 0) if selection.row is None else selection.row
                return Cell(index, _within(row, matrix, 0), _within(selection.column, matrix, 1))
    for index, matrix in enumerate(matrices):
        if (wrote := first_written(matrix)) is not None:
            return Cell(index, *wrote)
    for index, matrix in enumerate(matrices):
        if matrix.values.size:
            return Cell(index, matrix.current or 0, 0)
    return None


def first_written(matrix: Matrix) -> tuple[int, int] | None:
    """The first cell this step wrote, the current row before others."""
    written = matrix.written
    if written is None or not written.any():
        return None
    if matrix.current is not None and written[matrix.current].any():
        return matrix.current, int(written[matrix.current].argmax())
    row, column = divmod(int(written.argmax()), written.shape[1])
    return row, column


def written_in(panes: Mapping[str, Sequence[Matrix]]) -> str:
    """The pane that shows what this step wrote; "" where none does."""
    order = ("hidden", "output", "gradients", "weights", "inputs")
    shown = (pane for pane in order if any(first_written(matrix) for matrix in panes.get(pane, ())))
    return next(shown, "")


def _within(at: int, matrix: Matrix, axis: int) -> int:
    return max(0, min(at, int(matrix.values.shape[axis]) - 1))


def selection_at(cell: Cell, matrices: Sequence[Matrix]) -> Selection:
    """The selection that means this cell: on the current row it goes along with time."""
    matrix = matrices[cell.index]
    return Selection(matrix.key, None if cell.row == matrix.current else cell.row, cell.column)


def moved(cell: Cell, matrices: Sequence[Matrix], layout: Layout, dx: int, dy: int, across: bool) -> Cell:
    """The neighbour of a cell: in its matrix, else in the next block that way, else in the next matrix.

    `across` says that time runs to the right in this pane, so that rows lie beside each other.
    """
    if across:
        return _moved_across(cell, matrices, dx, dy)
    matrix = matrices[cell.index]
    rows, columns = matrix.values.shape
    row, column = cell.row + dy, cell.column + dx
    if 0 <= row < rows and 0 <= column < columns:
        return Cell(cell.index, row, column)
    other = _neighbour(cell.index, layout, dx, dy)
    if other is None:
        other = cell.index + dx + dy
        if not 0 <= other < len(matrices):
            return cell
    rows, columns = matrices[other].values.shape
    if not rows or not columns:
        return cell
    row = min(cell.row, rows - 1) if dx else 0 if dy > 0 else rows - 1
    column = min(cell.column, columns - 1) if dy else 0 if dx > 0 else columns - 1
    return Cell(other, row, column)


def _moved_across(cell: Cell, matrices: Sequence[Matrix], dx: int, dy: int) -> Cell:
    """Time runs to the right: a line is one column of one matrix."""
    lines = [
        (index, column) for index, matrix in enumerate(matrices) for column in range(matrix.values.shape[1])
    ]
    at = max(0, min(lines.index((cell.index, cell.column)) + dy, len(lines) - 1))
    index, column = lines[at]
    return Cell(index, _within(cell.row + dx, matrices[index], 0), column)


def _neighbour(index: int, layout: Layout, dx: int, dy: int) -> int | None:
    """The block nearest in a direction that overlaps this one across it."""
    here = next((block for block in layout.blocks if block.index == index), None)
    if here is None:
        return None
    found: list[tuple[int, int, int]] = []
    for block in layout.blocks:
        if dx:
            distance = (block.x - here.x) * dx
            overlap = min(block.y + block.height, here.y + here.height) - max(block.y, here.y)
            aside = abs(block.y - here.y)
        else:
            distance = (block.y - here.y) * dy
            overlap = min(block.x + block.width, here.x + here.width) - max(block.x, here.x)
            aside = abs(block.x - here.x)
        if distance > 0 and overlap > 0:
            found.append((distance, aside, block.index))
    return min(found)[2] if found else None


def exact(cell: Cell, matrices: Sequence[Matrix]) -> tuple[str, str]:
    """A cell's name and its exact value: ("W_xh[1,class]", "0.8")."""
    matrix = matrices[cell.index]
    name = safe_text(matrix.cell(cell.row, cell.column))
    if not known_at(matrix, cell.row, cell.column):
        return name, "?" if matrix.asked is not None and matrix.asked[
            cell.row, cell.column
        ] else "not computed yet"
    if matrix.texts is not None:
        return name, token_text(matrix.texts[cell.row][cell.column], limit_cells=24)
    return name, str(matrix.values[cell.row, cell.column])  # NumPy writes the shortest decimal of its kind
