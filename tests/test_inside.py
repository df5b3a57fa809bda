"""Inside an equation: its pieces end at its value, their gradients are those of the tape and of differences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given

from rnn_engine import inside
from rnn_engine.core.language import Apply
from rnn_engine.core.operation import Array, run
from rnn_engine.observe import inner_steps, observe
from rnn_engine.place import Place
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_tui.controller import Controller
from tests.build import LESSONS, iterations, lesson, session, sessions
from tests.test_explain import places, transposed, worked_out

Stop = tuple[int, int]
"""A step and, within it, a piece."""


# ---------------------------------------------------------------- values


def applied(place: Place, expr: Apply) -> Array:
    """What an operation makes of its arguments at one place."""
    out = np.empty((1, expr.shape[0] if expr.shape else 1))
    run(expr.operation.forward(out, *(np.atleast_2d(place.value(arg)) for arg in expr.args)))
    return np.ravel(out)


@given(sessions(max_T=3))
def test_pieces_end_at_the_value_of_the_equation(s: Session) -> None:
    """Each is its operation applied to the pieces before it; the last step of all is the equation itself."""
    for _, place in places(s):
        tape = place.tape
        for name, equation in s.program.equations.items():
            pieces = inside.sub_expressions(s.program, name)
            if equation.root in tape.plan.fused or any(piece in tape.plan.fused for piece in pieces):
                continue  # computed from the logits
            for expr in (*pieces, equation.root):
                found = applied(place, expr)
                expected = tape.values[expr][place.place, place.sequence]
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
            np.testing.assert_array_equal(
                tape.values[equation.root][place.place, place.sequence],
                tape.value(name)[place.place, place.sequence],
            )


def test_pieces_in_the_order_in_which_they_are_computed() -> None:
    s = session("h = tanh(w * x + u * h[t-1])", {"w": 0.3, "u": 0.5}, data={"inputs": [1.0, 2.0]})
    controller, seen = Controller(s), []
    controller.go_to("1:forward:2:h")
    for _ in range(inner_steps(s, controller.timeline, controller.index)):
        controller.move("into_back")
        seen.append((controller.snapshot.within, controller.snapshot.formula.result))
    h = float(np.tanh(0.3))
    assert seen[::-1] == [
        ("w * x", "= 0.6"),
        ("u * h[t-1]", f"= {0.5 * h:.6f}"),
        ("w * x + u * h[t-1]", f"= {0.6 + 0.5 * h:.6f}"),
    ]


# ---------------------------------------------------------------- walking


def walk(controller: Controller, motion: str) -> list[Stop]:
    """Every stop to the end of the run in one direction."""
    found = [(controller.index, controller.inner)]
    while not controller.move(motion):
        found.append((controller.index, controller.inner))
    return found


def check_walk(s: Session) -> None:
    controller = Controller(s)
    first = controller.inner = min(1, inner_steps(s, controller.timeline, 0))
    there = walk(controller, "into")
    assert there[0] == (0, first) and [index for index, _ in there] == sorted(index for index, _ in there)
    assert walk(controller, "into_back") == there[::-1]
    for index in range(s.schedule.total):
        count = inner_steps(s, controller.timeline, index)
        pieces = range(1, count + 1)
        back = s.schedule.phase(index).name == "backward"
        assert [inner for i, inner in there if i == index] == ([0, *pieces] if back else [*pieces, 0])


@pytest.mark.parametrize("name", ["i-love-cats", "hi-there-class-bptt", "bptt-two-units", "batch-one"])
def test_a_whole_lesson_there_and_back(name: str) -> None:
    check_walk(lesson(name))


@given(sessions(max_T=2))
def test_any_session_there_and_back(s: Session) -> None:
    check_walk(s)


def inner_stops(s: Session, timeline: Timeline, steps: range) -> Iterator[Stop]:
    return (
        (index, inner)
        for index in steps
        if index < s.schedule.total
        for inner in range(1, inner_steps(s, timeline, index) + 1)
    )


def check_snapshots(s: Session, steps: range) -> None:
    """On the way to a number it is not there yet; on the way back from its gradient it is."""
    timeline = Timeline(s.run)
    for index, inner in inner_stops(s, timeline, steps):
        whole, seen = (observe(s, timeline, index, inner=piece) for piece in (0, inner))
        assert seen.within and not whole.within
        assert seen.address == whole.address
        assert all(text.strip() for text in (seen.formula.symbols, seen.formula.result, *seen.narration))
        back = s.schedule.phase(index).name == "backward"
        for pane, matrices in seen.panes.items():
            for matrix, finished in zip(matrices, whole.panes[pane], strict=True):
                if back:
                    np.testing.assert_array_equal(matrix.values, finished.values)
                else:
                    assert matrix.written is None or not matrix.written.any(), (seen.address, matrix.key)


@pytest.mark.parametrize("name", LESSONS)
def test_inside_a_lesson_nothing_is_written_yet(name: str) -> None:
    s = lesson(name)
    check_snapshots(s, range(20))
    check_snapshots(s, range(max(s.schedule.total - 20, 20), s.schedule.total))


@given(sessions(max_T=2))
def test_inside_any_session_nothing_is_written_yet(s: Session) -> None:
    check_snapshots(s, range(s.schedule.total)[:40])


# ---------------------------------------------------------------- gradients


@given(sessions(loss=True, max_T=3))
def test_rules_of_the_gradients_handed_down_are_true(s: Session) -> None:
    """The formula, worked out with the exact numbers, is the gradient on the tape."""
    for it, place in places(s):
        tape = it.tape
        gone = tape.missing is not None and tape.missing[place.place, place.sequence]
        for name in [name for _, names in s.schedule.backward for name in names]:
            for expr in inside.handed_down(place, name):
                formula, _ = inside.gradient_inside(place, name, expr)
                rule = formula.symbols.partition(" = ")[2]
                expected = tape.inner_gradient(expr)[place.place, place.sequence]
                if gone or "part " in rule or "<=" in rule:
                    continue  # zero, whatever the rule says; words; not Python's own for vectors
                found = np.ravel(worked_out(transposed(rule), it, place.place, place.sequence))
                np.testing.assert_allclose(
                    np.broadcast_to(found, expected.shape), expected, rtol=1e-8, atol=1e-10
                )


SPLIT = "k = W @ h[t-1]\nm = U * x\na = k + m\nh = tanh(a)\ns = v @ h\nd = s - y\nloss = d ** 2"
WHOLE = "h = tanh(W @ h[t-1] + U * x)\nloss = (v @ h - y) ** 2"


def test_gradients_inside_are_those_of_equations_of_their_own() -> None:
    """A piece with a line of its own has a stop; written into one line, it has the same gradient."""
    parameters = {"W": [[0.5, -0.25], [0.125, 0.75]], "U": [0.5, -1.0], "v": [1.0, 0.5]}
    data = {"inputs": [0.5, -1.0, 0.25], "targets": [0.5, 0.25, -0.5]}
    [split], [whole] = (list(iterations(session(text, parameters, data=data))) for text in (SPLIT, WHOLE))
    _ = split.gradients, whole.gradients
    names = {"W @ h[t-1]": "k", "U * x": "m", "W @ h[t-1] + U * x": "a", "v @ h": "s", "v @ h - y": "d"}
    for equation, place in product(("h", "loss"), range(3)):
        pieces = inside.handed_down(Place(whole.tape, place, 0), equation)
        assert len(pieces) == {"h": 3, "loss": 2}[equation]
        for expr in pieces:
            own = split.tape.gradient(names[expr.source])[place]
            np.testing.assert_allclose(whole.tape.inner_gradient(expr)[place], own, rtol=1e-14)


@pytest.mark.parametrize("piece", ["w * x", "u * h[t-1]", "w * x + u * h[t-1]"])
def test_gradients_inside_are_those_of_differences(piece: str) -> None:
    """A parameter n of 0 beside a piece: ∂n adds up over time what the piece is handed down."""
    data = {"inputs": [0.5, -1.0, 0.25], "targets": [0.5, 0.25, -0.5]}
    text = "h = tanh(w * x + u * h[t-1])\nloss = half_squared_error(h, y)"

    def objective(n: float) -> float:
        beside = text.replace(piece, f"({piece} + n)", 1)
        [it] = iterations(session(beside, {"w": 0.3, "u": 0.5, "n": n}, data=data))
        return it.objective

    [it] = iterations(session(text, {"w": 0.3, "u": 0.5}, data=data))
    _ = it.gradients
    found = 0.0
    for place in range(3):
        pieces = inside.handed_down(Place(it.tape, place, 0), "h")
        [expr] = [expr for expr in pieces if expr.source == piece]
        found += float(it.tape.inner_gradient(expr)[place, 0, 0])
    assert found == pytest.approx((objective(1e-6) - objective(-1e-6)) / 2e-6, rel=1e-7)


def test_a_stop_that_stands_for_its_argument_does_not_have_it_inside_too() -> None:
    text = "p = softmax(W @ tanh(V @ x))\nloss = cross_entropy(p, y)"
    square = [[0.1, 0.2], [0.3, -0.4]]
    s = session(text, {"W": square, "V": square}, data={"text": "abba"})
    _, place = next(places(s))
    assert [expr.source for expr in inside.handed_down(place, "p")] == ["tanh(V @ x)", "V @ x"]


def test_what_is_handed_on_as_it_is_is_said_once() -> None:
    s = session("loss = sum(w * x) + w", {"w": 0.5}, data={"inputs": [[1.0, 2.0]]})
    timeline = Timeline(s.run)
    start = s.schedule.span("1:backward:1:loss").start
    formula = observe(s, timeline, start, 0, 1).formula
    assert (formula.symbols, formula.numbers, formula.result) == ("∂sum(w * x) = ∂loss", (), "= 1")
