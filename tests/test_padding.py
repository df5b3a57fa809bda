"""Sequences of different lengths in one batch: what the screen and the trace say where one is over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import make_plan
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.why import why
from tests.build import session
from tests.engine import plan_of, signal, states
from tests.reference import Case
from tests.strategies import cases
from tests.test_core import close
from tests.test_why import check_session

SHORT = {"inputs": [0.5, 1.0, -0.5], "targets": [1.0, 0.5, 0.25]}
LONG = {"inputs": [1.0, 0.25, 0.5, 0.75, -1.0], "targets": [0.0, 1.0, 0.5, 0.1, 0.2]}
DATA = {"sequences": [SHORT, LONG], "batch": 2}
WEIGHTS = {"w": 0.5, "u": 0.3, "v": 0.7}
READ_LATER = "a = w * x + u * h[t-1]\nh = tanh(a)\nz = v * h[t+1] + h\nloss = half_squared_error(z, y)"
ITSELF = "h = u * h[t-1] + w * x\nloss = half_squared_error(v * h[t+1], y)"
BACKWARD = "g = tanh(w * x + u * g[t+1])\nloss = half_squared_error(v * g, y)"
USUAL = "h = tanh(w * x + u * h[t-1])\nloss = half_squared_error(v * h, y)"


def padded(text: str) -> Session:
    return session(text, WEIGHTS, data=DATA)


@pytest.mark.parametrize("text", [READ_LATER, ITSELF, BACKWARD, USUAL])
def test_what_arrived_makes_the_gradient_at_every_step_of_every_sequence(text: str) -> None:
    for record in records(padded(text), "1:backward", "1:backward"):
        (gradient,) = record["grads"].values()
        if record["equation"] != "loss":  # its own weight arrives from nowhere
            assert np.allclose(sum(np.array(sent) for sent in record["from"].values()), gradient, rtol=1e-12)


@given(cases(loss=True), st.data())
def test_a_sequence_of_a_batch_is_what_it_is_alone(case: Case, data: st.DataObject) -> None:
    """Every value, every gradient, and what the initial states get, however the text reads through time."""
    assume(case.B > 1)
    lengths = [case.T, *(data.draw(st.integers(1, case.T)) for _ in range(case.B - 1))]
    plan, initial, weights = plan_of(case), states(case, plan_of(case)), np.ones((case.T, case.B))
    x, y = signal(case.x, case.x_vocabulary), signal(case.y, case.y_vocabulary)
    padding = np.arange(case.T)[:, None] >= np.array(lengths)
    missing = y.missing if y is not None and y.missing is not None else np.zeros_like(padding)
    weights[padding | missing] = 0.0

    def passes(T: int, b: slice, over: NDArray[np.bool_] | None) -> Tape:
        def part(s: Signal | None) -> Signal | None:
            if s is None:
                return None
            classes = None if s.classes is None else s.classes[:T, b]
            missing = None if s.missing is None else s.missing[:T, b]
            return Signal(s.values[:T, b], s.shape, classes, missing)

        begin = {name: values[:, b] for name, values in initial.items()}
        B = len(range(*b.indices(case.B)))
        tape = forward(plan, case.parameters, part(x), part(y), T=T, B=B, initial=begin, padding=over)
        backward(tape, weights[:T, b])
        return tape

    for _ in range(2):  # what is left in arrays that are used again must not matter either
        together = passes(case.T, slice(None), padding)
        alone = [passes(T, slice(b, b + 1), None) for b, T in enumerate(lengths)]
        for b, (T, one) in enumerate(zip(lengths, alone, strict=True)):
            for name in plan.program.equations:
                close(together.value(name)[:T, b], one.value(name)[:, 0])
            for name in plan.senders:
                close(together.gradient(name)[:T, b], one.gradient(name)[:, 0])
            for name in plan.program.states:
                close(together.initial_gradient(name)[:, b], one.initial_gradient(name)[:, 0])
        for name in case.parameters:
            close(together.parameter_gradients[name], sum(one.parameter_gradients[name] for one in alone))
        del together, alone, one


@pytest.mark.parametrize("text", [READ_LATER, ITSELF, BACKWARD, USUAL])
def test_formula_sentence_and_terms_are_those_of_the_sequence(text: str) -> None:
    s = padded(text)
    check_session(s)
    timeline = Timeline(s.run)
    for index in range(s.schedule.total):
        for sequence in (0, 1):
            seen = observe(s, timeline, index, sequence)
            over = sequence == 0 and (seen.timeline.t or 0) > 3
            state = seen.equation in ("h", "g")
            said = seen.narration[0]
            if over and seen.timeline.phase == "forward":
                assert "the sequence is over" in seen.formula.symbols + seen.formula.result
                assert ("stays at" in said or "as behind its end" in said) == state
            elif over and not state and seen.timeline.phase == "backward":
                assert "sends nothing back" in said and seen.formula.result == "= 0"
            elif not over:
                assert "over at t=" not in said
            arrived = said.partition(" All sequences add ")[0].partition(": ")[2]
            arrives = [part for part in arrived.split(" and ") if " from " in part]
            for part in arrives:  # what stands there is the number of a sender of this very sequence
                sender = part.split(" from ")[1].rstrip(".").partition(",")[0]
                label, _, t = sender.rstrip("]").partition("[")
                assert not (sequence == 0 and int(t) > 3) or label == seen.equation, said


def test_behind_its_end_a_state_is_what_it_is_alone() -> None:
    """It is read there: 0 where its initial value is in front, else that."""
    for text, name, shown in ((READ_LATER, "h", 0.0), (BACKWARD, "g", 0.25), (USUAL, "h", None)):
        s = session(text, WEIGHTS, data=DATA, initial={name: 0.25})
        timeline = Timeline(s.run)
        tape = timeline.iteration(1).tape
        at_end = float(tape.value(name)[2, 0, 0])
        assert tape.value(name)[3:, 0, 0].tolist() == [at_end if shown is None else shown] * 2
        at = s.schedule.span(f"1:forward:4:{name}").start
        said = observe(s, timeline, at, 0).narration[0]
        stays = "stays at" if shown is None else f"is {shown:g}, as behind its end"
        assert said.startswith(f"The sequence is over at t=4: {name} {stays}")
        answer = why(s, timeline, parse_cell(s, timeline, f"1:forward:4:{name}", name))
        assert answer.value == tape.value(name)[3, 0, 0]
        assert ("stays" in answer.rule) == (shown is None)


def test_at_the_last_step_nothing_comes_from_behind_the_end() -> None:
    s = padded(READ_LATER)
    timeline, at = Timeline(s.run), s.schedule.span("1:backward:3:h").start
    short, long = observe(s, timeline, at, 0), observe(s, timeline, at, 1)
    assert "[t+1]" not in short.formula.symbols and "∂a[t+1]" in long.formula.symbols
    assert short.narration[0].endswith("from z[3] and -0.0168 from z[2].")


def test_each_of_two_values_behind_the_end_is_where_it_is_alone() -> None:
    """And gets its own gradient."""
    text = ["g = 0.5 * g[t+1] + 0.25 * g[t+2] + x", "loss = half_squared_error(g, y)"]
    plan = make_plan(compile_equations(text, {}, x=(), y=(), initial={"g": ()}))
    x, y = np.arange(1.0, 9.0).reshape(4, 2, 1), np.ones((4, 2, 1))
    furthest_first = np.array([[[7.0], [7.0]], [[3.0], [3.0]]])
    over = np.array([[False, False], [False, True], [False, True], [False, True]])
    both = forward(
        plan, {}, Signal(x, ()), Signal(y, ()), T=4, B=2, initial={"g": furthest_first}, padding=over
    )
    lone = forward(
        plan, {}, Signal(x[:1, 1:], ()), Signal(y[:1, 1:], ()), T=1, B=1, initial={"g": furthest_first[:, :1]}
    )
    assert lone.value("g")[0, 0, 0] == 0.5 * 3.0 + 0.25 * 7.0 + 2.0
    assert both.value("g")[:3, 1, 0].tolist() == [lone.value("g")[0, 0, 0], 3.0, 7.0]
    assert both.initial("g").tolist() == furthest_first.tolist()
    backward(both, np.where(over, 0.0, 1.0))
    backward(lone, np.ones((1, 1)))
    assert (
        both.initial_gradient("g")[:, 1].tolist()
        == lone.initial_gradient("g")[:, 0].tolist()
        != [[0.0], [0.0]]
    )
