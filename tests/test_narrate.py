"""`rnn-tui narrate`: one plain sentence a step, for screen readers, logs and handouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from rnn_engine.observe import observe
from rnn_engine.replay import dumps
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_tui import cli
from tests.build import document, lesson, session, sessions
from tests.conftest import Result, python

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
    drawing = {"prompt": "a", "length": 1, "mode": "sample"}
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
