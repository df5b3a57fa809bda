"""Every loss with arguments of ±1000: values and gradients are what the formula says, to the last digits."""

from __future__ import annotations

from typing import Any

import pytest

from rnn_engine.core.losses import LOSSES
from tests.build import session

FAR = 1000.0
CASES: dict[str, tuple[str, Any, list[float], dict[float, tuple[list[float], list[list[float]]]]]] = {
    "cross_entropy": (
        "z = w * concat(x, 0)\np = softmax(z)\nloss = cross_entropy(p, y)",
        [0, 1],
        [1.0],
        {FAR: ([0.0, FAR], [[0, 0], [1, -1]]), -FAR: ([FAR, 0.0], [[-1, 1], [0, 0]])},
    ),
    "binary_cross_entropy": (
        "z = w * x\np = sigmoid(z)\nloss = binary_cross_entropy(p, y)",
        [0, 1],
        [1.0],
        {FAR: ([FAR, 0.0], [[1], [0]]), -FAR: ([0.0, FAR], [[0], [-1]])},
    ),
    "squared_error": (
        "z = w * x\nloss = squared_error(z, y)",
        [0, 1],
        [1.0],
        {FAR: ([1e6, 998001.0], [[2000], [1998]]), -FAR: ([1e6, 1002001.0], [[-2000], [-2002]])},
    ),
    "half_squared_error": (
        "z = w * x\nloss = half_squared_error(z, y)",
        [0, 1],
        [1.0],
        {FAR: ([5e5, 499000.5], [[1000], [999]]), -FAR: ([5e5, 501000.5], [[-1000], [-1001]])},
    ),
}


def test_all_losses_are_here() -> None:
    assert set(CASES) == {loss.name for loss in LOSSES}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("far", [FAR, -FAR])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str, far: float, dtype: str) -> None:
    text, targets, w, expected = CASES[name]
    s = session(text, {"w": w[0]}, data={"inputs": [far, far], "targets": targets}, dtype=dtype)
    iteration = s.run.iteration(s.run.first())
    losses, gradients = expected[far]
    assert iteration.tape.value("loss")[:, 0, 0].tolist() == losses
    total = sum(g * far for g in (row[0] for row in gradients))
    assert iteration.gradients["w"] == total
    assert iteration.tape.gradient("z")[:, 0].tolist() == gradients
