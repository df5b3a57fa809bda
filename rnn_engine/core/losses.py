"""The losses. Each compares a prediction with a target of the same shape and adds its elements up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.functions import Exponentials
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
    Text,
    elements_of,
    number,
    spell,
    sum_of_products,
    summed,
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

    def element(self, index: Index, args: Sequence[Elements], most: int) -> Text:
        prediction, target = args
        return self.added_up(prediction, target, most)

    def added_up(self, p: Elements, y: Elements, most: int) -> Text:
        """The loss as a formula of the elements of a prediction and its target."""
        raise NotImplementedError(self.name)


class SquaredError(Loss):
    name, factor = "squared_error", 1.0

    def added_up(self, p: Elements, y: Elements, most: int) -> Text:
        places = elements_of(p)

        def square(k: int) -> Text:
            at = places[k]
            return Text(f"({p.number(at).at(SUM)} - {y.number(at).at(SUM + 1)})**2", POWER)

        found = summed([abs(p.value(at) - y.value(at)) for at in places], square, most)
        return found if self.factor == 1.0 else Text(f"{self.factor} * {found.at(PRODUCT + 1)}", PRODUCT)

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

    def added_up(self, p: Elements, y: Elements, most: int) -> Text:
        used = [at for at in elements_of(p) if y.value(at) != 0.0]

        def term(k: int) -> Text:
            return Text(f"{y.number(used[k]).at(PRODUCT)} * log({p.number(used[k]).text})", PRODUCT)

        found = summed([abs(y.value(at)) for at in used], term, most)
        return Text(found.negated(PRODUCT), NEGATIVE) if used else found

    def vjp_at(self, i: int, index: Index, g: Text, out: Elements, args: Sequence[Elements]) -> Text:
        nothing = i == 0 and args[1].value(index) == 0.0
        return Text("0") if nothing else super().vjp_at(i, index, g, out, args)

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

    def fused_text(self, g: Text, p: Text, y: Text, *, one: bool = True) -> Text:
        """The rule of `fused_vjp` as a formula; with the sum of the targets where that is not `one`."""
        if not one:
            p = Text(f"{p.at(PRODUCT)} * sum({y.text})", PRODUCT)
        return Text(f"{g.at(PRODUCT)} * ({p.at(SUM)} - {y.at(SUM + 1)})", PRODUCT)

    def fused_element(self, z: Elements, y: Elements, most: int) -> Text:
        """`fused` as a formula of elements."""
        over = Exponentials(z)
        logarithm = Text(f"log({over.total(most).text})")
        if y.picked is not None:
            return Text(f"{logarithm.text} - {over.difference((y.picked,)).at(SUM + 1)}", SUM)
        used = [at for at in over.places if y.value(at) != 0.0]

        def term(k: int) -> Text:
            factor = y.number(used[k])
            return Text(f"{factor.at(PRODUCT)} * {over.difference(used[k]).at(PRODUCT + 1)}", PRODUCT)

        sizes = [abs(y.value(at)) for at in used]
        weight = summed(sizes, lambda k: y.number(used[k]), most)
        product = summed(sizes, term, most)
        return Text(f"{logarithm.text} * {weight.at(PRODUCT + 1)} - {product.at(SUM + 1)}", SUM)

    def fused_vjp_element(self, index: Index, g: Elements, p: Elements, y: Elements, most: int) -> Text:
        """One element of `fused_vjp` as a formula: with the sum of the targets where that is not one."""
        prediction = p.number(index)
        if not self.is_one(sum(y.value(at) for at in elements_of(y))):
            weight = sum_of_products([[(y, at)] for at in elements_of(y)], most)
            prediction = Text(f"{prediction.at(PRODUCT)} * {weight.at(PRODUCT + 1)}", PRODUCT)
        return self.fused_text(g.spelled(()), prediction, y.number(index))

    def is_one(self, total: float) -> bool:
        """Whether targets with this sum need it not be said, as those that sum to one up to rounding."""
        return abs(total - 1.0) < 1e-6

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

    def added_up(self, p: Elements, y: Elements, most: int) -> Text:
        def term(at: Index) -> Text:
            chance, target = p.number(at), y.number(at)
            yes = f"{target.at(PRODUCT)} * log({chance.text})"
            no = f"(1 - {target.at(SUM + 1)}) * log(1 - {chance.at(SUM + 1)})"
            match y.value(at):
                case 0.0:
                    return Text(no, PRODUCT)
                case 1.0:
                    return Text(yes, PRODUCT)
            return Text(f"{yes} + {no}", SUM)

        places = elements_of(p)
        sizes = [abs(p.value(at) - y.value(at)) for at in places]
        return Text(summed(sizes, lambda k: term(places[k]), most).negated(PRODUCT), NEGATIVE)

    def vjp_at(self, i: int, index: Index, g: Text, out: Elements, args: Sequence[Elements]) -> Text:
        return Loss.vjp_at(self, i, index, g, out, args)

    def fused_element(self, z: Elements, y: Elements, most: int) -> Text:
        def term(at: Index) -> Text:
            v, target = z.number(at), y.number(at)
            product = f"{v.at(PRODUCT)} * {target.at(PRODUCT + 1)}"
            return Text(f"max({v.text}, 0) - {product} + log(1 + exp(-abs({v.text})))", SUM)

        places = elements_of(z)
        return summed([abs(z.value(at)) for at in places], lambda k: term(places[k]), most)

    def is_one(self, total: float) -> bool:
        return True

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
