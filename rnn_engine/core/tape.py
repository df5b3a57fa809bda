"""The tape: all numbers of one window, forward and backward, where whoever looks can find them.

Shapes: T time steps, B sequences, n elements. A scalar per step is stored as n = 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.language import Apply, Constant, Expr, Read
from rnn_engine.core.operation import Array, Shape, run
from rnn_engine.core.packing import Pack, Part
from rnn_engine.core.plan import ParameterUse, Plan, Sender

MAX_SPARE = 4
"""Workspaces of one form that are kept to be used again."""

Call = tuple[Any, tuple[Any, ...]]
"""A NumPy function and its arguments."""


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


def flat(array: NDArray[Any]) -> NDArray[Any]:
    """`[T, B, n]` as `[T·B, n]`, always a view."""
    n = array.shape[-1]
    if array.strides[:2] == (0, 0):  # one vector for all places
        return np.broadcast_to(array[0, 0], (array.shape[0] * array.shape[1], n))
    return array.reshape(-1, n)


@dataclass(frozen=True, eq=False)
class WayBack:
    """The arrays of a backward pass, and the calls that fill them."""

    seeds: Mapping[str, Array]
    """What arrives from outside, by equation `[T, B, n]`."""
    gradients: dict[str, Array] = field(default_factory=dict)
    """Per equation `[T, B, n]`: ∂loss/∂ its value, complete."""
    cotangents: dict[Expr, Array] = field(default_factory=dict)
    """Per operation `[T, B, n]`: what is handed on to its arguments; nothing where its value was set by hand."""
    parts: dict[Read, Array] = field(default_factory=dict)
    """Per read, in the room of the value read: what it sends, at the receiver's time step."""
    kept: dict[str, Array] = field(default_factory=dict)
    """Per state with padding, in its room: what padded time steps, which only keep the state, hand on."""
    sums: dict[tuple[str, Sender], Array] = field(default_factory=dict)
    """Per receiver and sender `[T, B, n]`."""
    calls: list[Call] = field(default_factory=list)
    parameters: dict[str, Array] = field(default_factory=dict)
    """Per parameter: its gradient."""
    parameter_calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True)
class Form:
    """What the arrays of a window depend on beside the plan."""

    T: int
    B: int
    tokens: bool
    """x is given as tokens."""
    gaps: bool
    """Targets are missing."""
    padded: bool = False
    """Sequences end before the window does."""
    overridden: frozenset[str] = frozenset()
    """Equations of which elements are set by hand."""
    dtype: str = "float64"


class Workspace:
    """The arrays of one window, and the calls that fill them: bound once, used again and again."""

    def __init__(self, plan: Plan, form: Form) -> None:
        self.plan, self.form = plan, form
        self.T, self.B = form.T, form.B
        program = plan.program
        self.packed: dict[Pack, Array] = {}
        """Per pack `[T, B, Σ n]`: the results of its members, side by side."""
        self.packed_parameters: dict[tuple[str, ...], Array] = {}
        """Per pack's row of parameters: all of them, below each other."""
        self.parameters: dict[str, Array] = {}
        """Per parameter; where it is packed, its part of the pack."""
        self._lay_out_parameters()
        self.slots = {name: self.room(name) for name in program.equations}
        """Per equation `[before + T + after, B, n]`: its values with those outside of the window."""
        self.values: dict[Expr, Array] = {}
        """Per operation `[T, B, n]`: what it computed, also where that is then set by hand."""
        self._lay_out_values()
        self.data: dict[str, Array] = {}
        """`[T, B, n]`: x, y, the classes as one-hot, the index."""
        self.classes = np.empty((self.T, self.B, 1), np.intp)
        """The tokens of x."""
        self.gaps = np.zeros((self.T, self.B, 1), np.bool_)
        """Where targets are missing."""
        self.padding = np.zeros((self.T, self.B, 1), np.bool_)
        """Where a sequence is over."""
        self.overrides: dict[str, tuple[NDArray[np.bool_], Array]] = {
            name: (np.zeros_like(self.value(name), np.bool_), np.zeros_like(self.value(name)))
            for name in form.overridden
        }
        """Per equation `[T, B, n]`: which elements are set by hand, and to what."""
        self.forward: list[Call] = []
        self.ways_back: dict[frozenset[str], WayBack] = {}

    def _lay_out_parameters(self) -> None:
        program, dtype = self.plan.program, self.form.dtype
        for pack in dict.fromkeys(self.plan.packs.values()):
            for names in (operand for operand in pack.operands if isinstance(operand, tuple)):
                shapes = [program.parameters[name] for name in names]
                rows = [shape[0] for shape in shapes]
                whole = np.empty((sum(rows), *shapes[0][1:]), dtype)
                self.packed_parameters[names] = whole
                self.parameters |= dict(zip(names, np.split(whole, np.cumsum(rows)[:-1]), strict=True))
        for name, shape in program.parameters.items():
            if name not in self.parameters:
                self.parameters[name] = np.empty(shape or (1,), dtype)

    def _lay_out_values(self) -> None:
        for pack in dict.fromkeys(self.plan.packs.values()):
            if self.form.overridden.isdisjoint(node.equation.name for node in pack.nodes):
                whole = np.empty((self.T, self.B, sum(pack.widths)), self.form.dtype)
                self.packed[pack] = whole
                parts = np.split(whole, np.cumsum(pack.widths)[:-1], axis=-1)
                for node, part in zip(pack.nodes, parts, strict=True):
                    self.values[node.apply] = part
                    if node.root:
                        self.slots[node.equation.name] = part
        for stage in self.plan.stages:
            for node in stage.nodes:
                if node.apply not in self.values:
                    own = node.root and node.equation.name not in self.form.overridden
                    self.values[node.apply] = self.value(node.equation.name) if own else self.new(node.apply)

    def value(self, name: str) -> Array:
        """`[T, B, n]`"""
        return self.slots[name][self.span(name)]

    def pack_operands(self, pack: Pack) -> list[Array] | None:
        """What a pack works on; None where one of its members must run by itself."""
        found = []
        for operand in pack.operands:
            if isinstance(operand, tuple):
                found.append(self.packed_parameters[operand])
            elif isinstance(operand, Part):
                whole = self.packed.get(operand.pack)
                if whole is None:
                    return None
                edges = (0, *np.cumsum(operand.pack.widths))
                found.append(whole[..., edges[operand.start] : edges[operand.stop]])
            else:
                found.append(self.operand(operand))
        return found if pack in self.packed else None

    def room(self, name: str) -> Array:
        """`[before + T + after, B, n]` zeros: room for a value with the time steps outside at which it is read."""
        program = self.plan.program
        outside = program.delays.get(name, 0) + program.leads.get(name, 0)
        return np.zeros((outside + self.T, self.B, width(program.shapes[name])), self.form.dtype)

    def span(self, name: str, offset: int = 0) -> slice:
        """Where in that room the window lies, seen `offset` time steps on."""
        first = self.plan.program.delays.get(name, 0) + offset
        return slice(first, first + self.T)

    def outside(self, name: str, room: Array) -> Array:
        """The part of a room before the window; for a state that is only read ahead, behind it, furthest first."""
        before = self.plan.program.delays.get(name, 0)
        return room[:before] if before else room[self.T :][::-1]

    def new(self, expr: Expr) -> Array:
        return np.empty((self.T, self.B, width(expr.shape)), self.form.dtype)

    def operand(self, expr: Expr) -> Array:
        """`[T, B, n]`, or the bare array of a parameter or constant."""
        match expr:
            case Constant(value=value):
                return np.array([value], self.form.dtype)
            case Read(kind="equation", name=name, offset=offset):
                return self.slots[name][self.span(name, offset)]
            case Read(kind="parameter", name=name):
                return self.parameters[name]
            case Read(kind=kind):
                if kind not in self.data:
                    self.data[kind] = np.zeros((self.T, self.B, width(expr.shape)), self.form.dtype)
                return self.data[kind]
        return self.values[expr]

    def operands(self, exprs: Sequence[Expr]) -> list[Array]:
        """The operands of one operation. Where none of them has places, vectors get them: `sum(b)` at every t."""
        arrays = [self.operand(expr) for expr in exprs]
        if any(array.ndim == 3 for array in arrays):
            return arrays
        places = (self.T, self.B)
        return [a if a.ndim == 2 else np.broadcast_to(a, (*places, a.size)) for a in arrays]

    def direction(self, state: str) -> int:
        """Which way over t a state is carried."""
        return 1 if state in self.plan.program.delays else -1

    def blanks(self, equation: str) -> list[NDArray[np.bool_]]:
        """`[T, B, 1]` masks: where an equation sends zeros and adds nothing, whatever it computed there."""
        masks = [self.gaps] if self.form.gaps and equation in self.plan.program.reads_target else []
        return [*masks, self.padding] if self.form.padded else masks

    def fill(
        self,
        parameters: Mapping[str, Array],
        x: Signal | None,
        y: Signal | None,
        initial: Mapping[str, Array],
        start: int,
    ) -> None:
        """Copy in what a pass starts from."""
        for name, array in self.parameters.items():
            array[...] = parameters[name]
        for name in self.plan.program.states:
            self.outside(name, self.slots[name])[...] = initial.get(name, 0.0)
        for kind, array in self.data.items():
            if kind == "index":
                array[...] = np.arange(start + 1.0, start + self.T + 1.0)[:, None, None]
                continue
            signal = x if kind == "x" else y
            if signal is None:
                raise ValueError(f"{kind} is read, but not given")
            if kind == "class":
                assert signal.classes is not None
                array[...] = 0.0
                np.put_along_axis(array, signal.classes[..., None], 1.0, axis=-1)
            else:
                array[...] = signal.values
        if self.form.tokens and x is not None and x.classes is not None:
            self.classes[..., 0] = x.classes
        if self.form.gaps and y is not None and y.missing is not None:
            self.gaps[..., 0] = y.missing
            if "class" in self.data:
                self.data["class"][y.missing] = 0.0


class Tape:
    """All numbers of one window: values after `forward`, gradients after `backward`.

    `start` is the number of time steps before the window, so that its first t is start + 1. A tape never
    changes: the arrays it hands out are read-only and hold it, and its workspace is used again only when
    nobody holds the tape any more. (What `operand` gives is bare, for use at once.)
    """

    def __init__(
        self,
        workspace: Workspace,
        x: Signal | None,
        y: Signal | None,
        start: int,
        padding: NDArray[np.bool_] | None = None,
    ) -> None:
        self.workspace, self.x, self.y, self.start = workspace, x, y, start
        self.plan, self.T, self.B = workspace.plan, workspace.T, workspace.B
        self.parameters, self.slots, self.values = workspace.parameters, workspace.slots, workspace.values
        self.missing = y.missing if y is not None and workspace.form.gaps else None
        self.padding = padding if workspace.form.padded else None
        """`[T, B]`: where a sequence is over; None where none is."""
        self.way_back: WayBack | None = None

    def __del__(self) -> None:
        spare = self.plan.spare.setdefault(self.workspace.form, [])
        if len(spare) < MAX_SPARE:
            spare.append(self.workspace)

    def _held(self, array: Array) -> Array:
        return np.asarray(_Held(self, array))

    # ------------------------------------------------------------ forward

    def span(self, name: str, offset: int = 0) -> slice:
        return self.workspace.span(name, offset)

    def operand(self, expr: Expr) -> Array:
        return self.workspace.operand(expr)

    def value(self, name: str) -> Array:
        """`[T, B, n]`"""
        return self._held(self.workspace.value(name))

    def initial(self, name: str) -> Array:
        """`[d, B, n]`: what a state had before the window, oldest first; the last one is h[start].

        For a state that is read from later time steps alone: what it has behind the window, furthest first.
        """
        return self._held(self.workspace.outside(name, self.slots[name]))

    def final(self, name: str) -> Array:
        """`[d, B, n]`: what the next window starts from."""
        return self._held(self.slots[name][self.T : self.T + self.plan.program.delays[name]])

    def undefined(self, name: str) -> NDArray[np.bool_] | None:
        """`[T, B]`: where an equation has no value: a target is missing, or the sequence is over and it keeps none."""
        program = self.plan.program
        masks = [self.missing] if self.missing is not None and name in program.reads_target else []
        if self.padding is not None and name not in program.states:
            masks.append(self.padding)
        return None if not masks else np.logical_or.reduce(masks)

    def inner_value(self, expr: Apply) -> Array:
        """`[T, B, n]`: the value of a sub-expression."""
        return self._held(self.values[expr])

    # ------------------------------------------------------------ backward

    @property
    def back(self) -> WayBack:
        if self.way_back is None:
            raise ValueError("this tape has no backward pass yet")
        return self.way_back

    @property
    def parameter_gradients(self) -> dict[str, Array]:
        """∂loss/∂ every parameter, in its shape; only after `backward`."""
        shapes = self.plan.program.parameters
        return {name: self._held(g.reshape(shapes[name])) for name, g in self.back.parameters.items()}

    def gradient(self, name: str) -> Array:
        """`[T, B, n]`: ∂loss/∂value, complete. Only for equations that have a stop on the way back."""
        if name in self.plan.stands_for_argument:
            return self._held(self.back.cotangents[self.plan.program.equations[name].root.args[0]])
        return self._held(self.back.gradients[name])

    def inner_gradient(self, expr: Apply) -> Array:
        """`[T, B, n]`: the gradient of a sub-expression."""
        return self._held(self.back.cotangents[expr])

    def sent(self, name: str, sender: Sender) -> Array:
        """`[T, B, n]`: what arrived at `name` from one sender, by the receiver's t."""
        return self._held(self.back.sums[name, sender])

    def sent_by(self, name: str, leaf: Read) -> Array:
        """`[T, B, n]`: likewise from one read."""
        return self._held(self.back.parts[leaf][self.span(name)])

    def kept(self, name: str, place: int) -> Array | None:
        """`[B, n]`: what a state was handed by its own next stop, where the sequence is over there and it stays.

        None where no sequence is over at that stop.
        """
        there = place + self.workspace.direction(name)
        if name not in self.back.kept or self.padding is None or not 0 <= there < self.T:
            return None
        if not self.padding[there].any():
            return None
        return self._held(self.back.kept[name][self.span(name)][place])

    def initial_gradient(self, name: str) -> Array:
        """`[d, B, n]`: ∂loss/∂ the values before the window, oldest first."""
        total = np.zeros_like(self.initial(name))
        for sender in self.plan.senders.get(name, ()):
            for leaf in sender.leaves:
                total += self.workspace.outside(name, self.back.parts[leaf])
        if name in self.back.kept:
            total += self.workspace.outside(name, self.back.kept[name])
        return total

    def parameter_part(self, use: ParameterUse, span: slice = slice(None)) -> Array:
        """What one use of a parameter adds to its gradient over a span of places (0 … T−1), as one product."""
        into = np.empty_like(self.parameters[use.read.name])
        run((call, *args) for call, args in parameter_calls(self.workspace, self.back, use, into, span))
        return into


class _Held:
    """Makes an array hold the tape that it is a view of, and refuse to be written."""

    __slots__ = ("__array_interface__", "tape")

    def __init__(self, tape: Tape, array: Array) -> None:
        self.tape = tape
        whole = array.__array_interface__
        self.__array_interface__ = {**whole, "data": (whole["data"][0], True)}


def parameter_calls(
    space: Workspace, back: WayBack, use: ParameterUse, into: Array, span: slice = slice(None)
) -> list[Call]:
    """The calls that sum up, over a span of places, what one use of a parameter adds to its gradient."""

    def cut(a: NDArray[Any]) -> NDArray[Any]:
        return flat(a[span]) if a.ndim == 3 else a

    operation, i = use.node.apply.operation, use.argument
    out, g = cut(space.values[use.node.apply]), cut(back.cotangents[use.node.apply])
    args = [cut(operand) for operand in space.operands(use.node.apply.args)]
    calls: list[Call] = []
    blanks = [
        (np.zeros((), g.dtype), "same_kind", cut(mask)) for mask in space.blanks(use.node.equation.name)
    ]
    if into.ndim == 2:
        if blanks:
            vector, args[1] = args[1], np.empty_like(args[1])
            calls = [(np.copyto, (args[1], vector)), *((np.copyto, (args[1], *blank)) for blank in blanks)]
        return calls + [(call, tuple(rest)) for call, *rest in operation.vjp(i, into, g, out, *args)]
    n = max(out.shape[-1], into.shape[0]) if operation.elementwise else into.shape[0]
    part = g
    if i not in operation.passes or n != g.shape[-1]:
        part = np.empty((g.shape[0], n), g.dtype)
        steps = (*operation.prepare(i, part, out, *args), *operation.vjp(i, part, g, out, *args))
        calls = [(call, tuple(rest)) for call, *rest in steps]
        calls += [(np.copyto, (part, *blank)) for blank in blanks]
    if n > into.shape[0]:
        total = np.empty(n, g.dtype)
        return [
            *calls,
            (np.add.reduce, (part, 0, None, total)),
            (np.add.reduce, (total, 0, None, into, True)),
        ]
    return [*calls, (np.add.reduce, (part, 0, None, into))]
