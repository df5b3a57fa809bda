"""The rule with numbers put in, for the one element that is asked about: worked out, it is the number."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from rnn_engine.errors import AddressError
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.why import why
from tests.build import lesson, sessions

FUNCTIONS = {
    "tanh": math.tanh, "sigmoid": lambda v: 1 / (1 + math.exp(-v)), "relu": lambda v: max(v, 0.0), "exp": math.exp,
    "log": math.log, "sqrt": math.sqrt, "abs": abs, "sign": np.sign, "min": min, "max": max,
    "clip": lambda v, low, high: min(max(v, low), high),
}  # fmt: skip


def worked_out(numbers: str) -> float | None:
    """The formula as a pocket calculator has it; None where it says more than that (`where`, `NaN`)."""
    if re.search(r"NaN|∞|where|if|≥|≤|[<>=ᵀ∂]|\[", numbers):
        return None
    if set(re.findall(r"[a-z_]\w*", re.sub(r"\de[+-]?\d", "0", numbers))) - set(FUNCTIONS):
        return None
    return float(eval(numbers, {"__builtins__": {}}, dict(FUNCTIONS)))


def cells(session: Session) -> Iterator[Cell]:
    """A value and a gradient of each equation at each time step of the first window; a weight of the first update."""
    program, window = session.program, session.schedule.window(1)
    for t in range(window.start + 1, window.stop + 1):
        for name, shape in program.shapes.items():
            if name in program.equations:
                index = (shape[0] - 1,) if shape else ()
                yield Cell("value", 1, name, index, t)
    for _, names in session.schedule.backward:
        for name in names:
            shape = program.shapes[name]
            yield Cell("gradient", 1, name, (shape[0] - 1,) if shape else (), window.start + 1)


def check(session: Session) -> int:
    timeline, compared = Timeline(session.run), 0
    for cell in cells(session):
        try:
            answer = why(session, timeline, cell)
        except AddressError:  # no stop of its own on the way back
            continue
        found = worked_out(answer.numbers) if answer.numbers else None
        if found is None or not np.isfinite(answer.value):
            continue
        compared += 1
        # Six decimals of each number: what that can make of sums and products of a few.
        assert found == pytest.approx(answer.value, rel=2e-3, abs=2e-4), (cell, answer.rule, answer.numbers)
    return compared


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("hi-there-class-bptt", 15),
        ("lstm-remembers", 100),
        ("gru-remembers", 60),
        ("batch", 8),
        ("hello", 12),
    ],
)
def test_of_the_lessons(name: str, least: int) -> None:
    assert check(lesson(name)) >= least


@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(sessions(max_T=2))
def test_of_any_session(session: Session) -> None:
    check(session)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        (Cell("value", 1, "h", (0,), 3), "tanh(0.759071)"),
        (Cell("value", 1, "a", (0,), 3), "0.8 + 0.2 * -0.204646 + 0"),
        (Cell("gradient", 1, "a", (0,), 3), "0.501581 * (1 - 0.640529**2)"),
        (Cell("gradient", 1, "z", (3,), 3), "1 * (0.199963 - 1)"),
        (Cell("value", 1, "p", (0,), 3), ""),
    ],
)
def test_of_the_worked_example(cell: Cell, numbers: str) -> None:
    session = lesson("hi-there-class-bptt")
    assert why(session, Timeline(session.run), cell).numbers == numbers


def test_of_an_update() -> None:
    session = lesson("hi-there-class-bptt")
    cell = Cell("update", 1, "W_hh", (0, 0), equation="w")
    assert why(session, Timeline(session.run), cell).numbers == "0.2 - 0.1 * 0.452095"
