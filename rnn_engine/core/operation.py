"""What an operation must say of itself: value, derivative, formula text, terms.

An operation sees two-dimensional arrays `[N, n]`: N places (time steps, sequences, or both at once),
n elements. A scalar per place is `[N, 1]`; a parameter is `[n]`, `[1]` or `[m, n]` and broadcasts.
Whether N is one time step or a whole window is none of its business, which is what lets the plan
run one operation for all t where nothing recurs.

An operation does not compute: it says which NumPy calls do. They are made out once for the arrays of
a window and then only repeated, so that a pass costs its arithmetic and no interpretation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]
"""`()` a scalar, `(n,)` a vector, `(m, n)` a matrix parameter."""

Calls = Iterator[tuple[Any, ...]]
"""NumPy functions with their arguments, results included, in the order in which they run."""

SUM, PRODUCT, NEGATIVE, POWER, ATOM = 1, 2, 3, 4, 9
"""How tightly a piece of formula binds."""


class Text(NamedTuple):
    """A piece of formula and how tightly it binds, so that parentheses stand only where needed."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"

    def negated(self, level: int) -> str:
        """With a minus before it: `-g`, and of what has one `-(-g)`."""
        return f"-({self.text})" if self.text.startswith("-") else f"-{self.at(level)}"


class Term(NamedTuple):
    """One summand of an element: `weight` times the product of elements (argument, index)."""

    weight: float
    factors: tuple[tuple[int, tuple[int, ...]], ...]


class ShapeMismatch(ValueError):
    """The shapes of the arguments do not go together; the message names them."""


def spell(shape: Shape) -> str:
    """A shape in words: `a scalar`, `a vector of 4`, `a 2×3 matrix`."""
    match shape:
        case ():
            return "a scalar"
        case (n,):
            return f"a vector of {n}"
        case _:
            return f"a {'×'.join(map(str, shape))} matrix"


class Operation:
    """An operation of the language. `g` is the gradient that arrives at its result."""

    name: str
    arity: tuple[int, int | None] = (1, 1)
    elementwise = True
    passes: tuple[int, ...] = ()
    """The arguments to which `g` is handed on unchanged."""

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        """The shape of the result; None while it is still open. Raises `ShapeMismatch`."""
        vectors = [s for s in shapes if s]
        for s in vectors:
            if len(s) > 1:
                raise ShapeMismatch(f"{spell(s)} can only stand left of @ and must be a parameter")
            if s != vectors[0]:
                raise ShapeMismatch(f"{spell(vectors[0])} and {spell(s)}; expected equal shapes or a scalar")
        if vectors:
            return vectors[0]
        return None if None in shapes else ()

    def forward(self, out: Array, *args: Array) -> Calls:
        """Write the value into `out`."""
        raise NotImplementedError(self.name)

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        """The part of `vjp` that does not need g, if there is one; it may leave something in `into`."""
        yield from ()

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        """Write the vector-Jacobian product for argument i into `into`, after `prepare`.

        For an element-wise operation `into` has the shape of the result, also where the argument is
        a scalar: the plan adds the elements up.
        """
        raise NotImplementedError(self.name)

    def text(self, args: Sequence[Text]) -> Text:
        """The operation as a formula of its arguments."""
        return Text(f"{self.name}({', '.join(a.text for a in args)})")

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        """The rule of `vjp` as a formula."""
        local = self.local_text(i, out, args)
        return g if local.text == "1" else Text(f"{g.at(PRODUCT)} * {local.at(PRODUCT + 1)}", PRODUCT)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        """The local derivative of an element-wise operation with respect to argument i."""
        return Text("1")

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term] | None:
        """The summands of one element of the result; None for an operation that is no sum."""
        return None


def run(calls: Iterable[tuple[Any, ...]]) -> None:
    """Carry calls out. Overflow and the like give inf and nan, never a warning."""
    with np.errstate(all="ignore"):
        for call, *args in calls:
            call(*args)


def number(value: float, like: Array) -> Array:
    """A constant as NumPy takes it fastest: without dimensions, of the right type."""
    return np.array(value, like.dtype)


def own(shape: Shape, index: tuple[int, ...]) -> tuple[int, ...]:
    """The element of an argument that an element-wise operation uses: itself, or the one scalar."""
    return index if shape else ()
