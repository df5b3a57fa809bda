"""Why is this number what it is? Its terms, each with the number it comes from; repeated, it leads to the root.

    why(session, timeline, Cell("value", iteration=1, name="h", t=3, index=(0,)))

Everything is read off the equations: an operation knows the terms it sums, and its vector-Jacobian product
says what a gradient is made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from rnn_engine import explain
from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Constant, Expr, Read, walk
from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Sender
from rnn_engine.core.steps import Stops, running_sum
from rnn_engine.core.tape import Tape
from rnn_engine.errors import AddressError
from rnn_engine.precision import shortest_number
from rnn_engine.quantity import Cell, address_of
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.update import Update


@dataclass(frozen=True, slots=True)
class Term:
    """One summand: what it is, its value, its share of the sum of all sizes, and where it comes from."""

    text: str
    value: float
    share: float
    source: Cell | None
    address: str
    """The step that produced the source; empty for what is given."""


@dataclass(frozen=True, slots=True)
class Why:
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


def why(session: Session, timeline: Timeline, cell: Cell) -> Why:
    """Explain one number. Raises `AddressError` where there is none."""
    return _Asking(session, timeline, cell).answer()


@dataclass(frozen=True)
class _Asking:
    session: Session
    timeline: Timeline
    cell: Cell

    def answer(self) -> Why:
        match self.cell.kind:
            case "value":
                return self._value()
            case "gradient":
                return self._gradient()
            case "parameter gradient":
                return self._parameter_gradient()
            case "parameter" if self.cell.iteration > 1 and self.session.run.rule is not None:
                return _Asking(
                    self.session,
                    self.timeline,
                    replace(self.cell, kind="update", iteration=self.cell.iteration - 1),
                ).answer()
            case "update":
                return self._update()
        return self._given()

    # ------------------------------------------------------------ where numbers stand

    def _tape(self) -> tuple[Tape, int]:
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

    def _why(self, value: float, rule: str, terms: list[tuple[str, float, Cell | None]], sums: bool) -> Why:
        size = sum(abs(v) for _, v, _ in terms if np.isfinite(v)) or 1.0
        found = [
            Term(text, v, abs(v) / size, source, "" if source is None else address_of(self.session, source))
            for text, v, source in terms
        ]
        found.sort(key=lambda term: -abs(term.value) if np.isfinite(term.value) else -np.inf)
        return Why(
            self.cell,
            self.cell.label,
            value,
            address_of(self.session, self.cell),
            rule,
            tuple(found),
            sums,
            self.session.run.dtype,
        )

    def _given(self) -> Why:
        cell = self.cell
        value, rule = float("nan"), "given"
        if cell.kind == "parameter":
            value = float(np.asarray(self.session.run.parameters[cell.name])[cell.index])
            rule = f"{cell.name} is given by the session"
        elif cell.kind == "data":
            value, rule = self._datum()
        return self._why(value, rule, [], True)

    def _datum(self) -> tuple[float, str]:
        cell = self.cell
        tape, place = self._tape()
        signal = tape.x if cell.name == "x" else tape.y
        if signal is None or (signal.missing is not None and signal.missing[place, cell.sequence]):
            raise AddressError(f"{cell.label} has no value: none is given")
        element = cell.index[0] if cell.index else 0
        return float(signal.values[place, cell.sequence, element]), f"{cell.name} is data"

    # ------------------------------------------------------------ forward

    def _value(self) -> Why:
        cell = self.cell
        tape, place = self._tape()
        if not 0 <= place < tape.T:
            return self._outside(tape, place)
        here = explain.Place(tape, place, cell.sequence)
        if explain.undefined(here, cell.name):
            raise AddressError(f"{cell.label} has no value: {explain.absence(here)}")
        equation = tape.plan.program.equations[cell.name]
        rule = equation.source.split("#")[0].strip()
        root, index = equation.root, cell.index if equation.root.shape else ()
        value = float(tape.value(cell.name)[place, cell.sequence, index[0] if index else 0])
        if explain.padded(here):
            before = self._found(cell.name, (cell.t or 0) - tape.workspace.direction(cell.name), cell.index)
            return self._why(
                value, f"the sequence is over: {cell.name} stays", [(before.label, value, before)], True
            )
        if root in tape.plan.fused:
            logits = tape.plan.fused[root].args[0]
            return self._why(value, rule, list(self._arguments(here, root, [logits], ())), False)
        if root.operation.terms(index, [arg.shape for arg in root.args]) is None:
            return self._why(value, rule, list(self._arguments(here, root, root.args, index)), False)
        return self._why(value, rule, list(self._terms(here, root, index, 1.0)), True)

    def _outside(self, tape: Tape, place: int) -> Why:
        """A carried state leads to the window before; what else stands outside of the window is given."""
        cell = self.cell
        home = self._found(cell.name, cell.t or 0, cell.index)
        if home.iteration != cell.iteration:
            return _Asking(self.session, self.timeline, home).answer()
        room = tape.slots[cell.name]
        at = tape.span(cell.name).start + place
        if not 0 <= at < len(room):
            raise AddressError(f"{cell.label} has no value: nothing reads {cell.name} there")
        value = float(room[at, cell.sequence, cell.index[0] if cell.index else 0])
        if place == -1 and f"{cell.name}[0]" in self.session.run.trained:
            after = cell.phase in ("evaluate", "generate")
            learned = Cell("parameter", cell.iteration + after, f"{cell.name}[0]", cell.index)
            return self._why(
                value, f"{cell.name} begins with what is learned", [(learned.label, value, learned)], True
            )
        does = "begins with" if place < 0 else "has, beyond the last time step,"
        return self._why(value, f"{cell.name} {does} this value", [], True)

    def _found(self, name: str, t: int, index: tuple[int, ...]) -> Cell:
        """A value as this pass has it: of the window that computed it, where it was carried on."""
        cell, schedule = self.cell, self.session.schedule
        number = cell.iteration
        while cell.phase == "forward" and 0 < t <= schedule.window(number).start:
            if schedule.window(number).fresh:
                break
            number -= 1
        return Cell("value", number, name, index, t, cell.sequence, cell.phase)

    def _terms(
        self, here: explain.Place, expr: Expr, index: tuple[int, ...], weight: float
    ) -> Iterator[tuple[str, float, Cell | None]]:
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
            values = [_element(here.value(arg), at) for arg, at in factors]
            if values[-1] == 0.0 and _is_one_hot(here.tape, factors[-1][0]):
                continue  # the other columns of a matrix, which a token does not touch
            text = " * ".join(self._name(here, arg, at) for arg, at in factors)
            yield _weighted(scale, text), scale * float(np.prod(values)), self._source(here, factors)

    def _whole(
        self, here: explain.Place, expr: Expr, index: tuple[int, ...], weight: float
    ) -> tuple[str, float, Cell | None]:
        """An expression as one term."""
        value = weight * _element(here.value(expr), index if expr.shape else ())
        return _weighted(weight, self._name(here, expr, index)), value, self._source(here, [(expr, index)])

    def _arguments(
        self, here: explain.Place, function: Apply, args: list[Expr], index: tuple[int, ...]
    ) -> Iterator[tuple[str, float, Cell | None]]:
        """What a function was applied to: the element it used (a single argument as its summands), or all of them."""
        for arg in args:
            if isinstance(arg, Read) and arg.kind == "class":
                target = self._cell(here, arg, ())
                assert target is not None
                yield target.label, self._asked(target).value, target
                continue
            all_of_it = [(k,) for k in range(arg.shape[0])] if arg.shape else [()]
            used = [index] if index and arg.shape and function.operation.elementwise else all_of_it
            for at in used:
                if len(args) == len(used) == 1:
                    yield from self._terms(here, arg, at, 1.0)
                else:
                    yield self._whole(here, arg, at, 1.0)

    def _asked(self, cell: Cell) -> Why:
        return _Asking(self.session, self.timeline, cell).answer()

    def _source(self, here: explain.Place, factors: list[tuple[Expr, tuple[int, ...]]]) -> Cell | None:
        """The number that a term comes from, out of all that it names: a state of another time step before the values
        of this one, those before data, data before parameters; of one kind the largest."""
        found: list[tuple[tuple[int, float], Cell]] = []
        for expr, index in factors:
            for read in walk(expr):
                if not isinstance(read, Read) or read.kind == "index":
                    continue
                array = np.abs(here.value(read))
                at = index if read is expr or (read.shape == expr.shape and read.shape) else None
                if at is None:  # one of the elements that an inner product or sum goes over
                    at = tuple(int(k) for k in np.unravel_index(int(np.argmax(array)), read.shape))
                cell = self._cell(here, read, at)
                if cell is not None:
                    rank = {"value": 2 + (read.offset != 0), "data": 1}.get(cell.kind, 0)
                    found.append(((rank, _element(array, at if read.shape else ())), cell))
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def _cell(self, here: explain.Place, expr: Expr, index: tuple[int, ...]) -> Cell | None:
        """The number that a read stands for."""
        if not isinstance(expr, Read):
            return None
        cell = self.cell
        at = index if expr.shape and expr.kind != "class" else ()
        t = here.tape.start + here.place + 1 + expr.offset
        if expr.kind == "equation":
            return self._found(expr.name, t, at)
        if expr.kind == "parameter":
            after = cell.phase in ("evaluate", "generate")
            return Cell("parameter", cell.iteration + after, expr.name, at)
        if expr.kind in ("x", "y", "class"):
            name = "x" if expr.kind == "x" else "y"
            return Cell("data", cell.iteration, name, at, t, cell.sequence, cell.phase)
        return None

    def _name(self, here: explain.Place, expr: Expr, index: tuple[int, ...]) -> str:
        cell = self._cell(here, expr, index)
        if cell is not None:
            return cell.label
        if isinstance(expr, Constant) or not expr.shape:
            return expr.source
        return f"({expr.source})[{','.join(map(str, index))}]"

    # ------------------------------------------------------------ backward

    def _gradient(self) -> Why:
        cell = self.cell
        iteration = self.timeline.iteration(cell.iteration)
        _ = iteration.gradients
        tape, plan = iteration.tape, iteration.run.plan
        assert cell.t is not None
        place = cell.t - 1 - tape.start
        here = explain.Place(tape, place, cell.sequence)
        rule = explain.backward_formula(here, cell.name).symbols
        j = cell.index[0] if cell.index else 0
        value = float(tape.gradient(cell.name)[place, cell.sequence, j])
        terms: list[tuple[str, float, Cell | None]] = []
        if cell.name == "loss":
            weight = self.session.run.weights(tape)[place, cell.sequence]
            terms.append(("weight of this loss in the objective", float(weight), None))
        for loss, source in plan.fused.items():
            if plan.program.equations[cell.name].root is source:  # its stop stands for its argument
                terms += self._fused_terms(here, plan.stands_for_argument[cell.name], loss, j)
        for sender in plan.senders.get(cell.name, ()):
            if 0 <= place - sender.offset < tape.T:
                terms += self._sent_terms(here.at(place - sender.offset), sender, j)
        handed = explain.kept_on(here, cell.name)
        if handed is not None:
            there, passed = handed
            kept = replace(cell, t=tape.start + there.place + 1)
            said = f"{kept.label}, where the sequence is over and {cell.name} stays"
            terms.append((said, float(passed[j]), kept))
        return self._why(value, rule, terms, True)

    def _sent_terms(
        self, there: explain.Place, sender: Sender, j: int
    ) -> Iterator[tuple[str, float, Cell | None]]:
        """What one reader sends to element j."""
        tape, plan = there.tape, there.tape.plan
        root = plan.program.equations[sender.equation].root
        if explain.undefined(there, sender.equation) or explain.padded(there):
            source = self._sending(there, sender.equation, 0)
            yield f"nothing from {source.label}: {explain.absence(there)}", 0.0, source
            return
        for leaf in sender.leaves:
            parent = next(
                (e for e in walk(root) if isinstance(e, Apply) and any(a is leaf for a in e.args)), None
            )
            fused = next((e for e, softmax in plan.fused.items() if softmax.args[0] is leaf), None)
            if fused is not None:
                yield from self._fused_terms(there, sender.equation, fused, j)
            elif parent is not None and parent.operation is PRODUCT_OF_MATRIX:
                matrix, g = there.value(parent.args[0]), there.gradient(parent)
                # what the product is handed is the equation's own gradient, or has been multiplied on the way
                own = explain.inner_rule(there, sender.equation, parent) == f"∂{sender.equation}"
                for k in range(len(g)):
                    source = self._sending(there, sender.equation, k if parent.shape == root.shape else 0)
                    handed = source.label if own else f"∂({parent.source})[{source.t}][{k}]"
                    text = f"{parent.args[0].source}[{k},{j}] * {handed}"
                    yield text, float(matrix[k, j] * g[k]), source
            else:
                source = self._sending(there, sender.equation, j if root.shape == leaf.shape else 0)
                sent = tape.sent_by(self.cell.name, leaf)[there.place + sender.offset, there.sequence]
                rule = explain.sent_rule(there.at(there.place + sender.offset), sender)
                yield f"from {source.label}: {rule}", float(sent[j]), source

    def _sending(self, there: explain.Place, equation: str, k: int) -> Cell:
        """The gradient that an equation hands on: its element k."""
        index = (k,) if there.tape.plan.program.shapes[equation] else ()
        t = there.tape.start + there.place + 1
        return Cell("gradient", self.cell.iteration, equation, index, t, self.cell.sequence)

    def _fused_terms(
        self, there: explain.Place, equation: str, loss: Apply, j: int
    ) -> Iterator[tuple[str, float, Cell | None]]:
        """p − y: what a loss sends to element j of the argument of the softmax it is taken together with."""
        plan = there.tape.plan
        softmax, y = plan.fused[loss], there.value(loss.args[1])
        sending, weight = self._sending(there, equation, 0), float(there.gradient(loss)[0])
        index = (j,) if softmax.shape else ()
        share = (
            float(np.sum(y)) if loss.operation.name == "cross_entropy" else 1.0
        )  # usually targets sum to one
        p = next((e.name for e in plan.program.equations.values() if e.root is softmax), None)
        source = sending if p is None else self._found(p, sending.t or 0, index)
        name = self._name(there, softmax, index) if p is None else source.label
        target = f"y[{sending.t}]" + (f"[{j}]" if index else "")
        yield f"{sending.label} * {name}", weight * share * float(there.value(softmax)[j]), source
        yield f"-{sending.label} * {target}", -weight * float(y[j]), sending

    def _parameter_gradient(self) -> Why:
        cell = self.cell
        iteration = self.timeline.iteration(cell.iteration)
        total = np.asarray(iteration.gradients[cell.name])
        tape, plan = iteration.tape, iteration.run.plan
        stops = Stops(plan.backward_order, tape.T)
        if cell.name in iteration.run.trained:
            if cell.so_far is not None:
                said = f"∂{cell.name} is summed up at the end of the way back"
                return self._why(0.0, said, [], True)
            terms = self._initial_terms(tape)
            return self._why(float(total[cell.index]), f"∂{cell.name} = what its readers send", terms, True)
        terms = []
        last, rule = len(stops) - 1, f"∂{cell.name} = the sum of what every step adds"
        if cell.so_far is not None:
            last, rule = cell.so_far, f"∂{cell.name} so far = the sum of what the steps up to here have added"
            total = running_sum(tape, cell.name, stops, last)
        for use in plan.uses[cell.name]:
            equation = use.node.equation.name
            for place in reversed(range(tape.T)[stops.walked(equation, last)]):
                part = np.reshape(
                    tape.parameter_part(use, slice(place, place + 1)), plan.program.parameters[cell.name]
                )
                t = tape.start + place + 1
                root, row = use.node.equation.root, (cell.index or (0,))[0]
                own = use.argument == 0 or use.node.apply.operation.elementwise  # not of `W @ b` its b
                index = (row if own and use.node.apply.shape == root.shape else 0,) if root.shape else ()
                source = Cell("gradient", cell.iteration, equation, index, t, cell.sequence)
                terms.append((f"added at {equation}[{t}]", float(part[cell.index]), source))
        return self._why(float(total[cell.index]), rule, terms, True)

    def _initial_terms(self, tape: Tape) -> list[tuple[str, float, Cell | None]]:
        """What the first time step's equations send to a learned initial state, all sequences together."""
        state, j = self.session.run.trained[self.cell.name], self.cell.index[0] if self.cell.index else 0
        terms: list[tuple[str, float, Cell | None]] = []
        if not self.session.schedule.window(self.cell.iteration).fresh:
            return terms  # this window starts from where the one before ended
        for sender in tape.plan.senders.get(state, ()):
            if not -tape.T <= sender.offset < 0:
                continue
            there, index = (
                tape.start - sender.offset,
                (0,) if tape.plan.program.shapes[sender.equation] else (),
            )
            for leaf, b in product(sender.leaves, range(tape.B)):
                sent = float(tape.workspace.outside(state, tape.back.parts[leaf])[-1, b, j])
                source = Cell("gradient", self.cell.iteration, sender.equation, index, there, b)
                of = f" in sequence {b + 1}" if tape.B > 1 else ""
                terms.append((f"from {source.label}{of}", sent, source))
        return terms

    # ------------------------------------------------------------ update

    def _update(self) -> Why:
        cell = self.cell
        update: Update = self.timeline.iteration(cell.iteration).update
        found = np.asarray(update.value(cell.name, cell.equation))
        value = float(found[cell.index] if found.ndim else found)
        if cell.name in update.rule.frozen:
            before = Cell("parameter", cell.iteration, cell.name, cell.index)
            return self._why(value, f"{cell.name} is frozen", [(f"{cell.name} before", value, before)], True)
        tape, part = update.tape(cell.name)
        root = tape.plan.program.equations[cell.equation].root
        shape = np.shape(update.before[cell.name])
        number = part.start + (int(np.ravel_multi_index(cell.index, shape)) if cell.index else 0)
        terms = list(self._update_terms(tape, root, number, 1.0))
        rule = tape.plan.program.equations[cell.equation].source.split("#")[0].strip()
        return self._why(value, rule, terms, True)

    def _update_terms(
        self, tape: Tape, expr: Expr, number: int, weight: float
    ) -> Iterator[tuple[str, float, Cell | None]]:
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
        yield _weighted(weight, expr.source), value, next(filter(None, sources), None)

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


def _weighted(weight: float, text: str) -> str:
    """`2 * h[3]`, `-h[3]`."""
    sign, size = "-" if weight < 0 else "", abs(weight)
    return f"{sign}{text}" if size == 1.0 else f"{sign}{size:.4g} * {text}"


def _element(array: Array, index: tuple[int, ...]) -> float:
    return float(array[index] if index else np.ravel(array)[0])


def _is_one_hot(tape: Tape, expr: Expr) -> bool:
    return isinstance(expr, Read) and expr.kind == "x" and tape.x is not None and tape.x.classes is not None
