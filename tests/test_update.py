"""Updates: clipping and every optimiser against independent formulas; update texts of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnn_engine.errors import EngineError
from rnn_engine.trace import records
from rnn_engine.update import DEFAULTS
from tests.build import iterations, session
from tests.reference import Floats

RNN = "h = tanh(w * h[t-1] + u * x)\nloss = half_squared_error(h, y)"
PARAMETERS = {"w": 0.7, "u": -0.4}
DATA = {"inputs": [0.5, 0.75, 1.0, 1.25, 1.5], "targets": [-0.5, -0.25, 0.0, 0.25, 0.5]}

Rule = Callable[[Floats, Floats, dict[str, Floats], dict[str, float], int], Floats]
"""(w, g, state, constants, iteration) → new w, as the documentation of PyTorch defines it."""


def sgd(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    return w - c["learning_rate"] * g


def momentum(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    s["b"] = g.copy() if i == 1 else c["momentum"] * s["b"] + g
    return w - c["learning_rate"] * s["b"]


def nesterov(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    momentum(w, g, s, c, i)
    return w - c["learning_rate"] * (g + c["momentum"] * s["b"])


def adagrad(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    s["sum"] = s.get("sum", np.zeros_like(w)) + g**2
    return w - c["learning_rate"] * g / (np.sqrt(s["sum"]) + c["epsilon"])


def rmsprop(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    s["v"] = c["rho"] * s.get("v", np.zeros_like(w)) + (1 - c["rho"]) * g**2
    return w - c["learning_rate"] * g / (np.sqrt(s["v"]) + c["epsilon"])


def adam(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    s["m"] = c["beta_1"] * s.get("m", np.zeros_like(w)) + (1 - c["beta_1"]) * g
    s["v"] = c["beta_2"] * s.get("v", np.zeros_like(w)) + (1 - c["beta_2"]) * g**2
    denominator = np.sqrt(s["v"]) / np.sqrt(1 - c["beta_2"] ** i) + c["epsilon"]
    moved: Floats = w - c["learning_rate"] / (1 - c["beta_1"] ** i) * s["m"] / denominator
    return moved


def adamw(w: Floats, g: Floats, s: dict[str, Floats], c: dict[str, float], i: int) -> Floats:
    return adam(w - c["learning_rate"] * c["weight_decay"] * w, g, s, c, i)


RULES: dict[str, Rule] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}
USUAL = {
    "momentum": 0.9,
    "epsilon": 1e-8,
    "rho": 0.99,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "weight_decay": 0.01,
    "learning_rate": 0.02,
}


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_optimisers_are_pytorchs(name: str) -> None:
    """With the usual constants, over several iterations, the windows of a carried run among them."""
    frozen = ["u"]
    training = {
        "optimizer": {"name": name, "learning_rate": 0.02},
        "epochs": 3,
        "window": 2,
        "frozen": frozen,
    }
    text = "a = V @ h[t-1] + u * b * x\nh = tanh(a)\nloss = half_squared_error(sum(h), y)"
    parameters = {"V": [[0.5, -0.2], [0.1, 0.3]], "u": 0.9, "b": [0.2, -0.7]}
    constants = USUAL | ({"epsilon": 1e-10} if name == "adagrad" else {})
    state: dict[str, dict[str, Floats]] = {key: {} for key in parameters}
    expected: dict[str, Floats] = {key: np.array(value) for key, value in parameters.items()}
    ran = list(iterations(session(text, parameters, data=DATA, training=training)))
    assert len(ran) == 9
    for it in ran:
        for key in expected:
            if key not in frozen:
                expected[key] = RULES[name](
                    expected[key], it.gradients[key], state[key], constants, it.number
                )
            np.testing.assert_allclose(it.update.parameters[key], expected[key], rtol=1e-12)


@pytest.mark.parametrize("kind", ["value", "norm"])
@pytest.mark.parametrize("limit", [0.25, 100.0])
def test_clipping_by_hand(kind: str, limit: float) -> None:
    """The norm is taken over all parameters that are not frozen."""
    training = {
        "optimizer": {"name": "sgd", "learning_rate": 0.5},
        "clip": {"kind": kind, "limit": limit},
        "frozen": ["c"],
    }
    s = session(
        "h = tanh(w * h[t-1] + u * x) + c\nloss = half_squared_error(h, y)",
        {**PARAMETERS, "c": 0.1},
        data=DATA,
        training=training,
    )
    it = s.run.iteration(s.run.first())
    w, u, c = (float(it.gradients[name]) for name in ("w", "u", "c"))
    assert c != 0 and max(abs(w), abs(u)) > 0.25
    scale = min(1.0, limit / (np.hypot(w, u) + 1e-6))
    for name, g in (("w", w), ("u", u)):
        clipped = float(np.clip(g, -limit, limit)) if kind == "value" else g * scale
        assert it.update.value(name, "g") == pytest.approx(clipped, rel=1e-14)
        assert it.update.value(name, "w") == pytest.approx(PARAMETERS[name] - 0.5 * clipped, rel=1e-14)
    assert it.update.value("c", "w") == 0.1
    steps = [r["address"] for r in records(s) if r["phase"] == "update"]
    assert steps == ["1:update:w:g", "1:update:w:w", "1:update:u:g", "1:update:u:w", "1:update:c:w"]


def test_an_update_text_of_ones_own_may_look_back() -> None:
    """`w[i-2]`: heavy ball. Before the first iteration w was what it is."""
    text = "w = w[i-1] - rate * g + m * (w[i-1] - w[i-2])"
    optimizer = {"equations": [text], "rate": 0.1, "m": 0.5}
    s = session(
        "loss = w * x", {"w": 0.5}, data={"inputs": [1]}, training={"optimizer": optimizer, "iterations": 5}
    )
    found = [float(it.update.parameters["w"]) for it in iterations(s)]
    expected = [0.5, 0.5]
    for _ in found:
        expected.append(expected[-1] - 0.1 + 0.5 * (expected[-1] - expected[-2]))
    assert found == pytest.approx(expected[2:], rel=1e-14)


def test_an_update_text_may_look_at_a_whole_parameter() -> None:
    """What is no element-wise text runs per parameter: each is divided by its own norm."""
    optimizer = {"equations": ["n = sqrt(g @ g)", "w = w[i-1] - rate * g / n"], "rate": 0.5}
    s = session(
        "loss = half_squared_error(W @ x + b, y)",
        {"W": [[1.0, 2.0], [0.5, 0.25]], "b": [3.0, 4.0]},
        data={"inputs": [[1, 2]], "targets": [[0, 0]]},
        training={"optimizer": optimizer},
    )
    it = s.run.iteration(s.run.first())
    for name, before in it.before.parameters.items():
        moved = np.linalg.norm(it.update.parameters[name] - before)
        assert moved == pytest.approx(0.5)
        assert it.update.value(name, "n") == pytest.approx(np.linalg.norm(it.gradients[name]))


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"optimizer": {"name": "sgd"}}, "learning_rate is missing"),
        ({"optimizer": {"name": "sgd", "learning_rate": 0.1, "rho": 1}}, "sgd has no constant 'rho'"),
        ({"optimizer": {"equations": ["v = g"]}}, "no equation gives `w`"),
        ({"optimizer": {"equations": ["w = w[i-1] - rate * g"]}}, "unknown name 'rate'"),
        ({"optimizer": {"equations": ["w = 1"]}}, "w must have one element for each"),
        ({"optimizer": {"equations": ["w = w[i+1] - g"]}}, "the next iteration is not known yet"),
        (
            {"optimizer": {"equations": ["w = w[i-1] - g"], "rate": 1}},
            "parameter 'rate' is used by no equation",
        ),
        ({"optimizer": {"equations": ["w = w[i-1] - g"], "g": 1}}, "'g' is given by the session"),
        ({"optimizer": {"name": "sgd", "learning_rate": 1}, "frozen": ["nope"]}, "'nope' is no parameter"),
        ({"report": ["nope"]}, "'nope' is no scalar equation"),
        ({"window": 9, "last_window": "drop"}, "longer than every sequence"),
    ],
)
def test_training_that_cannot_be(training: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=r"training|optimizer") as caught:
        session(RNN, PARAMETERS, data=DATA, training=training)
    assert words in str(caught.value)


def test_an_optimiser_needs_a_loss() -> None:
    with pytest.raises(EngineError, match="there is no equation `loss`"):
        session("h = w * x", {"w": 1}, data=DATA, training={"optimizer": {"name": "sgd", "learning_rate": 1}})
