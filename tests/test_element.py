"""Every operation says how an element of its value, and of what flows back, is made: worked out, it is that element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import (
    NEGATIVE,
    PRODUCT,
    SUM,
    Array,
    Index,
    Operation,
    Shape,
    Text,
    run,
)
from rnn_engine.core.operations import FUNCTIONS
from tests.test_operations import EXAMPLES, Example, N, evaluated, n, one_place, vjp

ALL = 99
"""More terms than there are."""

Spelled = Callable[[float], Text]


def plain(value: float) -> Text:
    return Text(repr(value), NEGATIVE if value < 0 else 9)


COMPOUND: tuple[Spelled, ...] = (
    plain,
    lambda v: Text(f"{v - 0.25!r} + 0.25", SUM),
    lambda v: Text(f"{v / 1.5!r} * 1.5", PRODUCT),
    lambda v: Text(f"-{plain(-v).at(NEGATIVE + 1)}", NEGATIVE),
)


@dataclass(frozen=True)
class Numbers:
    """Operands of a formula."""

    array: Array
    shape: Shape
    spelling: Spelled = plain
    picked: int | None = None

    def value(self, index: Index) -> float:
        return float(self.array[index] if index else np.ravel(self.array)[0])

    def number(self, index: Index) -> Text:
        return self.spelling(self.value(index))

    spelled = number


def worked_out(text: Text) -> float:
    return float(evaluated(f"1 * {text.at(PRODUCT + 1)}", {"nan": np.nan, "inf": np.inf}))


def operands(case: Example, place: int, spelling: Spelled) -> list[Numbers]:
    return [
        Numbers(a if bare else a[place], shape, spelling)
        for a, shape, bare in zip(case.args, case.shapes, case.parameter, strict=True)
    ]


@pytest.mark.parametrize("spelling", COMPOUND, ids=("plain", "sum", "product", "negative"))
@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_an_element_is_what_its_rule_says(case: Example, spelling: Spelled) -> None:
    """An operation of the table without a rule fails here, as does one whose rule is not its arithmetic."""
    out, place = case.forward(), 1
    args = operands(case, place, spelling)
    for index in np.ndindex(case.result):
        found = worked_out(case.operation.element(index, args, ALL))
        assert found == pytest.approx(out[place][index or 0], rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("spelling", COMPOUND, ids=("plain", "sum", "product", "negative"))
@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_what_flows_back_to_an_element_is_what_its_rule_says(case: Example, spelling: Spelled) -> None:
    out, place = case.forward(), 1
    g = np.random.default_rng(0).uniform(-1, 1, out.shape)
    comparing = case.operation.compares or case.operation.name == "relu"
    args = operands(case, place, plain if comparing else spelling)
    result = Numbers(out[place], case.result, plain if comparing else spelling)
    arriving = Numbers(g[place], case.result, spelling)
    for i, shape in enumerate(case.shapes):
        expected = one_place(case, i, g, out, place)
        expected = expected if shape else expected.sum(keepdims=True)
        for index in np.ndindex(shape):
            found = worked_out(case.operation.vjp_element(i, index, arriving, result, args, ALL))
            assert found == pytest.approx(expected[index or 0], rel=1e-10, abs=1e-12), case.operation.name


@pytest.mark.parametrize(
    ("name", "args", "i"),
    [
        ("max", [[2.0, 2.0, 1.0]], 0),
        ("min", [[3.0, 2.0, 2.0]], 0),
        ("max", [[1.0, 5.0], [1.0, 2.0]], 1),
        ("max", [[1.0, 5.0, 0.5], [1.0]], 1),
        ("min", [[2.0], [2.0], [2.0]], 2),
        ("max", [[1.0, 1.0 + 1e-9]], 0),
        ("clip", [[1.0 + 1e-9], [0.0], [1.0]], 0),
        ("clip", [[1.0 + 1e-9], [0.0], [1.0]], 2),
        ("cross_entropy", [[0.0, 1.0], [0.0, 1.0]], 0),
    ],
)
def test_at_a_kink(name: str, args: list[list[float]], i: int) -> None:
    """Of equal numbers the first gets it; numbers that only look equal are told apart by their digits."""
    operation, arrays = FUNCTIONS[name], [np.array([a]) for a in args]
    shapes = [(len(a),) if len(a) > 1 else () for a in args]
    shape = operation.shape(shapes)
    assert shape is not None
    out = np.empty((1, shape[0] if shape else 1))
    run(operation.forward(out, *arrays))
    wide = max(out.shape[-1] if operation.elementwise else 1, arrays[i].shape[-1])
    into, g = np.empty((1, wide)), np.full(out.shape, 0.5)
    vjp(operation, i, into, g, out, *arrays)
    expected = into[0] if shapes[i] else into[0].sum(keepdims=True)

    def rounded(value: float) -> Text:
        return plain(round(value, 6))

    numbers = [Numbers(a[0], s, rounded) for a, s in zip(arrays, shapes, strict=True)]
    arriving, result = Numbers(g[0], shape), Numbers(out[0], shape, rounded)
    for index in np.ndindex(shapes[i]):
        rule = operation.vjp_element(i, index, arriving, result, numbers, ALL)
        assert worked_out(rule) == expected[index or 0], rule


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("targets", ["classes", "one-hot", "soft", "more than one"])
def test_a_loss_taken_together_with_its_softmax(name: str, targets: str) -> None:
    loss = FUNCTIONS[name]
    assert isinstance(loss, CrossEntropy)
    random = np.random.default_rng(1)
    z, y = 3 * random.normal(size=(N, n)), np.eye(n)[[0, 2, 1, 1]]
    if targets in ("soft", "more than one"):
        y = random.uniform(0, 1, (N, n))
    if targets == "soft":
        y /= y.sum(axis=1, keepdims=True)
    p, value, into, g = np.empty((N, n)), np.empty((N, 1)), np.empty((N, n)), np.full((N, 1), 0.5)
    shared = [np.empty((N, 1)) for _ in range(loss.shares)]
    run(FUNCTIONS[loss.of].forward(p, z, *shared))
    run(loss.fused(value, z, y, *shared))
    run(loss.fused_vjp(into, g, p, y))
    for place in range(N):
        hot = int(np.argmax(y[place])) if targets == "classes" and loss.shares else None
        at_z, target = Numbers(z[place], (n,)), Numbers(y[place], (n,), picked=hot)
        at_p, arriving = Numbers(p[place], (n,)), Numbers(g[place], ())
        assert worked_out(loss.fused_element(at_z, target, ALL)) == pytest.approx(value[place, 0], rel=1e-10)
        for k in range(n):
            rule = loss.fused_vjp_element((k,), arriving, at_p, target, ALL)
            assert worked_out(rule) == pytest.approx(into[place, k], rel=1e-10, abs=1e-15)
            assert targets == "more than one" or "+" not in rule.text


def test_what_is_left_out_of_a_sum() -> None:
    """Zeros without a sign; of the others the smallest, and an … stands for them. A token picks its column."""
    matrix = Numbers(np.array([[0.5, 0.25, 4.0, np.inf, 3.0]]), (1, 5))
    vector = Numbers(np.array([1.0, 0.5, -0.5, 0.0, 0.25]), (5,))
    token = Numbers(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), (5,), picked=2)
    product = EXAMPLES_OF["@"]
    assert product.element((0,), [matrix, token], ALL).text == "4.0"
    finite = Numbers(np.array([[0.5, 0.25, 4.0, 2.0, 3.0]]), (1, 5))
    rule = product.element((0,), [finite, vector], ALL)
    assert rule.text == "0.5 + 0.25 * 0.5 + 4.0 * -0.5 + 3.0 * 0.25"
    assert product.element((0,), [finite, vector], 2).text == "4.0 * -0.5 + 3.0 * 0.25 + …"
    assert np.isnan(worked_out(product.element((0,), [matrix, vector], ALL)))
    softmax = FUNCTIONS["softmax"].element((0,), [Numbers(np.array([1.0, 3.0, 2.0]), (3,))], 2)
    assert softmax.text == "exp(1.0 - 3.0) / (exp(3.0 - 3.0) + exp(2.0 - 3.0) + …)"
    assert (
        FUNCTIONS["max"].element((), [Numbers(np.array([1.0, 3.0, 2.0]), (3,))], 2).text == "max(3.0, 2.0, …)"
    )


EXAMPLES_OF: dict[str, Operation] = {
    case.operation.name: case.operation for case in EXAMPLES if len(case.shapes[0]) == 2
}


def test_an_operation_without_a_rule_says_so() -> None:
    class Median(Operation):
        name, elementwise = "median", False

    with pytest.raises(NotImplementedError, match="median"):
        Median().element((), [Numbers(np.zeros(3), (3,))], ALL)
