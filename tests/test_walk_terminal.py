"""From the list into a lesson, to the end of the update and all the way back: the same screens, the trace's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_engine.session import Session
from rnn_engine.trace import records
from rnn_tui.lessons import directory
from tests.terminal import Program

RIGHT, LEFT, DOWN = "\x1b[C", "\x1b[D", "\x1b[B"


@pytest.fixture(params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    columns, rows = request.param
    found = Program([], columns, rows, tmp_path)
    yield found
    found.close()


def test_there_and_back(program: Program) -> None:
    session = Session.load(directory() / "hi-there-class-bptt.json")
    steps = list(records(session, end="1:update"))
    program.until("hi-there-class-bptt")
    program.press(DOWN + DOWN + "\r", then=steps[0]["address"])
    there = [program.lines]
    for step in steps[1:]:
        program.press(RIGHT, then=step["address"])
        there.append(program.lines)
    for step, lines in zip(steps, there, strict=True):
        assert any(shown(number, lines) for number in numbers_of(step)), (step["address"], *lines)
    for step, lines in zip(reversed(steps[:-1]), reversed(there[:-1]), strict=True):
        program.press(LEFT, then=step["address"])
        assert program.lines == lines, step["address"]


def numbers_of(step: dict[str, Any]) -> list[float]:
    """What a record says was computed."""
    found = step.get("grads") or step["values"]
    return [float(v) for v in np.ravel(next(iter(found.values())))]


def shown(number: float, lines: list[str]) -> bool:
    """Whether a result in the equation's lines (`= 0.462117`) is this number."""
    text = " ".join(lines)
    results = re.findall(r"= \[?(-?\d+(?:\.\d+)?(?:e[+-]\d+)?)", text)
    return any(abs(float(r) - number) <= 0.5e-6 + 1e-12 for r in results)
