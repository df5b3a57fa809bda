"""Why is this number what it is? Its terms, each with the number it comes from; repeated, it leads to the root.

    why(session, timeline, Cell("value", iteration=1, name="h", t=3, index=(0,)))

Everything is read off the equations: an operation knows the terms it sums, and its vector-Jacobian product
says what a gradient is made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rnn_engine import explain
from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Constant, Expr, Read, walk
from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Sender
from rnn_engine.core.steps import Stops
from rnn_engine.core.tape import Tape
from rnn_engine.errors import AddressError
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.update import Update

Kind = Literal["value", "gradient", "parameter", "parameter gradient", "update", "data"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the run.

    `value` and `gradient` of an equation at t; `parameter` as it is before the update of an iteration, or
    after the last; `parameter gradient` as the backward phase leaves it; `update`: an update equation's
    value for a parameter; `data`: an input, a target, a state before the first window.
    """

    kind: Kind
    iteration: int
    name: str
    index: tuple[int, ...] = ()
    t: int | None = None
    sequence: int = 0
    phase: str = "forward"
    """For a value: the pass it belongs to, `forward`, `evaluate` or `generate`."""
    equation: str = "w"
    """For an update: which of its equations."""

    @property
    def label(self) -> str:
        """`h[3][0]`, `∂h[3][0]`, `W_hh[0,1]`, `∂W_hh[0,1]`."""
        at = "" if self.t is None else f"[{self.t}]"
        element = f"[{','.join(map(str, self.index))}]" if self.index else ""
        d = "∂" if self.kind in ("gradient", "parameter gradient") else ""
        own = (
            f"{self.equation} of {self.name}" if self.kind == "update" and self.equation != "w" else self.name
        )
        return f"{d}{own}{at}{element}"


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

    @property
    def rounding(self) -> float:
        """The value less the sum of its terms as shown here: what another order of adding makes."""
        return self.value - sum(term.value for term in self.terms) if self.sums and self.terms else 0.0


def why(session: Session, timeline: Timeline, cell: Cell) -> Why:
    """Explain one number. Raises `AddressError` where there is none."""
    return _Asking(session, timeline, cell).answer()


def address_of(session: Session, cell: Cell) -> str:
    """The step that produced a number; empty for what is given from outside."""
    schedule = session.schedule
    match cell.kind:
        case "value":
            text = f"{cell.iteration}:{cell.phase}:{cell.t}:{cell.name}"
        case "gradient":
            text = f"{cell.iteration}:backward:{cell.t}:{cell.name}"
        case "parameter gradient":
            if not schedule.backward:
                return ""
            phase = next(p for p in schedule.phases(cell.iteration) if p.name == "backward")
            return str(phase.address(len(phase.stops) - 1))
        case "update":
            text = f"{cell.iteration}:update:{cell.name}:{cell.equation}"
        case "parameter":
            if cell.iteration == 1 or schedule.update is None:
                return ""
            text = f"{cell.iteration - 1}:update:{cell.name}:w"
        case _:
            return ""
    try:
        return str(schedule.address(schedule.span(text).start))
    except AddressError:
        return ""


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
            self.cell, self.cell.label, value, address_of(self.session, self.cell), rule, tuple(found), sums
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
        tape, place = (
            self._tape() if cell.name in ("x", "y") else (self.timeline.iteration(cell.iteration).tape, 0)
        )
        element = cell.index[0] if cell.index else 0
        if cell.name in ("x", "y"):
            signal = tape.x if cell.name == "x" else tape.y
            assert signal is not None
            return float(signal.values[place, cell.sequence, element]), f"{cell.name} is data"
        before = tape.initial(cell.name)
        return float(before[-1, cell.sequence, element]), f"{cell.name} begins with this value"

    # ------------------------------------------------------------ forward

    def _value(self) -> Why:
        cell = self.cell
        tape, place = self._tape()
        if place < 0:
            return self._before_window(tape)
        equation = tape.plan.program.equations[cell.name]
        index = cell.index if equation.root.shape else ()
        value = float(tape.value(cell.name)[place, cell.sequence, index[0] if index else 0])
        if equation.root in tape.plan.fused:
            logits = tape.plan.fused[equation.root].args[0]
            return self._why(value, equation.source, list(self._arguments(tape, place, [logits])), False)
        terms = list(self._terms(tape, place, equation.root, index, 1.0))
        if len(terms) == 1 and terms[0][2] is None and not _adds(equation.root):
            terms = list(self._arguments(tape, place, equation.root.args, index))
            return self._why(value, equation.source, terms, False)
        return self._why(value, equation.source, terms, True)

    def _before_window(self, tape: Tape) -> Why:
        """A carried state leads to the window before; the first one is given."""
        cell = self.cell
        window = self.session.schedule.window(cell.iteration)
        if cell.phase == "forward" and not window.fresh and cell.t is not None and cell.t > 0:
            return _Asking(self.session, self.timeline, replace(cell, iteration=cell.iteration - 1)).answer()
        element = cell.index[0] if cell.index else 0
        back = tape.start - (cell.t or 0)
        value = float(tape.initial(cell.name)[-1 - back, cell.sequence, element])
        return self._why(value, f"{cell.name} begins with this value", [], True)

    def _terms(
        self, tape: Tape, place: int, expr: Expr, index: tuple[int, ...], weight: float
    ) -> Iterator[tuple[str, float, Cell | None]]:
        """The summands of one element of an expression, products spelled out."""
        here = explain.Place(tape, place, self.cell.sequence)
        found = expr.operation.terms(index, [a.shape for a in expr.args]) if isinstance(expr, Apply) else None
        if found is None:
            yield self._whole(here, expr, index, weight)
            return
        assert isinstance(expr, Apply)
        for term in found:
            arguments = [(expr.args[i], at) for i, at in term.factors]
            if len(arguments) == 1:
                yield from self._terms(tape, place, *arguments[0], weight * term.weight)
                continue
            values = [_element(here.value(arg), at) for arg, at in arguments]
            if values[-1] == 0.0 and _is_one_hot(tape, arguments[-1][0]):
                continue  # the other columns of a matrix, which a token does not touch
            names = [self._name(here, arg, at) for arg, at in arguments]
            value = weight * term.weight * float(np.prod(values))
            source = next((s for s in (self._cell(here, a, at) for a, at in reversed(arguments)) if s), None)
            yield " * ".join(names), value, source

    def _whole(
        self, here: explain.Place, expr: Expr, index: tuple[int, ...], weight: float
    ) -> tuple[str, float, Cell | None]:
        """An expression as one term; it comes from the largest of the named values in it."""
        value = weight * _element(here.value(expr), index if expr.shape else ())
        name = self._name(here, expr, index)
        source = self._cell(here, expr, index)
        if source is None and isinstance(expr, Apply) and expr.operation.name in ("*", "/"):
            inner = [self._cell(here, arg, index) for arg in expr.args]
            source = next(
                (c for c in inner if c is not None and c.kind == "value"), next(filter(None, inner), None)
            )
        return ("-" if weight < 0 else "") + name, value, source

    def _arguments(
        self, tape: Tape, place: int, args: list[Expr], index: tuple[int, ...] = ()
    ) -> Iterator[tuple[str, float, Cell | None]]:
        """What a function was applied to: the element it used, or all of them."""
        here = explain.Place(tape, place, self.cell.sequence)
        for arg in args:
            elements = (
                [index]
                if index and arg.shape == ()
                else [(k,) for k in range(arg.shape[0])]
                if arg.shape
                else [()]
            )
            if index and len(elements) > 1 and self._is_elementwise():
                elements = [index]
            for at in elements:
                yield self._whole(here, arg, at, 1.0)

    def _is_elementwise(self) -> bool:
        return self.session.program.equations[self.cell.name].root.operation.elementwise

    def _cell(self, here: explain.Place, expr: Expr, index: tuple[int, ...]) -> Cell | None:
        """The number that a read stands for."""
        if not isinstance(expr, Read):
            return None
        tape, cell = here.tape, self.cell
        at = index if expr.shape else ()
        t = tape.start + here.place + 1 + expr.offset
        common = {"iteration": cell.iteration, "sequence": cell.sequence, "phase": cell.phase}
        if expr.kind == "equation":
            return Cell("value", name=expr.name, index=at, t=t, **common)  # type: ignore[arg-type]
        if expr.kind == "parameter":
            after = cell.phase in ("evaluate", "generate")
            return Cell("parameter", cell.iteration + after, expr.name, at)
        if expr.kind in ("x", "y", "class"):
            return Cell("data", name="x" if expr.kind == "x" else "y", index=at, t=t, **common)  # type: ignore[arg-type]
        return None

    def _name(self, here: explain.Place, expr: Expr, index: tuple[int, ...]) -> str:
        cell = self._cell(here, expr, index)
        if cell is not None:
            return cell.label
        return (
            expr.source
            if isinstance(expr, Constant) or not expr.shape
            else f"({expr.source})[{','.join(map(str, index))}]"
        )

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
        for sender in plan.senders.get(cell.name, ()):
            if 0 <= place - sender.offset < tape.T:
                terms += self._sent_terms(here.at(place - sender.offset), sender, j)
        return self._why(value, rule, terms, True)

    def _sent_terms(
        self, there: explain.Place, sender: Sender, j: int
    ) -> Iterator[tuple[str, float, Cell | None]]:
        """What one reader sends to element j."""
        tape, plan = there.tape, there.tape.plan
        root = plan.program.equations[sender.equation].root
        t = tape.start + there.place + 1

        def sending(k: int) -> Cell:
            index = (k,) if root.shape else ()
            return Cell("gradient", self.cell.iteration, sender.equation, index, t, self.cell.sequence)

        for leaf in sender.leaves:
            sent = tape.sent_by(self.cell.name, leaf)[there.place + sender.offset, there.sequence]
            parent = next(
                (e for e in walk(root) if isinstance(e, Apply) and any(a is leaf for a in e.args)), None
            )
            if parent is not None and parent.operation is PRODUCT_OF_MATRIX:
                matrix = there.value(parent.args[0])
                g = there.gradient(parent)
                for k in range(len(g)):
                    source = sending(k if parent.shape == root.shape else 0)
                    yield (
                        f"{parent.args[0].source}[{k},{j}] * {source.label}",
                        float(matrix[k, j] * g[k]),
                        source,
                    )
                continue
            source = sending(j if root.shape == leaf.shape else 0)
            if parent is None:  # a fused loss: its argument is read by the softmax's equation
                fused = next(a for a in plan.fused if a in walk(root))
                p, y = there.value(plan.fused[fused])[j], there.value(fused.args[1])[j]
                weight = float(there.gradient(fused)[0])
                name = next(
                    (e.name for e in plan.program.equations.values() if e.root is plan.fused[fused]), "p"
                )
                of_p = Cell(
                    "value", self.cell.iteration, name, (j,) if leaf.shape else (), t, self.cell.sequence
                )
                yield f"{source.label} * {of_p.label}", weight * float(p), of_p
                yield f"-{source.label} * y[{t}][{j}]", -weight * float(y), source
                continue
            yield f"from {source.label}", float(sent[j]), source

    def _parameter_gradient(self) -> Why:
        cell = self.cell
        iteration = self.timeline.iteration(cell.iteration)
        value = float(np.asarray(iteration.gradients[cell.name])[cell.index])
        tape, plan = iteration.tape, iteration.run.plan
        terms: list[tuple[str, float, Cell | None]] = []
        for use in plan.uses[cell.name]:
            equation = use.node.equation.name
            for place, name in Stops(plan.backward_order, tape.T):
                if name != equation:
                    continue
                part = np.reshape(
                    tape.parameter_part(use, slice(place, place + 1)), plan.program.parameters[cell.name]
                )
                t = tape.start + place + 1
                root = use.node.equation.root
                index = (
                    cell.index[:1]
                    if root.shape and use.node.apply.shape == root.shape
                    else (0,)
                    if root.shape
                    else ()
                )
                source = Cell("gradient", cell.iteration, equation, index, t, cell.sequence)
                terms.append((f"added at {equation}[{t}]", float(part[cell.index]), source))
        return self._why(value, f"∂{cell.name} = the sum of what every step adds", terms, True)

    # ------------------------------------------------------------ update

    def _update(self) -> Why:
        cell = self.cell
        update: Update = self.timeline.iteration(cell.iteration).update
        value = float(np.asarray(update.value(cell.name, cell.equation))[cell.index])
        if cell.name in update.rule.frozen:
            before = Cell("parameter", cell.iteration, cell.name, cell.index)
            return self._why(value, f"{cell.name} is frozen", [(f"{cell.name} before", value, before)], True)
        tape, part = update.tape(cell.name)
        root = tape.plan.program.equations[cell.equation].root
        shape = np.shape(update.before[cell.name])
        number = part.start + (int(np.ravel_multi_index(cell.index, shape)) if cell.index else 0)
        terms = list(self._update_terms(tape, root, number, 1.0))
        rule = tape.plan.program.equations[cell.equation].source
        return self._why(value, rule, terms, _adds(root) or len(terms) == 1)

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
        sources = [self._update_source(e) for e in walk(expr) if isinstance(e, Read)]
        yield ("-" if weight < 0 else "") + expr.source, value, next(filter(None, reversed(sources)), None)

    def _update_source(self, read: Read) -> Cell | None:
        cell = self.cell
        if read.kind == "equation":
            if read.offset == 0:
                return replace(cell, equation=read.name)
            if read.name == "w":
                return Cell("parameter", cell.iteration, cell.name, cell.index)
            return (
                replace(cell, iteration=cell.iteration - 1, equation=read.name)
                if cell.iteration > 1
                else None
            )
        if read.name in ("g", "gradient"):
            return Cell("parameter gradient", cell.iteration, cell.name, cell.index)
        return None


def _adds(root: Apply) -> bool:
    """Whether an expression is a sum of terms at its top."""
    return root.operation.name in ("+", "-", "neg", "@", "sum", "mean", "concat", "identity", "*")


def _element(array: Array, index: tuple[int, ...]) -> float:
    return float(array[index] if index else np.ravel(array)[0])


def _is_one_hot(tape: Tape, expr: Expr) -> bool:
    return isinstance(expr, Read) and expr.kind == "x" and tape.x is not None and tape.x.classes is not None


_CELL = re.compile(r"(?P<d>∂|d(?=[^\W\d]))?(?P<name>[^\W\d]\w*)(?P<indices>(\[\d+(,\d+)?\])*)")


def parse_cell(session: Session, timeline: Timeline, address: str, text: str, sequence: int = 0) -> Cell:
    """A cell in words, as seen from an address: `h[0]`, `∂h[0]` (or `dh[0]`), `W_hh[0,1]`, `loss`.

    Raises `AddressError`.
    """
    place = session.schedule.address(session.schedule.span(address).start)
    program = session.program
    match = _CELL.fullmatch(text.strip())
    if not match:
        raise AddressError(
            f"{text!r} is no cell; expected a name and its element, such as h[0], ∂h[0] or W_hh[0,1]"
        )
    name, gradient = match["name"], match["d"] is not None
    if gradient and match["d"] == "d" and f"d{name}" in (*program.equations, *program.parameters):
        name, gradient = f"d{name}", False
    index = tuple(int(k) for k in re.findall(r"\d+", match["indices"]))
    after = place.phase in ("evaluate", "generate")
    if name in program.parameters:
        shape = program.parameters[name]
        kind: Kind = "parameter gradient" if gradient else "parameter"
        cell = Cell(kind, place.iteration + (after and not gradient), name, index, sequence=sequence)
        if not gradient and place.phase == "update" and place.place == name and place.equation == "w":
            cell = replace(cell, kind="update")
    elif name in program.equations:
        shape = program.shapes[name]
        if place.t is None:
            raise AddressError(
                f"{address} has no time step; expected a parameter, or an address of another phase"
            )
        phase = place.phase if after else "forward"
        cell = Cell(
            "gradient" if gradient else "value", place.iteration, name, index, place.t, sequence, phase
        )
    else:
        raise AddressError(f"{name!r} is neither an equation nor a parameter")
    if not index and int(np.prod(shape, dtype=int)) == 1:
        cell = replace(cell, index=(0,) * len(shape))
    if len(cell.index) != len(shape) or any(k >= n for k, n in zip(cell.index, shape, strict=True)):
        raise AddressError(f"{text!r}: {name} is {_indices(name, shape)}")
    return cell


def _indices(name: str, shape: tuple[int, ...]) -> str:
    if not shape:
        return "one number; expected no index"
    first, last = ",".join("0" for _ in shape), ",".join(str(n - 1) for n in shape)
    return f"{'×'.join(map(str, shape))}; expected {name}[{first}] to {name}[{last}]"
