"""Formulas and sentences: what is on the screen is what was computed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from rnn_engine.explain import backward_formula, forward_formula
from rnn_engine.place import Place
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.style import STYLES
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.training import Iteration
from rnn_tui.controller import Controller
from tests.build import iterations, lesson, session, sessions
from tests.test_operations import evaluated

NAME = re.compile(r"∂?\w+(?:\[t[+-]\d+\])?")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]\d+)?")

INDEX = re.compile(
    r"\w+\[\d+\](?:\[[^\[\]]+\])?|t=\d+(?:: \d+)?(?:(?:, \d+)* and \d+(?= with))?|"
    r"(?:token|target|Predicted) \d+|\d+(?= are the likeliest)|\d+(?= times\.)"
)
"""Numbers in sentences that are no values: a place, an element, a class."""


def value_of(name: str, it: Iteration, place: int, sequence: int) -> Any:
    """What a name in a formula stands for at one place: `h`, `h[t-1]`, `∂a[t+1]`, `W`, `x`, `y`, `t`."""
    base, _, shift = name.partition("[t")
    tape, program = it.tape, it.run.plan.program
    at = place + (int(shift[:-1]) if shift else 0)
    if base.startswith("∂"):
        gradient = tape.gradient(base[1:])[at, sequence]
        return gradient if program.shapes[base[1:]] else gradient[0]
    if base in program.equations:
        before = program.delays.get(base, 0)
        value = tape.slots[base][before + at, sequence]
        return value if program.shapes[base] else value[0]
    if base in program.parameters:
        value = it.before.parameters[base]
        return value if value.shape else float(value)
    if base in ("x", "y"):
        signal = getattr(tape, base)
        if base == "y" and not signal.shape and program.classes:
            return np.eye(program.classes)[signal.classes[at, sequence]]
        return signal.values[at, sequence] if signal.shape else signal.values[at, sequence, 0]
    return float(tape.start + at + 1)


def worked_out(symbols: str, it: Iteration, place: int, sequence: int) -> Any:
    """The right-hand side of a formula in symbols, from the exact numbers."""
    plan = it.run.plan
    for name in plan.stands_for_argument:  # `∂(W @ h + b)` is what the stop of p shows
        symbols = symbols.replace(f"∂({plan.program.equations[name].root.args[0].source})", f"∂{name}")
    symbols = re.sub(r"\[t ([+-]) (\d+)\]", r"[t\1\2]", symbols)
    names: dict[str, Any] = {}
    functions = set(re.findall(r"(\w+)\(", symbols))

    def stand_in(match: re.Match[str]) -> str:
        word = match[0]
        if word in functions or re.fullmatch(r"\d+|\d*\.\d+|e", word):
            return word
        names[key := f"n{len(names)}"] = value_of(word, it, place, sequence)
        return key

    return evaluated(NAME.sub(stand_in, symbols), names)


def places(s: Session) -> Iterator[tuple[Iteration, Place]]:
    for it in iterations(s):
        _ = it.gradients if s.schedule.backward else None
        for place in range(it.tape.T):
            for sequence in range(it.tape.B):
                yield it, Place(it.tape, place, sequence)


def check_forward(s: Session) -> None:
    for it, place in places(s):
        for name in s.program.equations:
            formula = forward_formula(place, name)
            if "undefined" in formula.result:
                continue
            left, _, right = formula.symbols.partition(" = ")
            assert left == name
            expected = it.tape.value(name)[place.place, place.sequence]
            found = np.ravel(worked_out(right, it, place.place, place.sequence))
            np.testing.assert_allclose(
                np.broadcast_to(found, expected.shape), expected, rtol=1e-9, atol=1e-12
            )


def check_backward(s: Session) -> None:
    stops = [name for _, names in s.schedule.backward for name in names]
    for it, place in places(s):
        missing = it.tape.missing is not None and it.tape.missing[place.place, place.sequence]
        for name in stops:
            formula = backward_formula(place, name)
            expected = it.tape.gradient(name)[place.place, place.sequence]
            right = formula.symbols.partition(" = ")[2]
            if "weight of this loss" in right:
                continue
            if "nothing after it" in right:
                assert not expected.any()
                continue
            if missing or "part " in right:
                continue  # what a missing target sends is zero, whatever the formula says; words
            found = np.ravel(worked_out(transposed(right), it, place.place, place.sequence))
            np.testing.assert_allclose(
                np.broadcast_to(found, expected.shape),
                expected,
                rtol=1e-8,
                atol=1e-10,
                err_msg=formula.symbols,
            )


def transposed(formula: str) -> str:
    """`Wᵀ @ g` as a product that binds as it is written."""
    return re.sub(r"(\w+)ᵀ @", r"transpose(\1) @", formula)


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize("name", ["i-love-cats", "hi-there", "hi-there-class-bptt", "batch", "hello"])
def test_formulas_of_the_lessons_are_true(name: str) -> None:
    check_forward(lesson(name))
    check_backward(lesson(name))


@settings(max_examples=60)
@given(sessions(loss=True, max_T=3))
def test_formulas_are_true(s: Session) -> None:
    check_forward(s)
    check_backward(s)


@pytest.mark.parametrize(
    ("text", "stop", "symbols"),
    [
        ("z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)", "z", "∂z = ∂loss * (p - y)"),
        ("z = W @ x\np = softmax(z)\nloss = 0.5 * cross_entropy(p, y)", "z", "∂z = ∂loss * 0.5 * (p - y)"),
        ("p = softmax(W @ x)\nloss = cross_entropy(p, y)", "p", "∂(W @ x) = ∂loss * (p - y)"),
        ("p = softmax(W @ x)\nloss = 0.5 * cross_entropy(p, y)", "p", "∂(W @ x) = ∂loss * 0.5 * (p - y)"),
        ("z = W @ x\np = softmax(2 * z)\nloss = cross_entropy(p, y)", "z", "∂z = ∂(2 * z) * 2"),
        ("s = sum(W @ x)\np = softmax(s * x)\nloss = cross_entropy(p, y)", "s", "∂s = sum(∂(s * x) * x)"),
        (
            "h = tanh(W @ x + h[t-1])\nloss = sum(h) - sum(y)",
            "h",
            "∂h = ∂h[t+1] * (1 - h[t+1]**2) + ∂loss * ones(2)",
        ),
    ],
)
def test_formulas_of_the_way_back(text: str, stop: str, symbols: str) -> None:
    s = session(text, {"W": [[0.1, 0.2], [0.3, -0.4]]}, data={"text": "abba"})
    controller = Controller(s)
    assert controller.go_to(f"1:backward:2:{stop}") == ""
    assert controller.snapshot.formula.symbols == symbols
    check_backward(s)


def test_numbers_put_in_are_those_of_the_tape() -> None:
    """Fullest first; the second worked example, where one can compute along."""
    controller = Controller(lesson("hi-there-class-bptt"))
    seen = {}
    for address in ("1:forward:2:a", "1:forward:2:h", "1:backward:3:h", "1:update:W_hh:w"):
        controller.go_to(address)
        formula = controller.snapshot.formula
        assert list(formula.numbers) == sorted(formula.numbers, key=len, reverse=True)
        for numbers in formula.numbers:
            assert evaluated(numbers, {}) == pytest.approx(float(formula.result[2:].strip("[]")), abs=0.02)
        seen[address] = (formula.symbols, formula.numbers[0], formula.result)
    assert seen == {
        "1:forward:2:a": ("a = W_xh @ x + W_hh @ h[t-1] + b_h", "-0.3 + 0.2 * 0.462117 + 0", "= -0.207577"),
        "1:forward:2:h": ("h = tanh(a)", "tanh(-0.207577)", "= -0.204646"),
        "1:backward:3:h": seen["1:backward:3:h"],
        "1:update:W_hh:w": ("w = w[i-1] - learning_rate * g", "0.2 - 0.1 * 0.452095", "= 0.154791"),
    }
    assert seen["1:backward:3:h"][0] == "∂h = W_hhᵀ @ ∂a[t+1] + W_hyᵀ @ ∂z"


# ---------------------------------------------------------------- sentences


def texts_of(snapshot: Snapshot) -> list[str]:
    formula = snapshot.formula
    return [formula.symbols, *formula.numbers, formula.result, *snapshot.narration]


def check_words(s: Session) -> None:
    """Nothing raises; nothing is empty or shows Python's own spelling; every number is one of the step's."""
    controller, trace = Controller(s), list(records(s))
    for record in trace:
        for sequence in range(controller.snapshot.sequence[1]):
            controller.sequence = sequence
            snapshot = controller.snapshot
            assert snapshot.narration
            for text in texts_of(snapshot):
                assert text.strip() == text != ""
                for wrong in ("array", "np.", "float", "nan", "inf", "None", "\n", " :", "  = ", "+ -0.0 "):
                    assert wrong not in text.replace("clip(", ""), text
            assert snapshot.narration[0].endswith((".", "right.", "wrong."))
            numbers_are_known(snapshot, record, sequence, s)
        controller.sequence = 0
        controller.move("step")


def flat(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | np.ndarray):
        for item in value:
            yield from flat(item)
    elif isinstance(value, int | float):
        yield float(value)


def numbers_are_known(snapshot: Snapshot, record: dict[str, Any], sequence: int, s: Session) -> None:
    """Each number of a sentence, to the digits it is given with, is a number of the record or of the panes."""
    known = list(flat({key: record.get(key) for key in ("values", "grads", "from", "adds", "t")}))
    for matrices in snapshot.panes.values():
        for matrix in matrices:
            known += np.ravel(matrix.values).tolist()
    # a term of a sum and a move are no values of their own
    for sentence in snapshot.narration:
        if "largest term" in sentence or "moves" in sentence:
            continue
        text = sentence
        if snapshot.equation in s.program.equations:  # what stands in the equation is no value either
            text = text.replace(f" of {s.program.equations[snapshot.equation].root.args[0].source}: ", ": ")
        text = re.sub(INDEX, "", text)
        for quoted in NUMBER.findall(text):
            mantissa, _, exponent = quoted.partition("e")
            digits = len(mantissa.partition(".")[2])
            unit = 10.0 ** (int(exponent or 0) - digits)
            assert min(abs(v - float(quoted)) for v in known) <= 0.5000001 * unit, sentence


@pytest.mark.parametrize(
    "name", ["i-love-cats", "hi-there", "hi-there-class-bptt", "batch", "batch-one", "hello"]
)
def test_words_of_the_lessons(name: str) -> None:
    check_words(lesson(name))


@settings(max_examples=40)
@given(sessions(max_T=3))
def test_words_of_any_session(s: Session) -> None:
    check_words(s)


def test_words_of_a_run_that_blows_up() -> None:
    s = session(
        "h = u * h[t-1] ** 2 + x\np = softmax(concat(h, 1))\nloss = cross_entropy(p, y)",
        {"u": 1e300},
        data={"inputs": [5.0, 5.0, 5.0], "targets": [0, 1, 0]},
        training={"optimizer": {"name": "sgd", "learning_rate": 1}, "iterations": 2},
        evaluate=True,
    )
    controller = Controller(s)
    shown = set()
    for _ in range(s.schedule.total):
        for text in texts_of(controller.snapshot):
            assert "NaN" not in text and "∞" not in text and "Infinity" not in text
            shown |= set(re.findall(r"\b(?:nan|inf)\b", text))
        controller.move("step")
    assert shown == {"nan", "inf"}


def test_a_softmax_that_is_not_over_the_tokens_names_none() -> None:
    """Wider than the vocabulary, inside of the cell: its elements are elements."""
    s = session(
        "g = softmax(W @ x)\np = softmax(V @ g)\nloss = cross_entropy(p, y)",
        {"W": [[0.1, 0.2], [0.3, 0.4], [0.1, 0.1]], "V": [[0.1, 0.2, 0.3], [0.3, 0.4, 0.5]]},
        data={"text": "abab"},
    )
    controller = Controller(s)
    assert controller.snapshot.narration[0] == "Largest in g[1]: g[1][1] with 0.3792."
    controller.move("step")
    assert controller.snapshot.narration[0] == "Most likely at t=1: b with 0.5498, and that is the target."
    check_words(s)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (0.0, ["0", "0"]),
        (-0.0, ["0", "0"]),
        (3.0, ["3", "3"]),
        (0.5, ["0.5", "0.5"]),
        (0.123456789, ["0.123457", "0.1235"]),
        (-0.99999999, ["-1.000000", "-1.0000"]),
        (1e-5, ["0.00001", "1.00e-05"]),
        (0.0012345, ["0.001234", "0.0012"]),
        (-0.00070912, ["-7.0912e-04", "-7.09e-04"]),
        (-0.000709, ["-0.000709", "-7.09e-04"]),
        (5.0271234e-7, ["5.0271e-07", "5.03e-07"]),
        (123456.5, ["1.2346e+05", "1.23e+05"]),
        (float("nan"), ["nan", "nan"]),
        (float("-inf"), ["-inf", "-inf"]),
    ],
)
def test_numbers_in_formulas(value: float, texts: list[str]) -> None:
    assert [style.number(value) for style in STYLES[:2]] == texts


def test_timeline_does_not_matter_for_words() -> None:
    s = lesson("hello")
    here = Controller(s)
    here.go_to("30:backward:3:h")
    there = Controller(s)
    there.timeline = Timeline(s.run, 0)
    there.go_to("end")
    there.go_to("30:backward:3:h")
    assert here.snapshot.narration == there.snapshot.narration
