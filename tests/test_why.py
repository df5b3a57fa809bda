"""Why this number: the answer is the number, its terms add up to it, and the largest leads to what is given."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given

from rnn_engine.core.tape import Tape
from rnn_engine.quantity import Cell, address_of
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.why import Why, why
from tests.build import LESSONS, lesson, sessions

Numbered = tuple[Cell, float]
MOST = 250
"""Cells of one session that are asked."""


# ---------------------------------------------------------------- every number of a run


def on_tape(tape: Tape, iteration: int, phase: str) -> Iterator[Numbered]:
    """The values of a pass, those before it and the data."""
    program = tape.plan.program
    for b, (name, shape) in product(range(tape.B), program.shapes.items()):
        if name not in program.equations:
            continue
        room, gone = tape.slots[name], tape.undefined(name)
        for at, index in product(range(len(room)), np.ndindex(shape)):
            place = at - tape.span(name).start
            if gone is None or not 0 <= place < tape.T or not gone[place, b]:
                cell = Cell("value", iteration, name, index, tape.start + place + 1, b, phase)
                yield cell, float(room[at, b, index[0] if index else 0])
    for name, signal in (("x", tape.x), ("y", tape.y)):
        for place, b in product(range(tape.T), range(tape.B)):
            if signal is not None and (signal.missing is None or not signal.missing[place, b]):
                for index in np.ndindex(signal.shape):
                    cell = Cell("data", iteration, name, index, tape.start + place + 1, b, phase)
                    yield cell, float(signal.values[place, b, index[0] if index else 0])


def numbers(s: Session, timeline: Timeline) -> Iterator[Numbered]:
    """Every number of a run, as the tapes and updates have it."""
    schedule, program = s.schedule, s.program
    for number in range(1, schedule.iterations + 1):
        iteration = timeline.iteration(number)
        tape = iteration.tape
        yield from on_tape(tape, number, "forward")
        parameters = [("parameter", iteration.before.parameters)]
        if schedule.backward:
            parameters.append(("parameter gradient", iteration.gradients))
            for name in [name for _, names in schedule.backward for name in names]:
                n = tape.gradient(name).shape[-1]
                shape = (n,) if program.shapes[name] else ()
                for place, b, index in product(range(tape.T), range(tape.B), np.ndindex(shape)):
                    cell = Cell("gradient", number, name, index, tape.start + place + 1, b)
                    yield cell, float(tape.gradient(name)[place, b, index[0] if index else 0])
        for kind, values in parameters:
            for name, value in values.items():
                for index in np.ndindex(np.shape(value)):
                    yield Cell(kind, number, name, index), float(np.asarray(value)[index])  # type: ignore[arg-type]  # one of two
        if schedule.update is not None:
            for name, equation in schedule.update:
                value = iteration.update.value(name, equation)
                for index in np.ndindex(np.shape(value)):
                    cell = Cell("update", number, name, index, equation=equation)
                    yield cell, float(np.asarray(value)[index])
    if s.replay.evaluate:
        yield from on_tape(timeline.ending().tape, schedule.iterations, "evaluate")
    if s.run.generator is not None:
        for place in range(s.run.generator.T):
            yield from on_tape(timeline.ending().generated.tape(place), schedule.iterations, "generate")


def some(s: Session, timeline: Timeline) -> list[Numbered]:
    """At most so many of them, evenly spread."""
    found = list(numbers(s, timeline))
    return found[:: -(-len(found) // MOST)]


def equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


# ---------------------------------------------------------------- what holds of every answer


class Asked:
    """Answers of one run, each checked once."""

    def __init__(self, s: Session) -> None:
        self.s, self.timeline = s, Timeline(s.run)
        self.answers: dict[Cell, Why] = {}
        self.roots: dict[Cell, Why] = {}

    def __call__(self, cell: Cell) -> Why:
        if cell not in self.answers:
            self.answers[cell] = answer = why(self.s, self.timeline, cell)
            self.check(answer)
        return self.answers[cell]

    def check(self, answer: Why) -> None:
        terms = answer.terms
        assert all(self.exists(address) for address in (answer.address, *(t.address for t in terms)))
        sizes = [abs(term.value) for term in terms if math.isfinite(term.value)]
        assert sizes == sorted(sizes, reverse=True)
        if answer.sums and terms and math.isfinite(answer.value):
            assert abs(answer.rounding) <= 1e-12 * sum(sizes) + 1e-15, answer
        for term in terms:
            assert term.text.strip() == term.text != ""
            if term.source is None:
                assert not term.address
                continue
            assert term.address == address_of(self.s, term.source), term
            assert term.address or given_from_outside(self.s, term.source), term
            signs = {term.label: 1.0, f"-{term.label}": -1.0}
            if term.text in signs:
                found = why(self.s, self.timeline, term.source).value
                assert equal(term.value, signs[term.text] * found), term

    def exists(self, address: str) -> bool:
        return address == "" or len(self.s.schedule.span(address)) == 1

    def root(self, cell: Cell) -> Why:
        """What the largest source leads to, again and again; it never comes back."""
        way: dict[Cell, None] = {}
        while cell not in self.roots:
            assert cell not in way, "a circle"
            way[cell] = None
            terms = self(cell).terms
            if not terms or terms[0].source is None:
                self.roots[cell] = self(cell)
                break
            cell = terms[0].source
        self.roots |= dict.fromkeys(way, self.roots[cell])
        assert len(way) <= self.s.schedule.total + 1
        return self.roots[cell]


def given_from_outside(s: Session, cell: Cell) -> bool:
    """Whether a number has no step: data, first weights, what stands before or behind a pass."""
    if cell.kind == "parameter":
        return cell.iteration == 1 or s.schedule.update is None
    if cell.kind != "value" or cell.t is None:
        return cell.kind == "data"
    window = s.schedule.window(cell.iteration)
    inside = window.start < cell.t <= window.stop if cell.phase == "forward" else cell.t > 0
    return not inside or cell.phase == "evaluate"


def check_session(s: Session, cells: Callable[[Session, Timeline], list[Numbered]] = some) -> None:
    asked = Asked(s)
    names = {*s.program.equations, *s.program.parameters, "x", "y"}
    for cell, expected in cells(s, asked.timeline):
        assert equal(asked(cell).value, expected), cell
        root = asked.root(cell)
        if root.terms and root.cell.kind != "update":  # a number, t, or the weight of a loss
            words = set(re.findall(r"\w+", root.terms[0].text))
            assert root.terms[0].text.startswith("weight") or not words & names, root


@given(sessions(max_T=4))
def test_every_number_of_any_session(s: Session) -> None:
    check_session(s)


@pytest.mark.parametrize("name", LESSONS)
def test_numbers_of_the_lessons(name: str) -> None:
    check_session(lesson(name), lambda s, _: list(of_steps(s, range(60))))


@pytest.mark.parametrize("name", ["hello", "hi-there-class-bptt"])
def test_the_last_numbers_of_a_lesson_lead_back_to_the_first(name: str) -> None:
    check_session(lesson(name), lambda s, _: list(of_steps(s, range(s.schedule.total)[-60:])))


def of_steps(s: Session, steps: range) -> Iterator[Numbered]:
    """What the records of some steps show, as far as there are so many."""
    first, last = (str(s.schedule.address(min(i, s.schedule.total - 1))) for i in (steps[0], steps[-1]))
    for record in records(s, first, last):
        yield from recorded(s, record)


def recorded(s: Session, record: dict[str, object]) -> Iterator[Numbered]:
    """The numbers of a record of the trace, with their cells."""
    values = record.get("grads") or record.get("values") or {}
    assert isinstance(values, dict)
    number, phase, t = record["iteration"], record["phase"], record["t"]
    for name, value in values.items():
        if phase == "update":
            kind, parameter = "update", record["parameter"]
            for index in np.ndindex(np.shape(value)):
                cell = Cell("update", number, parameter, index, equation=name)  # type: ignore[arg-type]  # of JSON
                yield cell, float(np.asarray(value)[index])
            continue
        kind = "gradient" if phase == "backward" else "value"
        array = np.asarray(value, dtype=float)
        alone = array.ndim == len(s.program.shapes[name])
        for index in np.ndindex(array.shape):
            b, element = (0, index) if alone else (index[0], index[1:])
            where = "forward" if phase == "backward" else phase
            if not np.isnan(array[index]):  # null: there is none
                yield Cell(kind, number, name, element, t, b, where), float(array[index])  # type: ignore[arg-type]  # of JSON
