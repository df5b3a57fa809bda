"""The functions of the language: of one number, and over the elements of a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnn_engine.core.operation import ATOM, PRODUCT, Array, Operation, Shape, ShapeMismatch, Term, Text


class OfOneNumber(Operation):
    """A function f of one number: its value v → out, its slope f′, and that slope as a formula.

    `slope` writes f′ into its first argument, given v and out = f(v); the formula names them {v}, {out}.
    """

    def __init__(
        self,
        name: str,
        value: Callable[[Array, Array], object],
        slope: Callable[[Array, Array, Array], object],
        formula: str,
        level: int = ATOM,
    ) -> None:
        self.name, self.value, self.slope, self.formula, self.level = name, value, slope, formula, level

    def forward(self, out: Array, *args: Array) -> None:
        self.value(out, args[0])

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        self.slope(into, args[0], out)
        np.multiply(g, into, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(self.formula.format(v=args[0].at(ATOM), out=out.at(ATOM)), self.level)


def _tanh_slope(into: Array, v: Array, out: Array) -> None:
    np.multiply(out, out, out=into)
    np.subtract(1.0, into, out=into)


def _sigmoid(out: Array, v: Array) -> None:
    # 1 / (1 + exp(-v)): exp may overflow to inf, which gives the right 0. The form with tanh loses
    # digits where v is far below 0.
    np.negative(v, out=out)
    np.exp(out, out=out)
    np.add(out, 1.0, out=out)
    np.divide(1.0, out, out=out)


def _sigmoid_slope(into: Array, v: Array, out: Array) -> None:
    np.subtract(1.0, out, out=into)
    np.multiply(out, into, out=into)


def _sqrt_slope(into: Array, v: Array, out: Array) -> None:
    np.multiply(2.0, out, out=into)
    np.divide(1.0, into, out=into)


OF_ONE_NUMBER = (
    OfOneNumber("tanh", lambda out, v: np.tanh(v, out=out), _tanh_slope, "1 - {out}**2", 1),
    OfOneNumber("sigmoid", _sigmoid, _sigmoid_slope, "{out} * (1 - {out})", PRODUCT),
    OfOneNumber(
        *("relu", lambda out, v: np.maximum(v, 0.0, out=out), lambda into, v, out: np.copyto(into, v > 0)),
        "({v} > 0)",
    ),
    OfOneNumber("exp", lambda out, v: np.exp(v, out=out), lambda into, v, out: np.copyto(into, out), "{out}"),
    OfOneNumber(
        *("log", lambda out, v: np.log(v, out=out), lambda into, v, out: np.divide(1.0, v, out=into)),
        *("1 / {v}", PRODUCT),
    ),
    OfOneNumber("sqrt", lambda out, v: np.sqrt(v, out=out), _sqrt_slope, "1 / (2 * {out})", PRODUCT),
    OfOneNumber(
        *("abs", lambda out, v: np.absolute(v, out=out), lambda into, v, out: np.sign(v, out=into)),
        "sign({v})",
    ),
)


class Clip(Operation):
    """`clip(v, low, high)`; at a limit the gradient still passes through v."""

    name, arity = "clip", (3, 3)

    def forward(self, out: Array, *args: Array) -> None:
        np.maximum(args[0], args[1], out=out)
        np.minimum(out, args[2], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        v, low, high = args
        gate = ((v >= low) & (v <= high), (v < low) & (low <= high), np.maximum(v, low) > high)[i]
        np.multiply(g, gate, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        v, low, high = (a.text for a in args)
        return Text(
            (f"({low} <= {v} <= {high})", f"({v} < {low} <= {high})", f"(max({v}, {low}) > {high})")[i]
        )


class Extreme(Operation):
    """`max` and `min`: of several arguments element by element, of one over its elements.

    Where two are equal the gradient goes to the first.
    """

    arity = (1, None)

    def __init__(self, name: str) -> None:
        self.name = name
        self.choose = np.maximum if name == "max" else np.minimum
        self.find = np.argmax if name == "max" else np.argmin

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        return () if len(shapes) == 1 else super().shape(shapes)

    def forward(self, out: Array, *args: Array) -> None:
        if len(args) == 1:
            self.choose.reduce(args[0], axis=-1, keepdims=True, out=out)
            return
        self.choose(args[0], args[1], out=out)
        for other in args[2:]:
            self.choose(out, other, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        if len(args) == 1:
            picked = np.arange(args[0].shape[-1]) == self.find(args[0], axis=-1)[..., None]
        else:
            picked = np.asarray(args[i] == out)
            for earlier in args[:i]:
                picked = picked & (earlier != out)
        np.multiply(g, picked, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"({args[i].text} == {out.text})")


class Sum(Operation):
    """`sum` over the elements of a vector."""

    name, elementwise = "sum", False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        Operation.shape(self, shapes)
        return ()

    def forward(self, out: Array, *args: Array) -> None:
        np.sum(args[0], axis=-1, keepdims=True, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.copyto(into, g)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return (
            [Term(1.0, ((0, (k,)),)) for k in range(shapes[0][0])] if shapes[0] else [Term(1.0, ((0, ()),))]
        )


class Mean(Sum):
    """`mean` over the elements of a vector."""

    name = "mean"

    def forward(self, out: Array, *args: Array) -> None:
        np.sum(args[0], axis=-1, keepdims=True, out=out)
        np.divide(out, args[0].shape[-1], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.divide(g, args[0].shape[-1], out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"1 / len({args[0].text})", PRODUCT)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        terms = super().terms(index, shapes)
        return [Term(1.0 / len(terms), t.factors) for t in terms]


class Softmax(Operation):
    name, elementwise = "softmax", False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        if shapes[0] == ():
            raise ShapeMismatch("softmax of a scalar; expected a vector")
        return super().shape(shapes)

    def forward(self, out: Array, *args: Array) -> None:
        # the largest element is taken off first: exp cannot overflow, the quotient is the same
        np.subtract(args[0], np.max(args[0], axis=-1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, np.sum(out, axis=-1, keepdims=True), out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(g, out, out=into)
        np.subtract(g, np.sum(into, axis=-1, keepdims=True), out=into)
        np.multiply(out, into, out=into)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        p = out.at(PRODUCT + 1)
        return Text(f"{p} * ({g.text} - sum({g.at(PRODUCT)} * {p}))", PRODUCT)


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

    def forward(self, out: Array, *args: Array) -> None:
        for i, a in enumerate(args):
            out[..., self.part(i, args)] = a

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.copyto(into, g[..., self.part(i, args)])

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"part {i + 1} of {g.at(ATOM)}", ATOM)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
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
