"""Every operation of the language, each in one place: value, derivative, text, terms.

An operation sees two-dimensional arrays `[N, n]`: N places (time steps, sequences, or both at once),
n elements. A scalar per place is `[N, 1]`; a parameter is `[n]`, `[1]` or `[m, n]` and broadcasts.
Whether N is one time step or a whole window is none of its business, which is what lets the plan
run one operation for all t where nothing recurs.

To add an operation: write a class here, put an instance into `OPERATIONS`, add a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]
"""`()` a scalar, `(n,)` a vector, `(m, n)` a matrix parameter."""


class ShapeMismatch(ValueError):
    """The shapes of the arguments do not go together; the message names them."""


class Text(NamedTuple):
    """A piece of formula and how tightly it binds, so that parentheses stand only where needed."""

    text: str
    level: int = 9

    def at(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


SUM, PRODUCT, NEGATIVE, POWER, ATOM = 1, 2, 3, 4, 9


class Term(NamedTuple):
    """One summand of an element: `weight` times the product of elements (argument, index)."""

    weight: float
    factors: tuple[tuple[int, tuple[int, ...]], ...]


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
    """What an operation must say of itself. `g` is the gradient that arrives at the result."""

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

    def forward(self, out: Array, *args: Array) -> None:
        """Write the value into `out`."""
        raise NotImplementedError(self.name)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        """Write the vector-Jacobian product for argument i into `into`, `g` being that of the result.

        For an element-wise operation `into` has the shape of the result, also where the argument is
        a scalar: the plan adds the elements up.
        """
        raise NotImplementedError(self.name)

    def text(self, args: Sequence[Text]) -> Text:
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


def own(shape: Shape, index: tuple[int, ...]) -> tuple[int, ...]:
    """The element of an argument that an element-wise operation uses: itself, or the one scalar."""
    return index if shape else ()


# ---------------------------------------------------------------- arithmetic


class Add(Operation):
    name, arity, passes = "+", (2, 2), (0, 1)

    def forward(self, out: Array, *args: Array) -> None:
        np.add(args[0], args[1], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.copyto(into, g)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(SUM)} + {args[1].at(SUM + 1)}", SUM)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((i, own(s, index)),)) for i, s in enumerate(shapes)]


class Subtract(Operation):
    name, arity, passes = "-", (2, 2), (0,)

    def forward(self, out: Array, *args: Array) -> None:
        np.subtract(args[0], args[1], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.copyto(into, g) if i == 0 else np.negative(g, out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(SUM)} - {args[1].at(SUM + 1)}", SUM)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        return g if i == 0 else Text(f"-{g.at(NEGATIVE)}", NEGATIVE)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return [Term(w, ((i, own(shapes[i], index)),)) for i, w in enumerate((1.0, -1.0))]


class Multiply(Operation):
    name, arity = "*", (2, 2)

    def forward(self, out: Array, *args: Array) -> None:
        np.multiply(args[0], args[1], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(g, args[1 - i], out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} * {args[1].at(PRODUCT + 1)}", PRODUCT)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return args[1 - i]


class Divide(Operation):
    name, arity = "/", (2, 2)

    def forward(self, out: Array, *args: Array) -> None:
        np.divide(args[0], args[1], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.divide(g, args[1], out=into)
        if i == 1:
            np.multiply(into, out, out=into)
            np.negative(into, out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} / {args[1].at(PRODUCT + 1)}", PRODUCT)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        quotient = f"{g.at(PRODUCT)} / {args[1].at(PRODUCT + 1)}"
        return Text(quotient if i == 0 else f"-{quotient} * {out.at(PRODUCT + 1)}", PRODUCT)


class Power(Operation):
    name, arity = "**", (2, 2)

    def forward(self, out: Array, *args: Array) -> None:
        np.power(args[0], args[1], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        base, exponent = args
        if i == 0:
            np.power(base, exponent - 1.0, out=into)
            np.multiply(into, exponent, out=into)
        else:
            np.multiply(out, np.log(base), out=into)
        np.multiply(g, into, out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(POWER + 1)}**{args[1].at(NEGATIVE)}", POWER)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        base, exponent = args
        if i == 1:
            return Text(f"{out.at(PRODUCT)} * log({base.text})", PRODUCT)
        if exponent.text in ("2", "2.0"):
            return Text(f"2 * {base.at(PRODUCT + 1)}", PRODUCT)
        return Text(f"{exponent.at(PRODUCT)} * {base.at(POWER + 1)}**({exponent.text} - 1)", PRODUCT)


class Negative(Operation):
    name = "neg"

    def forward(self, out: Array, *args: Array) -> None:
        np.negative(args[0], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.negative(g, out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"-{args[0].at(NEGATIVE)}", NEGATIVE)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"-{g.at(NEGATIVE)}", NEGATIVE)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return [Term(-1.0, ((0, index),))]


class Identity(Operation):
    """`a = b`: a second name for a value, with a stop of its own."""

    name, passes = "identity", (0,)

    def forward(self, out: Array, *args: Array) -> None:
        np.copyto(out, args[0])

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.copyto(into, g)

    def text(self, args: Sequence[Text]) -> Text:
        return args[0]

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((0, index),))]


# ---------------------------------------------------------------- products


class Product(Operation):
    """`M @ v`: a matrix parameter `[m, n]` times a vector `[n]`, result `[m]`."""

    name, arity, elementwise = "@", (2, 2), False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        matrix, vector = shapes
        if matrix is None or len(matrix) != 2:
            raise ShapeMismatch("a matrix parameter is expected left of @")
        if vector is not None and vector != matrix[1:]:
            raise ShapeMismatch(
                f"{spell(matrix)} times {spell(vector)}; expected a vector of {matrix[1]}, one element for each column"
            )
        return matrix[:1]

    def forward(self, out: Array, *args: Array) -> None:
        np.matmul(args[1], args[0].T, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        if i == 0:
            np.matmul(g.T, args[1], out=into)
        else:
            np.matmul(g, args[0], out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} @ {args[1].at(PRODUCT + 1)}", PRODUCT)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        if i == 0:
            return Text(f"{g.at(PRODUCT)} {args[1].at(ATOM)}ᵀ", PRODUCT)
        return Text(f"{args[0].at(ATOM)}ᵀ @ {g.at(PRODUCT + 1)}", PRODUCT)

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((0, (index[0], k)), (1, (k,)))) for k in range(shapes[1][0])]


class Column(Product):
    """`M @ x` where x is a token: its column of M, picked instead of multiplied.

    The picked column is what the product with the one-hot vector gives, except that an infinite
    weight which the token does not use cannot spoil it (0 · ∞ is not a number).
    """

    def forward(self, out: Array, *args: Array) -> None:
        # `args[2]` holds the token indices; "clip" only spares NumPy a buffer, they are in range
        np.take(args[0].T, args[2].astype(np.intp, copy=False), axis=0, out=out, mode="clip")


class Dot(Operation):
    """`v @ w`: the sum of the products of two vectors."""

    name, arity, elementwise = "@", (2, 2), False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        left, right = shapes
        if left is not None and right is not None and (left != right or len(left) != 1):
            raise ShapeMismatch(f"{spell(left)} @ {spell(right)}; expected two vectors of equal length")
        return ()

    def forward(self, out: Array, *args: Array) -> None:
        np.sum(args[0] * args[1], axis=-1, keepdims=True, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(g, args[1 - i], out=into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} @ {args[1].at(PRODUCT + 1)}", PRODUCT)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return args[1 - i]

    def terms(self, index: tuple[int, ...], shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((0, (k,)), (1, (k,)))) for k in range(shapes[0][0])]


# ---------------------------------------------------------------- functions of one number


class Tanh(Operation):
    name = "tanh"

    def forward(self, out: Array, *args: Array) -> None:
        np.tanh(args[0], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(out, out, out=into)
        np.subtract(1.0, into, out=into)
        np.multiply(g, into, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"1 - {out.at(POWER + 1)}**2", SUM)


class Sigmoid(Operation):
    name = "sigmoid"

    def forward(self, out: Array, *args: Array) -> None:
        # 1 / (1 + exp(-v)): exp may overflow to inf, which gives the right 0. The form with tanh
        # loses digits where v is far below 0.
        np.negative(args[0], out=out)
        np.exp(out, out=out)
        np.add(out, 1.0, out=out)
        np.divide(1.0, out, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.subtract(1.0, out, out=into)
        np.multiply(out, into, out=into)
        np.multiply(g, into, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"{out.at(PRODUCT)} * (1 - {out.text})", PRODUCT)


class Relu(Operation):
    name = "relu"

    def forward(self, out: Array, *args: Array) -> None:
        np.maximum(args[0], 0.0, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(g, args[0] > 0, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"({args[0].text} > 0)")


class Exp(Operation):
    name = "exp"

    def forward(self, out: Array, *args: Array) -> None:
        np.exp(args[0], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(g, out, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return out


class Log(Operation):
    name = "log"

    def forward(self, out: Array, *args: Array) -> None:
        np.log(args[0], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.divide(g, args[0], out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"1 / {args[0].at(PRODUCT + 1)}", PRODUCT)


class Sqrt(Operation):
    name = "sqrt"

    def forward(self, out: Array, *args: Array) -> None:
        np.sqrt(args[0], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(2.0, out, out=into)
        np.divide(g, into, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"1 / (2 * {out.at(PRODUCT + 1)})", PRODUCT)


class Abs(Operation):
    name = "abs"

    def forward(self, out: Array, *args: Array) -> None:
        np.absolute(args[0], out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.multiply(g, np.sign(args[0]), out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return Text(f"sign({args[0].text})")


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
        return Text((f"({low} <= {v} <= {high})", f"({v} < {low})", f"({v} > {high})")[i])


# ---------------------------------------------------------------- over the elements of a vector


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
        return [Term(1.0, ((0, (k,)),)) for k in range(shapes[0][0])] if shapes[0] else [Term(1.0, ((0, ()),))]


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


# ---------------------------------------------------------------- losses


class Loss(Operation):
    """A loss compares a prediction with a target of the same shape and adds its elements up."""

    arity, elementwise = (2, 2), False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        p, y = shapes
        if p is not None and y is not None and p != y:
            raise ShapeMismatch(f"a prediction that is {spell(p)}, a target that is {spell(y)}; expected equal shapes")
        return ()


class SquaredError(Loss):
    name, factor = "squared_error", 1.0

    def forward(self, out: Array, *args: Array) -> None:
        d = args[0] - args[1]
        np.sum(d * d, axis=-1, keepdims=True, out=out)
        if self.factor != 1.0:
            np.multiply(out, self.factor, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        np.subtract(args[i], args[1 - i], out=into)
        if self.factor != 0.5:
            np.multiply(into, 2.0 * self.factor, out=into)
        np.multiply(g, into, out=into)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        factor = "" if self.factor == 0.5 else f"{2 * self.factor:g} * "
        return Text(f"{factor}({args[i].at(SUM)} - {args[1 - i].at(SUM + 1)})", PRODUCT if factor else ATOM)


class HalfSquaredError(SquaredError):
    """Half the squared error, so that its derivative is the difference itself."""

    name, factor = "half_squared_error", 0.5


def _y_log_p(y: Array, p: Array) -> Array:
    """y · log(p), and 0 where y is 0, whatever p is there."""
    return np.where(y == 0.0, 0.0, y * np.log(p))


class CrossEntropy(Loss):
    """−Σ y log p. Taken together with the softmax that made p wherever that is possible."""

    name, of = "cross_entropy", "softmax"

    def forward(self, out: Array, *args: Array) -> None:
        p, y = args
        np.sum(_y_log_p(y, p), axis=-1, keepdims=True, out=out)
        np.negative(out, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        p, y = args
        if i == 0:
            np.copyto(into, np.where(y == 0.0, 0.0, y / p))
        else:
            np.log(p, out=into)
        np.multiply(into, g, out=into)
        np.negative(into, out=into)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        p, y = args
        local = f"{y.at(PRODUCT)} / {p.at(PRODUCT + 1)}" if i == 0 else f"log({p.text})"
        return Text(f"-{g.at(PRODUCT)} * {local}", PRODUCT)

    def fused(self, out: Array, z: Array, y: Array) -> None:
        """The loss from the logits: log Σ exp(z) − z·y; no logarithm of a vanishing p."""
        d = z - np.max(z, axis=-1, keepdims=True)
        np.sum(np.exp(d), axis=-1, keepdims=True, out=out)
        np.log(out, out=out)
        weight = np.sum(y, axis=-1, keepdims=True)
        np.multiply(out, weight, out=out)
        np.subtract(out, np.sum(np.where(y == 0.0, 0.0, y * d), axis=-1, keepdims=True), out=out)

    def fused_vjp(self, into: Array, g: Array, p: Array, y: Array) -> None:
        """∂z = ∂loss · (p − y), for targets that sum to one."""
        np.multiply(p, np.sum(y, axis=-1, keepdims=True), out=into)
        np.subtract(into, y, out=into)
        np.multiply(g, into, out=into)


class BinaryCrossEntropy(CrossEntropy):
    """−Σ (y log p + (1 − y) log(1 − p)), with the sigmoid that made p wherever that is possible."""

    name, of = "binary_cross_entropy", "sigmoid"

    def forward(self, out: Array, *args: Array) -> None:
        p, y = args
        np.sum(_y_log_p(y, p) + _y_log_p(1.0 - y, 1.0 - p), axis=-1, keepdims=True, out=out)
        np.negative(out, out=out)

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
        p, y = args
        if i == 0:
            np.copyto(into, (p - y) / (p * (1.0 - p)))
        else:
            np.copyto(into, np.log(1.0 - p) - np.log(p))
        np.multiply(into, g, out=into)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        p, y = args[0].at(SUM + 1), args[1].at(SUM + 1)
        local = f"({p} - {y}) / ({p} * (1 - {p}))" if i == 0 else f"log((1 - {p}) / {p})"
        return Text(f"{g.at(PRODUCT)} * {local}", PRODUCT)

    def fused(self, out: Array, z: Array, y: Array) -> None:
        """The loss from the logits: max(z, 0) − z·y + log(1 + exp(−|z|))."""
        np.sum(np.maximum(z, 0.0) - z * y + np.log1p(np.exp(-np.abs(z))), axis=-1, keepdims=True, out=out)

    def fused_vjp(self, into: Array, g: Array, p: Array, y: Array) -> None:
        np.subtract(p, y, out=into)
        np.multiply(g, into, out=into)


def _by_name(*operations: Operation) -> Mapping[str, Operation]:
    return MappingProxyType({o.name: o for o in operations})


ARITHMETIC = _by_name(Add(), Subtract(), Multiply(), Divide(), Power(), Negative(), Identity())
FUNCTIONS = _by_name(
    *(Tanh(), Sigmoid(), Relu(), Exp(), Log(), Sqrt(), Abs(), Extreme("max"), Extreme("min"), Clip()),
    *(Sum(), Mean(), Softmax(), Concat()),
    *(CrossEntropy(), SquaredError(), HalfSquaredError(), BinaryCrossEntropy()),
)
PRODUCT_OF_MATRIX, PICKED_COLUMN, DOT_PRODUCT = Product(), Column(), Dot()
