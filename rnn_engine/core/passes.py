"""One window, computed whole: the forward pass into a tape, and the backward pass through it.

A tape is bound to its arrays when it is made: every operation becomes one call with its views, so a
pass is a walk down a flat list. The same list is walked whether anybody looks or not, which is why
a number is the same bit for bit however one came to it.

Shapes: T time steps, B sequences, n elements. A scalar per step is stored as n = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.equations import Apply, Constant, Expr, Read
from rnn_engine.core.operations import PICKED_COLUMN, PRODUCT_OF_MATRIX, Array, Loss, Shape
from rnn_engine.core.plan import Node, ParameterUse, Plan, Sender

AnyArray = NDArray[Any]
Call = tuple[Callable[..., None], tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Signal:
    """x or y over T time steps and B sequences."""

    values: NDArray[np.float64]
    """`[T, B, n]`; tokens are one-hot."""
    shape: Shape
    classes: NDArray[np.int64] | None = None
    """`[T, B]`: the index where the data are tokens or whole numbers."""
    missing: NDArray[np.bool_] | None = None
    """`[T, B]`: True where a target is null."""

    def window(self, start: int, stop: int) -> Signal:
        """The time steps start + 1 … stop."""
        cut = slice(start, stop)
        return Signal(
            self.values[cut],
            self.shape,
            None if self.classes is None else self.classes[cut],
            None if self.missing is None else self.missing[cut],
        )


def width(shape: Shape) -> int:
    return shape[-1] if shape else 1


class Tape:
    """All numbers of one window: values after `forward`, gradients after `backward`.

    `start` is the number of time steps before the window, so that its first t is start + 1.
    """

    def __init__(
        self,
        plan: Plan,
        parameters: Mapping[str, Array],
        x: Signal | None,
        y: Signal | None,
        *,
        T: int,
        B: int,
        start: int = 0,
    ) -> None:
        self.plan, self.T, self.B, self.start = plan, T, B, start
        self.x, self.y = x, y
        program = plan.program
        self.parameters: dict[str, Array] = {
            name: np.array(parameters[name], dtype=np.float64, ndmin=1, order="C") for name in program.parameters
        }
        self.missing = None if y is None or y.missing is None or not y.missing.any() else y.missing
        self._slots = {name: self._new_slots(name) for name in program.equations}
        self._values: dict[Expr, Array] = {}
        self._data: dict[str, Array] = {}
        self._forward: list[Call] = self._bind_forward()
        self.parameter_gradients: dict[str, Array] = {}
        self._backward: list[Call] = []
        self._cotangents: dict[Expr, Array] = {}
        self._sent: dict[tuple[str, Sender], Array] = {}
        self._initial_parts: dict[str, list[Array]] = {}

    # ------------------------------------------------------------ reading

    def value(self, name: str) -> Array:
        """`[T, B, n]`"""
        before = self.plan.program.delays.get(name, 0)
        return self._slots[name][before : before + self.T]

    def initial(self, name: str) -> Array:
        """`[d, B, n]`: what a state had before the window, oldest first; the last one is h[start].

        For a state that is read from later time steps alone: what it has behind the window, furthest first.
        """
        return self._outside(name, self._slots[name])

    def final(self, name: str) -> Array:
        """`[d, B, n]`: what the next window starts from."""
        return self._slots[name][self.T : self.T + self.plan.program.delays[name]]

    def inner_value(self, expr: Apply) -> Array:
        """`[T, B, n]`: the value of a sub-expression."""
        return self._values[expr]

    def gradient(self, name: str) -> Array:
        """`[T, B, n]`: ∂loss/∂value, complete. Only for equations that have a stop on the way back."""
        root = self.plan.program.equations[name].root
        if name in self.plan.stands_for_argument:
            return self._cotangents[root.args[0]]
        return self._cotangents[root]

    def inner_gradient(self, expr: Apply) -> Array:
        """`[T, B, n]`: the gradient of a sub-expression."""
        return self._cotangents[expr]

    def sent(self, name: str, sender: Sender) -> Array:
        """`[T, B, n]`: what arrived at `name` from one sender, by the receiver's t."""
        return self._sent[name, sender]

    def initial_gradient(self, name: str) -> Array:
        """`[d, B, n]`: ∂loss/∂ the values before the window, oldest first."""
        total = np.zeros_like(self.initial(name))
        for part in self._initial_parts.get(name, ()):
            total += part
        return total

    def parameter_part(self, use: ParameterUse, span: slice = slice(None)) -> Array:
        """What one use of a parameter adds to its gradient over a span of places (0 … T−1), as one product."""
        node, i = use.node, use.argument

        def flat(a: Array) -> Array:
            return a[span].reshape(-1, a.shape[-1]) if a.ndim == 3 else a

        out, g = flat(self._values[node.apply]), flat(self._cotangents[node.apply])
        args = [flat(operand) for operand in self._operands(node.apply.args)]
        target = self.parameters[use.read.name]
        if target.ndim == 2:
            into = np.empty_like(target)
            node.apply.operation.vjp(i, into, g, out, *args)
            return into
        n = max(out.shape[-1], target.shape[0]) if node.apply.operation.elementwise else target.shape[0]
        part = np.empty((g.shape[0], n))
        node.apply.operation.vjp(i, part, g, out, *args)
        total: Array = part.sum(axis=0)
        return total.sum(keepdims=True) if n > target.shape[0] else total

    def _outside(self, name: str, slots: Array) -> Array:
        before = self.plan.program.delays.get(name, 0)
        return slots[:before] if before else slots[self.T :][::-1]

    # ------------------------------------------------------------ binding: forward

    def _new_slots(self, name: str) -> Array:
        program = self.plan.program
        before, after = program.delays.get(name, 0), program.leads.get(name, 0)
        slots = np.empty((before + self.T + after, self.B, width(program.shapes[name])))
        slots[:before] = 0.0
        slots[before + self.T :] = 0.0
        return slots

    def _new(self, expr: Expr) -> Array:
        return np.empty((self.T, self.B, width(expr.shape)))

    def operand(self, expr: Expr) -> Array:
        """`[T, B, n]`, or the bare array of a parameter or constant."""
        match expr:
            case Constant(value=value):
                return np.array([value])
            case Read(kind="equation", name=name, offset=offset):
                first = self.plan.program.delays.get(name, 0) + offset
                return self._slots[name][first : first + self.T]
            case Read(kind="parameter", name=name):
                return self.parameters[name]
            case Read(kind=kind):
                if kind not in self._data:
                    self._data[kind] = self._datum(expr)
                return self._data[kind]
        return self._values[expr]

    def _operands(self, exprs: Sequence[Expr]) -> list[Array]:
        """The operands of one operation. Where none of them has places, vectors get them: `sum(b)` at every t."""
        arrays = [self.operand(expr) for expr in exprs]
        if any(array.ndim == 3 for array in arrays):
            return arrays
        return [
            array if array.ndim == 2 else np.ascontiguousarray(np.broadcast_to(array, (self.T, self.B, array.size)))
            for array in arrays
        ]

    def _datum(self, read: Read) -> Array:
        match read.kind:
            case "x" if self.x is not None:
                return np.ascontiguousarray(self.x.values)
            case "y" if self.y is not None:
                return np.ascontiguousarray(self.y.values)
            case "class" if self.y is not None and self.y.classes is not None:
                one_hot = np.zeros((self.T, self.B, width(read.shape)))
                np.put_along_axis(one_hot, self.y.classes[..., None], 1.0, axis=-1)
                if self.y.missing is not None:
                    one_hot[self.y.missing] = 0.0
                return one_hot
            case "index":
                t = np.arange(self.start + 1.0, self.start + self.T + 1.0)
                return np.ascontiguousarray(np.broadcast_to(t[:, None, None], (self.T, self.B, 1)))
        raise ValueError(f"{read.name} is read, but the tape was made without it")

    def _each(self, array: AnyArray, direction: int) -> Iterator[AnyArray]:
        """The views of an operand that one stage uses: one `[T·B, n]`, or T of `[B, n]` in the loop's order."""
        if array.ndim != 3:
            return repeat(array)
        if direction == 0:
            return iter((array.reshape(-1, array.shape[-1]),))
        return iter(array[::direction])

    def _bind_forward(self) -> list[Call]:
        for stage in self.plan.stages:
            for node in stage.nodes:
                value = self.value(node.equation.name) if node.root else self._new(node.apply)
                self._values[node.apply] = value
        calls: list[Call] = []
        for stage in self.plan.stages:
            columns = [self._forward_calls(node, stage.direction) for node in stage.nodes]
            calls += _row_by_row(columns)
        return calls

    def _forward_calls(self, node: Node, direction: int) -> list[Call]:
        operation, args = node.apply.operation, list(node.apply.args)
        run: Callable[..., None] = operation.forward
        if node.apply in self.plan.fused:
            run = operation.fused  # type: ignore[attr-defined]  # only losses of that kind are fused
            args[0] = self.plan.fused[node.apply].args[0]
        operands: list[AnyArray] = [*self._operands(args)]
        if (
            operation is PRODUCT_OF_MATRIX
            and isinstance(args[1], Read)
            and args[1].kind == "x"
            and self.x is not None
            and self.x.classes is not None
            and self.x.shape
        ):
            run = PICKED_COLUMN.forward
            operands.append(self.x.classes[..., None])
            views = [self._each(a, direction) for a in operands]
            views[-1] = (v[:, 0] for v in views[-1])
        else:
            views = [self._each(a, direction) for a in operands]
        out = self._each(self._values[node.apply], direction)
        return [(run, row) for row in zip(out, *views, strict=False)]

    # ------------------------------------------------------------ binding: backward

    def bind_backward(self, weights: NDArray[np.float64]) -> list[Call]:
        """The calls of the way back; `weights` `[T, B]` is what arrives at each loss: the reduction."""
        plan, calls = self.plan, self._backward
        leaves: dict[Read, Array] = {}
        for name, senders in plan.senders.items():
            program = plan.program
            before, after = program.delays.get(name, 0), program.leads.get(name, 0)
            n = width(program.shapes[name])
            for sender in senders:
                for leaf in sender.leaves:
                    leaves[leaf] = np.zeros((before + self.T + after, self.B, n))
        self._initial_parts = {
            name: [self._outside(name, leaves[leaf]) for sender in senders for leaf in sender.leaves]
            for name, senders in plan.senders.items()
            if name in plan.program.states
        }
        sums = {name: self._bind_sum(name, weights, leaves) for name in plan.senders}
        for stage in reversed(plan.stages):
            columns = []
            for node in reversed(stage.nodes):
                if node.equation.name not in plan.program.objective or node.apply not in plan.carries:
                    continue
                columns += [self._add_calls(adds, stage.direction) for adds in (sums[node.equation.name] if node.root else ())]
                columns += self._vjp_calls(node, leaves, stage.direction)
            calls += _row_by_row(columns)
        return calls

    def _bind_sum(
        self, name: str, weights: NDArray[np.float64], leaves: Mapping[Read, Array]
    ) -> list[tuple[Array, Array, Array]]:
        """The additions (a, b, into) that make the gradient of a value from what its readers send, in their order."""
        program = self.plan.program
        root = program.equations[name].root
        before = program.delays.get(name, 0)
        body = slice(before, before + self.T)
        additions: list[tuple[Array, Array, Array]] = []

        def add_up(parts: Sequence[Array]) -> Array:
            total = parts[0]
            for part in parts[1:]:
                into = np.empty_like(total)
                additions.append((total, part, into))
                total = into
            return total

        arrived: list[Array] = [np.ascontiguousarray(weights[..., None])] if name == "loss" else []
        for sender in self.plan.senders[name]:
            self._sent[name, sender] = add_up([leaves[leaf][body] for leaf in sender.leaves])
            arrived.append(self._sent[name, sender])
        if root in self.plan.fused.values():
            return []  # the fused loss hands its gradient straight to the argument
        self._cotangents[root] = add_up(arrived) if arrived else np.zeros_like(self._values[root])
        return additions

    def _add_calls(self, addition: tuple[Array, Array, Array], direction: int) -> list[Call]:
        views = [self._each(array, direction and -direction) for array in addition]
        return [(np.add, row) for row in zip(*views, strict=True)]

    def _vjp_calls(self, node: Node, leaves: Mapping[Read, Array], direction: int) -> list[list[Call]]:
        plan, apply = self.plan, node.apply
        if apply in plan.fused.values():
            return []
        g, fused = self._cotangents[apply], apply in plan.fused
        columns = []
        for i, target in plan.gradient_targets(node):
            if target not in plan.carries or (isinstance(target, Read) and target.kind == "parameter"):
                continue
            n = width(target.shape)
            summed = apply.operation.elementwise and n < g.shape[-1]
            if isinstance(target, Read):
                first = plan.program.delays.get(target.name, 0) + target.offset
                into = leaves[target][first : first + self.T]
            elif i in apply.operation.passes and not summed and not fused and not self._blanked(node):
                self._cotangents[target] = g
                continue
            else:
                into = self._cotangents[target] = self._new(target)
            if fused:
                assert isinstance(apply.operation, Loss)
                run: Callable[..., None] = apply.operation.fused_vjp  # type: ignore[attr-defined]  # as above
                operands: list[AnyArray] = [into, g, self._values[plan.fused[apply]], self.operand(apply.args[1])]
            else:
                run = _Vjp(apply.operation.vjp, i, summed)
                operands = [into, g, self._values[apply], *self._operands(apply.args)]
            backward = direction and -direction
            columns.append([(run, row) for row in zip(*(self._each(a, backward) for a in operands), strict=False)])
            if self._blanked(node):
                gaps = self.missing
                assert gaps is not None
                views = zip(self._each(into, backward), self._each(gaps[..., None], backward), strict=True)
                columns.append([(_blank, row) for row in views])
        return columns

    def _blanked(self, node: Node) -> bool:
        """Whether targets are missing that this equation reads: it then sends zeros there, whatever it computed."""
        return self.missing is not None and node.equation.name in self.plan.program.reads_target

    def run_forward(self) -> None:
        for call, args in self._forward:
            call(*args)

    def run_backward(self) -> None:
        for call, args in self._backward:
            call(*args)


class _Vjp:
    """One vector-Jacobian product; with `summed`, its elements added up for an argument that is a scalar."""

    __slots__ = ("i", "summed", "vjp")

    def __init__(self, vjp: Callable[..., None], i: int, summed: bool) -> None:
        self.vjp, self.i, self.summed = vjp, i, summed

    def __call__(self, into: Array, g: Array, out: Array, *args: Array) -> None:
        if not self.summed:
            self.vjp(self.i, into, g, out, *args)
            return
        full = np.empty_like(g)
        self.vjp(self.i, full, g, out, *args)
        np.sum(full, axis=-1, keepdims=True, out=into)


def _blank(into: Array, missing: NDArray[np.bool_]) -> None:
    into[missing[:, 0]] = 0.0


def _row_by_row(columns: Sequence[Sequence[Call]]) -> list[Call]:
    """The calls of a stage: all operations at one t, then all at the next."""
    return [call for row in zip(*columns, strict=True) for call in row]


def forward(
    plan: Plan,
    parameters: Mapping[str, Array],
    x: Signal | None,
    y: Signal | None,
    *,
    T: int,
    B: int,
    initial: Mapping[str, Array] | None = None,
    start: int = 0,
) -> Tape:
    """Compute a window of T time steps.

    `parameters` by name, `[]`, `[n]` or `[m, n]`; `x` and `y` of this window; `initial` `[d, B, n]`
    per state, oldest first, zeros where absent. Overflow and the like give inf and nan, never a warning.
    """
    tape = Tape(plan, parameters, x, y, T=T, B=B, start=start)
    for name, values in (initial or {}).items():
        tape.initial(name)[...] = values
    with np.errstate(all="ignore"):
        tape.run_forward()
    return tape


def backward(tape: Tape, weights: NDArray[np.float64]) -> None:
    """Compute the gradients of Σ weights · loss into the tape; `weights` is `[T, B]`, 0 where a loss is missing."""
    tape.bind_backward(weights)
    with np.errstate(all="ignore"):
        tape.run_backward()
        for name, uses in tape.plan.uses.items():
            parts = [tape.parameter_part(use) for use in uses]
            total = parts[0] if parts else np.zeros_like(tape.parameters[name])
            for part in parts[1:]:
                total = total + part
            tape.parameter_gradients[name] = total.reshape(tape.plan.program.parameters[name])
