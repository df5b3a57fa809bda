"""What an answer is made of, and what all questions have in common: the number that is asked about, where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnn_engine import explain
from rnn_engine.core.language import Apply, Expr, Read, walk
from rnn_engine.core.operation import Array, Text
from rnn_engine.core.tape import Tape
from rnn_engine.element import Made, spellings
from rnn_engine.place import Place
from rnn_engine.precision import shortest_number
from rnn_engine.quantity import Cell, address_of
from rnn_engine.session import Session
from rnn_engine.spelling import brackets, label
from rnn_engine.timeline import Timeline

Summand = tuple[str, float, Cell | None]
"""What it is, its value, the number that it comes from."""


class Term(NamedTuple):
    """One summand: what it is, its value, its share of the sum of all sizes (NaN where that is not finite), and where
    it comes from."""

    text: str
    value: float
    share: float
    source: Cell | None
    address: str
    """The step that produced the source; empty for what is given."""
    label: str = ""
    """The source, as it is written."""


class Why(NamedTuple):
    """The answer: the number, the rule that made it, and its terms, the largest first."""

    cell: Cell
    label: str
    value: float
    address: str
    rule: str
    """In symbols: `a = W_xh @ x + W_hh @ h[t-1] + b_h`."""
    terms: tuple[Term, ...]
    sums: bool
    """Whether the terms add up to the value; otherwise they are what a function was applied to."""
    names: tuple[str, ...] = ()
    """The rule of this element in names, the fullest first; none of what is given."""
    numbers: tuple[str, ...] = ()
    """Likewise with its numbers put in."""
    dtype: str = "float64"
    """What the numbers of the run are. Products among the terms are made in float64."""

    @property
    def exact(self) -> float:
        """The value as it is written: with the shortest decimal of its kind."""
        return shortest_number(self.value, self.dtype)

    @property
    def rounding(self) -> float:
        """The value less the sum of its terms as shown here: what another order of adding makes."""
        found = self.value - sum(term.value for term in self.terms) if self.sums and self.terms else 0.0
        return found if np.isfinite(found) else 0.0


@dataclass(frozen=True)
class Asking:
    """A number of a run that is asked about."""

    session: Session
    timeline: Timeline
    cell: Cell

    def label(self, cell: Cell) -> str:
        """A number as it is written everywhere."""
        return label(self.session, cell)

    def entry(self, matrix: Expr, row: int, column: int) -> str:
        """A number of a matrix in a product."""
        name = matrix.name if isinstance(matrix, Read) else ""
        return f"{matrix.source}{brackets(self.session, name, (row, column))}"

    def tape(self) -> tuple[Tape, int]:
        """The tape of a value and its place on it."""
        cell = self.cell
        assert cell.t is not None
        if cell.phase == "generate":  # a tape for each time step; before the first there is its initial state
            tape = self.timeline.ending().generated.tape(max(cell.t, 1) - 1)
            return tape, cell.t - 1 - tape.start
        tape = (
            self.timeline.ending().tape
            if cell.phase == "evaluate"
            else self.timeline.iteration(cell.iteration).tape
        )
        return tape, cell.t - 1 - tape.start

    def answer(
        self,
        value: float,
        rule: str,
        terms: list[Summand],
        sums: bool,
        made: Made | None = None,
        *,
        alone: bool = True,
    ) -> Why:
        """The answer; `made` is the rule of this one element, and it is of one sequence unless not `alone`."""
        size = sum(abs(v) for _, v, _ in terms) or 1.0
        found = [
            Term(text, v, abs(v) / size if np.isfinite(size) else np.nan, *self._origin(source))
            for text, v, source in terms
        ]
        found.sort(key=lambda term: -abs(term.value) if np.isfinite(term.value) else -np.inf)
        address, dtype = address_of(self.session, self.cell), self.session.run.dtype
        names, numbers = spellings(made, self.named) if alone else (), spellings(made)
        names = tuple(text for text in names if text not in numbers)  # a number has no name but itself
        return Why(
            self.cell, self.label(self.cell), value, address, rule, tuple(found), sums, names, numbers, dtype
        )

    def named(self, here: Place, expr: Expr, index: tuple[int, ...], gradient: bool) -> str:
        """What an element of a value or of its gradient is called in a rule: `h[3][0]`, `∂h[3][0]`."""
        plan = here.tape.plan
        equations = plan.program.equations.values()
        while gradient and (reader := plan.reader.get(expr)) is not None and _hands_on(reader, expr):
            expr = reader
        name = next((equation.name for equation in equations if equation.root is expr), None)
        t = here.tape.start + here.place + 1
        if name is not None and not gradient:
            return self.label(self.found(name, t, index))
        if name is not None:
            return self.label(Cell("gradient", self.cell.iteration, name, index, t, self.cell.sequence))
        if gradient:
            timeless = all(read.kind == "parameter" for read in walk(expr) if isinstance(read, Read))
            return f"∂({self.at_its_time(here, expr)}){f'[{t}]' if timeless else ''}{_element(index)}"
        if isinstance(expr, Apply):
            return f"({self.at_its_time(here, expr)}){_element(index)}"
        return self.name_of(here, expr, index)

    def at_its_time(self, here: Place, expr: Expr) -> str:
        """An expression with the time steps of what it reads: `W @ x[3] + U @ h[2]`."""

        def named(read: Read) -> Text:
            cell = self.cell_of(here, read, ())
            return Text(str(here.tape.start + here.place + 1) if cell is None else self.label(cell))

        return explain.with_names(expr, named).text

    def _origin(self, source: Cell | None) -> tuple[Cell | None, str, str]:
        """The number that a term comes from, its address, and how it is written."""
        if source is None:
            return None, "", ""
        address, written = address_of(self.session, source), self.label(source)
        first = not address and (self.cell.kind, source.kind) == ("update", "parameter")
        return source, address, f"{written} before" if first else written

    def found(self, name: str, t: int, index: tuple[int, ...]) -> Cell:
        """A value as this pass has it: of the window that computed it, where it was carried on."""
        cell, schedule = self.cell, self.session.schedule
        number = cell.iteration
        while cell.phase == "forward" and 0 < t <= schedule.window(number).start:
            if schedule.window(number).fresh:
                break
            number -= 1
        return Cell("value", number, name, index, t, cell.sequence, cell.phase)

    def cell_of(self, here: Place, expr: Expr, index: tuple[int, ...]) -> Cell | None:
        """The number that a read stands for."""
        if not isinstance(expr, Read):
            return None
        cell = self.cell
        at = index if expr.shape else ()
        t = here.tape.start + here.place + 1 + expr.offset
        if expr.kind == "equation":
            return self.found(expr.name, t, at)
        if expr.kind == "parameter":
            after = cell.phase in ("evaluate", "generate")
            return Cell("parameter", cell.iteration + after, expr.name, at)
        if expr.kind in ("x", "y", "class"):
            name = "x" if expr.kind == "x" else "y"
            return Cell("data", cell.iteration, name, at, t, cell.sequence, cell.phase)
        return None

    def name_of(self, here: Place, expr: Expr, index: tuple[int, ...]) -> str:
        cell = self.cell_of(here, expr, index)
        if cell is not None:
            return self.label(cell)
        text = self.at_its_time(here, expr)
        return f"({text}){_element(index)}" if expr.shape else text


def _hands_on(reader: Apply, expr: Expr) -> bool:
    """Whether an operation hands its gradient to an argument as it is."""
    whole = not reader.operation.elementwise or reader.shape == expr.shape
    return whole and any(reader.args[i] is expr for i in reader.operation.passes)


def _element(index: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, index))}]" if index else ""


def weighted(weight: float, text: str) -> str:
    """`2 * h[3]`, `-h[3]`."""
    sign, size = "-" if weight < 0 else "", abs(weight)
    return f"{sign}{text}" if size == 1.0 else f"{sign}{size:.4g} * {text}"


def element(array: Array, index: tuple[int, ...]) -> float:
    return float(array[index] if index else np.ravel(array)[0])
