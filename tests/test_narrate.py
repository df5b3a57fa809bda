"""`rnn-tui narrate`: one plain sentence a step, for screen readers, logs and handouts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from rnn_engine.core.language import Apply, Expr
from rnn_engine.narrate import forward_step
from rnn_engine.observe import observe
from rnn_engine.place import Place
from rnn_engine.replay import dumps
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_tui import cli
from tests.build import document, lesson, session, sessions
from tests.conftest import Result, python
from tests.test_explain import NUMBER, places, worked_out

Captured = pytest.CaptureFixture[str]


def told(capsys: Captured, *arguments: str) -> list[str]:
    assert cli.main(["narrate", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines: list[str] = out.splitlines()
    return lines


def sentences(s: Session, steps: range) -> list[str]:
    """What the screen says at these steps."""
    timeline, lines = Timeline(s.run), []
    for index in steps:
        seen = observe(s, timeline, index)
        lines += [f"# {seen.note}"] if seen.note else []
        lines.append(f"{seen.address}  {seen.narration[0]}")
    return lines


@pytest.mark.parametrize("name", ["i-love-cats", "hi-there-class-bptt", "bptt-two-units"])
def test_a_lesson_is_told_as_on_the_screen(capsys: Captured, name: str) -> None:
    s = lesson(name)
    lines = told(capsys, name)
    assert lines == sentences(s, range(s.schedule.total))
    assert sum(not line.startswith("#") for line in lines) == s.schedule.total
    assert lines[0] == f"# {s.notes}" or lines[0].startswith("# ")


@pytest.mark.parametrize(
    ("start", "end"),
    [("1:forward:2", "1:forward:3:h"), ("1:backward", "1:backward"), ("2:update:W_hh", None), (None, "1:forward:1")],
)  # fmt: skip
def test_from_here_to_there(capsys: Captured, start: str | None, end: str | None) -> None:
    s = lesson("hi-there-class-bptt")
    first = s.schedule.span(start).start if start else 0
    stop = s.schedule.span(end).stop if end else s.schedule.total
    arguments = [*(["--from", start] if start else []), *(["--to", end] if end else [])]
    assert told(capsys, "hi-there-class-bptt", *arguments) == sentences(s, range(first, stop))


def test_one_place_some_names_and_another_sequence(capsys: Captured) -> None:
    s, name = lesson("batch"), "batch"
    everything = told(capsys, name, "--from", "1:forward", "--to", "1:forward")
    assert told(capsys, name, "--at", "1:forward") == everything
    plain = [line for line in everything if not line.startswith("#")]
    only = [
        line for line in told(capsys, name, "--at", "1:forward", "--names", "h") if not line.startswith("#")
    ]
    assert only == [line for line in plain if ":h " in line]
    assert only
    span, timeline = s.schedule.span("1:forward"), Timeline(s.run)
    second = [observe(s, timeline, index, 1).narration[0] for index in span]
    other = told(capsys, name, "--at", "1:forward", "--sequence", "2")
    assert [line.partition("  ")[2] for line in other if not line.startswith("#")] == second
    assert second != [line.partition("  ")[2] for line in plain]


def test_notes_stand_before_their_step(capsys: Captured) -> None:
    s = lesson("vanishing")
    mark = next(mark for mark in s.marks if mark.note)
    note, step = told(capsys, "vanishing", "--from", mark.address, "--to", mark.address)[:2]
    assert note == f"# {mark.note}"
    assert step.startswith(str(s.schedule.address(s.schedule.span(mark.address).start)))


@pytest.mark.parametrize(
    "arguments",
    [
        ["batch", "--from", "1:forward:3", "--to", "1:forward:1"],
        ["batch", "--from", "1:nowhere"],
        ["batch", "--to", "99:forward"],
        ["no-such-lesson"],
        ["batch", "--at", "1", "--from", "1"],
        ["batch", "--names", "nothing"],
        ["batch", "--names", ""],
        ["batch", "--names", " , "],
        ["batch", "--sequence", "99"],
    ],
)
def test_refused_in_one_line(capsys: Captured, arguments: list[str]) -> None:
    assert cli.main(["narrate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and err.startswith("rnn-tui: ")


EVIL = "\x1b]0;owned\x07\u202e\r"


def hostile(**changes: Any) -> dict[str, Any]:
    text = f"z = W @ x  # {EVIL}\np = softmax(z)\nloss = cross_entropy(p, y)"
    lines = {"equations": text.split("\n")}
    return {
        **document("z = x", {"W": [[0.1, 0.2], [0.3, -0.4]]}),
        **lines,
        "title": EVIL,
        "notes": f"{EVIL}\nanother line",
        "data": {"vocabulary": [EVIL, " "], "inputs": [EVIL, " "], "targets": [" ", EVIL]},
        "training": {"optimizer": {"name": "sgd", "learning_rate": 0.1}},
        "evaluate": True,
        "generation": {"prompt": [EVIL], "length": 2, "mode": "greedy"},
        "marks": [{"address": "1:forward:1:p", "name": EVIL, "note": EVIL}],
        **changes,
    }


def test_hostile_words_are_shown_harmlessly(tmp_path: Path) -> None:
    """Byte for byte what a terminal would get."""
    (tmp_path / "it.json").write_text(json.dumps(hostile()))
    result: Result = python("-m", "rnn_tui", "narrate", "it.json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.split("\n")[:-1]
    assert len(lines) == Session.load(tmp_path / "it.json").schedule.total + 2
    assert all(line.isprintable() and line.strip() for line in lines)
    assert any("␛]0;owned␇<U+202E>" in line for line in lines)


@settings(max_examples=15)
@given(sessions(max_T=3))
def test_every_step_of_any_session_has_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, s: Session
) -> None:
    path = tmp_path_factory.mktemp("told") / "it.json"
    path.write_bytes(dumps(s.to_replay()))
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout.write", written.append)
        assert cli.main(["narrate", str(path)]) == 0
    lines = "".join(written).splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        str(s.schedule.address(index)) for index in range(s.schedule.total)
    ]
    assert all(line.endswith(".") and line.partition("  ")[2] for line in lines)


# ---------------------------------------------------------------- true also where numbers are odd

RUNNING = {"optimizer": {"name": "sgd", "learning_rate": 1.0}}


def said(s: Session) -> dict[str, str]:
    timeline = Timeline(s.run)
    seen = [observe(s, timeline, index) for index in range(s.schedule.total)]
    return {one.address: one.narration[0] for one in seen}


def test_what_does_not_change_is_not_said_to_change() -> None:
    text = "h = w * h[t-1]\nloss = squared_error(h, y)"
    told = said(session(text, {"w": 1.0}, data={"targets": [0, 0]}, training=RUNNING, initial={"h": -0.0}))
    assert told["1:forward:1:h"] == "h[1] = 0, as one time step before."
    assert told["1:update:w:w"] == "w does not move."


def test_a_change_in_a_late_digit_is_seen() -> None:
    text = "h = h[t-1] + w\nloss = squared_error(h, y)"
    told = said(session(text, {"w": 1e-9}, data={"targets": [0.5]}, training=RUNNING, initial={"h": 0.5}))
    assert told["1:forward:1:h"] == "h[1] changes: 0.5 → 0.500000001."
    text = "h = h[t-1] + v * x\nloss = h"
    told = said(session(text, {"v": 0.5}, data={"inputs": [1e-8]}, training=RUNNING))
    assert told["1:update:v:w"].endswith(": 0.5 → 0.49999999.")


def test_nan_and_infinity_are_named_for_what_they_are() -> None:
    text = "a = W @ h[t-1] + b\nh = a * x\np = softmax(h)\nloss = cross_entropy(p, y)"
    told = said(
        session(
            text,
            {"W": [["NaN", 0.0], [0.0, 1.0]], "b": [1.0, 1.0]},
            data={"inputs": [1.0, 1.0], "targets": [0, 0]},
            training=RUNNING,
            evaluate=True,
        )
    )
    assert told["1:forward:1:a"] == "a[1] = [nan, 1]; the nan comes in with W @ h[t-1]."
    assert told["1:forward:1:h"] == "h[1][0] changes most: 0 → nan."
    assert told["1:forward:2:h"] == "h[2][1] changes most: 1 → nan."
    assert told["1:evaluate:1:p"] == told["1:forward:1:p"] == "p[1] = [nan, nan]: none is the largest."
    assert told["1:update:b:w"] == "b moves; b[0] most: 1 → nan."


def test_a_draw_says_how_it_was_made() -> None:
    weights = {"W": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}
    text = "h = W @ x + h[t-1]\np = softmax(h)"
    drawing = {"prompt": "a", "length": 2, "mode": "sample"}
    data = {"text": "abca"}
    told = said(session(text, weights, data=data, generation=drawing))
    assert "a token drawn from p (0." in told["1:generate:1:sample"]
    told = said(session(text, weights, data=data, generation={**drawing, "temperature": 0.01, "top_k": 2}))
    assert (
        told["1:generate:1:sample"]
        == "a is a token drawn from p at temperature 0.01 among the 2 likeliest (chance 1); it is the next input."
    )
    weights["W"][0][0] = "NaN"  # type: ignore[call-overload]
    told = said(session(text, weights, data=data, generation=drawing))
    assert told["1:generate:1:sample"].startswith("p is not a number")


def test_only_a_draw_that_is_read_again_is_called_the_next_input() -> None:
    greedy = {"prompt": "ab", "length": 2, "mode": "greedy"}
    told = said(session("h = W @ x + h[t-1]\np = softmax(h)", EYE, data={"text": "abca"}, generation=greedy))
    assert told["1:generate:1:sample"] == "The prompt goes on with b: nothing is drawn."
    assert told["1:generate:2:sample"] == (
        "a is the first of the most likely tokens of p (0.4223); it is the next input."
    )
    assert told["1:generate:3:sample"] == "a is the most likely token of p (0.6652); with it the text ends."
    assert told["1:generate:2:p"] == "Tied at t=2: a and b with 0.4223 each."


# ---------------------------------------------------------------- the largest term


EYE = {"W": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}


def test_a_term_has_the_sign_that_it_has_in_the_sum() -> None:
    text = "e = w * x - b\nd = (x - e) - (q * 2 + b)\nn = -(b - x) - -2 * x\nu = 1 - 0.5 * x"
    told = said(session(text, {"w": 0.5, "b": 5.0, "q": 3.0}, data={"inputs": [0.1]}))
    assert told["1:forward:1:e"] == "e[1] = -4.95; its largest term is -b = -5."
    assert told["1:forward:1:d"] == "d[1] = -5.95; its largest term is -q * 2 = -6."
    assert told["1:forward:1:n"] == "n[1] = -4.7; its largest term is -b = -5."
    assert told["1:forward:1:u"] == "u[1] = 0.95; its largest term is 1."


def test_a_sum_inside_of_a_function_has_a_largest_term() -> None:
    text = "i = sigmoid(W @ x - b)\nm = mean(i)\ns = sum(i * i)\na = abs(m - 1)\nf = tanh(m * s * m * s * m * s * m)"
    weights = {"W": [[0.5, -0.25], [0.0, 0.125]], "b": [2.0, -3.0]}
    told = said(session(text, weights, data={"inputs": [[1.0, 2.0]]}))
    assert told["1:forward:1:i"] == (
        "i[1] = [0.1192, 0.9627]: sigmoid of a sum whose largest term is -b = [-2, 3]."
    )
    assert told["1:forward:1:m"] == "m[1] is the mean of i: 0.5409."
    assert told["1:forward:1:s"] == "s[1] is the sum of i * i: 0.9409."
    assert told["1:forward:1:a"] == "a[1] = 0.4591: the absolute value of a sum whose largest term is -1."
    assert told["1:forward:1:f"].startswith("f[1] is tanh of m * s * m * s * m * s * m: ")


def test_fuller_words_come_before_shorter_ones() -> None:
    s = session("i = sigmoid(w * x - b)", {"w": 1.0, "b": 2.0}, data={"inputs": [1.0]})
    assert observe(s, Timeline(s.run), 0).narration == (
        "i[1] = 0.2689: sigmoid of a sum whose largest term is -b = -2.",
        "i[1]: sigmoid of a sum whose largest term is -b.",
        "i[1] = 0.2689.",
    )


@settings(max_examples=60)
@given(sessions(max_T=3))
def test_the_largest_term_is_one_and_is_the_largest(s: Session) -> None:
    """What is said to be a term has that value, and no term is larger."""
    for it, place in places(s):
        for name in s.program.equations:
            if name == "loss":
                continue
            told = forward_step(place, name, str, lambda name, index: "[]")[0]
            found = re.search(r"largest term is (.*?)(?: = (.*))?\.$", told)
            if found is None:
                continue
            exact = np.ravel(worked_out(found[1], it, place.place, place.sequence))
            for quoted, value in zip(NUMBER.findall(found[2] or found[1]), exact.tolist(), strict=False):
                mantissa, _, power = quoted.partition("e")
                unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
                assert abs(float(quoted) - value) <= 0.5000001 * unit, told
            argument: Expr = s.program.equations[name].root
            if ": " in told.partition(" largest")[0]:
                argument = s.program.equations[name].root.args[0]
            _none_larger(place, argument, float(np.abs(exact).max()))


def _none_larger(place: Place, expr: Expr, size: float) -> None:
    """No summand is larger than that."""
    if isinstance(expr, Apply) and expr.operation.name in ("+", "-", "neg"):
        for arg in expr.args:
            _none_larger(place, arg, size)
    else:
        assert float(np.abs(place.value(expr)).max()) <= size * (1 + 1e-9)


# ---------------------------------------------------------------- ties, lists, ways


def test_what_is_tied_is_not_called_the_most() -> None:
    text = "g = softmax(h[t-1])\nh = W @ x + h[t-1]\np = softmax(h)\nloss = cross_entropy(p, y)"
    data = {"inputs": [[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]], "targets": [1, 2]}
    told = said(session(text, EYE, data=data, training=RUNNING))
    assert told["1:forward:1:g"] == "The largest in g[1] is 0.3333, 3 times."
    assert told["1:forward:1:h"] == "No element changes more than h[1][0]: 0 → 1."
    assert told["1:forward:1:p"] == "Tied at t=1: 0 and 1 with 0.4223 each; the target 1 is among them."
    assert told["1:forward:2:h"] == "h[2][2] changes most: 0 → 2."
    assert told["1:forward:2:p"] == "Most likely at t=2: 2 with 0.5761, and that is the target."
    text = "p = softmax(W @ x)\nloss = cross_entropy(p, y)"
    data = {"inputs": [[0.0] * 4], "targets": [1]}
    told = said(session(text, {"W": [[1.0] * 4] * 4}, data=data, training=RUNNING))
    assert told["1:forward:1:p"] == "At t=1, 4 are the likeliest, with 0.25 each; the target 1 is among them."
    assert told["1:update:W:w"] == "W does not move."
    told = said(session("h = W @ x\nloss = sum(h) - sum(y)", {"W": [[1.0, 2.0]]}, data={
        "inputs": [[1.0, 1.0]], "targets": [[0.0]]}, training=RUNNING))  # fmt: skip
    assert told["1:update:W:w"] == "W moves; no element more than W[0,0], by -1: 1 → 0."


def test_a_state_that_is_read_from_later_steps_changes_from_there() -> None:
    text = "g = tanh(u * g[t+1] + x)\nloss = squared_error(g, y)"
    data = {"inputs": [0.5, 0.25, 0.0], "targets": [0.0, 0.0, 0.0]}
    told = said(session(text, {"u": 1.0}, data=data, training=RUNNING))
    assert told["1:forward:3:g"] == "g[3] = 0, as one time step later."
    assert told["1:forward:2:g"] == "g[2] changes from t=3: 0 → 0.2449."
    assert told["1:forward:1:g"] == "g[1] changes from t=2: 0.2449 → 0.6321."
    assert (
        told["1:backward:3:loss"] == "The way back starts at the loss of t=3: it counts 1 in the objective."
    )


def test_the_way_back_starts_once_a_window() -> None:
    text = "a = w * x\nb = w * x\nh = a + b + h[t-1] + m[t-1]\nm = h * a\nloss = squared_error(h, y)"
    data = {"inputs": [1.0, 1.0, 1.0, 1.0], "targets": [0.5, 0.25, 0.5, None]}
    training = {**RUNNING, "window": 2}
    told = said(session(text, {"w": 0.5}, data=data, training=training))
    starts = {address for address, line in told.items() if line.startswith("The way back starts")}
    assert starts == {"1:backward:2:loss", "2:backward:3:loss"}
    assert told["1:backward:1:loss"] == "The loss of t=1 joins the way back: it counts 1 in the objective."
    assert re.fullmatch(r"∂h\[1\] = \S+ is complete: \S+ from h\[2\], \S+ from loss\[1\] and \S+ from m\[1\]\.",
                        told["1:backward:1:h"])  # fmt: skip


def test_what_comes_from_one_place_alone_is_not_said_twice() -> None:
    text = "h = u * h[t-1] + x\nq = 2 * h\nloss = squared_error(q, y)"
    told = said(
        session(text, {"u": 0.5}, data={"inputs": [1.0, 1.0], "targets": [0.5, 3.0]}, training=RUNNING)
    )
    assert told["1:backward:1:q"] == "∂q[1] = 3 is complete: all of it from loss[1]."
    assert told["1:backward:2:q"] == "∂q[2] = 0 is complete: nothing comes from loss[2]."


def test_a_loss_that_is_read_again_counts_for_more_than_its_weight() -> None:
    text = "h = u * h[t-1] + x + w * loss[t-1]\nloss = squared_error(h, y)"
    told = said(session(text, {"u": 0.5, "w": 0.25}, data={"inputs": [1.0, 1.0], "targets": [0.0, 0.0]},
                        training=RUNNING))  # fmt: skip
    assert told["1:backward:1:loss"] == "∂loss[1] = 1.875, in all that it counts for."


def test_a_backward_step_says_what_it_adds_to_the_parameters() -> None:
    s = lesson("hi-there-class-bptt")
    timeline = Timeline(s.run)

    def said(address: str) -> str:
        return observe(s, timeline, s.schedule.span(address).start).narration[0]

    assert said("1:backward:2:a").endswith("It adds 0.3300 to ∂W_hh, 0.7142 to ∂b_h and to ∂W_xh.")
    assert said("1:backward:1:a").endswith("It adds 0.0276 to ∂b_h and to ∂W_xh."), "h[0] is 0"
    assert "adds" not in said("1:backward:2:z"), "to matrices alone"
    assert "adds" not in said("1:backward:2:h")


def test_where_a_sequence_is_over_it_adds_nothing() -> None:
    text = "h = tanh(w * x + u * h[t-1])\no = v * h + q * h[t+1]\nloss = squared_error(o, y)"
    series = [{"inputs": [0.1, 0.2, 0.3], "targets": [0.2, 0.3, 0.4]}, {"inputs": [0.5], "targets": [0.4]}]
    weights = {"w": 0.5, "u": 0.5, "v": 1.0, "q": -0.7}
    s = session(text, weights, data={"sequences": series, "batch": 2})
    timeline, at = Timeline(s.run), s.schedule.span("1:backward:2:h").start
    assert "All sequences add" in observe(s, timeline, at, 0).narration[0]
    assert " add" not in observe(s, timeline, at, 1).narration[0]
