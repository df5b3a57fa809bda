"""Why a weight? What the equations of its update were applied to, back over the iterations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_engine.core.language import Apply, Expr, Read, walk
from rnn_engine.core.operation import Array
from rnn_engine.core.tape import Tape
from rnn_engine.element import value_rule
from rnn_engine.place import Place
from rnn_engine.quantity import Cell
from rnn_engine.update import Update
from rnn_engine.why.answer import Asking, Summand, Why, weighted


class Updating(Asking):
    """What an update equation made for a parameter."""

    def update(self) -> Why:
        cell = self.cell
        update: Update = self.timeline.iteration(cell.iteration).update
        found = np.asarray(update.value(cell.name, cell.equation))
        value = float(found[cell.index] if found.ndim else found)
        if cell.name in update.rule.frozen:
            before = Cell("parameter", cell.iteration, cell.name, cell.index)
            return self.answer(
                value, f"{cell.name} is frozen", [(f"{cell.name} before", value, before)], True
            )
        tape, part = update.tape(cell.name)
        root = tape.plan.program.equations[cell.equation].root
        shape = np.shape(update.before[cell.name])
        number = part.start + (int(np.ravel_multi_index(cell.index, shape)) if cell.index else 0)
        terms = list(self._update_terms(tape, root, number, 1.0))
        rule = tape.plan.program.equations[cell.equation].source.split("#")[0].strip()
        made = value_rule(Place(tape, 0, 0), cell.equation, (number,) if root.shape else ())
        return self.answer(value, rule, terms, True, made)

    def named(self, here: Place, expr: Expr, index: tuple[int, ...], gradient: bool) -> str:
        if not index:
            return f"({expr.source})" if isinstance(expr, Apply) else expr.source
        part = self.timeline.iteration(self.cell.iteration).update.tape(self.cell.name)[1]
        at = np.unravel_index(index[0] - part.start, self.session.run.shapes[self.cell.name])
        element = f"[{','.join(map(str, at))}]" if at else ""
        return f"({expr.source}){element}" if isinstance(expr, Apply) else f"{expr.source}{element}"

    def _update_terms(self, tape: Tape, expr: Expr, number: int, weight: float) -> Iterator[Summand]:
        index = (number,) if expr.shape else ()
        found = None
        if isinstance(expr, Apply) and expr.operation.name in ("+", "-", "neg"):
            found = expr.operation.terms(index, [a.shape for a in expr.args])
        if found is not None:
            assert isinstance(expr, Apply)
            for term in found:
                yield from self._update_terms(
                    tape, expr.args[term.factors[0][0]], number, weight * term.weight
                )
            return
        array = tape.operand(expr)
        flat: Array = array[0, 0] if array.ndim == 3 else array
        value = weight * float(flat[number if expr.shape else 0])
        sources = (self._update_source(tape, e) for e in walk(expr) if isinstance(e, Read))
        yield weighted(weight, expr.source), value, next(filter(None, sources), None)

    def _update_source(self, tape: Tape, read: Read) -> Cell | None:
        cell = self.cell
        index = self._update_index(tape, read)
        before = cell.iteration + read.offset
        if read.kind == "equation" and read.offset and read.name == "w":
            # before the first iteration w always was what it is
            return Cell("parameter", max(before + 1, 1), cell.name, index)
        if read.kind == "equation":
            return replace(cell, iteration=before, equation=read.name, index=index) if before >= 1 else None
        if read.name in ("g", "gradient"):
            return Cell("parameter gradient", cell.iteration, cell.name, index)
        return None

    def _update_index(self, tape: Tape, read: Read) -> tuple[int, ...]:
        """The element of a vector that one of a parameter comes from: its own; of a number made of all, the largest."""
        if not read.shape or tape.plan.program.shapes[self.cell.equation]:
            return self.cell.index if read.shape else ()
        part = self.timeline.iteration(self.cell.iteration).update.tape(self.cell.name)[1]
        sizes = np.abs(np.ravel(tape.operand(read))[part])
        shape = self.session.run.shapes[self.cell.name]
        return tuple(int(k) for k in np.unravel_index(int(np.argmax(sizes)), shape))
