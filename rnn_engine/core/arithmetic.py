"""Arithmetic: + - * / ** and the two products that @ can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnn_engine.core.operation import (
    ATOM,
    NEGATIVE,
    POWER,
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
    number,
    own,
    spell,
    sum_of_products,
)


class Add(Operation):
    name, arity, passes = "+", (2, 2), (0, 1)

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.add, args[0], args[1], out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.copyto, into, g

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(SUM)} + {args[1].at(SUM + 1)}", SUM)

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((i, own(s, index)),)) for i, s in enumerate(shapes)]


class Subtract(Operation):
    name, arity, passes = "-", (2, 2), (0,)

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.subtract, args[0], args[1], out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield (np.copyto, into, g) if i == 0 else (np.negative, g, into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(SUM)} - {args[1].at(SUM + 1)}", SUM)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        return g if i == 0 else Text(g.negated(NEGATIVE), NEGATIVE)

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return [Term(w, ((i, own(shapes[i], index)),)) for i, w in enumerate((1.0, -1.0))]


class Multiply(Operation):
    name, arity = "*", (2, 2)

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.multiply, args[0], args[1], out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, args[1 - i], into

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} * {args[1].at(PRODUCT + 1)}", PRODUCT)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return args[1 - i]


class Divide(Operation):
    name, arity = "/", (2, 2)

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.divide, args[0], args[1], out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.divide, g, args[1], into
        if i == 1:
            yield np.multiply, into, out, into
            yield np.negative, into, into

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} / {args[1].at(PRODUCT + 1)}", PRODUCT)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        divisor = args[1].at(PRODUCT + 1)
        if i == 0:
            return Text(f"{g.at(PRODUCT)} / {divisor}", PRODUCT)
        return Text(f"{g.negated(PRODUCT)} / {divisor} * {out.at(PRODUCT + 1)}", PRODUCT)


class Power(Operation):
    name, arity = "**", (2, 2)

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.power, args[0], args[1], out

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        base, exponent = args
        if i == 0:
            lower = np.empty_like(exponent)
            yield np.subtract, exponent, number(1.0, exponent), lower
            yield np.power, base, lower, into
            yield np.multiply, into, exponent, into
        else:
            logarithm = np.empty_like(base)
            yield np.log, base, logarithm
            yield np.multiply, out, logarithm, into

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, into, into

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

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.negative, args[0], out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.negative, g, into

    def text(self, args: Sequence[Text]) -> Text:
        return Text(args[0].negated(NEGATIVE), NEGATIVE)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        return Text(g.negated(NEGATIVE), NEGATIVE)

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return [Term(-1.0, ((0, index),))]


class Identity(Operation):
    """`a = b`: a second name for a value, with a stop of its own."""

    name, passes = "identity", (0,)

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.copyto, out, args[0]

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.copyto, into, g

    def text(self, args: Sequence[Text]) -> Text:
        return args[0]

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((0, index),))]


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

    def forward(self, out: Array, *args: Array) -> Calls:
        yield np.dot, args[1], args[0].T, out

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield (np.dot, g.T, args[1], into) if i == 0 else (np.dot, g, args[0], into)

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} @ {args[1].at(PRODUCT + 1)}", PRODUCT)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        if i == 0:
            return Text(f"{g.at(PRODUCT)} {args[1].at(ATOM)}ᵀ", PRODUCT)
        return Text(f"{args[0].at(ATOM)}ᵀ @ {g.at(PRODUCT + 1)}", PRODUCT)

    def vjp_element(
        self, i: int, index: Index, g: Elements, out: Elements, args: Sequence[Elements], most: int
    ) -> Text:
        matrix, vector = args
        if i == 0:
            row, column = index
            return sum_of_products([[(g, (row,)), (vector, (column,))]], most)
        return sum_of_products([[(matrix, (k, *index)), (g, (k,))] for k in range(matrix.shape[0])], most)

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((0, (index[0], k)), (1, (k,)))) for k in range(shapes[1][0])]

    def used_by(self, i: int, index: Index, shapes: Sequence[Shape]) -> set[Index]:
        return {(k,) for k in range(shapes[0][0])} if i else {index[:1]}


class Column(Product):
    """`M @ x` where x is a token: its column of M, picked instead of multiplied.

    The picked column is what the product with the one-hot vector gives, except that an infinite
    weight which the token does not use cannot spoil it (0 · ∞ is not a number).
    """

    def forward(self, out: Array, *args: Array) -> Calls:
        columns, tokens = args[0].T, args[2][:, 0]  # the token indices `[N, 1]`
        if len(out) < len(columns):
            yield self._pick, out, columns, tokens
        else:  # `take` copies them all first; "clip" only spares it a buffer, the tokens are in range
            yield columns.take, tokens, 0, out, "clip"

    def _pick(self, out: Array, columns: Array, tokens: Array) -> None:
        out[...] = columns[tokens]


class Dot(Operation):
    """`v @ w`: the sum of the products of two vectors."""

    name, arity, elementwise = "@", (2, 2), False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        left, right = shapes
        if left is not None and right is not None and (left != right or len(left) != 1):
            raise ShapeMismatch(f"{spell(left)} @ {spell(right)}; expected two vectors of equal length")
        return ()

    def forward(self, out: Array, *args: Array) -> Calls:
        products = np.empty((out.shape[0], args[0].shape[-1]), out.dtype)
        yield np.multiply, args[0], args[1], products
        yield np.add.reduce, products, -1, None, out, True

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, args[1 - i], into

    def text(self, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at(PRODUCT)} @ {args[1].at(PRODUCT + 1)}", PRODUCT)

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        return args[1 - i]

    def terms(self, index: Index, shapes: Sequence[Shape]) -> list[Term]:
        return [Term(1.0, ((0, (k,)), (1, (k,)))) for k in range(shapes[0][0])]


ADD = Add()
ARITHMETIC: tuple[Operation, ...] = (ADD, Subtract(), Multiply(), Divide(), Power(), Negative(), Identity())
PRODUCT_OF_MATRIX, PICKED_COLUMN, DOT_PRODUCT = Product(), Column(), Dot()
