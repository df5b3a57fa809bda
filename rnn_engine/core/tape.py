"""The tape: all numbers of one window, forward and backward, where whoever looks can find them.

Shapes: T time steps, B sequences, n elements. A scalar per step is stored as n = 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.calls import run
from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.plan import ParameterUse, Sender
from rnn_engine.core.way_back import WayBack, parameter_calls
from rnn_engine.core.workspace import Workspace

MAX_SPARE = 4
"""Workspaces of one form that are kept to be used again."""


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
        held = np.asarray(_Held(self, array))
        held.setflags(write=False)
        return held

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
        behind = self.workspace.behind.get(name)
        return self._held(self.workspace.outside(name, self.slots[name]) if behind is None else behind[::-1])

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

    def set_by_hand(self, name: str) -> NDArray[np.bool_] | None:
        """`[T, B, n]`: which elements of an equation were set by hand; None where none was."""
        found = self.workspace.overrides.get(name)
        return None if found is None else found[0]

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

    def sent_from(self, leaf: Read) -> Array:
        """`[before + T + after, B, n]`: what one read sends, also to the values outside of the window."""
        return self._held(self.back.parts[leaf])

    def initial_gradient(self, name: str) -> Array:
        """`[d, B, n]`: ∂loss/∂ the values before the window, oldest first, or behind it: as `initial` has them."""
        total = np.zeros_like(self.initial(name))
        for sender in self.plan.senders.get(name, ()):
            for leaf in sender.leaves:
                total += self.workspace.outside(name, self.back.parts[leaf])
        space = self.workspace
        if name not in space.behind or name not in self.back.gradients:
            return total
        # Behind its own end a sequence has these values, and the first of them may lie within the window.
        inside = np.where(space.padding, self.back.gradients[name], 0.0)
        sent, steps = np.concatenate([inside, total[::-1]]), space.steps_over(name)[..., None]
        behind = [np.where(steps == k, sent, 0.0).sum(axis=0) for k in range(len(total))]
        return np.stack(behind[::-1])

    def parameter_part(self, use: ParameterUse, span: slice = slice(None)) -> Array:
        """What one use of a parameter adds to its gradient over a span of places (0 … T−1), as one product."""
        into = np.empty_like(self.parameters[use.read.name])
        run(parameter_calls(self.workspace, self.back, use, into, span))
        return into


class _Held:
    """Makes an array hold the tape that it is a view of."""

    __slots__ = ("__array_struct__", "tape")

    def __init__(self, tape: Tape, array: Array) -> None:
        self.tape = tape
        self.__array_struct__ = array.__array_struct__
