"""Why a value? What its equation was applied to, products and sums spelled out; and what is given from outside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.tape import Tape
from rnn_engine.edits import is_set, sequence_number
from rnn_engine.element import value_rule
from rnn_engine.errors import AddressError
from rnn_engine.place import Place, absence, padded, set_by_hand, undefined
from rnn_engine.quantity import Cell
from rnn_engine.why.answer import Asking, Summand, Why, element, weighted
from rnn_engine.why.origins import read_by


class Forward(Asking):
    """A value of a pass, or a number from outside."""

    def given(self) -> Why:
        cell = self.cell
        value, rule = float("nan"), "given"
        if cell.kind == "parameter":
            value = float(np.asarray(self.session.run.parameters[cell.name])[cell.index])
            rule = f"{cell.name} is given by the session"
        elif cell.kind == "data":
            value, rule = self._datum()
        return self.answer(value, rule, [], True)

    def set_at(self) -> int | None:
        """The iteration at the beginning of which a parameter was set to what it is; None where it was not."""
        cell, run = self.cell, self.session.run
        number = run.by_hand.last_set(cell.name, cell.index, cell.iteration)
        return None if number != cell.iteration and run.rule is not None else number

    def set_parameter(self, number: int) -> Why:
        """A parameter that was set by hand at the beginning of an iteration."""
        cell = self.cell
        value = self.session.run.by_hand.parameters[number][cell.name][cell.index]
        return self.answer(
            value, f"{cell.name} is set by hand at the beginning of iteration {number}", [], True
        )

    def _datum(self) -> tuple[float, str]:
        cell = self.cell
        tape, place = self.tape()
        signal = tape.x if cell.name == "x" else tape.y
        if signal is None or (signal.missing is not None and signal.missing[place, cell.sequence]):
            raise AddressError(f"{self.label(cell)} has no value: none is given")
        picked = (
            cell.name == "y" and bool(cell.index) and not signal.shape
        )  # a class, seen as its one-hot vector
        element = cell.index[0] if cell.index and not picked else 0
        run = self.session.run
        sequence = sequence_number(run, cell.phase, cell.iteration, cell.sequence)
        by_hand = cell.phase != "generate" and is_set(run, cell.name, sequence, cell.t or 0, element)
        rule = f"{cell.name} is data{', set by hand' if by_hand else ''}"
        if picked:
            assert signal.classes is not None
            found = int(signal.classes[place, cell.sequence])
            return float(found == cell.index[0]), f"{rule}: the class {found}, as a one-hot vector"
        return float(signal.values[place, cell.sequence, element]), rule

    def _over(self, here: Place, value: float) -> Why:
        """A state where its sequence is over."""
        cell, name = self.cell, self.cell.name
        if name in here.tape.plan.program.staying:
            before = self.found(name, (cell.t or 0) - 1, cell.index)
            rule = f"the sequence is over: {name} stays"
            return self.answer(value, rule, [(self.label(before), value, before)], True)
        return self.answer(value, f"the sequence is over: {name} is what it is behind its end", [], True)

    def value(self) -> Why:
        cell = self.cell
        tape, place = self.tape()
        if not 0 <= place < tape.T:
            return self._outside(tape, place)
        here = Place(tape, place, cell.sequence)
        if undefined(here, cell.name):
            raise AddressError(f"{self.label(cell)} has no value: {absence(here)}")
        equation = tape.plan.program.equations[cell.name]
        rule = equation.source.split("#")[0].strip()
        root, index = equation.root, cell.index if equation.root.shape else ()
        value = float(tape.value(cell.name)[place, cell.sequence, index[0] if index else 0])
        if (index[0] if index else 0) in set_by_hand(here, cell.name):
            computed = float(tape.inner_value(root)[place, cell.sequence, index[0] if index else 0])
            return self.answer(
                value, f"{self.label(cell)} is set by hand; {rule} gives {computed:.6g}", [], True
            )
        if padded(here):
            return self._over(here, value)
        made = value_rule(here, cell.name, index)
        if root in tape.plan.fused:
            logits = tape.plan.fused[root].args[0]
            return self.answer(value, rule, list(self._arguments(here, root, [logits], ())), False, made)
        if root.operation.terms(index, [arg.shape for arg in root.args]) is None:
            return self.answer(value, rule, list(self._arguments(here, root, root.args, index)), False, made)
        return self.answer(value, rule, list(self._terms(here, root, index, 1.0)), True, made)

    def _outside(self, tape: Tape, place: int) -> Why:
        """A carried state leads to the window before; what else stands outside of the window is given."""
        cell = self.cell
        home = self.found(cell.name, cell.t or 0, cell.index)
        if home.iteration != cell.iteration:
            return Forward(self.session, self.timeline, home).value()
        room = tape.slots[cell.name]
        at = tape.span(cell.name).start + place
        if not 0 <= at < len(room):
            raise AddressError(f"{self.label(cell)} has no value: nothing reads {cell.name} there")
        value = float(room[at, cell.sequence, cell.index[0] if cell.index else 0])
        if place == -1 and f"{cell.name}[0]" in self.session.run.trained:
            after = cell.phase in ("evaluate", "generate")
            learned = Cell("parameter", cell.iteration + after, f"{cell.name}[0]", cell.index)
            return self.answer(
                value,
                f"{cell.name} begins with what is learned",
                [(self.label(learned), value, learned)],
                True,
            )
        does = "begins with" if place < 0 else "has, beyond the last time step,"
        run, element = self.session.run, cell.index[0] if cell.index else 0
        beginning = run.schedule.beginning(cell.iteration) if cell.phase == "forward" else 0
        back = beginning - (cell.t or 0) if place < 0 else place - tape.T
        given_for = cell.sequence % run.initial[cell.name].shape[1]
        by_hand = run.by_hand.begins_set(cell.name, back, given_for, element)
        return self.answer(
            value, f"{cell.name} {does} this value{', set by hand' if by_hand else ''}", [], True
        )

    def _terms(self, here: Place, expr: Expr, index: tuple[int, ...], weight: float) -> Iterator[Summand]:
        """The summands of one element of an expression, products spelled out."""
        found = expr.operation.terms(index, [a.shape for a in expr.args]) if isinstance(expr, Apply) else None
        if found is None:
            yield self._whole(here, expr, index, weight)
            return
        assert isinstance(expr, Apply)
        for term in found:
            factors = [(expr.args[i], at) for i, at in term.factors]
            scale = weight * term.weight
            if len(factors) == 1:
                yield from self._terms(here, *factors[0], scale)
                continue
            values = [element(here.value(arg), at) for arg, at in factors]
            if values[-1] == 0.0 and _is_one_hot(here.tape, factors[-1][0]):
                continue  # the other columns of a matrix, which a token does not touch
            text = " * ".join(self.name_of(here, arg, at) for arg, at in factors)
            yield weighted(scale, text), scale * float(np.prod(values)), self._source(here, factors)

    def _whole(self, here: Place, expr: Expr, index: tuple[int, ...], weight: float) -> Summand:
        """An expression as one term."""
        value = weight * element(here.value(expr), index if expr.shape else ())
        return weighted(weight, self.name_of(here, expr, index)), value, self._source(here, [(expr, index)])

    def _arguments(
        self, here: Place, function: Apply, args: list[Expr], index: tuple[int, ...]
    ) -> Iterator[Summand]:
        """What a function was applied to: the element it used (a single argument as its summands), or all of them."""
        for arg in args:
            if isinstance(arg, Read) and arg.kind == "class":
                target = self.cell_of(here, arg, ())
                assert target is not None
                yield self.label(target), self._asked(target).value, target
                continue
            all_of_it = [(k,) for k in range(arg.shape[0])] if arg.shape else [()]
            used = [index] if index and arg.shape and function.operation.elementwise else all_of_it
            for at in used:
                if len(args) == len(used) == 1:
                    yield from self._terms(here, arg, at, 1.0)
                else:
                    yield self._whole(here, arg, at, 1.0)

    def _asked(self, cell: Cell) -> Why:
        return Forward(self.session, self.timeline, cell).given()

    def _source(self, here: Place, factors: list[tuple[Expr, tuple[int, ...]]]) -> Cell | None:
        """The number that a term comes from, out of all that it names: a state of another time step before the values
        of this one, those before data, data before parameters; of one kind the largest."""
        found: list[tuple[tuple[int, float], Cell]] = []
        for expr, index in factors:
            for read, elements in read_by(expr, index if expr.shape else ()).items():
                if read.kind == "index" or not elements:
                    continue
                array = np.abs(here.value(read))
                at = max(sorted(elements), key=lambda k: np.nan_to_num(element(array, k), nan=np.inf))
                cell = self.cell_of(here, read, at)
                if cell is not None:
                    rank = {"value": 2 + (read.offset != 0), "data": 1}.get(cell.kind, 0)
                    found.append(((rank, element(array, at)), cell))
        return max(found, key=lambda pair: pair[0])[1] if found else None


def _is_one_hot(tape: Tape, expr: Expr) -> bool:
    return isinstance(expr, Read) and expr.kind == "x" and tape.x is not None and tape.x.classes is not None
