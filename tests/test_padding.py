"""Sequences of different lengths in one batch: what the screen and the trace say where one is over."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.why import why
from tests.build import session
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


@pytest.mark.parametrize(
    ("text", "name", "kept"), [(READ_LATER, "h", "h[4]"), (ITSELF, "h", "h[4]"), (BACKWARD, "g", "")]
)
def test_a_state_that_stays_hands_its_gradient_on(text: str, name: str, kept: str) -> None:
    record = next(records(padded(text), f"1:backward:3:{name}", f"1:backward:3:{name}"))
    after = next(records(padded(text), f"1:backward:4:{name}", f"1:backward:4:{name}"))
    if kept:
        assert record["from"][kept][0] == after["grads"][name][0] != 0.0
    else:  # runs from its end: beyond the end of the sequence what arrived is handed on to what it begins with
        assert after["from"]["g[3]"][0] == after["grads"]["g"][0] != 0.0


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
                assert ("stays at" in said) == state
            elif over and not state and seen.timeline.phase == "backward":
                assert "sends nothing back" in said and seen.formula.result == "= 0"
            elif not over:
                assert "over at t=" not in said
            arrives = [part for part in said.partition(": ")[2].split(" and ") if " from " in part]
            for part in arrives:  # what stands there is the number of a sender of this very sequence
                sender = part.split(" from ")[1].rstrip(".").partition(",")[0]
                label, _, t = sender.rstrip("]").partition("[")
                assert not (sequence == 0 and int(t) > 3) or label == seen.equation, said


def test_at_the_last_step_the_formula_names_what_the_state_kept() -> None:
    s = padded(READ_LATER)
    timeline, at = Timeline(s.run), s.schedule.span("1:backward:3:h").start
    short, long = observe(s, timeline, at, 0), observe(s, timeline, at, 1)
    assert short.formula.symbols.endswith("+ ∂h[t+1]") and "∂a[t+1]" not in short.formula.symbols
    assert "∂h[t+1]" not in long.formula.symbols and "∂a[t+1]" in long.formula.symbols
    assert "from h[4], which stays where the sequence is over." in short.narration[0]
    answer = why(s, timeline, parse_cell(s, timeline, "1:backward:3:h", "∂h"))
    assert [term.address for term in answer.terms if "stays" in term.text] == ["1:backward:4:h"]
