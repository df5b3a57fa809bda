"""Every operation: its derivative against central differences, and its formulas against its arithmetic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest

from rnn_engine.core.arithmetic import DOT_PRODUCT, PICKED_COLUMN, PRODUCT_OF_MATRIX
from rnn_engine.core.losses import BinaryCrossEntropy, CrossEntropy
from rnn_engine.core.operation import (
    NEGATIVE,
    POWER,
    PRODUCT,
    SUM,
    Array,
    Operation,
    Shape,
    ShapeMismatch,
    Text,
    run,
)
from rnn_engine.core.operations import ARITHMETIC, FUNCTIONS

N, n = 4, 3
OPERATIONS = {**ARITHMETIC, **FUNCTIONS, "matrix @": PRODUCT_OF_MATRIX, "dot @": DOT_PRODUCT}
COMPOUND = ((SUM, "{0}_u + {0}_v"), (PRODUCT, "{0}_u * {0}_v"), (NEGATIVE, "-{0}_u"), (POWER, "{0}_u**{0}_v"))
"""Ways to write an argument, by how tightly they bind."""


def vjp(operation: Operation, i: int, into: Array, g: Array, out: Array, *args: Array) -> None:
    """The whole vector-Jacobian product: what can be prepared without g, then the rest."""
    run(operation.prepare(i, into, out, *args))
    run(operation.vjp(i, into, g, out, *args))


@dataclass(frozen=True)
class Example:
    """An operation with arguments: shapes per place, and arrays with or (parameters) without places."""

    operation: Operation
    shapes: tuple[Shape, ...]
    args: tuple[Array, ...]
    parameter: tuple[bool, ...]

    @property
    def result(self) -> Shape:
        shape = self.operation.shape(self.shapes)
        assert shape is not None
        return shape

    def forward(self, args: Sequence[Array] | None = None) -> Array:
        """`[N, n]`"""
        out = np.full((N, self.result[0] if self.result else 1), np.nan)
        run(self.operation.forward(out, *(self.args if args is None else args)))
        return out

    def gradient(self, i: int, g: Array, out: Array) -> Array:
        """What argument i gets, in its own shape."""
        arg, operation = self.args[i], self.operation
        if arg.ndim == 2 and self.parameter[i]:
            into: Array = np.full(arg.shape, np.nan)
            vjp(operation, i, into, g, out, *self.args)
            return into
        wide = out.shape[-1] if operation.elementwise else 1
        into = np.full((N, max(wide, arg.shape[-1])), np.nan)
        vjp(operation, i, into, g, out, *self.args)
        if into.shape[-1] > arg.shape[-1]:
            into = into.sum(axis=1, keepdims=True)
        return into.sum(axis=0) if self.parameter[i] else into

    def __str__(self) -> str:
        kinds = ["".join(map(str, s)) + "p" * p for s, p in zip(self.shapes, self.parameter, strict=True)]
        return f"{self.operation.name}({','.join(kinds)})"


def examples() -> Iterator[Example]:
    """Every operation on scalars, vectors and mixtures of them, with and without parameters."""
    for name, operation in OPERATIONS.items():
        low, high = operation.arity
        for count in {low, high or 3}:
            for shapes in [((4, n), (n,))] if name == "matrix @" else product([(), (n,)], repeat=count):
                try:
                    operation.shape(shapes)
                except ShapeMismatch:
                    continue
                for i in range(-1, count):
                    parameter = tuple(k == i or (name == "matrix @" and k == 0) for k in range(count))
                    if (count > 1 or i < 0) and (name != "matrix @" or i < 1):
                        yield example(operation, shapes, parameter)


def example(operation: Operation, shapes: tuple[Shape, ...], parameter: tuple[bool, ...]) -> Example:
    random = np.random.default_rng(len(operation.name) + len(shapes))
    args = []
    for i, (shape, bare) in enumerate(zip(shapes, parameter, strict=True)):
        size = shape or (1,)
        low, high = {"clip": ((-2, 2), (-1, -0.5), (0.5, 1))}.get(operation.name, ((0.2, 0.8),) * 9)[i]
        if operation.name in ("tanh", "relu", "abs", "neg", "+", "-", "*", "max", "min", "sum"):
            low = -high
        args.append(random.uniform(low, high, size if bare else (N, *size)))
    return Example(operation, shapes, tuple(args), parameter)


EXAMPLES = tuple(examples())


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_vjp_is_what_central_differences_say(case: Example) -> None:
    out = case.forward()
    g = np.random.default_rng(0).uniform(-1, 1, out.shape)
    for i, arg in enumerate(case.args):
        numeric = np.zeros(arg.shape)
        for k in np.ndindex(arg.shape):
            values = []
            for eps in (1e-6, -1e-6):
                moved = arg.copy()
                moved[k] += eps
                values.append(float(np.sum(g * case.forward([*case.args[:i], moved, *case.args[i + 1 :]]))))
            numeric[k] = (values[0] - values[1]) / 2e-6
        np.testing.assert_allclose(case.gradient(i, g, out), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_terms_add_up_to_the_element(case: Example) -> None:
    out = case.forward()
    for place, k in np.ndindex(out.shape):
        terms = case.operation.terms((k,) if case.result else (), case.shapes)
        if terms is None:
            return
        values = [a if bare else a[place] for a, bare in zip(case.args, case.parameter, strict=True)]
        total = sum(w * np.prod([values[i][index or 0] for i, index in factors]) for w, factors in terms)
        assert total == pytest.approx(out[place, k], rel=1e-12)


# ---------------------------------------------------------------- formulas


def evaluated(formula: str, names: dict[str, Any]) -> Any:
    """A formula of the screen, worked out by Python: `Mᵀ @ v`, the outer product `g vᵀ`, `1(a < b <= c)`."""
    formula = re.sub(r"(?<![\w.])1\(", "1 * (", formula)
    formula = re.sub(r"(\w+)ᵀ @", r"\1.T @", formula)
    formula = re.sub(r"^(.+) (\w+)ᵀ$", r"outer(\1, \2)", formula)
    formula = re.sub(r"\(([^(<)]+) (<=?) ([^(<)]+) (<=?) ([^(<)]+)\)", r"((\1 \2 \3) & (\3 \4 \5))", formula)
    functions: dict[str, Any] = {
        **{f: getattr(np, f) for f in ("tanh", "exp", "log", "sqrt", "abs", "sign", "sum", "mean")},
        "outer": np.outer,
        "transpose": np.transpose,
        "relu": lambda v: np.maximum(v, 0.0),
        "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
        "softmax": lambda v: np.exp(v) / np.sum(np.exp(v)),
        "clip": lambda v, low, high: np.minimum(np.maximum(v, low), high),
        "concat": lambda *parts: np.concatenate([np.atleast_1d(part) for part in parts]),
        "max": lambda *vs: np.max(vs[0]) if len(vs) == 1 else np.max(np.broadcast_arrays(*vs), axis=0),
        "min": lambda *vs: np.min(vs[0]) if len(vs) == 1 else np.min(np.broadcast_arrays(*vs), axis=0),
        "ones": np.ones,
        "cross_entropy": lambda p, y: -np.sum(y * np.log(p)),
        "binary_cross_entropy": lambda p, y: -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)),
        "squared_error": lambda p, y: np.sum((p - y) ** 2),
        "half_squared_error": lambda p, y: np.sum((p - y) ** 2) / 2,
    }
    return eval(formula, {"__builtins__": {}}, {**functions, **names})  # a formula of our own making


def written(name: str, value: Any, level: int, form: str) -> tuple[Text, dict[str, Any]]:
    """An argument in a compound spelling, and the numbers that give it its value."""
    u, v = {
        SUM: (value - 0.25, 0.25),
        PRODUCT: (value / 1.5, 1.5),
        NEGATIVE: (-value, 0.0),
        POWER: (value, 1.0),
    }[level]
    return Text(form.format(name), level), {f"{name}_u": u, f"{name}_v": v}


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_formulas_are_what_the_code_does(case: Example) -> None:
    """With plain names and with compound arguments: no parenthesis is missing."""
    operation, out = case.operation, case.forward()
    g = np.random.default_rng(0).uniform(-1, 1, out.shape)
    place = 1
    values: list[Any] = []
    for a, shape, bare in zip(case.args, case.shapes, case.parameter, strict=True):
        here = a if bare else a[place]
        values.append(here if shape else here[0])
    plain = {f"a{i}": value for i, value in enumerate(values)}
    plain |= {
        "out": out[place] if case.result else out[place, 0],
        "g": g[place] if case.result else g[place, 0],
    }
    sizes = {f"a{i}": shape[0] for i, shape in enumerate(case.shapes) if len(shape) == 1}
    spellings: list[tuple[dict[str, Text], dict[str, Any]]] = [({name: Text(name) for name in plain}, plain)]
    for level, form in COMPOUND:
        texts, numbers = {}, dict[str, Any]()
        for name, value in plain.items():
            if (operation is PRODUCT_OF_MATRIX and name == "a0") or (level == POWER and np.any(value < 0)):
                texts[name], numbers[name] = Text(name), value
            else:
                texts[name], parts = written(name, value, level, form)
                numbers |= parts
        spellings.append((texts, numbers))
    for texts, numbers in spellings:
        args = [
            texts[name]._replace(size=sizes.get(name, 0)) for name in map("a{}".format, range(len(values)))
        ]
        whole = operation.text(args)
        np.testing.assert_allclose(evaluated(whole.text, numbers), plain["out"], rtol=1e-12)
        np.testing.assert_allclose(
            evaluated(f"2 * {whole.at(PRODUCT + 1)}", numbers), 2 * plain["out"], rtol=1e-12
        )
        for i in range(len(values)):
            rule = operation.vjp_text(i, texts["g"], texts["out"], args)
            if "part" in rule.text or ("ᵀ" in rule.text and texts["g"].level != 9):
                continue  # words; and no Python
            expected = one_place(case, i, g, out, place)
            found = evaluated(f"1 * {rule.at(PRODUCT + 1)}" if "ᵀ" not in rule.text else rule.text, numbers)
            np.testing.assert_allclose(
                np.broadcast_to(found, expected.shape), expected, rtol=1e-12, atol=1e-15
            )


def one_place(case: Example, i: int, g: Array, out: Array, place: int) -> Array:
    """The vector-Jacobian product of one place, before a scalar's elements are added up."""
    here = slice(place, place + 1)
    args = [a if bare else a[here] for a, bare in zip(case.args, case.parameter, strict=True)]
    if args[i].ndim == 2 and case.parameter[i]:
        into = np.empty(args[i].shape)
    else:
        wide = out.shape[-1] if case.operation.elementwise else 1
        into = np.empty((1, max(wide, args[i].shape[-1])))
    vjp(case.operation, i, into, g[here], out[here], *args)
    return into if len(into) > 1 else into[0]


# ---------------------------------------------------------------- corners


def test_a_picked_column_is_the_product_with_the_one_hot_vector() -> None:
    random, tokens = np.random.default_rng(0), np.array([2, 0, 0, 1])
    for columns in (n, n + N):  # fewer than tokens, and more
        matrix, one_hot = random.normal(size=(4, columns)), np.eye(columns)[tokens]
        product_out, picked_out = np.empty((N, 4)), np.empty((N, 4))
        run(PRODUCT_OF_MATRIX.forward(product_out, matrix, one_hot))
        run(PICKED_COLUMN.forward(picked_out, matrix, one_hot, tokens[:, None]))
        np.testing.assert_array_equal(picked_out, product_out)


def test_a_picked_class_is_the_product_with_the_one_hot_vector() -> None:
    """The loss and its gradient, to the bit."""
    loss, softmax = FUNCTIONS["cross_entropy"], FUNCTIONS["softmax"]
    assert isinstance(loss, CrossEntropy)
    z, classes = np.random.default_rng(0).normal(size=(N, n)), np.array([0, 2, 1, 1])
    y, p, g = np.eye(n)[classes], np.empty((N, n)), np.full((N, 1), 0.5)
    shared = [np.empty((N, 1)), np.empty((N, 1))]
    run(softmax.forward(p, z, *shared))
    product, picked, ours, theirs = np.empty((N, 1)), np.empty((N, 1)), np.empty((N, n)), np.empty((N, n))
    run(loss.fused(product, z, y, *shared))
    run(loss.fused_class(picked, z, classes[:, None], *shared))
    run(loss.fused_vjp(theirs, g, p, y))
    run(loss.fused_class_vjp(ours, g, p, y))
    assert picked.tobytes() == product.tobytes()
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_a_fused_loss_is_the_plain_chain(name: str) -> None:
    """And stays finite where the plain chain does not."""
    loss = FUNCTIONS[name]
    assert isinstance(loss, CrossEntropy)
    random = np.random.default_rng(0)
    z = random.normal(size=(N, n))
    binary = isinstance(loss, BinaryCrossEntropy)
    y = random.integers(0, 2, (N, n)).astype(float) if binary else np.eye(n)[[0, 2, 1, 1]]
    p, plain, fused = np.empty((N, n)), np.empty((N, 1)), np.empty((N, 1))
    squash = FUNCTIONS[loss.of]
    shared = [np.empty((N, 1)) for _ in range(loss.shares)]
    run(squash.forward(p, z, *shared))
    run(loss.forward(plain, p, y))
    run(loss.fused(fused, z, y, *shared))
    np.testing.assert_allclose(fused, plain, rtol=1e-12)
    g, at_p, at_z, direct = np.full((N, 1), 0.5), np.empty((N, n)), np.empty((N, n)), np.empty((N, n))
    vjp(loss, 0, at_p, g, plain, p, y)
    vjp(squash, 0, at_z, at_p, p, z)
    run(loss.fused_vjp(direct, g, p, y))
    np.testing.assert_allclose(direct, at_z, rtol=1e-12, atol=1e-15)
    run(squash.forward(p, 1e4 * z, *shared))
    run(loss.fused(fused, 1e4 * z, y, *shared))
    assert np.isfinite(fused).all()


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("relu", [[0.0]], [[0.0]]),
        ("abs", [[0.0]], [[0.0]]),
        ("max", [[2.0], [2.0]], [[1.0], [0.0]]),
        ("min", [[2.0], [2.0]], [[1.0], [0.0]]),
        ("max", [[1.0, 3.0, 3.0]], [[0.0, 1.0, 0.0]]),
        ("clip", [[1.0], [-1.0], [1.0]], [[1.0], [0.0], [0.0]]),
        ("clip", [[2.0], [-1.0], [1.0]], [[0.0], [0.0], [1.0]]),
        ("clip", [[-2.0], [-1.0], [1.0]], [[0.0], [1.0], [0.0]]),
        ("clip", [[0.0], [5.0], [3.0]], [[0.0], [0.0], [1.0]]),
    ],
)
def test_kinks(name: str, args: list[list[float]], expected: list[list[float]]) -> None:
    """Where two values are equal the gradient goes to the first; it is never shared or doubled."""
    operation = FUNCTIONS[name]
    arrays = [np.array([a]) for a in args]
    shape = operation.shape([(len(a),) for a in args])
    out = np.empty((1, shape[0] if shape else 1))
    run(operation.forward(out, *arrays))
    for i, wanted in enumerate(expected):
        into = np.empty(arrays[i].shape)
        vjp(operation, i, into, np.ones(out.shape), out, *arrays)
        assert into[0].tolist() == wanted
        if len(args) == 3:
            names = {"out": out[0, 0], "g": 1.0, **{f"a{k}": a[0, 0] for k, a in enumerate(arrays)}}
            rule = operation.vjp_text(i, Text("g"), Text("out"), [Text(f"a{k}") for k in range(3)])
            assert evaluated(rule.text, names) == wanted[0]


def test_extreme_values_give_infinity_or_their_limit_without_a_warning() -> None:
    far = np.array([[1e4, -1e4]])
    with np.errstate(all="ignore"):
        for name, expected in [("sigmoid", [1.0, 0.0]), ("tanh", [1.0, -1.0]), ("softmax", [1.0, 0.0])]:
            out = np.empty((1, 2))
            run(FUNCTIONS[name].forward(out, far))
            assert out[0].tolist() == expected
