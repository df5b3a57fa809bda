"""Overrides of every tensor of RNN, LSTM and GRU against PyTorch with that element made a constant."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import make_plan
from tests.peer_texts import signal
from tests.test_torch_fixtures import FOLDER, classes

CELLS: dict[str, Any] = json.loads(gzip.decompress((FOLDER / "overrides.json.gz").read_bytes()))
OVERRIDES = [
    pytest.param(case, override, id=f"{name}-{override['name']}-{override['t']}")
    for name, case in CELLS.items()
    for override in case["overrides"]
]


def agree(ours: Any, theirs: Any, what: str) -> None:
    theirs = np.array(theirs)
    np.testing.assert_allclose(np.reshape(ours, theirs.shape), theirs, rtol=1e-12, atol=1e-14, err_msg=what)


@pytest.mark.parametrize(("case", "override"), OVERRIDES)
def test_an_override(case: Mapping[str, Any], override: Mapping[str, Any]) -> None:
    parameters = {name: np.array(value) for name, value in case["parameters"].items()}
    x, y = signal(case["x"]), classes(case["y"])
    T, B = x.values.shape[:2]
    program = compile_equations(
        case["equations"], {n: v.shape for n, v in parameters.items()}, x=x.shape, y=()
    )
    size = program.shapes[override["name"]]
    mask = np.zeros((T, B, size[0] if size else 1), dtype=bool)
    mask[override["t"] - 1][tuple(override["element"]) if size else (override["element"][0], 0)] = True
    tape = forward(
        make_plan(program, overridden=(override["name"],)),
        parameters,
        x,
        y,
        T=T,
        B=B,
        initial={name: np.array(value)[None] for name, value in case["initial"].items()},
        overrides={override["name"]: (mask, np.where(mask, override["value"], 0.0))},
    )
    backward(tape, np.full((T, B), 1.0 / B))
    for name, values in override["values"].items():
        agree(tape.value(name), values, name)
    for name, gradients in override["gradients"].items():
        agree(tape.gradient(name), gradients, f"∂{name}")
    for name, gradients in override["initial_gradients"].items():
        agree(tape.initial_gradient(name)[0], gradients, f"∂{name}[0]")
    for name, gradients in override["weight_gradients"].items():
        agree(tape.parameter_gradients[name], gradients, f"∂{name}")
