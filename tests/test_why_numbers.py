"""The rule with numbers put in, for the one element that is asked about: worked out, it is the number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from rnn_engine import element
from rnn_engine.core.language import Constant, walk
from rnn_engine.core.tape import Tape
from rnn_engine.element import Spelling
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.style import Style
from rnn_engine.timeline import Timeline
from rnn_engine.why import Why, why
from tests.build import lesson, sessions
from tests.test_operations import evaluated
from tests.test_why import some

EXACT = Spelling(Style(17, 1), 10**6)
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]\d+)?")
OF_RULES = {0.0, 0.5, 1.0, 2.0}
"""Numbers of the operations' own: `1 - h**2`, `2 * (z - y)`."""


def worked_out(numbers: str) -> float:
    """The formula as a pocket calculator has it, which knows infinity."""
    with np.errstate(all="ignore"):
        text = NUMBER.sub(r"f('\g<0>')", numbers)
        names: dict[str, Any] = {"nan": np.float64("nan"), "inf": np.float64("inf"), "f": np.float64}
        return float(evaluated(text, names))


def exactly(s: Session, timeline: Timeline, cell: Cell) -> Why:
    """The answer with all digits and all terms."""
    with (
        mock.patch.object(element, "SPELLINGS", (EXACT,)),
        mock.patch.object(element, "BRIEF", ()),
        mock.patch.object(element, "LONGEST", 10**9),
    ):
        return why(s, timeline, cell)


def tapes(s: Session, timeline: Timeline, cell: Cell) -> Iterator[Tape]:
    """Those that a rule may take its numbers from."""
    if cell.phase == "evaluate":
        yield timeline.ending().tape
    elif cell.phase == "generate":
        yield from (
            timeline.ending().generated.tape(place)
            for place in range(s.run.generator.T if s.run.generator else 0)
        )
    for number in {cell.iteration, max(cell.iteration - 1, 1)} & set(range(1, s.schedule.iterations + 1)):
        iteration = timeline.iteration(number)
        yield iteration.tape
        if cell.kind in ("update", "parameter") and s.schedule.update is not None:
            yield from iteration.update.tapes


def known(s: Session, timeline: Timeline, cell: Cell) -> np.ndarray[Any, Any]:
    """The sizes of all numbers on the tapes, and of the texts."""
    found: list[Any] = [*OF_RULES]
    for tape in tapes(s, timeline, cell):
        back, space = tape.way_back, tape.workspace
        groups = [tape.slots, tape.values, tape.parameters, space.data]
        groups += [back.gradients, back.cotangents, back.kept] if back else []
        found += [np.ravel(a) for group in groups for a in group.values()]  # type: ignore[attr-defined]
        found += [float(tape.T), float(tape.B), *range(1, 9)]
        for equation in tape.plan.program.equations.values():
            found += [e.value for e in walk(equation.root) if isinstance(e, Constant)]
        if back:
            found += [a.ravel() for a in back.parts.values()]
    return np.unique(np.abs(np.hstack([np.ravel(a) for a in found])))


def check_shown(texts: tuple[str, ...], numbers: np.ndarray[Any, Any]) -> None:
    """Every number of a formula is one of these, to the digits it is given with."""
    for text in texts:
        for quoted in NUMBER.findall(text):
            mantissa, _, exponent = quoted.partition("e")
            unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
            at = np.searchsorted(numbers, float(quoted))
            near = numbers[max(at - 1, 0) : at + 1]
            assert min(abs(near - float(quoted))) <= 0.5000001 * unit, (quoted, text)


def check(s: Session) -> int:
    """Every number that an operation made has its rule, and the rule gives the number."""
    timeline, compared = Timeline(s.run), 0
    for cell, expected in some(s, timeline):
        answer, shown = exactly(s, timeline, cell), why(s, timeline, cell)
        if not answer.numbers:
            assert given_(s, answer) or expected == 0.0, answer
            continue
        assert len(shown.numbers) >= 1 and shown.numbers[-1]
        check_shown(shown.numbers, known(s, timeline, shown.cell))
        found, [text] = worked_out(answer.numbers[0]), answer.numbers
        scale = max((abs(float(n)) for n in NUMBER.findall(text)), default=1.0)
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-11 * max(scale, 1.0), nan_ok=True), (
            cell,
            text,
        )
        compared += 1
    return compared


def given_(s: Session, answer: Why) -> bool:
    """Whether no operation made a number."""
    rule = answer.rule
    words = (
        "given",
        "is data",
        "this value",
        "stays",
        "set by hand",
        "frozen",
        "is what is learned",
        "begins with",
    )
    return any(word in rule for word in words) or answer.cell.kind == "data"


@pytest.mark.parametrize("name", ["hi-there-class-bptt", "batch", "hello"])
def test_of_the_lessons(name: str) -> None:
    assert check(lesson(name)) >= 20


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(sessions(max_T=3))
def test_of_any_session(s: Session) -> None:
    check(s)
