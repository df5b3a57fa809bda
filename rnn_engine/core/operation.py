"""What an operation must say of itself: value, derivative, formula text, terms.

An operation sees two-dimensional arrays `[N, n]`: N places (time steps, sequences, or both at once),
n elements. A scalar per place is `[N, 1]`; a parameter is `[n]`, `[1]` or `[m, n]` and broadcasts.
Whether N is one time step or a whole window is none of its business, which is what lets the plan
run one operation for all t where nothing recurs.

An operation does not compute: it says which NumPy calls do. They are made out once for the arrays of
a window and then only repeated, so that a pass costs its arithmetic and no interpretation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from math import isnan, prod
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]
"""`()` a scalar, `(n,)` a vector, `(m, n)` a matrix parameter."""
Index = tuple[int, ...]
"""One element: `()` of a scalar, `(k,)` of a vector, `(j, k)` of a matrix parameter."""

Calls = Iterator[tuple[Any, ...]]
"""NumPy functions with their arguments, results included, in the order in which they run."""

SUM, PRODUCT, NEGATIVE, POWER, ATOM = 1, 2, 3, 4, 9
"""How tightly a piece of formula binds."""


class Text(NamedTuple):
    """A piece of formula and how tightly it binds, so that parentheses stand only where needed."""

    text: str
    level: int = ATOM
    size: int = 0
    """Of a vector how many elements it has, for a rule that says so."""

    def at(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"

    def negated(self, level: int) -> str:
        """With a minus before it: `-g`, and of what has one `-(-g)`."""
        return f"-({self.text})" if self.text.startswith("-") else f"-{self.at(level)}"


class Term(NamedTuple):
    """One summand of an element: `weight` times the product of elements (argument, index)."""

    weight: float
    factors: tuple[tuple[int, Index], ...]


class Elements(Protocol):
    """A value in the formula of one element: any of its elements, as a number or as the rule that made it."""

    @property
    def shape(self) -> Shape: ...

    @property
    def picked(self) -> int | None:
        """Of a token or a class, which is one-hot: the element that is 1, which is picked and not multiplied."""

    def value(self, index: Index) -> float:
        """The number, to decide by: which is largest, which is zero."""

    def number(self, index: Index) -> Text:
        """The number, for an operation that takes many elements."""

    def spelled(self, index: Index) -> Text:
        """The rule that made it, where there is one and room for it; for an operation that takes one element."""


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
    compares = False
    """Whether its derivative depends on which of two numbers is larger."""

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

    def element(self, index: Index, args: Sequence[Elements], most: int) -> Text:
        """One element of the result as a formula of elements of the arguments, at most so many terms of a sum.

        That of an element-wise operation is its `text`, that of a sum follows from its `terms`.
        """
        if self.elementwise:
            return self.text([a.spelled(own(a.shape, index)) for a in args])
        terms = self.terms(index, [a.shape for a in args])
        if terms is None:
            raise NotImplementedError(self.name)
        if len(terms) == 1 and len(terms[0].factors) == 1:
            [(i, at)] = terms[0].factors
            return args[i].spelled(at)
        products = [[(args[i], at) for i, at in term.factors] for term in terms]
        return sum_of_products(products, most)

    def vjp_element(
        self, i: int, index: Index, g: Elements, out: Elements, args: Sequence[Elements], most: int
    ) -> Text:
        """One element of what `vjp` writes for argument i, as a formula; of a scalar argument what it comes to in all.

        That of an operation whose rule goes element by element is its `vjp_text`.
        """
        if self.elementwise and out.shape and not args[i].shape:  # one number that every element used
            used = [at for at in elements_of(out) if g.value(at) != 0.0]
            sizes = [abs(g.value(at)) for at in used]
            return summed(sizes, lambda k: self.vjp_at(i, used[k], g.number(used[k]), out, args), most)
        return self.vjp_at(i, index, g.spelled(own(g.shape, index)), out, args)

    def vjp_at(self, i: int, index: Index, g: Text, out: Elements, args: Sequence[Elements]) -> Text:
        """`vjp_text` with the numbers of one element."""
        numbers = [(a, own(a.shape, index)) for a in (out, *args)]
        result, *operands = told_apart(numbers) if self.compares else [a.number(at) for a, at in numbers]
        return self.vjp_text(i, g, result, operands)

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term] | None:
        """The summands of one element of the result; None for an operation that is no sum."""
        return None

    def uses(self, index: Index, shapes: Sequence[Shape]) -> list[tuple[int, Index]]:
        """What one element of the result is made of: (argument, index).

        That of an element-wise operation are the elements beside it, that of a sum follows from its `terms`; any
        other takes all there are.
        """
        terms = self.terms(index, shapes)
        if terms is not None:
            return [factor for term in terms for factor in term.factors]
        if self.elementwise:
            return [(i, own(shape, index)) for i, shape in enumerate(shapes)]
        return [(i, at) for i, shape in enumerate(shapes) for at in np.ndindex(shape)]

    def used_by(self, i: int, index: Index, shapes: Sequence[Shape]) -> set[Index]:
        """The other way round: the elements of the result that one element of argument i is a part of."""
        result = self.shape(shapes) or ()
        if self.elementwise and shapes[i] == result:
            return {index}
        every = list(np.ndindex(result))
        if self.terms(every[0], shapes) is None:
            return set(every)
        return {at for at in every if (i, index) in self.uses(at, shapes)}


def run(calls: Iterable[tuple[Any, ...]]) -> None:
    """Carry calls out. Overflow and the like give inf and nan, never a warning."""
    with np.errstate(all="ignore"):
        for call, *args in calls:
            call(*args)


def number(value: float, like: Array) -> Array:
    """A constant as NumPy takes it fastest: without dimensions, of the right type."""
    return np.array(value, like.dtype)


def own(shape: Shape, index: Index) -> Index:
    """The element of an argument that an element-wise operation uses: itself, or the one scalar."""
    return index if shape else ()


def elements_of(a: Elements) -> list[Index]:
    """All of them, in order."""
    return [(k,) for k in range(a.shape[0])] if a.shape else [()]


def told_apart(numbers: Sequence[tuple[Elements, Index]]) -> list[Text]:
    """Numbers to be compared: with all their digits where two would look alike that are not."""
    shown, values = [a.number(at) for a, at in numbers], [a.value(at) for a, at in numbers]
    alike = any(s == t and v != w for (s, v), (t, w) in combinations(zip(shown, values, strict=True), 2))
    return [Text(repr(v)) for v in values] if alike else shown


def largest(sizes: Sequence[float], most: int) -> list[int]:
    """The places of so many of the largest, NaN before all, in their order."""
    ranked = sorted(range(len(sizes)), key=lambda k: (isnan(sizes[k]), sizes[k]), reverse=True)
    return sorted(ranked[:most])


def listed(sizes: Sequence[float], text: Callable[[int], str], between: str, most: int) -> str:
    """At most so many pieces, of the largest; an `…` stands for the others."""
    shown = [text(k) for k in largest(sizes, most)]
    return between.join([*shown, "…"] if len(shown) < len(sizes) else shown)


def summed(sizes: Sequence[float], text: Callable[[int], Text], most: int) -> Text:
    """A sum of terms by their sizes: at most so many of them, the largest."""
    if len(sizes) < 2:
        return text(0) if sizes else Text("0")
    return Text(listed(sizes, lambda k: text(k).at(SUM + 1), " + ", most), SUM)


def sum_of_products(products: Sequence[Sequence[tuple[Elements, Index]]], most: int) -> Text:
    """A sum of products of elements: `0.5 * 0.2 + -0.3`; a factor 1 is left out, and what is multiplied with 0."""

    def size(factors: Sequence[tuple[Elements, Index]]) -> float:
        return abs(prod(a.value(at) for a, at in factors))

    def counts(factors: Sequence[tuple[Elements, Index]]) -> bool:
        last, at = factors[-1]
        if last.picked is not None and len(factors) > 1:
            return at == (last.picked,)
        return last.value(at) != 0.0 or isnan(size(factors))

    def text(factors: Sequence[tuple[Elements, Index]]) -> Text:
        first, *others = factors
        pieces = [a.number(at) for a, at in [first, *(f for f in others if f[0].value(f[1]) != 1.0)]]
        if len(pieces) == 1:
            return pieces[0]
        return Text(" * ".join(p.at(PRODUCT + (n > 0)) for n, p in enumerate(pieces)), PRODUCT)

    found = [factors for factors in products if counts(factors)]
    return summed([size(factors) for factors in found], lambda k: text(found[k]), most)
