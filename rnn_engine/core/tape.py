"""The tape: all numbers of one window, forward and backward, where whoever looks can find them.

Shapes: T time steps, B sequences, n elements. A scalar per step is stored as n = 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.language import Apply, Constant, Expr, Read
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.plan import ParameterUse, Plan, Sender


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
            name: np.array(parameters[name], dtype=np.float64, ndmin=1, order="C")
            for name in program.parameters
        }
        self.missing = None if y is None or y.missing is None or not y.missing.any() else y.missing
        self._data: dict[str, Array] = {}
        self.slots = {name: self.room(name) for name in program.equations}
        """Per equation `[before + T + after, B, n]`: its values with those outside of the window."""
        self.values: dict[Expr, Array] = {
            node.apply: self.value(node.equation.name) if node.root else self.new(node.apply)
            for stage in plan.stages
            for node in stage.nodes
        }
        """Per operation `[T, B, n]`."""
        self.cotangents: dict[Expr, Array] = {}
        """Per operation on the way back `[T, B, n]`: ∂loss/∂ its value."""
        self.parts: dict[Read, Array] = {}
        """Per read on the way back, as `slots`: what it sends, at the receiver's time step."""
        self.sums: dict[tuple[str, Sender], Array] = {}
        """Per receiver and sender `[T, B, n]`."""
        self.parameter_gradients: dict[str, Array] = {}

    # ------------------------------------------------------------ reading

    def value(self, name: str) -> Array:
        """`[T, B, n]`"""
        return self.slots[name][self.span(name)]

    def initial(self, name: str) -> Array:
        """`[d, B, n]`: what a state had before the window, oldest first; the last one is h[start].

        For a state that is read from later time steps alone: what it has behind the window, furthest first.
        """
        return self._outside(name, self.slots[name])

    def final(self, name: str) -> Array:
        """`[d, B, n]`: what the next window starts from."""
        return self.slots[name][self.T : self.T + self.plan.program.delays[name]]

    def inner_value(self, expr: Apply) -> Array:
        """`[T, B, n]`: the value of a sub-expression."""
        return self.values[expr]

    def gradient(self, name: str) -> Array:
        """`[T, B, n]`: ∂loss/∂value, complete. Only for equations that have a stop on the way back."""
        root = self.plan.program.equations[name].root
        if name in self.plan.stands_for_argument:
            return self.cotangents[root.args[0]]
        return self.cotangents[root]

    def inner_gradient(self, expr: Apply) -> Array:
        """`[T, B, n]`: the gradient of a sub-expression."""
        return self.cotangents[expr]

    def sent(self, name: str, sender: Sender) -> Array:
        """`[T, B, n]`: what arrived at `name` from one sender, by the receiver's t."""
        return self.sums[name, sender]

    def initial_gradient(self, name: str) -> Array:
        """`[d, B, n]`: ∂loss/∂ the values before the window, oldest first."""
        total = np.zeros_like(self.initial(name))
        for sender in self.plan.senders.get(name, ()):
            for leaf in sender.leaves:
                total += self._outside(name, self.parts[leaf])
        return total

    def parameter_part(self, use: ParameterUse, span: slice = slice(None)) -> Array:
        """What one use of a parameter adds to its gradient over a span of places (0 … T−1), as one product."""
        node, i = use.node, use.argument
        # where an equation's target is missing it adds nothing, whatever it computed there
        gaps = self.missing if node.equation.name in self.plan.program.reads_target else None

        def flat(a: Array) -> Array:
            if a.ndim != 3:
                return a
            return a[span].reshape(-1, a.shape[-1]) if gaps is None else a[span][~gaps[span]]

        out, g = flat(self.values[node.apply]), flat(self.cotangents[node.apply])
        args = [flat(operand) for operand in self.operands(node.apply.args)]
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

    # ------------------------------------------------------------ storage

    def room(self, name: str) -> Array:
        """`[before + T + after, B, n]` zeros: room for a value with the time steps outside at which it is read."""
        program = self.plan.program
        outside = program.delays.get(name, 0) + program.leads.get(name, 0)
        return np.zeros((outside + self.T, self.B, width(program.shapes[name])))

    def span(self, name: str, offset: int = 0) -> slice:
        """Where in that room the window lies, seen `offset` time steps on."""
        first = self.plan.program.delays.get(name, 0) + offset
        return slice(first, first + self.T)

    def new(self, expr: Expr) -> Array:
        return np.empty((self.T, self.B, width(expr.shape)))

    def operand(self, expr: Expr) -> Array:
        """`[T, B, n]`, or the bare array of a parameter or constant."""
        match expr:
            case Constant(value=value):
                return np.array([value])
            case Read(kind="equation", name=name, offset=offset):
                return self.slots[name][self.span(name, offset)]
            case Read(kind="parameter", name=name):
                return self.parameters[name]
            case Read(kind=kind):
                if kind not in self._data:
                    self._data[kind] = self._datum(expr)
                return self._data[kind]
        return self.values[expr]

    def operands(self, exprs: Sequence[Expr]) -> list[Array]:
        """The operands of one operation. Where none of them has places, vectors get them: `sum(b)` at every t."""
        arrays = [self.operand(expr) for expr in exprs]
        if any(array.ndim == 3 for array in arrays):
            return arrays
        return [
            array
            if array.ndim == 2
            else np.ascontiguousarray(np.broadcast_to(array, (self.T, self.B, array.size)))
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
