"""Sessions of float32: the same run in shorter numbers, from the file to the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnn_engine as rnn
from rnn_engine.errors import EngineError
from rnn_engine.flow import horizon, itemise
from rnn_engine.gradcheck import check_gradients
from rnn_engine.observe import observe
from rnn_engine.precision import shortest, shortest_number
from rnn_engine.replay import dumps, loads, replaced
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.style import STYLES
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.training import training_steps
from rnn_engine.why import why
from rnn_tui.panes.around import Title
from rnn_tui.render.cells import Cell, exact
from rnn_tui.render.palette import palette
from tests.build import LESSONS, document, iterations, lesson, same, session, sessions

CLOSE = 1e-4
"""Relative to numbers above one. After a lesson's hundreds of updates some 5e-6 are found."""
NET = """
a = W @ x + U @ h[t-1]
h = tanh(a)
z = V @ h
p = softmax(z)
loss = cross_entropy(p, y)
"""
WEIGHTS = {"W": [[0.1, -0.3], [0.7, 0.2]], "U": [[0.3, 0.1], [-0.2, 0.4]], "V": [[0.5, 0.6], [-0.1, 0.9]]}
TRAINING = {
    "optimizer": {"name": "adam", "learning_rate": 0.1},
    "clip": {"kind": "norm", "limit": 0.3},
    "window": 3,
    "epochs": 2,
    "train_initial": ["h"],
}


def narrow(s: Session) -> Session:
    return Session(replaced(s.replay, dtype="float32"))


def net(**members: Any) -> Session:
    return session(
        NET,
        WEIGHTS,
        dtype="float32",
        data={"text": "abbabaab"},
        training=TRAINING,
        evaluate=True,
        generation={"prompt": "a", "length": 6, "mode": "sample", "seed": 3},
        **members,
    )


def numbers(value: Any) -> Iterator[float]:
    """All floats of a record."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)


def close(narrower: Any, wider: Any) -> bool:
    a, b = np.asarray(narrower), np.asarray(wider)
    assert a.dtype == np.float32 and b.dtype == np.float64
    return bool((np.abs(a - b) <= CLOSE * np.maximum(1.0, np.abs(b))).all())


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_is_the_same_within_float32(name: str) -> None:
    wide = lesson(name)
    different = 0
    for a, b in zip(iterations(narrow(wide)), iterations(wide), strict=True):
        for equation in b.tape.plan.program.equations:
            assert close(a.tape.value(equation), b.tape.value(equation)), equation
            different += not np.array_equal(a.tape.value(equation), b.tape.value(equation))
        if b.run.schedule.backward:
            for parameter, gradient in b.gradients.items():
                assert close(a.gradients[parameter], gradient), parameter
        for parameter, value in b.after.parameters.items():
            assert close(a.after.parameters[parameter], value), parameter
    assert different


@given(sessions(max_T=3))
def test_every_number_of_every_step_is_float32(wide: Session) -> None:
    s = narrow(wide)
    for step in training_steps(s.run):
        assert np.asarray(step.value).dtype == np.float32, step.address


def test_the_update_the_ending_and_what_is_learned_are_float32() -> None:
    s = net()
    kinds = {
        (step.address.phase, np.asarray(step.value).dtype.name)
        for step in training_steps(s.run)
        if step.address.equation != "sample"
    }
    assert kinds == {
        (phase, "float32") for phase in ("forward", "backward", "update", "evaluate", "generate")
    }
    last = list(iterations(s))[-1]
    assert {a.dtype.name for group in last.after.optimizer for a in group.values()} == {"float32"}
    assert last.after.parameters["h[0]"].dtype == np.float32 and last.after.parameters["h[0]"].any()


def test_a_number_is_the_same_however_one_comes_to_it() -> None:
    s = net()
    there, back = Timeline(s.run), Timeline(s.run, budget=0)
    forth = [observe(s, there, i) for i in range(s.schedule.total)]
    for i in reversed(range(s.schedule.total)):
        assert same(observe(s, back, i), forth[i])


def test_saving_and_loading_change_nothing(tmp_path: Path) -> None:
    s = net()
    s.save(tmp_path / "a.json")
    again = Session.load(tmp_path / "a.json")
    again.save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert again.replay == s.replay and again.run.dtype == "float32"
    assert loads(dumps(s.replay)) == s.replay
    assert "dtype" not in json.loads(dumps(lesson("hello").replay))  # the default is not written


# ---------------------------------------------------------------- digits


def test_the_exact_cell_is_the_shortest_float32() -> None:
    s = net()
    matrices = observe(s, Timeline(s.run), 1).panes["weights"]
    assert exact(Cell(0, 0, 0), matrices) == ("W[0,a]", "0.1")
    hidden = observe(s, Timeline(s.run), 1).panes["hidden"]
    value = Timeline(s.run).iteration(1).tape.value("h")[0, 0, 1]
    [at] = [k for k, matrix in enumerate(hidden) if matrix.key == "h"]
    shown = exact(Cell(at, 1, 1), hidden)[1]
    assert np.float32(shown) == value and len(shown) <= len("-0.123456789")


def test_a_trace_has_shortest_float32_numbers() -> None:
    s = net()
    found = list(records(s))
    [ending] = [r["totals"] for r in found if r["phase"] == "evaluate" and "totals" in r]
    assert ending.pop("accuracy") == 5 / 7  # a share of targets, in float64
    every = [number for record in found for number in numbers(record)]
    assert len(every) > 500
    assert all(float(str(np.float32(number))) == number for number in every)
    first = next(iterations(s)).tape.value("p")[0, 0]
    record = next(r for r in found if r["equation"] == "p")
    assert np.array_equal(np.array(record["values"]["p"], np.float32), first)


@given(st.floats(width=32, allow_nan=False))
def test_the_shortest_decimal_reads_back(value: float) -> None:
    found = shortest(np.array([value], np.float32))[0]
    assert np.float32(found) == np.float32(value)
    assert found == shortest_number(value, "float32")
    assert len(repr(float(found)).replace("-", "").split("e")[0].strip("0.").replace(".", "")) <= 10


def test_what_is_no_float32_keeps_its_digits() -> None:
    assert shortest_number(0.1, "float32") == 0.1
    assert shortest_number(float(np.float32(0.1)), "float32") == 0.1
    assert shortest_number(float(np.float32(0.1)), "float64") == 0.10000000149011612


def test_formulas_have_no_digits_of_the_conversion() -> None:
    assert STYLES[0].number(np.float32(0.1)) == "0.1"  # type: ignore[arg-type]  # a number all the same
    assert STYLES[0].number(0.1) == "0.1"
    assert STYLES[0].number(float(np.float32(0.1))) == "0.100000"
    assert observe(net(), Timeline(net().run), 0).formula.numbers[0].startswith("[0.1, 0.7]")


def test_the_title_says_so() -> None:
    """On the screen beside the address; of float64 nothing is said."""

    def title(s: Session) -> str:
        shown = Title(palette("dark"))
        shown.show(observe(s, Timeline(s.run), 0), ("W[0,a]", "0.1"), 0)
        return "".join(text for line in shown.draw(80, 1) for text, _ in line)

    assert "1:forward:1:a  float32" in title(net())
    assert "float" not in title(Session(replaced(net().replay, dtype="float64")))


# ---------------------------------------------------------------- views


def test_terms_add_up_within_float32() -> None:
    s = net()
    timeline, found = Timeline(s.run), []
    for address, cell in [
        *((f"2:forward:{t}:a", f"a[{k}]") for t in (4, 5, 6) for k in (0, 1)),
        *((f"2:backward:{t}:h", f"dh[{k}]") for t in (4, 5, 6) for k in (0, 1)),
        ("1:backward:1:a", "dU[0,1]"),
        ("2:update:W:w", "W[0,1]"),
    ]:
        answer = why(s, timeline, parse_cell(s, timeline, address, cell))
        assert answer.sums and answer.terms
        size = sum(abs(term.value) for term in answer.terms)
        assert abs(answer.rounding) <= len(answer.terms) * np.finfo(np.float32).eps * size
        assert float(str(np.float32(answer.value))) == answer.exact
        found.append(abs(answer.rounding) / size)
    assert max(found) > np.finfo(np.float64).eps * 100  # float32's rounding, which is there


@pytest.mark.parametrize("name", ["hi-there-class-bptt", "vanishing"])
def test_flow_and_horizon(name: str) -> None:
    wide = lesson(name)
    a, b = (Timeline(s.run).iteration(1) for s in (narrow(wide), wide))
    flow, reach, far = itemise(a), horizon(a), horizon(b)
    assert flow is not None and reach is not None and far is not None
    assert flow.remainder < 1e-6
    assert reach.steps == far.steps
    assert np.allclose(reach.norms, far.norms, rtol=1e-4)  # also what is below float32's square root of tiny


def test_gradients_are_checked_in_float64() -> None:
    found = check_gradients(net())
    assert found is not None and found.agrees
    assert 1e-9 < found.relative < 1e-5 and found.tolerance == 1e-3


# ---------------------------------------------------------------- the library, no parameters, refusals


def test_the_library() -> None:
    weights = {name: np.array(value, np.float32) for name, value in WEIGHTS.items()}
    net32 = rnn.Experiment.build(
        NET, weights, data={"text": "abba"}, dtype="float32", optimizer={"name": "sgd", "learning_rate": 0.1}
    )
    assert net32.values("h").dtype == np.float32 and net32.gradients("U").dtype == np.float32
    assert net32.replay.parameters["W"] == ((0.1, -0.3), (0.7, 0.2))  # and no digits of the conversion
    net64 = rnn.Experiment.build(NET, weights, data={"text": "abba"})
    assert net64.values("h").dtype == np.float64
    assert net64.replay.parameters["W"] != net32.replay.parameters["W"]


def test_without_parameters() -> None:
    s = session("f = f[t-1] + f[t-2]", {}, dtype="float32", data={"steps": 40}, initial={"f": 1, "f[-1]": 0})
    found = [next(numbers(r["values"])) for r in islice(records(s), 40)]
    assert found[:6] == [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]
    assert found[-1] == 165580130.0  # and not 165580141: beyond 2^24 sums are rounded


BASE: dict[str, Any] = {"equations": "h = w * x + h[t-1]\nloss = squared_error(h, y)", "parameters": {"w": 1}}
DATA = {"inputs": [1.0, 2.0], "targets": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"parameters": {"w": 1e39}}, "$.parameters.w: 1e+39 is beyond float32"),
        ({"initial": {"h": -1e39}}, "$.initial.h: -1e+39 is beyond float32"),
        ({"data": {**DATA, "inputs": [1.0, 4e38]}}, "$.data: x at t=2: 4e+38 is beyond float32"),
        ({"data": {**DATA, "targets": [1e300, 1.0]}}, "$.data: y at t=1: 1e+300 is beyond float32"),
        (
            {"equations": "h = w * x + h[t-1] + 1e60\nloss = squared_error(h, y)"},
            "equation 1, column 22: 1e+60 is beyond float32",
        ),
        (
            {"training": {"optimizer": {"name": "sgd", "learning_rate": 1e39}}},
            "optimizer: learning_rate: 1e+39 is beyond float32",
        ),
        (
            {"training": {"optimizer": {"equations": ["w = w[i-1] - 1e40 * g"]}}},
            "equation 1, column 14: 1e+40 is beyond float32",
        ),
        ({"dtype": "float16"}, '$.dtype: expected "float64" or "float32"'),
        ({"dtype": 32}, "$.dtype"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    members = {**BASE, "dtype": "float32", "data": DATA, **changed}
    equations, parameters = members.pop("equations"), members.pop("parameters")
    with pytest.raises(EngineError) as refusal:
        session(equations, parameters, **members)
    assert words in str(refusal.value)
    if "dtype" not in changed:  # all of these are float64 numbers
        session(equations, parameters, **{**members, "dtype": "float64"})


def test_what_is_not_finite_stays() -> None:
    s = session("h = w * x", {"w": "Infinity"}, dtype="float32", data={"inputs": [1.0]})
    assert s.run.parameters["w"] == np.inf


def test_the_file_says_it_at_the_top() -> None:
    raw = json.loads(dumps(net().replay))
    assert list(raw)[:3] == ["format", "version", "dtype"]
    assert "dtype" not in document("h = x")
