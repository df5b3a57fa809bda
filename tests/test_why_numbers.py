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
from rnn_engine.update import DEFAULTS
from rnn_engine.why import Why, why
from tests.build import lesson, session, sessions
from tests.test_operations import evaluated
from tests.test_why import some

EXACT = Spelling(Style(17, 1), 10**6)
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]\d+)?")
OF_RULES = {0.0, 0.5, 1.0, 2.0}
"""Numbers of the operations' own: `1 - h**2`, `2 * (z - y)`."""


def worked_out(numbers: str) -> float:
    """The formula as a pocket calculator has it, which knows infinity."""
    with np.errstate(all="ignore"):
        text = re.sub(r"(?<![\w.])1\(", "1 * (", numbers)
        text = NUMBER.sub(r"f('\g<0>')", text)
        names: dict[str, Any] = {"nan": np.float64("nan"), "inf": np.float64("inf"), "f": np.float64}
        return float(evaluated(text, names))


def exactly(s: Session, timeline: Timeline, cell: Cell) -> Why:
    """The answer with all digits and all terms."""
    with (
        mock.patch.object(element, "SPELLINGS", (EXACT,)),
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
        groups += [back.gradients, back.cotangents] if back else []
        found += [a.flatten() for group in groups for a in group.values()]  # type: ignore[attr-defined]
        found += [float(tape.T), float(tape.B), *range(1, 9)]
        for equation in tape.plan.program.equations.values():
            found += [e.value for e in walk(equation.root) if isinstance(e, Constant)]
        if back:
            found += [a.flatten() for a in back.parts.values()]
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


def check(s: Session, rel: float = 1e-8) -> int:
    """Every number that an operation made has its rule, and the rule gives the number."""
    timeline, compared = Timeline(s.run), 0
    for cell, expected in some(s, timeline):
        answer, shown = exactly(s, timeline, cell), why(s, timeline, cell)
        if not answer.numbers:
            assert has_no_rule(answer) or expected == 0.0, answer
            continue
        assert len(shown.numbers) >= 1 and shown.numbers[-1]
        check_shown(shown.numbers, known(s, timeline, shown.cell))
        found, [text] = worked_out(answer.numbers[0]), answer.numbers
        scale = max((abs(float(n)) for n in NUMBER.findall(text)), default=1.0)
        near = rel * 1e-3 * max(scale, 1.0)
        assert found == pytest.approx(expected, rel=rel, abs=near, nan_ok=True), (
            cell,
            text,
        )
        compared += 1
    return compared


def has_no_rule(answer: Why) -> bool:
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


RNN = """a = W @ x + U @ h[t-1] + b
h = tanh(a) + v * h[t-2]
z = V @ h
p = softmax(z)
loss = cross_entropy(p, y)"""
WEIGHTS = {
    "W": [[0.5, -0.3], [0.1, 0.9]], "U": [[0.2, 0.4], [-0.3, 0.6]], "b": [0.1, 0.2], "v": 0.5,
    "V": [[0.3, 0.5], [-0.7, 0.2]],
}  # fmt: skip
RAGGED = {
    "vocabulary": ["a", "b"],
    "sequences": [
        {"inputs": ["a", "b", "a"], "targets": ["b", None, "a"]},
        {"inputs": ["b"], "targets": ["a"]},
    ],
    "batch": 2,
}
SGD = {"name": "sgd", "learning_rate": 0.1}
TEXT = {"text": "abbaab"}


@pytest.mark.parametrize(
    ("members", "least"),
    [
        pytest.param({"data": RAGGED, "training": {"iterations": 2}, "evaluate": True}, 80, id="padded"),
        pytest.param(
            {"data": RAGGED, "training": {"optimizer": SGD, "train_initial": ["h"], "iterations": 2}},
            90,
            id="learned",
        ),
        pytest.param(
            {"data": RAGGED, "training": {"reduction": {"time": "mean", "batch": "mean"}}}, 50, id="mean"
        ),
        pytest.param(
            {
                "data": TEXT,
                "training": {"optimizer": SGD, "iterations": 2, "window": 2},
                "generation": {"prompt": "a", "length": 3, "mode": "greedy"},
                "evaluate": True,
            },
            80,
            id="generated",
        ),
        pytest.param(
            {
                "data": TEXT,
                "training": {"optimizer": SGD, "iterations": 2},
                "edits": [
                    {"address": "1:forward:2:h", "index": [0], "value": 0.3},
                    {"address": "1:forward:3:p", "index": [0], "value": 0.3},
                    {"address": "2:forward:3:z", "index": [1], "value": 0.3},
                ],
            },
            90,
            id="set by hand",
        ),
        pytest.param(
            {"data": TEXT, "training": {"optimizer": SGD, "iterations": 1}, "dtype": "float32"},
            90,
            id="float32",
        ),
    ],
)
def test_of_runs_of_all_kinds(members: dict[str, Any], least: int) -> None:
    s = session(RNN, WEIGHTS, **members)
    assert check(s, 1e-8 if "dtype" not in members else 1e-4) >= least


@pytest.mark.parametrize("clip", ["value", "norm"])
@pytest.mark.parametrize("name", DEFAULTS)
def test_of_every_optimizer(name: str, clip: str) -> None:
    training = {
        "optimizer": {**SGD, "name": name},
        "clip": {"kind": clip, "limit": 0.02},
        "iterations": 2,
        "frozen": ["b"],
    }
    assert check(session(RNN, WEIGHTS, data=TEXT, training=training)) >= 80


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(sessions(max_T=3))
def test_of_any_session(s: Session) -> None:
    check(s)


# ---------------------------------------------------------------- as it is read

HAND = lesson("hi-there-class-bptt")
MIXED = session(
    """c = concat(h[t-1], x)
    h = tanh(W @ c)
    m = mean(h)
    s = softmax(h)
    k = max(s)
    loss = squared_error(m, y) + sum(s * h) + k""",
    {"W": [[0.5, -0.3, 0.2, 0.7], [0.1, 0.9, -0.4, 0.3]]},
    data={"inputs": [[0.1, 0.2], [0.5, -0.6], [1.5, 0.3]], "targets": [0.5, 0.2, 0.1]},
    training={
        "optimizer": {"name": "adam", "learning_rate": 0.1},
        "clip": {"kind": "norm", "limit": 0.5},
        "iterations": 3,
    },
)


@pytest.mark.parametrize(
    ("s", "cell", "names", "numbers"),
    [
        (HAND, Cell("value", 1, "h", (0,), 3), "tanh(a[3][0])", "tanh(0.759071)"),
        (
            HAND,
            Cell("value", 1, "a", (0,), 3),
            "W_xh[0,class] + W_hh[0,0] * h[2][0] + b_h[0]",
            "0.8 + 0.2 * -0.204646 + 0",
        ),
        (
            HAND,
            Cell("gradient", 1, "a", (0,), 3),
            "∂h[3][0] * (1 - h[3][0]**2)",
            "0.501581 * (1 - 0.640529**2)",
        ),
        (HAND, Cell("gradient", 1, "z", (3,), 3), "∂loss[3] * (p[3][!] - y[3][!])", "1 * (0.199963 - 1)"),
        (
            HAND,
            Cell("update", 1, "W_hh", (0, 0)),
            "w[i-1][0,0] - learning_rate * g[0,0]",
            "0.2 - 0.1 * 0.452095",
        ),
        (MIXED, Cell("value", 1, "c", (2,), 2), "x[2][0]", "0.5"),
        (MIXED, Cell("value", 1, "m", (), 2), "(h[2][0] + h[2][1]) / 2", "(-0.241791 + -0.332946) / 2"),
        (
            MIXED,
            Cell("value", 1, "s", (1,), 2),
            "exp(h[2][1] - h[2][0]) / (exp(h[2][0] - h[2][0]) + exp(h[2][1] - h[2][0]))",
            "exp(-0.332946 - -0.241791) / (exp(-0.241791 - -0.241791) + exp(-0.332946 - -0.241791))",
        ),
        (
            MIXED,
            Cell("gradient", 1, "s", (1,), 2),
            "∂loss[2] * h[2][1] + ∂k[2] * 1(s[2][1] == k[2])",
            "1 * -0.332946 + 1 * 1(0.477227 == 0.522773)",
        ),
        (
            MIXED,
            Cell("gradient", 1, "c", (1,), 3),
            "W[0,h1] * ∂(W @ c[3])[0] + W[1,h1] * ∂(W @ c[3])[1]",
            "-0.3 * 0.743064 + 0.9 * -0.194685",
        ),
        (
            MIXED,
            Cell("parameter gradient", 1, "W", (1, 2)),
            "∂(W @ c[1])[1] * c[1][2] + ∂(W @ c[2])[1] * c[2][2] + ∂(W @ c[3])[1] * c[3][2]",
            "-0.959095 * 0.1 + -0.605064 * 0.5 + -0.194685 * 1.5",
        ),
        (
            MIXED,
            Cell("update", 2, "W", (1, 2), equation="g"),
            "gradient[1,2] * min(1, limit / (norm + 1e-6))",
            "-0.378799 * min(1, 0.5 / (1.379871 + 0.000001))",
        ),
    ],
)
def test_in_names_and_in_numbers(s: Session, cell: Cell, names: str, numbers: str) -> None:
    answer = why(s, Timeline(s.run), cell)
    assert (answer.names[0], answer.numbers[0]) == (names, numbers)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (Cell("parameter gradient", 1, "W", (1, 2)), "∂W = Σ_t (∂h * (1 - h**2) cᵀ)"),
        (
            Cell("parameter gradient", 1, "W", (1, 2), so_far=3),
            "∂W so far = Σ_t (∂h * (1 - h**2) cᵀ), up to here",
        ),
    ],
)
def test_the_rule_of_a_parameters_gradient(cell: Cell, rule: str) -> None:
    assert why(MIXED, Timeline(MIXED.run), cell).rule == rule


def test_the_gradient_of_a_parameter_in_a_batch() -> None:
    """A token's column gets something from the sequences that have the token; which they are no name says."""
    s = session(RNN, WEIGHTS, data=RAGGED)
    answer = why(s, Timeline(s.run), Cell("parameter gradient", 1, "W", (0, 1)))
    assert answer.rule == "∂W = Σ_t,b (∂a xᵀ)"
    assert answer.names == ()
    assert len(answer.numbers[0].split(" + ")) == 2


@pytest.mark.parametrize(("name", "iteration"), [("lstm-remembers", 1), ("gru-remembers", 3), ("hello", 2)])
def test_an_update_can_be_computed_along(name: str, iteration: int) -> None:
    """With the digits that are shown, of small numbers under a root too, and not with all of them."""
    s = lesson(name)
    timeline, rule, compared = Timeline(s.run), s.run.rule, 0
    assert rule is not None
    cells = (
        Cell("update", iteration, parameter, index, equation=equation)
        for parameter, shape in s.program.parameters.items()
        for equation in rule.equations
        for index in np.ndindex(*shape)
    )
    for answer in (why(s, timeline, cell) for cell in cells):
        if answer.numbers:
            size = max(abs(value) for value in (answer.value, *(term.value for term in answer.terms)))
            near = pytest.approx(answer.value, rel=0.0, abs=1e-3 * size)
            assert worked_out(answer.numbers[0]) == near, answer
            compared += 1
    assert compared >= 40


def test_what_is_long_is_said_shorter() -> None:
    """Complete and shorter before fuller with an …; the last fits into a line of a small terminal."""
    n = 60
    weights = np.random.default_rng(0).normal(size=(n, n)).round(3).tolist()
    s = session(
        "z = W @ h[t-1]\nh = tanh(z)\np = softmax(z)\nq = sum(p)\nloss = cross_entropy(p, y) + q - q",
        {"W": weights},
        data={"targets": [[1.0] + [0.0] * (n - 1)] * 2},
        initial={"h": np.linspace(-1, 1, n).tolist()},
    )
    timeline = Timeline(s.run)
    for name, kind in (("z", "value"), ("p", "value"), ("q", "value"), ("h", "gradient"), ("p", "gradient")):
        index = () if name == "q" else (3,)
        answer = why(s, timeline, Cell(kind, 1, name, index, 1))  # type: ignore[arg-type]  # one of two
        open_ended = ["…" in text for text in answer.numbers]
        assert open_ended == sorted(open_ended)
        assert all(len(text) <= 240 for text in answer.numbers)
        assert min(len(text) for text in answer.numbers) <= 76, answer.numbers
        assert all(len(text) <= 160 for text in answer.names)


def test_numbers_that_are_none() -> None:
    """One spelling of what is not finite, and 0 times infinity is not passed over."""
    s = session("h = W @ h[t-1]", {"W": [["Infinity", 1.0], [0.5, "NaN"]]}, initial={"h": [0.0, 2.0]})
    timeline = Timeline(s.run)
    first = why(s, timeline, Cell("value", 1, "h", (0,), 1))
    assert (first.numbers[0], np.isnan(first.value)) == ("inf * 0 + 1 * 2", True)
    second = why(s, timeline, Cell("value", 1, "h", (1,), 1))
    assert second.numbers[0] == "nan * 2"
