"""The arrays of one window, laid out so that what can run as one lies side by side.

Shapes: T time steps, B sequences, n elements. A scalar per step is stored as n = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.calls import Call
from rnn_engine.core.language import Apply, Constant, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.packing import Pack, Part
from rnn_engine.core.plan import Plan

if TYPE_CHECKING:
    from rnn_engine.core.way_back import WayBack


def width(shape: Shape) -> int:
    return shape[-1] if shape else 1


@dataclass(frozen=True)
class Form:
    """What the arrays of a window depend on beside the plan."""

    T: int
    B: int
    tokens: bool
    """x is given as tokens."""
    classes: bool
    """The targets are tokens or whole numbers, and none is missing."""
    gaps: bool
    """Targets are missing."""
    padded: bool = False
    """Sequences end before the window does."""
    overridden: frozenset[str] = frozenset()
    """Equations of which elements are set by hand."""
    dtype: str = "float64"


class Block:
    """An array over all members of a pack, `[T, B, Σ n]`, and the members' parts of it."""

    def __init__(self, whole: Array, widths: Sequence[int]) -> None:
        self.whole = whole
        self.edges = (0, *np.cumsum(widths).tolist())
        self.parts = np.split(whole, self.edges[1:-1], axis=-1)

    def cut(self, part: Part) -> Array:
        """Neighbouring members as one."""
        return self.whole[..., self.edges[part.start] : self.edges[part.stop]]


class Workspace:
    """The arrays of one window, and the calls that fill them: bound once, used again and again."""

    def __init__(self, plan: Plan, form: Form) -> None:
        self.plan, self.form = plan, form
        self.T, self.B = form.T, form.B
        self.packed_parameters: dict[tuple[str, ...], Array] = {}
        """Per pack's row of parameters: all of them, below each other."""
        self.parameters: dict[str, Array] = {}
        """Per parameter; where it is packed, its part of the pack."""
        self._lay_out_parameters()
        self.slots = {name: self.room(name) for name in plan.program.equations}
        """Per equation `[before + T + after, B, n]`: its values with those outside of the window."""
        self.values: dict[Expr, Array] = {}
        """Per operation `[T, B, n]`: what it computed, also where that is then set by hand."""
        self.packed: dict[Pack, Block] = {}
        """Per pack that runs as one: the results of its members."""
        self._lay_out_values()
        self.data = {
            read.kind: self.new(read)
            for equation in plan.program.equations.values()
            for read in equation.reads
            if read.kind not in ("equation", "parameter")
        }
        """`[T, B, n]`: x, y, the classes as one-hot, the index."""
        self.tokens = np.zeros((self.T, self.B, 1), np.intp)
        """The tokens of x."""
        self.classes = np.zeros((self.T, self.B, 1), np.intp)
        """The classes that the targets are."""
        self.gaps = np.zeros((self.T, self.B, 1), np.bool_)
        """Where targets are missing."""
        self.padding = np.zeros((self.T, self.B, 1), np.bool_)
        """Where a sequence is over."""
        self.beyond = {name: np.zeros_like(self.value(name)) for name in plan.program.leads if form.padded}
        """Per name that is read ahead `[T, B, n]`: where a sequence is over, what it has behind its last time step."""
        self.behind = {
            name: self.room(name)[self.T :] for name in self.beyond if name not in plan.program.delays
        }
        """`[after, B, n]`: that, if its initial values are there, as they were given."""
        self.overrides: dict[str, tuple[NDArray[np.bool_], Array]] = {
            name: (np.zeros_like(self.value(name), np.bool_), np.zeros_like(self.value(name)))
            for name in form.overridden
        }
        """Per equation `[T, B, n]`: which elements are set by hand, and to what."""
        self.forward: list[Call] = []
        self.ways_back: dict[frozenset[str], WayBack] = {}

    def _lay_out_parameters(self) -> None:
        program, dtype = self.plan.program, self.form.dtype
        for pack in self.plan.distinct_packs:
            for names in pack.parameter_rows:
                self.packed_parameters[names], parts = self.below_each_other(names)
                self.parameters |= parts
        for name, shape in program.parameters.items():
            if name not in self.parameters:
                self.parameters[name] = np.empty(shape or (1,), dtype)

    def below_each_other(self, names: tuple[str, ...]) -> tuple[Array, dict[str, Array]]:
        """Room for parameters (or their gradients) as one array, and each one's part of it."""
        shapes = [self.plan.program.parameters[name] for name in names]
        edges = np.cumsum([shape[0] for shape in shapes])
        whole = np.zeros((int(edges[-1]), *shapes[0][1:]), self.form.dtype)
        return whole, dict(zip(names, np.split(whole, edges[:-1]), strict=True))

    def _lay_out_values(self) -> None:
        for pack in self.plan.distinct_packs:
            if self.form.overridden.isdisjoint(node.equation.name for node in pack.nodes if node.root):
                block = self.packed[pack] = self.new_block(pack)
                for node, part in zip(pack.nodes, block.parts, strict=True):
                    self.values[node.apply] = part
                    if node.root:
                        self.slots[node.equation.name] = part
        for stage in self.plan.stages:
            for node in stage.nodes:
                if node.apply not in self.values:
                    own = node.root and node.equation.name not in self.form.overridden
                    self.values[node.apply] = self.value(node.equation.name) if own else self.new(node.apply)
        self.fused_room = {
            source: [self.new_scalar() for _ in range(loss.operation.shares)]
            for loss, source in self.plan.fused.items()
            if isinstance(loss.operation, CrossEntropy)
        }
        """Per softmax that is taken together with its loss: what both need."""

    # ------------------------------------------------------------ rooms

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

    def end_sequences(self, padding: NDArray[np.bool_]) -> None:
        """`padding` `[T, B]` says where sequences are over: from there on each is as if it were alone."""
        self.padding[..., 0] = padding
        for name, behind in self.behind.items():
            room = self.slots[name][self.T :]
            behind[...] = room
            rows = np.clip(self.steps_over(name), 0, len(behind) - 1)[..., None]
            self.beyond[name][...], room[...] = np.split(np.take_along_axis(behind, rows, axis=0), [self.T])

    def steps_over(self, name: str) -> NDArray[np.intp]:
        """`[T + after, B]`: for how many time steps a sequence has been over by then; below 0 it goes on."""
        lengths = self.T - np.count_nonzero(self.padding[..., 0], axis=0)
        steps: NDArray[np.intp] = np.arange(self.T + self.plan.program.leads[name])[:, None] - lengths
        return steps

    def new(self, expr: Expr) -> Array:
        return np.empty((self.T, self.B, width(expr.shape)), self.form.dtype)

    def new_scalar(self) -> Array:
        return np.empty((self.T, self.B, 1), self.form.dtype)

    def new_block(self, pack: Pack) -> Block:
        return Block(np.zeros((self.T, self.B, sum(pack.widths)), self.form.dtype), pack.widths)

    # ------------------------------------------------------------ what is there

    def value(self, name: str) -> Array:
        """`[T, B, n]`"""
        return self.slots[name][self.span(name)]

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
                return self.data[kind]
        return self.values[expr]

    def operands(self, apply: Apply) -> list[Array]:
        """The operands of one operation. Where none of them has places, vectors get them: `sum(b)` at every t."""
        arrays = [self.operand(expr) for expr in apply.args]
        if not any(array.ndim == 3 for array in arrays):
            return [a if a.ndim == 2 else np.broadcast_to(a, (self.T, self.B, a.size)) for a in arrays]
        if apply.operation.elementwise:  # a number without axes costs NumPy half of one with an axis
            return [a.reshape(()) if a.shape == (1,) else a for a in arrays]
        return arrays

    def pack_operands(self, pack: Pack) -> list[Array] | None:
        """What a pack works on as one; None where one of its members must run by itself."""
        found = []
        for operand in pack.operands:
            if isinstance(operand, tuple):
                found.append(self.packed_parameters[operand])
            elif isinstance(operand, Part):
                if operand.pack not in self.packed:
                    return None
                found.append(self.packed[operand.pack].cut(operand))
            else:
                found.append(self.operand(operand))
        return found if pack in self.packed else None

    def is_token(self, apply: Apply) -> bool:
        """Whether a product is that of a matrix with a token."""
        match apply.args:
            case [_, Read(kind="x")] if apply.operation is PRODUCT_OF_MATRIX:
                return self.form.tokens
        return False

    def picks_class(self, loss: Apply) -> bool:
        """Whether a fused loss compares with a class, which can be picked instead of multiplied."""
        return self.form.classes and loss.operation.name == "cross_entropy"

    def blanks(self, equation: str) -> list[NDArray[np.bool_]]:
        """`[T, B, 1]` masks: where an equation sends zeros and adds nothing, whatever it computed there."""
        masks = [self.gaps] if self.form.gaps and equation in self.plan.program.reads_target else []
        return [*masks, self.padding] if self.form.padded else masks
