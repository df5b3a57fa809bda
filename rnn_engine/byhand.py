"""What a run has set by hand: which numbers, where, and the arrays that put them into a pass.

Nothing here knows how an edit is written; `edits` checks them and sorts them into this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Plan

Spot = tuple[int, int, int]
"""t (from 1), sequence and element (from 0) of one number of an equation."""
Values = Mapping[str, Mapping[Spot, float]]
"""By equation: the numbers of one pass that are set by hand."""
Index = tuple[int, ...]
"""An element of a parameter, in its shape."""
Overrides = Mapping[str, tuple[NDArray[np.bool_], Array]]
"""By equation `[T, B, n]`: which elements are set by hand, and to what."""


@dataclass(frozen=True, eq=False)
class ByHand:
    """The numbers that a person has set, by where they act."""

    values: Mapping[tuple[int, str], Values] = field(default_factory=dict)
    """By iteration and phase (`forward`, `evaluate`, `generate`)."""
    parameters: Mapping[int, Mapping[str, Mapping[Index, float]]] = field(default_factory=dict)
    """By the iteration at the beginning of which they are set; what follows the last counts as one more."""
    data: frozenset[tuple[str, int, int, int]] = frozenset()
    """Inputs and targets: `x` or `y`, sequence of the data, t, element (−1: the whole, a token or a null)."""
    initial: frozenset[tuple[str, int, int, int]] = frozenset()
    """State, time steps before t = 1, sequence (−1: all), element."""
    plans: Mapping[frozenset[str], Plan] = field(default_factory=dict)
    """Where a softmax is set that a loss is taken together with: the plan on which it stands by itself."""

    def plan(self, usual: Plan, number: int, phase: str) -> Plan:
        """The plan on which a pass runs."""
        if not self.plans:
            return usual
        return self.plans.get(standing_alone(usual, self.values.get((number, phase), ())), usual)

    def overrides(self, plan: Plan, number: int, phase: str, start: int, T: int, B: int) -> Overrides | None:
        """What is set in the time steps start + 1 … start + T of a pass; None where nothing is."""
        found: dict[str, tuple[NDArray[np.bool_], Array]] = {}
        for name, spots in self.values.get((number, phase), {}).items():
            shape = plan.program.shapes[name]
            mask = np.zeros((T, B, shape[0] if shape else 1), np.bool_)
            values = np.zeros(mask.shape)
            for (t, sequence, element), value in spots.items():
                if start < t <= start + T:
                    mask[t - 1 - start, sequence, element] = True
                    values[t - 1 - start, sequence, element] = value
            if mask.any():
                found[name] = mask, values
        return found or None

    def changed(self, number: int, parameters: Mapping[str, Array]) -> Mapping[str, Array]:
        """The parameters with what is set at the beginning of an iteration."""
        mine = self.parameters.get(number)
        if not mine:
            return parameters
        changed = dict(parameters)
        for name, cells in mine.items():
            array = np.array(changed[name])
            for index, value in cells.items():
                array[index] = value
            changed[name] = array
        return changed

    def last_set(self, name: str, index: Index, number: int) -> int | None:
        """The latest iteration up to `number` at the beginning of which an element of a parameter is set."""
        return max(
            (i for i, names in self.parameters.items() if i <= number and index in names.get(name, ())),
            default=None,
        )

    def cells(self, name: str, number: int, *, stays: bool) -> Iterator[Index]:
        """The elements of a parameter that are in an iteration what was set; `stays` where nothing updates it."""
        for i, names in self.parameters.items():
            if i == number or (stays and i <= number):
                yield from names.get(name, ())

    def begins_set(self, state: str, back: int, sequence: int, element: int) -> bool:
        """Whether a state's value before the first time step is set, for a sequence of a batch."""
        return bool(self.initial & {(state, back, s, element) for s in (-1, sequence)})


def standing_alone(plan: Plan, names: Iterable[str]) -> frozenset[str]:
    """Those of the equations that a loss is taken together with, so that it would not see what is set there."""
    fused = plan.fused.values()
    return frozenset(name for name in names if plan.program.equations[name].root in fused)
