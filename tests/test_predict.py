"""Predict mode without a screen: questions, hiding, verdicts, the record, and its headless twin."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.core.operation import spell
from rnn_engine.panes import PANES
from rnn_engine.snapshot import Snapshot
from rnn_engine.spelling import parse_cell, parse_shape
from rnn_tui.controller import Controller
from rnn_tui.predict import (
    COLUMNS,
    Answer,
    Question,
    as_csv,
    cover,
    first,
    judge,
    questions,
    read_shape,
    score,
    shown,
    spoken,
)  # fmt: skip
from rnn_tui.render.pane import PaneView, draw_pane
from rnn_tui.render.spans import text_of
from tests.build import lesson
from tests.conftest import Result


def at(address: str, name: str = "hi-there-class-bptt") -> Controller:
    controller = Controller(lesson(name))
    assert controller.go_to(address) == ""
    return controller


def question(value: float) -> Question:
    return Question("1:forward:2:h", "hidden", "h", 2, 0, "h[2]", value)


# questions


@pytest.mark.parametrize(
    ("name", "address", "pane", "cells"),
    [
        ("hi-there-class-bptt", "1:forward:2:h", "hidden", ["h[2][0]"]),
        (
            "hi-there-class-bptt",
            "1:forward:2:p",
            "output",
            ["p[2][hi]", "p[2][there]", "p[2][class]", "p[2][!]"],
        ),
        ("hi-there-class-bptt", "1:forward:2:loss", "output", ["loss[2]"]),
        ("hi-there-class-bptt", "1:backward:2:h", "gradients", ["∂h[2][0]"]),
        ("hi-there-class-bptt", "1:backward:2:loss", "", []),
        ("hi-there-class-bptt", "1:update:W_hh:w", "weights", ["W_hh[0,0]"]),
        ("hi-there-class-bptt", "1:update:b_h:w", "", []),  # frozen: nothing is written
        (
            "bptt-two-units",
            "1:update:W_hh:w",
            "weights",
            ["W_hh[0,0]", "W_hh[0,1]", "W_hh[1,0]", "W_hh[1,1]"],
        ),
        ("bptt-two-units", "1:backward:3:a", "gradients", ["∂a[3][0]", "∂a[3][1]"]),
        ("hello", "60:generate:2:sample", "", []),
        ("hello", "60:generate:2:h", "hidden", ["h[2][0]", "h[2][1]", "h[2][2]", "h[2][3]"]),
    ],
)
def test_a_step_asks_for_what_it_writes(name: str, address: str, pane: str, cells: list[str]) -> None:
    controller = at(address, name)
    found = questions(controller.snapshot)
    assert [each.label for each in found] == cells
    assert {each.pane for each in found} <= {pane}
    for each in found:
        assert each.address == address
        cell = parse_cell(controller.session, controller.timeline, each.address, each.label)
        answer = controller.why(cell)
        assert not isinstance(answer, str)
        assert answer.value == each.value
        assert answer.label == each.label or name == "hi-there-class-bptt"  # one unit: its index says nothing


def test_which_is_asked_for_says_nothing_about_the_numbers() -> None:
    """The same whatever they are, and not always the first, the last, the largest or the smallest."""
    addresses = [f"1:forward:{t}:p" for t in range(1, 5)] + [f"2:backward:{t}:z" for t in range(1, 5)]
    steps = [questions(at(address).snapshot) for address in addresses]
    for found in steps:
        assert first(found) == first(tuple(each._replace(value=-each.value / 2 + 1.0) for each in found))
    ranks = {sorted(each.value for each in found).index(found[first(found)].value) for found in steps}
    assert len({first(found) for found in steps}) > 2
    assert len(ranks) > 2


# hiding


@pytest.mark.parametrize(
    "address", ["1:forward:2:h", "1:forward:3:p", "1:backward:2:h", "1:backward:1:a", "1:update:W_hy:w"]
)
def test_what_a_step_writes_cannot_be_seen(address: str) -> None:
    snapshot = at(address).snapshot
    one = questions(snapshot)[0]
    covered = cover(snapshot, one)
    asked = {(each.pane, each.key): each for each in questions(snapshot)}
    assert asked
    for pane in PANES:
        text = text_of(draw_pane(PaneView(pane, "", covered.panes[pane]), 90, 30).lines)
        assert ("?" in text) == any(m.written is not None and m.written.any() for m in snapshot.panes[pane])
    for matrices in covered.panes.values():
        for matrix in matrices:
            if matrix.asked is not None:
                assert not matrix.values[matrix.asked].any()
                assert matrix.known is not None and not matrix.known[matrix.asked].any()
    assert covered.formula.symbols == snapshot.formula.symbols
    assert covered.formula.numbers == ()
    assert covered.formula.result == "= ?"
    assert covered.narration == ()
    assert cover(snapshot, one, numbers=True).formula.numbers == snapshot.formula.numbers


def test_hiding_leaves_the_snapshot_alone() -> None:
    snapshot: Snapshot = at("1:forward:2:h").snapshot
    before = {m.key: m.values.copy() for m in snapshot.panes["hidden"]}
    cover(snapshot, questions(snapshot)[0])
    assert all(np.array_equal(before[m.key], m.values) for m in snapshot.panes["hidden"])


# verdicts


@pytest.mark.parametrize(
    ("value", "given_text", "asked", "verdict"),
    [
        (-0.2046, "-0.2", "value", "right"), (-0.2046, "-.21", "value", "wrong"),
        (-0.2046, "−", "sign", "right"), (-0.2046, "+", "sign", "wrong"), (0.0, "+", "sign", "wrong"),
        (0.0, "-", "sign", "wrong"), (0.0, "0", "value", "right"), (2e-16, "0", "value", "right"),
        (0.0, "0.004", "value", "wrong"), (0.004, "0", "value", "wrong"), (0.05, "0.052", "value", "right"),
        (0.05, "0.053", "value", "wrong"), (0.3, "0.304", "value", "right"), (0.3, "0.306", "value", "wrong"),
        (2.3e-9, "0.004", "value", "wrong"), (2.3e-9, "0", "value", "wrong"), (2.3e-9, "2.4E-9", "value", "right"),
        (2.3e-9, "-2.3e-9", "value", "wrong"), (2.3e-9, "0.0000000023", "value", "right"),
        (1234.0, "1225", "value", "right"), (1234.0, "1220", "value", "wrong"),
        (0.75, "0,75", "value", "right"), (float("inf"), "5", "value", "wrong"), (float("-inf"), "-", "sign", "right"),
    ],
)  # fmt: skip
def test_verdicts(value: float, given_text: str, asked: str, verdict: str) -> None:
    answer = judge(question(value), given_text)
    assert answer is not None
    assert (answer.asked, answer.verdict) == (asked, verdict)
    assert (answer.distance is None) == (asked == "sign")
    assert spoken(question(value), answer)


@pytest.mark.parametrize("text", ["", "-+", "1.2.3", "abc", "nan", "inf", "1e999"])
def test_what_is_no_answer(text: str) -> None:
    assert judge(question(0.5), text) is None


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_distance_decides_and_is_told(value: float, guess: float) -> None:
    answer = judge(question(value), repr(guess))
    assert answer is not None and answer.distance == guess - value
    off, size = abs(guess - value), abs(value)
    within = off <= 0.01 * size or (off <= 0.005 and off <= 0.05 * size) or off <= 1e-15
    assert (answer.verdict == "right") == within
    if answer.verdict == "wrong":
        assert "off by" in spoken(question(value), answer)
        assert "it is" not in spoken(question(value), answer)


# shapes


@pytest.mark.parametrize(
    ("shape", "text", "right"),
    [
        ((2, 4), "2x4", True), ((2, 4), "2 × 4", True), ((2, 4), "[2,4]", True), ((2, 4), "(2, 4)", True),
        ((2, 4), "2*4", True), ((2, 4), "4x2", False), ((2, 4), "[8]", False), ((4,), "[4]", True),
        ((4,), "(4,)", True), ((4,), "4x1", True), ((4,), "1x4", False), ((4,), "scalar", False),
        ((), "scalar", True), ((), "[]", True), ((), "[1]", True), ((), "[4]", False), ((1,), "[1]", True),
        ((1, 1), "1x1", True), ((1, 1), "[1]", False),
    ],
)  # fmt: skip
def test_a_shape_is_known_by_how_it_looks(shape: tuple[int, ...], text: str, right: bool) -> None:
    one = question(0.5)._replace(shape=shape, key="h")
    answer = judge(one, text)
    assert answer is not None
    assert (answer.asked, answer.cell, answer.distance) == ("shape", "h", None)
    assert answer.verdict == ("right" if right else "wrong")
    assert read_shape(str(answer.correct), bare=False) == shape
    assert (spell(shape) in spoken(one._replace(asks="shape"), answer)) == right


def test_digits_alone_are_a_shape_only_where_one_is_asked_for() -> None:
    one = question(4.0)._replace(shape=(4,))
    value, shape = judge(one, "4"), judge(one.about("shape"), "4")
    assert value is not None and value.asked == "value"
    assert shape is not None and (shape.asked, shape.verdict) == ("shape", "right")
    assert judge(one.about("shape"), "0.5") is judge(one.about("shape"), "-") is None
    column = judge(one._replace(shape=(2, 4)).about("shape"), "2,4")
    assert column is not None and column.verdict == "right"
    assert judge(one._replace(shape=None), "[4]") is None


@pytest.mark.parametrize(
    ("address", "shape"),
    [
        ("1:forward:2:h", (2,)), ("1:forward:2:p", (4,)), ("1:forward:2:loss", ()), ("1:backward:2:z", (4,)),
        ("1:update:W_hy:w", (4, 2)), ("1:update:W_hh:w", (2, 2)),
    ],
)  # fmt: skip
def test_the_shape_that_is_asked_for_cannot_be_seen(address: str, shape: tuple[int, ...]) -> None:
    controller = at(address, "bptt-two-units")
    one = questions(controller.snapshot)[0].about("shape")
    assert one.shape == shape == parse_shape(controller.session, controller.timeline, address, one.key)
    covered = cover(controller.snapshot, one)
    matrix = next(m for m in covered.panes[one.pane] if m.key == one.key)
    assert matrix.values.shape == (1, 1) and matrix.asked is not None and matrix.asked.all()
    text = text_of(draw_pane(PaneView(one.pane, "", (matrix,)), 60, 12).lines)
    assert text.count("?") == 1


def test_shape_and_value_are_two_questions() -> None:
    one = question(0.5)._replace(shape=(2,), key="h")
    attempts = [judge(one, "[3]"), judge(one, "[2]"), judge(one, "0.5"), shown(one.about("shape"))]
    found = [each for each in attempts if each is not None]
    assert score(found).line == "Of 2: 1 right at the first try, 1 later or with help, 0 shown."
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [row["asked"] for row in rows] == ["shape", "shape", "value", "shape"]
    assert [row["correct"] for row in rows] == ["[2]", "[2]", "0.5", "[2]"]


# the record


def answer(cell: str, verdict: str, help: str = "") -> Answer:
    return Answer("1:forward:2:h", cell, "value", "1", 0.5, 0.5, verdict, help)


def test_the_score_counts_questions_by_how_they_ended() -> None:
    found = score(
        [
            answer("a", "right"), answer("b", "wrong"), answer("b", "right"), answer("c", "right", "terms"),
            answer("d", "wrong"), answer("d", "shown", "answer"), answer("e", "wrong"),
        ]
    )  # fmt: skip
    assert (found.at_once, found.later, found.shown, found.open) == (1, 2, 1, 1)
    assert found.line == "Of 5: 1 right at the first try, 2 later or with help, 1 shown, 1 not right."
    assert score([]).line == "No question was answered."


def test_the_record_keeps_every_attempt_in_full() -> None:
    attempts = [judge(question(0.1), "0.2"), judge(question(0.1), "+", "terms"), shown(question(0.1))]
    rows = list(csv.DictReader(io.StringIO(as_csv([each for each in attempts if each is not None]))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["verdict"] for row in rows] == ["wrong", "right", "shown"]
    assert [row["help"] for row in rows] == ["", "terms", "answer"]
    assert float(rows[0]["correct"]) == 0.1
    assert rows[0]["distance"] == repr(0.2 - 0.1)


def test_the_record_is_judged_again_without_a_screen(rnn_tui: Callable[..., Result], tmp_path: Path) -> None:
    record = [judge(each, f"{each.value:.4f}") for each in questions(at("1:forward:2:p").snapshot)]
    path = tmp_path / "answers.csv"
    path.write_text(as_csv([each for each in record if each is not None]), encoding="utf-8")
    result = rnn_tui("predict", "hi-there-class-bptt", str(path))
    assert result.returncode == 0, result.stderr
    assert result.stdout == path.read_text(encoding="utf-8")
    assert "Of 4: 4 right" in result.stderr
    path.write_text(
        "address,cell,asked,given\n1:backward:3:z,∂z,,[4]\n1:update:W_hy:w,W_hy,shape,4x1\n1:forward:1:loss,loss,shape,1\n",
        encoding="utf-8",
    )
    result = rnn_tui("predict", "hi-there-class-bptt", str(path))
    assert result.returncode == 0, result.stderr
    assert [line.split(",")[4] for line in result.stdout.splitlines()[1:]] == ["[4]", "4x1", "scalar"]
    path.write_text("address,cell,given\n1:forward:3:h,h,9\n", encoding="utf-8")
    result = rnn_tui("predict", "hi-there-class-bptt", str(path))
    assert result.returncode == 1
    assert ",wrong," in result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("address,cell\n", "no column 'given'"), ("address,cell,given\n1:forward:3:h,q,1\n", "line 2: 'q' is neither"),
        ("address,cell,given\n1:forward:9:h,h,1\n", "there is no time step 9"),
        ("address,cell,given\n1:forward:3:h,h,x\x1b\n", "is no answer"),
        ("address,cell,given,asked\n1:forward:3:h,h,0.5,shape\n", "expected a shape such as 2x4, [4] or scalar"),
        ("address,cell,given\n1:forward:3:h,q,[2]\n", "line 2: 'q' is neither"),
        ("\xff", "no column"), ('a,"b\n', "CSV"),
    ],
)  # fmt: skip
def test_answers_that_mean_nothing_are_refused_in_one_line(
    rnn_tui: Callable[..., Result], tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(text, encoding="utf-8")
    result = rnn_tui("predict", "hi-there-class-bptt", str(path))
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("name", ["nothing.csv", "a" * 300, ".", "plain/answers.csv"])
def test_a_file_that_cannot_be_read_is_no_wrong_answer(
    rnn_tui: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    (tmp_path / "plain").write_text("")
    result = rnn_tui("predict", "hi-there-class-bptt", str(tmp_path / name))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"rnn-tui: {tmp_path}")
    assert result.stderr.count("\n") == 1
