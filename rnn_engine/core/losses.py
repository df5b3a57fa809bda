"""The losses. Each compares a prediction with a target of the same shape and adds its elements up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import (
    ATOM,
    PRODUCT,
    SUM,
    Array,
    Calls,
    Operation,
    Shape,
    ShapeMismatch,
    Text,
    number,
    spell,
)


class Loss(Operation):
    """A loss compares a prediction with a target of the same shape and adds its elements up."""

    arity, elementwise = (2, 2), False

    def shape(self, shapes: Sequence[Shape | None]) -> Shape | None:
        p, y = shapes
        if p is not None and y is not None and p != y:
            raise ShapeMismatch(
                f"a prediction that is {spell(p)}, a target that is {spell(y)}; expected equal shapes"
            )
        return ()


class SquaredError(Loss):
    name, factor = "squared_error", 1.0

    def forward(self, out: Array, *args: Array) -> Calls:
        d = np.empty((out.shape[0], max(a.shape[-1] for a in args)), out.dtype)
        yield np.subtract, args[0], args[1], d
        yield np.multiply, d, d, d
        yield np.add.reduce, d, -1, None, out, True
        if self.factor != 1.0:
            yield np.multiply, out, number(self.factor, out), out

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        yield np.subtract, args[i], args[1 - i], into
        if self.factor != 0.5:
            yield np.multiply, into, number(2.0 * self.factor, into), into

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, g, into, into

    def local_text(self, i: int, out: Text, args: Sequence[Text]) -> Text:
        factor = "" if self.factor == 0.5 else f"{2 * self.factor:g} * "
        return Text(f"{factor}({args[i].at(SUM)} - {args[1 - i].at(SUM + 1)})", PRODUCT if factor else ATOM)


class HalfSquaredError(SquaredError):
    """Half the squared error, so that its derivative is the difference itself."""

    name, factor = "half_squared_error", 0.5


def _product_or_zero(out: Array, y: Array, d: Array) -> None:
    """y · d, and 0 where y is 0, also if d is infinite there."""
    np.multiply(y, d, out=out)
    np.copyto(out, 0.0, where=y == 0.0)


def _y_log_p(y: Array, p: Array) -> Array:
    """y · log(p), and 0 where y is 0, whatever p is there."""
    return np.where(y == 0.0, 0.0, y * np.log(p))


class CrossEntropy(Loss):
    """−Σ y log p. Taken together with the softmax that made p wherever that is possible."""

    name, of, shares = "cross_entropy", "softmax", 2
    """`of` what is taken together, which leaves `shares` numbers per place for the loss: of a softmax see there."""

    def forward(self, out: Array, *args: Array) -> Calls:
        yield self._value, out, *args

    def _value(self, out: Array, p: Array, y: Array) -> None:
        np.negative(np.sum(_y_log_p(y, p), axis=-1, keepdims=True), out=out)

    def prepare(self, i: int, into: Array, out: Array, *args: Array) -> Calls:
        yield self._slope, i, into, *args

    def _slope(self, i: int, into: Array, p: Array, y: Array) -> None:
        into[...] = -(np.where(y == 0.0, 0.0, y / p) if i == 0 else np.log(p))

    def vjp(self, i: int, into: Array, g: Array, out: Array, *args: Array) -> Calls:
        yield np.multiply, into, g, into

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        p, y = args
        local = f"{y.at(PRODUCT)} / {p.at(PRODUCT + 1)}" if i == 0 else f"log({p.text})"
        return Text(f"{g.negated(PRODUCT)} * {local}", PRODUCT)

    def fused(self, out: Array, z: Array, y: Array, *shared: Array) -> Calls:
        """The loss from the logits: log Σ exp(z) Σy − z·y; no logarithm of a vanishing p."""
        most, total = shared
        d, weight, product = np.empty(z.shape, out.dtype), np.empty_like(out), np.empty_like(out)
        yield np.subtract, z, most, d
        yield _product_or_zero, d, y, d
        yield np.log, total, out
        yield np.add.reduce, y, -1, None, weight, True
        yield np.multiply, out, weight, out
        yield np.add.reduce, d, -1, None, product, True
        yield np.subtract, out, product, out

    def fused_class(self, out: Array, z: Array, classes: NDArray[np.intp], *shared: Array) -> Calls:
        """The same where y is one class: the product with the one-hot vector picks its logit."""
        most, total = shared
        rows = np.arange(0, z.size, z.shape[-1])[:, None]
        index, picked = np.empty_like(rows), np.empty_like(out)
        yield np.add, classes, rows, index
        yield z.take, index, None, picked, "clip"  # they are in range; this spares NumPy a buffer
        yield np.subtract, picked, most, picked
        yield np.log, total, out
        yield np.subtract, out, picked, out

    def fused_text(self, g: Text, p: Text, y: Text) -> Text:
        """The rule of `fused_vjp` as a formula."""
        return Text(f"{g.at(PRODUCT)} * ({p.at(SUM)} - {y.at(SUM + 1)})", PRODUCT)

    def fused_vjp(self, into: Array, g: Array, p: Array, y: Array) -> Calls:
        """∂z = ∂loss · (p − y), for targets that sum to one (p Σy − y for others)."""
        weight = np.empty_like(into[..., :1])
        yield np.add.reduce, y, -1, None, weight, True
        yield np.multiply, p, weight, into
        yield np.subtract, into, y, into
        yield np.multiply, g, into, into

    def fused_class_vjp(self, into: Array, g: Array, p: Array, y: Array) -> Calls:
        """The same for a one-hot y, which sums to one."""
        yield np.subtract, p, y, into
        yield np.multiply, g, into, into


class BinaryCrossEntropy(CrossEntropy):
    """−Σ (y log p + (1 − y) log(1 − p)), with the sigmoid that made p wherever that is possible."""

    name, of, shares = "binary_cross_entropy", "sigmoid", 0

    def _value(self, out: Array, p: Array, y: Array) -> None:
        terms = _y_log_p(y, p) + _y_log_p(1.0 - y, 1.0 - p)
        np.negative(np.sum(terms, axis=-1, keepdims=True), out=out)

    def _slope(self, i: int, into: Array, p: Array, y: Array) -> None:
        into[...] = (p - y) / (p * (1.0 - p)) if i == 0 else np.log(1.0 - p) - np.log(p)

    def vjp_text(self, i: int, g: Text, out: Text, args: Sequence[Text]) -> Text:
        p, y = args[0].at(PRODUCT + 1), args[1].at(SUM + 1)
        local = f"({p} - {y}) / ({p} * (1 - {p}))" if i == 0 else f"log((1 - {p}) / {p})"
        return Text(f"{g.at(PRODUCT)} * {local}", PRODUCT)

    def fused(self, out: Array, z: Array, y: Array, *shared: Array) -> Calls:
        """The loss from the logits: max(z, 0) − z·y + log(1 + exp(−|z|))."""
        yield self._from_logits, out, z, y

    def _from_logits(self, out: Array, z: Array, y: Array) -> None:
        terms = np.maximum(z, 0.0) - z * y + np.log1p(np.exp(-np.abs(z)))
        np.sum(terms, axis=-1, keepdims=True, out=out)

    def fused_vjp(self, into: Array, g: Array, p: Array, y: Array) -> Calls:
        yield np.subtract, p, y, into
        yield np.multiply, g, into, into


LOSSES: tuple[Operation, ...] = (CrossEntropy(), SquaredError(), HalfSquaredError(), BinaryCrossEntropy())
