"""What a pass is: a flat list of NumPy calls with their views into the arrays of a window, bound once and walked often.

Calls and views are made in the order in which they are walked, and numbers that several calls use are one view: so
they lie in memory as they are needed, and a time step of a long window costs what one of a short window does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import Calls

Call = tuple[Any, tuple[Any, ...]]
"""A NumPy function and its arguments."""


class Row(NamedTuple):
    """One operation of a stage: what its calls are, and the arrays `[T, B, n]` (or parameters) that they work on."""

    calls: Callable[..., Calls]
    operands: Sequence[NDArray[Any]]


def run(calls: Iterable[Call]) -> None:
    """Carry calls out. Overflow and the like give inf and nan, never a warning."""
    with np.errstate(all="ignore"):
        for call, args in calls:
            call(*args)


def bind(rows: Sequence[Row], direction: int) -> Iterator[Call]:
    """The calls of a stage: each operation once for all places, or in a loop all at one t, then all at the next."""
    if direction == 0:
        for row in rows:
            yield from made_out(row.calls, [flat(a) if a.ndim == 3 else a for a in row.operands])
        return
    views = _Views()
    columns = [(row.calls, [views.of(a) for a in row.operands]) for row in rows]
    places = range(max((len(a) for row in rows for a in row.operands if a.ndim > 2), default=0))
    for place in places[::direction]:
        for calls, operands in columns:
            yield from made_out(calls, [at(place) for at in operands])


def made_out(calls: Callable[..., Calls], operands: Iterable[NDArray[Any]]) -> Iterator[Call]:
    """The calls of one operation for operands as it sees them: two-dimensional."""
    return ((call, tuple(args)) for call, *args in calls(*operands))


def flat(array: NDArray[Any]) -> NDArray[Any]:
    """`[T, B, n]` as `[T·B, n]`, always a view."""
    n = array.shape[-1]
    if array.strides[:2] == (0, 0):  # one vector for all places
        return np.broadcast_to(array[0, 0], (array.shape[0] * array.shape[1], n))
    return array.reshape(-1, n)


class _Views:
    """Operands at one time step; the same numbers are the same view, however it is come by (h[t], the next h[t-1])."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, object], NDArray[Any]] = {}

    def of(self, array: NDArray[Any]) -> Callable[[int], NDArray[Any]]:
        if array.ndim < 3:
            # NumPy is twice as quick where both operands have two axes
            always = array[None] if array.ndim == 1 else array
            return lambda place: always
        address, stride = array.__array_interface__["data"][0], array.strides[0]
        kind = (array.shape[1:], array.strides[1:], array.dtype.str)

        def at(place: int) -> NDArray[Any]:
            key = address + place * stride, kind
            if key not in self.known:
                self.known[key] = array[place]
            return self.known[key]

        return at
