"""Rules in symbols and in names, read back: what is printed is worked out, and is the number; and a source is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from rnn_engine import explain
from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.operation import run
from rnn_engine.core.tape import Tape
from rnn_engine.derive import derivation
from rnn_engine.errors import AddressError
from rnn_engine.place import Place
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.why import Why, why
from rnn_engine.why.origins import start_of
from rnn_tui.controller import Controller
from rnn_tui.headless.why import lines
from tests.build import lesson, session, sessions
from tests.test_explain import check_backward, places, transposed, worked_out
from tests.test_operations import evaluated
from tests.test_why import numbers, some

SQUARE = {"W": [[0.5, -0.3], [0.1, 0.9]], "U": [[0.2, 0.4], [-0.3, 0.6]]}
VECTORS = {"inputs": [[1.0, 0.5], [0.25, 1.0], [-0.5, 0.75]], "targets": [[0.2, 0.5], [0.0, 0.0], [0.5, 1.0]]}


def ask(s: Session, address: str, cell: str) -> Why:
    timeline = Timeline(s.run)
    return why(s, timeline, parse_cell(s, timeline, address, cell))


# ---------------------------------------------------------------- the rule of a parameter's gradient


def outer(rule: str) -> str:
    """`g (r * h)ᵀ` as the product of a column and a row."""
    if not rule.endswith("ᵀ"):
        return rule
    body, depth, at = rule[:-1], 0, len(rule) - 2
    while depth or body[at] != " ":
        depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(body[at], 0)
        at -= 1
    return f"outer({body[:at]}, {body[at + 1 :]})"


def check_added(s: Session) -> int:
    """What every use of a parameter adds, at every place, by its rule and by the engine."""
    compared = 0
    for it, here in places(s):
        tape, plan = it.tape, it.tape.plan
        for name, uses in plan.uses.items():
            for use in uses:
                rule = explain.added_rule(here, use)
                equation = use.node.equation.name
                gone = [m for m in (tape.undefined(equation), tape.padding) if m is not None]
                if "part " in rule or "∂(" in rule or any(m[here.place, here.sequence] for m in gone):
                    continue
                if tape.B > 1:
                    continue  # of all sequences together
                found = worked_out(transposed(outer(rule)), it, here.place, here.sequence)
                expected = np.reshape(
                    tape.parameter_part(use, slice(here.place, here.place + 1)), s.run.shapes[name]
                )
                found = np.reshape(np.broadcast_to(found, np.shape(found) or expected.shape), expected.shape)
                np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10, err_msg=f"∂{name}: {rule}")
                compared += 1
    return compared


@settings(max_examples=60)
@given(sessions(loss=True, max_T=3))
def test_what_a_parameter_gets_is_what_its_rule_says(s: Session) -> None:
    check_added(s)


COMPOSITE = """a = -(w * x + v) ** 2 * k + (x - u) / (k + 2)
g = tanh(W @ (a - c) + U @ (h[t-1] * k + c)) * (c - h[t-1])
h = h[t-1] + k * (a * g - h[t-1])
loss = squared_error(h, y)"""


def test_a_composite_argument_keeps_its_parentheses() -> None:
    weights = {**SQUARE, "w": 0.5, "v": [0.1, -0.2], "u": 0.3, "k": 0.7, "c": [0.4, 0.6]}
    assert check_added(session(COMPOSITE, weights, data=VECTORS)) >= 30


@pytest.mark.parametrize(
    ("name", "address", "parameter", "rule"),
    [
        ("gru-remembers", "1:backward:10:n", "W_hn", "∂n * (1 - n**2) (r * h[t-1])ᵀ"),
        ("same-step-four-cells", "1:backward:2:n", "W_hh", "∂n * (1 - n**2) (r * h4[t-1])ᵀ"),
    ],
)
def test_of_lessons(name: str, address: str, parameter: str, rule: str) -> None:
    s = lesson(name)
    sections = derivation(s, Timeline(s.run), s.schedule.span(address).start)
    said = [line for section in sections for line in section.lines if line.startswith(f"∂{parameter} gets")]
    assert said and all(line.endswith(rule) for line in said)


def test_of_the_leaky_unit() -> None:
    s = session(
        "h = h[t-1] + k * (w * x - h[t-1])\nloss = half_squared_error(h, y)",
        {"k": 0.1, "w": 1.0},
        data={"inputs": [0.0, 1.0, 1.0], "targets": [0.0, 0.5, 0.75]},
    )
    answer = ask(s, "1:backward:1:h", "∂k")
    assert answer.rule == "∂k = Σ_t (∂h * (w * x - h[t-1]))"
    assert answer.names[0] == "∂h[2] * (w * x[2] - h[1]) + ∂h[3] * (w * x[3] - h[2])"


# ---------------------------------------------------------------- the names of a rule


class Series:
    """A value over time: `h[3]`; of one number or of a vector."""

    def __init__(self, s: Session, timeline: Timeline, cell: Cell, name: str, gradient: bool) -> None:
        self.s, self.timeline, self.cell, self.name, self.gradient = s, timeline, cell, name, gradient
        self.known: dict[int, Any] = {}

    def __getitem__(self, t: int) -> Any:
        if t not in self.known:
            self.known[t] = self.value(t)
        return self.known[t]

    def value(self, t: int) -> Any:
        program, data = self.s.program, self.s.dataset
        shapes = {"x": data.x_shape, "y": data.y_shape}
        shape = program.shapes[self.name] if self.name in program.equations else shapes[self.name]
        assert shape is not None
        if self.name == "y" and program.classes:
            shape = (program.classes,)
        sign = "∂" if self.gradient else ""
        first = self.s.schedule.window(self.cell.iteration).start + 1
        address = f"{self.cell.iteration}:{'backward' if self.gradient else 'forward'}:{first}"
        found = np.empty(shape)
        for index in np.ndindex(shape):
            text = f"{sign}{self.name}[{t}]{'' if not shape else f'[{index[0]}]'}"
            asked = parse_cell(self.s, self.timeline, address, text, self.cell.sequence)
            found[index] = why(self.s, self.timeline, asked).value
        return found if shape else float(found)


def read_back(s: Session, timeline: Timeline, answer: Why) -> Any:
    """The names of a rule with what they stand for; every one of them is given to the program as it is written."""
    text = re.sub(r'"?token (\d+)"?', r"\1", answer.names[0]).replace("∂", "d_")
    names: dict[str, Any] = {}
    cell = answer.cell
    for name, shape in s.program.parameters.items():
        value = timeline.iteration(cell.iteration).before.parameters[name]
        names[name] = np.reshape(value, shape) if shape else float(value)
    for name in (*s.program.equations, "x", "y"):
        names[name] = Series(s, timeline, cell, name, False)
        names[f"d_{name}"] = Series(s, timeline, cell, name, True)
    return evaluated(text, names)


def check_names(s: Session) -> int:
    timeline, compared = Timeline(s.run), 0
    for cell, expected in some(s, timeline)[::4]:
        if cell.kind not in ("value", "gradient", "parameter gradient") or cell.phase != "forward":
            continue
        if s.dataset.batches[0].B > 1 and cell.kind == "parameter gradient":
            continue
        answer = why(s, timeline, cell)
        if not answer.names or "…" in answer.names[0] or "∂(" in answer.names[0]:
            continue
        found = read_back(s, timeline, answer)
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-10), (cell, answer.names[0])
        compared += 1
    return compared


@settings(max_examples=25)
@given(sessions(loss=True, max_T=3))
def test_the_names_of_a_rule_are_those_of_its_numbers(s: Session) -> None:
    """Each with its own time step: a name such as `h[t-1]` is none of a number."""
    check_names(s)


def test_names_of_one_rule_that_stand_at_different_times() -> None:
    s = session(
        "k = W @ x\nb = exp(-w) * b[t-1] + exp(k)\na = exp(-w) * a[t-1] + k * t\n"
        "h = (a[t-1] + exp(u + k)) / (b[t-1] + exp(u + k))\nloss = squared_error(h, y)",
        {"W": SQUARE["W"], "w": [0.5, 0.1], "u": [0.1, 0.2]},
        data=VECTORS,
    )
    assert ask(s, "1:backward:1:a", "∂a[0]").names[0] == (
        "∂h[2][0] / (b[1] + exp(u + k[2]))[0] + ∂a[2][0] * (exp(-w))[0]"
    )
    assert check_names(s) >= 10


# ---------------------------------------------------------------- where a gradient comes from


def worked_out_with(here: Place, expr: Expr, moved: dict[Read, Any]) -> Any:
    """An expression at a place, computed anew with some of what it reads moved."""
    if isinstance(expr, Read) and expr in moved:
        return moved[expr]
    if not isinstance(expr, Apply):
        value = np.asarray(here.value(expr), float)
        return value if value.ndim == 2 else np.ravel(value)[None]
    out = np.empty((1, expr.shape[0] if expr.shape else 1))
    run(expr.operation.forward(out, *(worked_out_with(here, arg, moved) for arg in expr.args)))
    return out


def slopes(tape: Tape, source: Cell, cell: Cell) -> float:
    """How fast the equation of a source moves with a value that it reads, its own element alone."""
    plan = tape.plan
    assert source.t is not None and cell.t is not None
    here = Place(tape, source.t - 1 - tape.start, cell.sequence)
    start, total, eps = start_of(plan, source.name), 0.0, 1e-6
    reads = [e for e in plan.program.equations[source.name].reads if e.kind == "equation"]
    for read in reads:
        if (read.name, read.offset) != (cell.name, cell.t - source.t):
            continue
        ends = []
        for sign in (1.0, -1.0):
            value = np.array(here.value(read), float)[None]
            value[0, cell.index[0] if cell.index else 0] += sign * eps
            ends.append(worked_out_with(here, start, {read: value})[0, (source.index or (0,))[0]])
        total += (ends[0] - ends[1]) / (2 * eps)
    return float(total)


def check_sources(s: Session) -> int:
    """The terms of a gradient from one number are that number times how fast its equation moves with the value."""
    timeline, compared = Timeline(s.run), 0
    for cell, _ in gradients(s, timeline):
        tape = timeline.iteration(cell.iteration).tape
        program = tape.plan.program
        answer, found = why(s, timeline, cell), dict[Cell, float]()
        for term in answer.terms:
            if term.source is None or term.source.kind != "gradient" or "nothing" in term.text:
                continue
            found[term.source] = found.get(term.source, 0.0) + term.value
        for source, value in found.items():
            assert source.t is not None
            fused = source.name == "loss" and tape.plan.fused
            if fused or "stays" in answer.rule or source.name == cell.name == "loss":
                continue
            assert len(source.index) == len(program.shapes[source.name])
            handed = why(s, timeline, source).value
            expected = handed * slopes(tape, source, cell)
            assert value == pytest.approx(expected, rel=1e-4, abs=1e-6), (cell, source, answer.terms)
            compared += 1
    return compared


def gradients(s: Session, timeline: Timeline) -> Iterator[tuple[Cell, float]]:
    found = [pair for pair in numbers(s, timeline) if pair[0].kind == "gradient"]
    return iter(found[:: -(-len(found) // 30)] if found else [])


@settings(max_examples=40)
@given(sessions(loss=True, max_T=3))
def test_a_term_comes_from_the_element_that_it_names(s: Session) -> None:
    check_sources(s)


MIXING = {
    "concat": "v = concat(x, h[t-1])\nh = tanh(M @ v)\nloss = squared_error(h, y)",
    "gate before": "r = sigmoid(U @ h[t-1])\nh = tanh(W @ x + U @ (r * h[t-1]))\nloss = squared_error(h, y)",
    "two matrices": "h = tanh(U @ tanh(W @ h[t-1] + x))\nloss = squared_error(h, y)",
    "softmax": "p = softmax(h)\nh = tanh(W @ x + U @ h[t-1])\nloss = squared_error(p, y)",
    "softmax inside": "h = W @ softmax(U @ h[t-1]) + x\nloss = squared_error(h, y)",
    "spread": "s = sum(W @ h[t-1])\nh = tanh(s * x)\nloss = squared_error(h, y)",
    "head": "h = tanh(W @ x + U @ h[t-1])\nz = M @ concat(h, x)\nloss = squared_error(z, y)",
    "reduced": "h = tanh(W @ x + U @ h[t-1])\nm = max(h) * mean(U @ h)\nloss = squared_error(m * x, y)",
}


@pytest.mark.parametrize("text", MIXING.values(), ids=MIXING)
def test_a_term_where_elements_are_mixed(text: str) -> None:
    weights = {**SQUARE, "M": [[0.3, -0.2, 0.5, 0.7], [0.6, 0.1, -0.4, 0.2]]}
    used = {name: value for name, value in weights.items() if re.search(rf"\b{name}\b", text)}
    assert check_sources(session(text, used, data=VECTORS)) >= 8


def test_an_element_with_a_weight_of_zero_is_no_source() -> None:
    zero = {"W": SQUARE["W"], "U": [[0.0, 0.4], [0.9, 0.6]]}
    s = session(MIXING["gate before"], zero, data=VECTORS)
    parts = {t.label: t.value for t in ask(s, "1:backward:1:h", "∂h[0]").terms if " in " in t.text}
    assert parts["∂h[2][0]"] == 0.0 != parts["∂h[2][1]"]
    r = session(MIXING["concat"], {"M": [[0.3, -0.2, 0.5, 0.7], [0.6, 0.1, -0.4, 0.2]]}, data=VECTORS)
    [term] = [t for t in ask(r, "1:backward:1:h", "∂h[1]").terms if "part 2" in t.text]
    assert term.text == "from ∂v[2][3]: part 2 of ∂v[t+1]" and term.label == "∂v[2][3]"


def test_the_first_value_of_a_state_has_true_sources_too() -> None:
    s = session(
        MIXING["gate before"],
        SQUARE,
        data=VECTORS,
        training={"optimizer": {"name": "sgd", "learning_rate": 0.1}, "train_initial": ["h"]},
    )
    answer = ask(s, "1:update:h[0]:w", "∂h[0][1]")
    assert {term.label for term in answer.terms} == {f"∂{n}[1][{k}]" for n, k in product("rh", range(2))}
    assert abs(answer.rounding) < 1e-15


def test_what_a_parameter_gets_comes_from_the_element_that_it_reaches() -> None:
    s = session(
        "g = concat(b, W @ h[t-1] + x)\nh = tanh(M @ g)\nloss = squared_error(h, y)",
        {"W": SQUARE["W"], "b": [0.5], "M": [[0.3, -0.2, 0.5], [0.6, 0.1, -0.4]]},
        data=VECTORS,
    )
    assert {term.label for term in ask(s, "1:backward:1:g", "∂W[1,0]").terms} == {
        f"∂g[{t}][2]" for t in (1, 2, 3)
    }
    assert {term.label for term in ask(s, "1:backward:1:g", "∂b[0]").terms} == {
        f"∂g[{t}][0]" for t in (1, 2, 3)
    }


def test_where_many_elements_reach_a_parameter_the_largest_is_named() -> None:
    s = session(
        "h = tanh(U @ (k * x + v))\nloss = squared_error(h, y)",
        {"U": [[0.0, 0.1], [0.9, 0.6]], "k": 0.5, "v": [0.1, 0.2]},
        data=VECTORS,
    )
    for name in ("∂k", "∂v[0]"):
        for term in ask(s, "1:backward:1:h", name).terms:
            assert term.text.endswith(f", most from {term.label}")
            assert name == "∂k" or term.label.endswith("][1]")


def test_a_value_leads_to_the_element_that_it_was_made_of() -> None:
    s = session(
        "h = tanh(M @ concat(x, h[t-1]))", {"M": [[0.3, 0.2, 0.5, 0.7], [0.6, 0.1, 0.4, 0.2]]}, data=VECTORS
    )
    found = {term.text: term.label for term in ask(s, "1:forward:2:h", "h[0]").terms}
    assert found == {
        "M[0,x0] * (concat(x[2], h[1]))[0]": "x[2][0]",
        "M[0,x1] * (concat(x[2], h[1]))[1]": "x[2][1]",
        "M[0,h0] * (concat(x[2], h[1]))[2]": "h[1][0]",
        "M[0,h1] * (concat(x[2], h[1]))[3]": "h[1][1]",
    }


# ---------------------------------------------------------------- a prediction less its target

LOGITS = "z = W @ x\np = {of}(z)\nloss = {scale}{loss}(p, y)"
KINDS = [
    ("softmax", "cross_entropy", VECTORS["targets"], "p * sum(y) - y"),
    ("softmax", "cross_entropy", [[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]], "p - y"),
    ("softmax", "cross_entropy", [1, 0, 1], "p - y"),
    ("sigmoid", "binary_cross_entropy", VECTORS["targets"], "p - y"),
]


@pytest.mark.parametrize("scale", ["", "0.5 * "])
@pytest.mark.parametrize(("of", "loss", "targets", "difference"), KINDS)
def test_its_rule_holds_for_these_targets(
    of: str, loss: str, targets: list[Any], difference: str, scale: str
) -> None:
    s = session(
        LOGITS.format(of=of, loss=loss, scale=scale),
        {"W": SQUARE["W"]},
        data={"inputs": VECTORS["inputs"], "targets": targets},
    )
    check_backward(s)
    check_added(s)
    timeline = Timeline(s.run)
    for cell, expected in gradients(s, timeline):
        if cell.name != "z":
            continue
        answer = why(s, timeline, cell)
        assert (answer.value == expected and f"({difference})" in answer.rule) or cell.t == 3
        for term in answer.terms:
            if scale:
                assert term.text.lstrip("-").startswith(f"∂({loss}(p[{cell.t}], y[{cell.t}]))")
                continue
            text = term.text.replace("∂", "d_")
            series = {n: Series(s, timeline, cell, n.removeprefix("d_"), n != n.removeprefix("d_"))
                      for n in ("d_loss", "p", "y")}  # fmt: skip
            assert term.value == pytest.approx(evaluated(text, series), rel=1e-12, abs=1e-15), term
        here = derivation(s, timeline, s.schedule.span(f"1:backward:{cell.t}:z").start)
        assert any(f"why {difference}: " in section.title for section in here) or cell.t == 3


# ---------------------------------------------------------------- a class as a target

CLASSES = session(
    "z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)",
    {"W": SQUARE["W"]},
    data={"inputs": VECTORS["inputs"], "targets": [1, 0, 1]},
)


def test_an_element_of_a_class_is_that_of_its_one_hot_vector() -> None:
    """It is named so in a rule, and the name is taken."""
    answer = ask(CLASSES, "1:backward:3:z", "∂z[1]")
    assert answer.names[0] == "∂loss[3] * (p[3][1] - y[3][1])"
    assert answer.numbers[0].endswith(" - 1)")
    picked = ask(CLASSES, "1:backward:1:z", "y[3][1]")
    assert (picked.label, picked.value) == ("y[3][1]", 1.0)
    assert picked.rule == "y is data: the class 1, as a one-hot vector"
    assert ask(CLASSES, "1:backward:3:z", "y[t-1][1]").value == 0.0
    assert ask(CLASSES, "1:backward:1:z", "y[3]").value == 1.0
    with pytest.raises(AddressError, match=r"y is a class; expected y\[1\], or y\[1\]\[0\] to y\[1\]\[1\]"):
        ask(CLASSES, "1:backward:1:z", "y[3][2]")


def test_an_element_of_a_class_is_found_where_the_class_stands() -> None:
    controller = Controller(CLASSES)
    assert controller.go_to("1:backward:3:z") == ""
    cells = [controller.cell_named(text) for text in ("y[3]", "y[3][0]")]
    spots = [controller.spot_of(cell) for cell in cells if isinstance(cell, Cell)]
    assert len(spots) == 2 and spots[0] == spots[1] is not None


def test_a_number_is_said_once() -> None:
    said = lines(ask(CLASSES, "1:backward:1:loss", "∂loss"))
    assert [line.strip() for line in said].count("= 1") == 1
