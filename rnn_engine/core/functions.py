"""The functions of the language: of one number, and over the elements of a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnn_engine.core.operation import (
    ATOM,
    PRODUCT,
    SUM,
    Array,
    Calls,
    Elements,
    Index,
    Operation,
    Shape,
    ShapeMismatch,
    Term,
    Text,
    elements_of,
    listed,
    number,
    own,
    sum_of_products,
    summed,
    told_apart,
)


def larger(a: Array, b: Array, out: Array) -> None:
    """Element by element; NumPy wants these results by keyword."""
    np.maximum(a, b, out=out)


def smaller(a: Array, b: Array, out: Array) -> None:
    """Element by element, likewise."""
    np.minimum(a, b, out=out)


class OfOneNumber(Operation):
    """A function f of one number: its value, its slope f′, and that slope as a formula.

    `value(out, v)` writes f(v), `slope(into, v, out)` writes f′ given v and out = f(v); the formula
    names the two {v} and {out}. In formulas `1(v > 0)` is 1 where the condition holds and else 0.
    """

    def __init__(
        self,
        name: str,
        value: Callable[[Array, Array], Calls],
        slope: Callable[[Array, Array, Array], Calls],
        formula: str,
        level: int = ATOM,
    ) -> None:
        self.name, self.value, self.slope, self.formula, self.level = name, value, slope, formula, level

    def forward(self, out: Array, *args: Array) -> Calls:
        return self.value(out, args[0])

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        return self.slope(into, args[0], out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, into, into

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(self.formula.format(v=args[0].at(ATOM), out=out.at(ATOM)), self.level)


def _of(ufunc: np.ufunc) -> Callable[[Array, Array], Calls]:
    """The value of a function that NumPy has."""

    def value(out: Array, v: Array) -> Calls:
        yield ufunc, v, out

    return value


def _tanh_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.multiply, out, out, into
    yield np.subtract, number(1.0, out), into, into


def _sigmoid(out: Array, v: Array) -> Calls:
    # 1 / (1 + exp(-v)): exp may overflow to inf, which gives the right 0. The form with tanh loses
    # digits where v is far below 0.
    one = number(1.0, out)
    yield np.negative, v, out
    yield np.exp, out, out
    yield np.add, out, one, out
    yield np.divide, one, out, out


def _sigmoid_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.subtract, number(1.0, out), out, into
    yield np.multiply, out, into, into


def _relu(out: Array, v: Array) -> Calls:
    yield larger, v, number(0.0, out), out


def _relu_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.greater, v, number(0.0, v), into


def _exp_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.copyto, into, out


def _log_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.divide, number(1.0, v), v, into


def _sqrt_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.multiply, number(2.0, out), out, into
    yield np.divide, number(1.0, out), into, into


def _abs_slope(into: Array, v: Array, out: Array) -> Calls:
    yield np.sign, v, into


OF_ONE_NUMBER = (
    OfOneNumber("tanh", _of(np.tanh), _tanh_slope, "1 - {out}**2", SUM),
    OfOneNumber("sigmoid", _sigmoid, _sigmoid_slope, "{out} * (1 - {out})", PRODUCT),
    OfOneNumber("relu", _relu, _relu_slope, "1({v} > 0)"),
    OfOneNumber("exp", _of(np.exp), _exp_slope, "{out}"),
    OfOneNumber("log", _of(np.log), _log_slope, "1 / {v}", PRODUCT),
    OfOneNumber("sqrt", _of(np.sqrt), _sqrt_slope, "1 / (2 * {out})", PRODUCT),
    OfOneNumber("abs", _of(np.absolute), _abs_slope, "sign({v})"),
)


class Clip(Operation):
    """`clip(v, low, high)`; at a limit the gradient still passes through v."""

    name, arity, compares = "clip", (3, 3), True

    def forward(self, out: Array, *args: Array) -> Calls:
        yield larger, args[0], args[1], out
        yield smaller, out, args[2], out

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        yield self._gate, i, into, *args

    def _gate(self, i: int, into: Array, v: Array, low: Array, high: Array) -> None:
        """1 where the gradient goes to argument i, else 0."""
        match i:
            case 0:
                into[...] = (v >= low) & (v <= high)
            case 1:
                into[...] = (v < low) & (low <= high)
            case _:
                into[...] = np.maximum(v, low) > high

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, into, into

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        v, low, high = (a.text for a in args)
        return Text(
            (f"1({low} <= {v} <= {high})", f"1({v} < {low} <= {high})", f"1(max({v}, {low}) > {high})")[i]
        )


class Extreme(Operation):
    """`max` and `min`: of several arguments element by element, of one over its elements.

    Where two are equal the gradient goes to the first.
    """

    arity, compares = (1, None), True

    def __init__(self, name: str) -> None:
        self.name = name
        self.choose = np.maximum if name == "max" else np.minimum
        self.find = np.argmax if name == "max" else np.argmin

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        return () if len(shapes) == 1 else super().shape(shapes)

    def forward(self, out: Array, *args: Array) -> Calls:
        if len(args) == 1:
            yield self.choose.reduce, args[0], -1, None, out, True
            return
        between = larger if self.name == "max" else smaller
        yield between, args[0], args[1], out
        for other in args[2:]:
            yield between, out, other, out

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        yield self._pick, i, into, out, *args

    def _pick(self, i: int, into: Array, out: Array, *args: Array) -> None:
        """1 where the gradient goes to argument i (or, of one vector, to an element), else 0."""
        if len(args) == 1:
            into[...] = np.arange(args[0].shape[-1]) == self.find(args[0], axis=-1)[..., None]
            return
        into[...] = args[i] == out
        for earlier in args[:i]:
            into *= earlier != out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, into, into

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"1({args[i].text} == {out.text})")

    def element(self, index: Index, args: Sequence[Elements], most: int) -> Text:
        if len(args) > 1:
            return super().element(index, args, most)
        [v] = args
        places = elements_of(v)
        sizes = [v.value(at) if self.name == "max" else -v.value(at) for at in places]
        return Text(f"{self.name}({listed(sizes, lambda k: v.number(places[k]).text, ', ', most)})")

    def uses(self, index: Index, shapes: Sequence[Shape]) -> list[tuple[int, Index]]:
        return super().uses(index, shapes) if len(shapes) > 1 else [(0, at) for at in np.ndindex(shapes[0])]

    def vjp_at(self, i: int, index: Index, g: Text, out: Elements, args: Sequence[Elements]) -> Text:
        if len(args) == 1:
            found, n = [(args[0], at) for at in elements_of(args[0])], index[0] if index else 0
        else:
            found, n = [(a, own(a.shape, index)) for a in args], i
        at = own(out.shape, index)
        before = [(a, k) for a, k in found[:n] if a.value(k) == out.value(at)]
        if not before or found[n][0].value(found[n][1]) != out.value(at):
            return super().vjp_at(i, index, g, out, args)
        first, mine, result = told_apart([before[0], found[n], (out, at)])
        return Text(f"{g.at(PRODUCT)} * 1({mine.text} == {result.text} != {first.text})", PRODUCT)


class Sum(Operation):
    """`sum` over the elements of a vector."""

    name, elementwise = "sum", False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        Operation.shape(self, shapes)
        return ()

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.add.reduce, args[0], -1, None, out, True

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.copyto, into, g

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        size = args[0].size
        return Text(f"ones({size})" if size else "1")

    def vjp_element(
        self, i: int, index: Index, g: Elements, out: Elements, args: Sequence[Elements], most: int
    ) -> Text:
        return g.spelled(())

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return (
            [Term(1.0, ((0, (k,)),)) for k in range(shapes[0][0])] if shapes[0] else [Term(1.0, ((0, ()),))]
        )


class Mean(Sum):
    """`mean` over the elements of a vector."""

    name = "mean"

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.add.reduce, args[0], -1, None, out, True
        yield np.divide, out, number(args[0].shape[-1], out), out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.divide, g, number(args[0].shape[-1], g), into

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        size = args[0].size
        return Text(f"{g.at(PRODUCT)} / {size} * ones({size})", PRODUCT) if size else g

    def element(self, index: Index, args: Sequence[Elements], most: int) -> Text:
        return Text(
            f"{super().element(index, args, most).at(PRODUCT)} / {len(elements_of(args[0]))}", PRODUCT
        )

    def vjp_element(
        self, i: int, index: Index, g: Elements, out: Elements, args: Sequence[Elements], most: int
    ) -> Text:
        return Text(f"{g.spelled(()).at(PRODUCT)} / {len(elements_of(args[0]))}", PRODUCT)

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        terms = super().terms(index, shapes)
        return [Term(1.0 / len(terms), t.factors) for t in terms]


class Exponentials:
    """exp(z − the largest of z) in a formula, as softmax takes it."""

    def __init__(self, z: Elements) -> None:
        self.z, self.places = z, elements_of(z)
        self.top = max(self.places, key=z.value)

    def difference(self, at: Index) -> Text:
        return Text(f"{self.z.number(at).at(SUM)} - {self.z.number(self.top).at(SUM + 1)}", SUM)

    def exp(self, at: Index) -> Text:
        return Text(f"exp({self.difference(at).text})")

    def total(self, most: int) -> Text:
        """Their sum."""
        sizes = [self.z.value(at) for at in self.places]
        return summed(sizes, lambda k: self.exp(self.places[k]), most)


class Softmax(Operation):
    name, elementwise = "softmax", False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        if shapes[0] == ():
            raise ShapeMismatch("softmax of a scalar; expected a vector")
        return super().shape(shapes)

    def forward(self, out: Array, *args: Array) -> Calls:
        """`args` may end with room `[N, 1]` for the largest element and for Σ exp(z − largest)."""
        z, *room = args
        most, total = room or (np.empty_like(out[..., :1]), np.empty_like(out[..., :1]))
        # the largest element is taken off first: exp cannot overflow, the quotient is the same
        yield np.maximum.reduce, z, -1, None, most, True
        yield np.subtract, z, most, out
        yield np.exp, out, out
        yield np.add.reduce, out, -1, None, total, True
        yield np.divide, out, total, out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        total = np.empty_like(out[..., :1])
        yield np.multiply, g, out, into
        yield np.add.reduce, into, -1, None, total, True
        yield np.subtract, g, total, into
        yield np.multiply, out, into, into

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        p = out.at(PRODUCT + 1)
        return Text(f"{p} * ({g.text} - sum({g.at(PRODUCT)} * {p}))", PRODUCT)

    def element(self, index: Index, args: Sequence[Elements], most: int) -> Text:
        over = Exponentials(args[0])
        return Text(f"{over.exp(index).text} / {over.total(most).at(PRODUCT + 1)}", PRODUCT)

    def vjp_element(
        self, i: int, index: Index, g: Elements, out: Elements, args: Sequence[Elements], most: int
    ) -> Text:
        arrived = sum_of_products([[(g, at), (out, at)] for at in elements_of(out)], most)
        return Text(
            f"{out.number(index).at(PRODUCT)} * ({g.number(index).at(SUM)} - {arrived.at(SUM + 1)})", PRODUCT
        )


class Concat(Operation):
    """`concat(v, w, …)`: one vector after the other; a scalar counts as one element."""

    name, arity, elementwise = "concat", (1, None), False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        if any(s is not None and len(s) > 1 for s in shapes):
            raise ShapeMismatch("a matrix cannot be concatenated; expected vectors or scalars")
        if None in shapes:
            return None
        return (sum(s[0] if s else 1 for s in shapes if s is not None),)

    @staticmethod
    def part(i: int, args: Sequence[Array]) -> slice:
        start = sum(a.shape[-1] for a in args[:i])
        return slice(start, start + args[i].shape[-1])

    def forward(self, out: Array, *args: Array) -> Calls:
        for i, a in enumerate(args):
            yield np.copyto, out[..., self.part(i, args)], a

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.copyto, into, g[..., self.part(i, args)]

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"part {i + 1} of {g.at(ATOM)}", ATOM)

    def vjp_element(
        self, i: int, index: Index, g: Elements, out: Elements, args: Sequence[Elements], most: int
    ) -> Text:
        start = sum(len(elements_of(a)) for a in args[:i])
        return g.spelled((start + (index[0] if index else 0),))

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        k = index[0]
        for i, s in enumerate(shapes):
            n = s[0] if s else 1
            if k < n:
                return [Term(1.0, ((i, (k,) if s else ()),))]
            k -= n
        raise IndexError(index)


FUNCTIONS: tuple[Operation, ...] = (
    *OF_ONE_NUMBER,
    *(Clip(), Extreme("max"), Extreme("min"), Sum(), Mean(), Softmax(), Concat()),
)
