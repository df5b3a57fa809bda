"""A step explained in full: every line is true, every number in it one of the run's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from rnn_engine.core.language import walk
from rnn_engine.core.steps import Step
from rnn_engine.core.tape import Tape
from rnn_engine.derive import Section, derivation
from rnn_engine.place import Place
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from tests.build import LESSONS, lesson, session, sessions
from tests.test_explain import NUMBER

SQUARE = {"W": [[0.1, 0.2], [0.3, -0.4]]}
TOKENS = {"text": "abba"}
STAND = ("direct, ", "through ", "total derivative")


def explained(s: Session, address: str, sequence: int = 0) -> dict[str, tuple[str, ...]]:
    """Heading → lines."""
    sections = derivation(s, Timeline(s.run), s.schedule.span(address).start, sequence)
    return {section.title: section.lines for section in sections}


# ---------------------------------------------------------------- what holds of every step


def known(s: Session, timeline: Timeline, index: int, sequence: int) -> Iterator[np.ndarray[Any, Any]]:
    """Every number that a step may speak of: those of its pass, the literals of its text, and 1 and 2 of the rules."""
    phase = s.schedule.phase(index)
    place, equation = phase.stops[index - phase.first]
    yield np.array([0.0, 1.0, 2.0])
    yield np.array([float(n) for e in s.program.equations.values() for n in NUMBER.findall(e.source)])
    parts = [part for e in s.program.equations.values() for part in walk(e.root)]
    yield np.array([float(n) for part in parts for n in part.shape])  # `ones(3)`, and what a mean divides by
    if isinstance(place, str):
        update = timeline.iteration(phase.iteration).update
        yield np.ravel(update.before[place])
        if place not in update.rule.frozen:
            tape, _ = update.tape(place)
            yield np.array([float(n) for line in update.rule.lines for n in NUMBER.findall(line)])
            yield from of_tape(tape, 0, 0)
        return
    if phase.name in ("evaluate", "generate"):
        ending = timeline.ending()
        tape = ending.tape if phase.name == "evaluate" else ending.generated.tape(place)
        yield from of_tape(tape, 0 if phase.name == "generate" else place, sequence)
        return
    iteration = timeline.iteration(phase.iteration)
    _ = iteration.gradients if phase.name == "backward" else None
    tape = iteration.tape
    for near in range(max(place - 2, 0), min(place + 3, tape.T)):  # a gradient comes from its neighbours
        yield from of_tape(tape, near, sequence)
    if phase.name == "backward":
        yield from Step(tape, "backward", place, equation).adds.values()
        yield from iteration.gradients.values()


def of_tape(tape: Tape, place: int, sequence: int) -> Iterator[np.ndarray[Any, Any]]:
    here = Place(tape, place, min(sequence, tape.B - 1))
    yield np.array([tape.start + place + 1.0])
    for equation in tape.plan.program.equations.values():
        yield from (here.value(read) for read in equation.reads)
    arrays = [*tape.values.values()]
    if tape.way_back is not None:
        back = tape.way_back
        arrays += [*back.cotangents.values(), *back.gradients.values(), *back.sums.values()]
    for array in arrays:
        yield array[place, here.sequence]


def unit(quoted: str) -> float:
    """What the last digit of a number counts."""
    mantissa, _, exponent = quoted.partition("e")
    return float(10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])))


def numbers_of(line: str) -> list[str]:
    return NUMBER.findall(line.partition("= ")[2] if "= " in line else line)


def check(s: Session, timeline: Timeline, index: int, sequence: int) -> None:
    sections = derivation(s, timeline, index, sequence)
    assert sections
    found = np.concatenate([np.ravel(a) for a in known(s, timeline, index, sequence)] or [np.zeros(0)])
    sizes = np.abs(found[np.isfinite(found)])
    for section in sections:
        assert section.title and section.lines
        for line in section.lines:
            assert line.strip() and line.isprintable(), line
            assert "nan" not in line and "array" not in line and "None" not in line
        check_sum(section)
        values = [line for line in section.lines if re.match(r"\s*(= |[\w.\[\]]+ = |\[)", line)]
        for quoted in [q for line in values for q in numbers_of(line)]:
            nearest = np.abs(sizes - abs(float(quoted))).min()
            assert nearest <= 0.5000001 * unit(quoted), (s.schedule.address(index), quoted, section)


def check_sum(section: Section) -> None:
    """Direct and later add up to the total, to the digits shown."""
    parts = [numbers_of(line.partition(":")[2]) for line in section.lines if line.startswith(STAND)]
    assert len(parts) in (0, 3)
    for numbers in zip(*parts, strict=True):
        direct, later, total = map(float, numbers)
        assert abs(direct + later - total) <= sum(0.51 * max(unit(n), 1e-6) for n in numbers), section


def steps(s: Session, first: int, last: int) -> list[int]:
    total = s.schedule.total
    return [*range(min(first, total)), *range(max(total - last, first), total)]


@pytest.mark.parametrize("name", LESSONS)
def test_every_step_of_a_lesson(name: str) -> None:
    s = lesson(name)
    timeline = Timeline(s.run)
    for index in steps(s, 150, 60):
        check(s, timeline, index, index % s.dataset.batches[0].B)


@given(sessions(max_T=3))
def test_every_step_of_any_session(s: Session) -> None:
    timeline = Timeline(s.run)
    for index in steps(s, 60, 20):
        check(s, timeline, index, index % s.dataset.batches[0].B)


# ---------------------------------------------------------------- why p - y


def together(s: Session) -> set[str]:
    """The stops of the way back at which a loss and its softmax are explained together."""
    timeline, phase = Timeline(s.run), s.schedule.phases(1)[1]
    return {
        phase.stops[i][1]
        for i in range(len(phase.stops))
        if any("why p - y" in section.title for section in derivation(s, timeline, phase.first + i))
    }


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)", {"z"}),
        ("p = softmax(W @ x)\nloss = cross_entropy(p, y)", {"p"}),
        ("z = W @ x\nloss = cross_entropy(softmax(z), y)", {"z"}),
        ("loss = cross_entropy(softmax(W @ x), y)", {"loss"}),
        ("z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y) + 0.1 * sum(p)", set()),
        ("z = W @ x\np = sigmoid(z)\nloss = binary_cross_entropy(p, y)", {"z"}),
        ("z = W @ x\np = softmax(z)\nloss = squared_error(p, y)", set()),
        ("z = W @ x\np = softmax(z)\nq = softmax(W @ z)\nloss = cross_entropy(p, y) + cross_entropy(q, y)", {"z", "q"}),
    ],
)  # fmt: skip
def test_together_exactly_where_they_are_differentiated_together(text: str, stops: set[str]) -> None:
    assert together(session(text, SQUARE, data=TOKENS)) == stops


@given(sessions(loss=True, max_T=2))
def test_together_in_any_session(s: Session) -> None:
    assert bool(together(s)) == bool(s.run.plan.fused)


def test_the_two_rules_put_together() -> None:
    sections = explained(lesson("hi-there-class-bptt"), "1:backward:2:z")
    assert [
        line.split("  ")[-1].strip() for line in sections["why p - y: cross_entropy and softmax together"]
    ] == [
        "∂p = -∂loss * y / p",
        "∂z = p * (∂p - sum(∂p * p))",
        "∂z = ∂loss * (p - y)",
    ]


# ---------------------------------------------------------------- step by step


def test_a_backward_step_in_full() -> None:
    sections = explained(lesson("hi-there-class-bptt"), "1:backward:2:h")
    assert list(sections)[:2] == ["∂h at t=2", "what arrived"]
    assert sections["∂h at t=2"][0] == "∂h = W_hhᵀ @ ∂a[t+1] + W_hyᵀ @ ∂z"
    arrived = sections["what arrived"]
    assert [line for line in arrived if "reads" in line] == [
        "a[3] reads h[2] and sends",
        "z[2] reads h[2] and sends",
    ]
    assert [line.partition(":")[0] for line in arrived[-3:]] == [
        "direct, through this time step",
        "through later time steps",
        "total derivative, what is passed on",
    ]
    adds = explained(lesson("hi-there-class-bptt"), "1:backward:2:a")
    lines = adds["what it adds to the parameters (this time step alone)"]
    assert {"∂W_xh gets ∂a xᵀ", "∂W_hh gets ∂a h[t-1]ᵀ", "∂b_h gets ∂a"} <= set(lines)


def test_a_missing_target_is_no_number() -> None:
    s = session(
        "h = tanh(w * x)\nloss = half_squared_error(h, y)",
        {"w": 0.5},
        data={"inputs": [1.0, 2.0], "targets": [None, 1.0]},
    )
    sections = explained(s, "1:forward:1:loss")
    assert sections["loss at t=1"][-1] == "  = undefined: there is no target"
    assert "y[1]: there is no target" in sections["what it reads"]
    assert "piece by piece" not in sections


def test_where_a_sequence_is_over_nothing_arrives_from_behind_its_end() -> None:
    series = [{"inputs": [0.5, -1.0], "targets": [0.5, 1.0]}, {"inputs": [0.1], "targets": [0.3]}]
    text = "h = tanh(w * x + u * h[t-1])\nloss = squared_error(h + h[t+1], y)"
    s = session(text, {"w": 0.5, "u": -0.3}, data={"sequences": series, "batch": 2})
    timeline = Timeline(s.run)
    for index in range(s.schedule.total):
        for sequence in (0, 1):
            check_sum_of_step(derivation(s, timeline, index, sequence))
    lines = explained(s, "1:backward:1:h", 1)["what arrived"]
    assert "loss[1] reads h[1] and sends" in lines
    assert not any("[2]" in line for line in lines)


def check_sum_of_step(sections: tuple[Section, ...]) -> None:
    for section in sections:
        check_sum(section)


def test_an_update_in_full() -> None:
    training = {"optimizer": {"name": "adam", "learning_rate": 0.1}, "frozen": ["u"], "iterations": 2}
    s = session(
        "h = tanh(w * x + u * h[t-1])\nloss = half_squared_error(h, y)",
        {"w": 0.5, "u": 0.1},
        data={"inputs": [1.0, 2.0], "targets": [0.5, 1.0]},
        training=training,
    )
    sections = explained(s, "2:update:w:m")
    assert sections["constants"] == ("beta_1 = 0.9",)
    assert sections["m for w"][0].startswith("m = beta_1 * m[i-1] + ")
    assert sections["piece by piece"][-1] == f"m {sections['m for w'][-1].strip()}"
    assert list(explained(s, "2:update:u:w")) == ["w for u"]


def test_the_draw_of_a_generation() -> None:
    text = "z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)"
    s = session(text, SQUARE, data=TOKENS, generation={"prompt": "a", "length": 2, "mode": "greedy"})
    timeline = Timeline(s.run)
    for index in range(s.schedule.total):
        check(s, timeline, index, 0)
    assert list(explained(s, "1:generate:2:sample")) == ["the draw"]


def test_hostile_words_do_not_come_in() -> None:
    """Comments, titles, tokens and notes of a file stand in no derivation; nor does an escape sequence."""
    evil = "\x1b]0;owned\x07\u202e"
    s = session(
        f"z = W @ x  # {evil}\np = softmax(z)\nloss = cross_entropy(p, y)",
        SQUARE,
        title=evil,
        notes=evil,
        data={"vocabulary": [evil, "b"], "inputs": [evil, "b"], "targets": ["b", evil]},
        training={"optimizer": {"name": "sgd", "learning_rate": 0.1}},
        evaluate=True,
        marks=[{"address": "1:forward:1:z", "name": evil, "note": evil}],
    )
    timeline = Timeline(s.run)
    for index in range(s.schedule.total):
        check(s, timeline, index, 0)
