"""Lessons as they run: an iteration, a value, a gradient by name, for the tests of what lessons show and say."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.flow import Flow, itemise
from rnn_engine.replay import loads
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.training import Iteration
from rnn_tui.lessons import find
from tests.build import lesson

Floats = NDArray[np.float64]

REMEMBER = ("vanishing", "lstm-remembers", "gru-remembers")
NAMES = (*REMEMBER, "bptt-two-units", "same-step-four-cells", "exploding-and-clipping", "truncated-bptt")
LAST = 150
"""The last iteration of the three lessons with one task."""


@cache
def timeline(name: str) -> Timeline:
    return Timeline(lesson(name).run)


def at(name: str, number: int = 1) -> Iteration:
    """An iteration, forward and back."""
    iteration = timeline(name).iteration(number)
    _ = iteration.gradients
    return iteration


def flow(name: str, number: int = 1, sequence: int = 0) -> Flow:
    found = itemise(at(name, number), sequence)
    assert found is not None
    return found


def value(name: str, number: int, equation: str, t: int) -> Floats:
    """`[B, n]`."""
    iteration = at(name, number)
    found: Floats = iteration.tape.value(equation)[t - 1 - iteration.window.start]
    return found


def gradient(name: str, number: int, equation: str, t: int) -> Floats:
    """`[n]`, of the first sequence."""
    iteration = at(name, number)
    found: Floats = iteration.tape.gradient(equation)[t - 1 - iteration.window.start, 0]
    return found


def right(iteration: Iteration) -> float:
    """The share of the batch that an iteration gets right at its last step, before its update."""
    y = iteration.tape.y
    assert y is not None and y.classes is not None
    return float(np.mean(np.argmax(iteration.tape.value("p")[-1], axis=-1) == y.classes[-1]))


def changed(name: str, **training: Any) -> Timeline:
    """A lesson with other members of `training`; None takes one away."""
    document = json.loads(find(name).read_bytes())
    document["training"] |= training
    document["training"] = {key: v for key, v in document["training"].items() if v is not None}
    del document["marks"]
    return Timeline(Session(loads(json.dumps(document).encode())).run)


def accuracy(run: Timeline) -> float:
    found = run.ending().accuracy
    assert found is not None
    return found


def norm(iteration: Iteration) -> float:
    """That over the gradients of all parameters that are not frozen."""
    rule = iteration.run.rule
    assert rule is not None
    squares = [np.sum(np.square(g)) for name, g in iteration.gradients.items() if name not in rule.frozen]
    return float(np.sqrt(sum(squares)))
