"""Worked examples with published numbers (courses, notebooks, blog posts): values, and gradients where they have them.

Each is an equation text in the letters of its source, as a person would type it off the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from rnn_engine.core.tape import Signal, Tape
from tests.peer_texts import run, signal
from tests.reference import Floats
from tests.test_peer_suites import FIXTURE

CASES: dict[str, dict[str, Any]] = {c["id"]: c for c in json.loads(FIXTURE.read_text("utf-8"))["worked"]}

RNN = """
xt = x
a = tanh(Wax @ xt + Waa @ a[t-1] + ba)
"""
LSTM = """
xt = x
ft = sigmoid(Wf @ concat(a[t-1], xt) + bf)
it = sigmoid(Wi @ concat(a[t-1], xt) + bi)
cct = tanh(Wc @ concat(a[t-1], xt) + bc)
c = ft * c[t-1] + it * cct
ot = sigmoid(Wo @ concat(a[t-1], xt) + bo)
a = ot * tanh(c)
"""
RNN_OUTPUT, LSTM_OUTPUT = "y_pred = softmax(Wya @ a + by)", "y_pred = softmax(Wy @ a + by)"
# The gradient that arrives from outside is the target: its product with a is the loss.
FROM_OUTSIDE, FROM_OUTSIDE_TOO = "loss = a @ y", "loss = concat(a, c) @ y"

Entries = dict[str, Floats]


def in_columns(array: Any) -> Floats:
    """`[n, B]` or `[n, B, T]`, as a column-vector page has it, as `[T, B, n]`."""
    values = np.array(array, dtype=float)
    return values.T if values.ndim == 3 else values.T[None]


def as_columns(array: Floats, *, whole: bool) -> Floats:
    """The way back: `[n, B, T]`, or `[n, B]` of the one time step."""
    return array.T if whole else array[0].T


def coursera(case: Mapping[str, Any]) -> Entries:
    """An assignment of the course: RNN or LSTM, one step or many, forward or backward."""
    given = {key: np.array(value, dtype=float) for key, value in case["inputs"].items()}
    x = given["xt"] if "xt" in given else given["x"]
    lstm, whole = "Wf" in given, x.ndim == 3
    names = re.compile(r"[Wb]\w+")
    text = LSTM if lstm else RNN
    upstream = [given[name] for name in ("da", "da_next", "dc_next") if name in given]
    if upstream:
        text += FROM_OUTSIDE if len(upstream) == 1 else FROM_OUTSIDE_TOO
    else:
        text += LSTM_OUTPUT if lstm else RNN_OUTPUT
    lines = text.strip().splitlines()
    initial = {
        letter: given[name].T for letter in "ac" for name in (f"{letter}0", f"{letter}_prev") if name in given
    }
    used = set(names.findall(text))
    parameters = {
        name: value.reshape(-1) if name[0] == "b" else value
        for name, value in given.items()
        if name in used and names.fullmatch(name)
    }
    signal_x = signal(in_columns(x))
    tape = run(lines, parameters, signal_x, targets(upstream, len(signal_x.values)), initial)
    found = {name: as_columns(tape.value(name), whole=whole) for name in tape.plan.program.equations}
    found |= {f"{letter}_next": found[letter] for letter in "ac" if letter in found}
    if upstream:
        T = in_columns(upstream[0]).shape[0]
        found |= {"d" + name: g.reshape(given[name].shape) for name, g in tape.parameter_gradients.items()}
        found["dx" if whole else "dxt"] = as_columns(tape.gradient("xt")[:T], whole=whole)
        for letter in "ac" if lstm else "a":
            before = tape.initial_gradient(letter)[-1].T
            found |= {f"d{letter}0": before, f"d{letter}_prev": before}
    else:
        found |= dict.fromkeys(("yt", "yt_pred", "y"), found["y_pred"])
    return found


def targets(upstream: list[Floats], T: int) -> Signal | None:
    """The gradients from outside, side by side; missing at the time steps at which none arrives."""
    if not upstream:
        return None
    given = np.concatenate([in_columns(part) for part in upstream], axis=-1)
    values = np.zeros((T, *given.shape[1:]))
    values[: len(given)] = given
    missing = np.broadcast_to(np.arange(T)[:, None] >= len(given), values.shape[:2])
    return Signal(values, values.shape[2:], None, missing.copy())


def one_sequence(text: str, x: Any, parameters: Mapping[str, Any], y: Any = None) -> tuple[Tape, Entries]:
    """A text over one sequence of numbers or vectors: its tape, and every value `[T]` or `[T, n]`."""
    inputs = np.array(x, dtype=float)
    n = 1 if inputs.ndim == 1 else inputs.shape[1]
    shape = () if inputs.ndim == 1 else (n,)
    target = None
    if y is not None:
        values = np.array([0.0 if v is None else v for v in y])[:, None, None]
        target = Signal(values, (), None, np.array([[v is None] for v in y]))
    given = {name: np.array(value, dtype=float) for name, value in parameters.items()}
    tape = run(text.strip().splitlines(), given, Signal(inputs.reshape(-1, 1, n), shape), target)
    shapes = tape.plan.program.shapes
    return tape, {
        name: tape.value(name)[:, 0, :] if shapes[name] else tape.value(name)[:, 0, 0] for name in shapes
    }


def hello(case: Mapping[str, Any]) -> Entries:
    inputs = case["inputs"]
    x = [[float(token == letter) for token in inputs["vocab"]] for letter in inputs["text"]]
    weights = {name: inputs[name] for name in ("Wxh", "Whh", "Why")}
    return one_sequence("h = tanh(Wxh @ x + Whh @ h[t-1])\np = softmax(Why @ h)", x, weights)[1]


def scalar_lstm(case: Mapping[str, Any]) -> Entries:
    inputs = case["inputs"]
    text = """
f = sigmoid(w_f * x + u_f * h[t-1])
i = sigmoid(w_i * x + u_i * h[t-1])
g = tanh(w_g * x + u_g * h[t-1])
o = sigmoid(w_o * x + u_o * h[t-1])
c = f * c[t-1] + i * g
h = o * tanh(c)
z = 4 * h
"""
    weights = {
        f"{letter}_{gate}": value
        for letter in "wu"
        for gate, value in zip("figo", inputs[f"{letter}_figo"], strict=True)
    }
    found = one_sequence(text, inputs["x"], weights)[1]
    return {**found, "y": found["z"][-1]}


def tf_book(case: Mapping[str, Any]) -> Entries:
    """The source has row vectors: its matrix stands transposed here."""
    inputs = case["inputs"]
    text = """
pre = W_state @ state[t-1] + W_in * x + b
state = tanh(pre)
output = w_out @ state + b_out
"""
    parameters = {key: value for key, value in inputs.items() if key != "x"}
    return one_sequence(text, inputs["x"], {**parameters, "W_state": np.array(inputs["W_state"]).T})[1]


def thsis_rnn(case: Mapping[str, Any]) -> Entries:
    inputs = case["inputs"]
    text = "h = tanh(W * x + U @ h[t-1])\no = w @ h\nloss = half_squared_error(o, y)"
    weights = {name: inputs[name] for name in "WUw"}
    tape, found = one_sequence(text, inputs["x"], weights, y=[None, None, 7.0])
    gradients = {f"d{name}": tape.parameter_gradients[name] for name in "WU"}
    return {**{f"h{k + 1}": h for k, h in enumerate(found["h"])}, "y": found["o"][-1], **gradients}


def thsis_gru(case: Mapping[str, Any]) -> Entries:
    text = """
u = sigmoid(Wz * x + Uz @ h[t-1])
r = sigmoid(Wr * x + Ur @ h[t-1])
n = tanh(Wh * x + Uh @ (r * h[t-1]))
h = (1 - u) * h[t-1] + u * n
o = w @ h
"""
    inputs = case["inputs"]
    found = one_sequence(text, inputs["x"], {key: value for key, value in inputs.items() if key != "x"})[1]
    return {**found, "y": found["o"][-1]}


def adomicarts(case: Mapping[str, Any]) -> Entries:
    text = "z = sigmoid(Wz @ x)\ncand = tanh(Wh @ x)\nh = (1 - z) * h[t-1] + z * cand"
    inputs = case["inputs"]
    found = one_sequence(text, [inputs["x"]], {name: inputs[name] for name in ("Wz", "Wh")})[1]
    return {"z": found["z"][0], "cand": found["cand"][0], "h_next": found["h"][0]}


WORKED: Mapping[str, Callable[[Mapping[str, Any]], Entries]] = {
    "worked/hello_char_rnn": hello,
    "worked/scalar_lstm": scalar_lstm,
    "worked/tf_book_rnn": tf_book,
    "worked/thsis_rnn_forward": thsis_rnn,
    "worked/thsis_gru_forward": thsis_gru,
    "worked/adomicarts_gru": adomicarts,
}


def entry(found: Entries, what: str) -> Floats:
    """`a[4][1]` or `a[2,1,4:6]` of what was computed."""
    name, *indices = re.findall(r"\w+|\[[^\]]*\]", what)
    value = found[name]
    for index in indices:
        parts = [part.split(":") for part in index[1:-1].split(",")]
        value = value[tuple(int(p[0]) if len(p) == 1 else slice(int(p[0]), int(p[1])) for p in parts)]
    return value


@pytest.mark.parametrize("case", CASES.values(), ids=lambda c: c["id"])
def test_a_worked_example(case: Mapping[str, Any]) -> None:
    found = WORKED.get(case["id"], coursera)(case)
    for published in case["published"]:
        value = entry(found, published["what"])
        tolerance = published.get("tolerance", case["tolerance"])
        np.testing.assert_allclose(value, np.array(published["value"]), rtol=0, atol=tolerance)
        np.testing.assert_allclose(value, np.array(published["float64"]), rtol=0, atol=1e-9)
    for name, value in case.get("float64", {}).items():
        np.testing.assert_allclose(found[name], np.array(value), rtol=0, atol=1e-9, err_msg=name)
