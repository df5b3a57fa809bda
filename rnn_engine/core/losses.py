"""The losses. Each compares a prediction with a target of the same shape and adds its elements up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnn_engine.core.operation import ATOM, PRODUCT, SUM, Array, Operation, Shape, ShapeMismatch, Text, spell


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
        p, y = args[0].at(PRODUCT + 1), args[1].at(SUM + 1)
        local = f"({p} - {y}) / ({p} * (1 - {p}))" if i == 0 else f"log((1 - {p}) / {p})"
        return Text(f"{g.at(PRODUCT)} * {local}", PRODUCT)

    def fused(self, out: Array, z: Array, y: Array) -> None:
        """The loss from the logits: max(z, 0) − z·y + log(1 + exp(−|z|))."""
        np.sum(np.maximum(z, 0.0) - z * y + np.log1p(np.exp(-np.abs(z))), axis=-1, keepdims=True, out=out)

    def fused_vjp(self, into: Array, g: Array, p: Array, y: Array) -> None:
        np.subtract(p, y, out=into)
        np.multiply(g, into, out=into)


LOSSES: tuple[Operation, ...] = (CrossEntropy(), SquaredError(), HalfSquaredError(), BinaryCrossEntropy())
