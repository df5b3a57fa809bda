"""The command line: what it prints where, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_engine.errors import EngineError
from rnn_tui import arguments, cli, usage
from rnn_tui.lessons import ORDER, find, lessons
from rnn_tui.options import flags_of
from tests.conftest import ROOT, Result

Program = Callable[..., Result]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

SMALL = {
    "format": "rnn-tui-replay",
    "version": [0, 1],
    "title": "small",
    "equations": ["h = tanh(w * x + u * h[t-1])", "loss = half_squared_error(h, y)"],
    "data": {"inputs": [0.5, -1.0, 2.0], "targets": [0.0, 1.0, 0.5]},
    "parameters": {"w": 0.3, "u": -0.2},
    "training": {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "iterations": 2},
}


def refused(result: Result, *words: str) -> None:
    """One clear line on stderr, nothing on stdout, exit code 2, no traceback."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("rnn-tui: ")
    assert not CONTROL.search(result.stderr)
    for word in words:
        assert word in result.stderr


def written(path: Path, **changes: object) -> Path:
    """The small session, changed, as a file; what is changed to None is left out."""
    document = {**SMALL, **changes}
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}), "utf-8")
    return path


# --- usage


def test_help_shows_examples_first_and_they_parse(rnn_tui: Program) -> None:
    result = rnn_tui("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.index("examples:") < result.stdout.index("commands:")
    examples = re.findall(r"^  rnn-tui(.*?)(?:   .*)?$", arguments.EXAMPLES, re.MULTILINE)
    assert 4 <= len(examples) <= 6
    for example in examples:
        arguments.parse(example.split())


@pytest.mark.parametrize("command", usage.COMMANDS)
def test_every_command_has_help(rnn_tui: Program, command: str) -> None:
    result = rnn_tui(command, "--help")
    assert result.returncode == 0
    assert f"rnn-tui {command}" in result.stdout


def test_version_names_what_it_runs_on(rnn_tui: Program) -> None:
    result = rnn_tui("--version")
    number = r"(\d+(\.\w+)+|not installed)"
    pattern = rf"rnn-tui {number} \(textual {number}, numpy {number}, python {number}\)\n"
    assert re.fullmatch(pattern, result.stdout)
    assert result.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["hello", "world"],
        ["list", "--jsn"],
        ["trace"],
        ["trace", "hello", "--frm", "3"],
        ["check"],
        ["new"],
        ["new", "--cell", "rnn", "--hidden", "many", "--text", "t", "-o", "o"],
        ["new", "--cell", "rnn", "--hidden", "2", "--text", "t", "--csv", "c", "-o", "o"],
    ],
)
def test_bad_usage(rnn_tui: Program, arguments: list[str]) -> None:
    result = rnn_tui(*arguments)
    refused(result, "--help")
    assert result.stderr.count("--help") == 1


def test_the_commands_are_those_of_the_grammar() -> None:
    assert tuple(arguments.GRAMMAR) == usage.COMMANDS


@pytest.mark.parametrize("argv", [[], ["hello"], ["a file.json"], [""]])
def test_a_bare_name_means_what_the_grammar_says(argv: list[str]) -> None:
    """What is opened without the grammar is what it would have asked for."""
    assert usage.bare(argv)
    args = arguments.parse(argv)
    assert (args.command, args.session) == ("open", argv[0] if argv else None)
    assert not args.no_config
    assert not any(flags_of(args).values())


@pytest.mark.parametrize(
    "argv", [["--help"], ["list"], ["-"], ["hello", "--ascii"], ["--", "list"], ["a", "b"]]
)
def test_all_else_is_for_the_grammar(argv: list[str]) -> None:
    assert not usage.bare(argv)


def test_a_lesson_is_never_called_like_a_command() -> None:
    assert not set(usage.COMMANDS) & {lesson.name for lesson in lessons()}


@pytest.mark.parametrize("arguments", [["list"], ["./list"], ["--", "list"], ["open", "list"]])
def test_a_file_called_like_a_command(rnn_tui: Program, tmp_path: Path, arguments: list[str]) -> None:
    written(tmp_path / "list")
    result = rnn_tui(*arguments)
    if arguments == ["list"]:
        assert result.returncode == 0
    else:
        refused(result, "terminal")  # the file was found and is valid


# --- what cannot be opened; the file is checked before the terminal is


@pytest.mark.parametrize("command", [[], ["open"], ["trace"], ["check"]])
@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "bad.json"),
        (b"", "empty"),
        (b"\n", "empty"),
        (b"hello", "bad.json"),
        (b"\x89PNG\r\n\x1a\n\x00", "bad.json"),
        (b"[1, 2]", "bad.json"),
        (b'{"format": "rnn-tui-replay", "version": [0, 1], "equa', "bad.json"),
        (json.dumps({**SMALL, "parameters": {"w": [[1.0, 2.0], [3.0, 4.0]], "u": 0.1}}).encode(), "bad.json"),
        (json.dumps({**SMALL, "equations": ["h = tanh(q)"]}).encode(), "q"),
        (json.dumps({**SMALL, "equations": ["h = __import__('os')"]}).encode(), "bad.json"),
        (json.dumps({**SMALL, "surprise": 1}).encode(), "surprise"),
    ],
)
def test_a_bad_file(
    rnn_tui: Program, tmp_path: Path, command: list[str], content: bytes | None, word: str
) -> None:
    if content is not None:
        (tmp_path / "bad.json").write_bytes(content)
    refused(rnn_tui(*command, "bad.json"), "bad.json", word)


@pytest.mark.parametrize("command", [[], ["trace"], ["check"]])
def test_no_regular_file(rnn_tui: Program, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    refused(rnn_tui(*command, "folder"), "folder")
    refused(rnn_tui(*command, "pipe"), "pipe")


@pytest.mark.parametrize(
    ("name", "meant"), [("helo", "hello"), ("hi-their", "hi-there"), ("Batch", "batch"), ("lst", "list")]
)
def test_an_unknown_name_gets_the_nearest(rnn_tui: Program, name: str, meant: str) -> None:
    refused(rnn_tui(name), name, meant)


def test_an_unknown_name_like_no_other(rnn_tui: Program) -> None:
    refused(rnn_tui("zzzzzz"), "zzzzzz", "rnn-tui list")
    refused(rnn_tui(""), "rnn-tui list")


def test_an_escape_sequence_in_a_name_is_shown_harmlessly(rnn_tui: Program) -> None:
    refused(rnn_tui("\x1b]0;PWNED\x07\u202e"), "PWNED")
    refused(rnn_tui("./\x1b[2J.json"), "[2J")


def test_no_terminal(rnn_tui: Program) -> None:
    refused(rnn_tui(), "terminal")
    refused(rnn_tui("hi-there"), "terminal")


def test_a_dumb_terminal() -> None:
    ours, theirs = pty.openpty()
    result = subprocess.run(
        [sys.executable, "-m", "rnn_tui"], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TERM": "dumb", "PYTHONPATH": str(ROOT)}, timeout=60, check=False,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert result.returncode == 2
    assert re.fullmatch(r"rnn-tui: .*TERM.*\n", result.stderr)


# --- lessons


def test_lessons_come_in_the_order_to_learn_in() -> None:
    names = [lesson.name for lesson in lessons()]
    assert tuple(names[: len(ORDER)]) == ORDER
    assert names[len(ORDER) :] == sorted(names[len(ORDER) :])
    for lesson in lessons():
        assert lesson.title
        assert lesson.summary
        assert find(lesson.name) == lesson.path


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("nolesson", "`rnn-tui list` shows the lessons"), ("xyz", "`rnn-tui list` shows the lessons"),
        ("h", "`rnn-tui list` shows the lessons"), ("no", "`rnn-tui list` shows the lessons"),
        ("helo", "did you mean hello?"), ("vanish", "did you mean vanishing?"), ("opne", "did you mean open?"),
        ("hi", "did you mean hi-there or hi-there-class-bptt?"), ("Hi_There", "did you mean hi-there?"),
        ("remembers", "did you mean gru-remembers or lstm-remembers?"), ("tracee", "did you mean trace?"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_gets_sensible_suggestions_only(word: str, hint: str) -> None:
    with pytest.raises(EngineError, match=re.escape(f"{word!r}: no lesson and no file of this name; {hint}")):
        find(word, also=usage.COMMANDS)


def test_list(rnn_tui: Program) -> None:
    result = rnn_tui("list")
    assert result.returncode == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [
        lesson.name for lesson in lessons()
    ]


def test_list_as_json(rnn_tui: Program) -> None:
    entries = json.loads(rnn_tui("list", "--json").stdout)
    assert [entry["name"] for entry in entries] == [lesson.name for lesson in lessons()]
    assert all(entry["title"] and entry["steps"] > 0 for entry in entries)


# --- trace


def json_lines(result: Result) -> list[dict[str, object]]:
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_trace_is_one_object_a_step(rnn_tui: Program) -> None:
    records = json_lines(rnn_tui("trace", "hi-there-class-bptt", "--json"))
    assert [record["index"] for record in records] == list(range(len(records)))
    members = {"index", "address", "epoch", "iteration", "phase", "t", "equation"}
    assert all(members <= record.keys() for record in records)
    entries = json.loads(rnn_tui("list", "--json").stdout)
    assert len(records) == next(e["steps"] for e in entries if e["name"] == "hi-there-class-bptt")


def test_trace_of_the_worked_example(rnn_tui: Program) -> None:
    records = json_lines(rnn_tui("trace", "hi-there", "--names", "h", "--json"))
    assert [record["address"] for record in records] == ["1:forward:1:h", "1:forward:2:h"]
    values = records[-1]["values"]
    assert isinstance(values, dict)
    assert values["h"] == pytest.approx([0.31063463721241863, 0.8432152761150076], abs=1e-12)


def test_trace_to_be_read_has_the_same_steps(rnn_tui: Program) -> None:
    records = json_lines(rnn_tui("trace", "hi-there-class-bptt", "--json"))
    lines = rnn_tui("trace", "hi-there-class-bptt").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[str(r["index"]), r["address"]] for r in records]
    assert any("∂h" in line for line in lines)


def test_trace_from_to_and_names(rnn_tui: Program) -> None:
    session = "hi-there-class-bptt"
    everything = json_lines(rnn_tui("trace", session, "--json"))
    some = json_lines(rnn_tui("trace", session, "--from", "2:backward", "--to", "3:update", "--json"))
    assert some == [r for r in everything if some[0]["index"] <= r["index"] <= some[-1]["index"]]  # type: ignore[operator]
    assert str(some[0]["address"]).startswith("2:backward:4:")
    assert str(some[-1]["address"]).startswith("3:update:")
    assert str(everything[int(str(some[-1]["index"])) + 1]["address"]).startswith("4:forward:")
    at = json_lines(rnn_tui("trace", session, "--at", "2:backward", "--json"))
    assert at == [r for r in everything if str(r["address"]).startswith("2:backward:")]
    named = json_lines(rnn_tui("trace", session, "--names", "h, loss", "--json"))
    assert named == [r for r in everything if r["equation"] in ("h", "loss")]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "999:forward"],
        ["--to", "nowhere"],
        ["--from", "1:sideways"],
        ["--names", "nobody"],
        ["--names", ""],
        ["--at", "1", "--to", "2"],
    ],
)
def test_trace_of_a_place_or_name_that_is_not_there(rnn_tui: Program, arguments: list[str]) -> None:
    refused(rnn_tui("trace", "hi-there", *arguments), arguments[1])


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "hello"], ["edits", "hello", "-o"], ["export", "hello", "--format", "md", "-o"],
        ["export", "hello", "--format", "svg", "-o"], ["trace"], ["check"], ["horizon"],
        ["new", "--cell", "gru", "--hidden", "2", "--text", "words.txt", "-o"],
        ["new", "--cell", "gru", "--hidden", "2", "-o", "new.json", "--csv"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("file", ["nowhere/x", "words.txt/x", f"./{'x' * 300}"])
def test_a_file_that_cannot_be_read_or_written_is_a_bad_file(
    rnn_tui: Program, tmp_path: Path, arguments: list[str], file: str
) -> None:
    """And not a 1, which says of `predict` that an answer is wrong."""
    (tmp_path / "words.txt").write_text("some words")
    result = rnn_tui(*arguments, file)
    assert result.returncode == 2, result
    assert file.removeprefix("./") in result.stderr
    assert result.stderr.count("\n") == 1


def test_trace_says_infinity_in_words(rnn_tui: Program, tmp_path: Path) -> None:
    written(
        tmp_path / "inf.json",
        equations=["h = u * h[t-1] + exp(w * x)"],
        parameters={"w": 1e300, "u": 1.0},
        data={"inputs": [0.5, -1.0, 2.0]},
        training=None,
    )
    first = json_lines(rnn_tui("trace", "inf.json", "--json"))[0]
    assert first["values"] == {"h": "Infinity"}
    assert "h = inf" in rnn_tui("trace", "inf.json").stdout


def test_tokens_are_printed_harmlessly(rnn_tui: Program, tmp_path: Path) -> None:
    evil = "\x1b]0;PWNED\x07"
    written(
        tmp_path / "evil.json",
        title=evil,
        equations=["h = tanh(W @ x + u * h[t-1])", "p = softmax(V @ h)", "loss = cross_entropy(p, y)"],
        data={"vocabulary": ["a", evil], "inputs": ["a", evil], "targets": [evil, evil]},
        parameters={"W": [[1.0, 2.0]], "u": 0.5, "V": [[1.0], [2.0]]},
        generation={"prompt": ["a"], "length": 2},
        evaluate=True,
    )
    for words in (["trace", "evil.json"], ["trace", "evil.json", "--json"], ["check", "evil.json"]):
        result = rnn_tui(*words)
        assert result.returncode == 0, result.stderr
        assert not CONTROL.search(result.stdout + result.stderr)


def test_a_reader_who_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = (
        f"{sys.executable} -m rnn_tui trace alternating-bits --json | head -n 1; exit ${{PIPESTATUS[0]}}"
    )
    result = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1


def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "output").touch()
    with (tmp_path / "output").open() as read_only:
        result = subprocess.run(
            [sys.executable, "-m", "rnn_tui", "list", "--json"], stdout=read_only, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False,
        )  # fmt: skip
    assert result.returncode == 1
    assert re.fullmatch(r"rnn-tui: .*\n", result.stderr)


def test_an_output_without_unicode(rnn_tui: Program) -> None:
    result = rnn_tui("trace", "hi-there-class-bptt", "--to", "1:backward", env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert "\\u2202h" in result.stdout


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "dispatch", interrupt)
    assert cli.main(["list"]) == 130


# --- check


def test_check_of_all_lessons(rnn_tui: Program) -> None:
    result = rnn_tui("check", *(lesson.name for lesson in lessons()))
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == len(lessons())
    assert all(line.startswith("ok ") for line in lines)
    assert "W_xh 1×4" in lines[ORDER.index("hi-there-class-bptt")]
    assert "gradients agree within" in lines[ORDER.index("hi-there-class-bptt")]
    assert "no loss" in lines[ORDER.index("i-love-cats")]


def test_check_goes_on_after_a_bad_file(rnn_tui: Program, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    result = rnn_tui("check", "bad.json", "hi-there")
    assert result.returncode == 2
    assert result.stdout.startswith("ok ")
    assert result.stderr.count("\n") == 1


def test_check_says_why_there_is_nothing_to_compare(rnn_tui: Program, tmp_path: Path) -> None:
    head = {"format": "rnn-tui-replay", "version": [0, 1], "parameters": {}}
    (tmp_path / "a.json").write_text(json.dumps({**head, "equations": ["h = h[t-1]"], "data": {"steps": 2}}))
    squares = {"equations": ["h = h[t-1]", "loss = squared_error(h, y)"], "data": {"targets": [1, 2]}}
    (tmp_path / "b.json").write_text(json.dumps({**head, **squares}))
    odd = {
        "equations": ["loss = squared_error(w, y)"],
        "data": {"targets": [1, 2]},
        "parameters": {"w": "NaN"},
    }
    (tmp_path / "c.json").write_text(json.dumps({**head, **odd}))
    none = {**odd, "data": {"targets": [None, None]}, "parameters": {"w": 1}}
    (tmp_path / "d.json").write_text(json.dumps({**head, **none}))
    result = rnn_tui("check", *(str(tmp_path / f"{name}.json") for name in "abcd"))
    a, b, c, d = result.stdout.splitlines()
    assert d.endswith("w scalar; no target, so no gradients to compare")
    assert a.endswith("no parameters; no loss, so no gradients to compare")
    assert b.endswith("no parameters; nothing to learn, so no gradients to compare")
    assert c.endswith(
        "cannot be compared: numbers on the way are not finite (1 number of 1 parameter compared)"
    )
    assert result.returncode == 1


def test_check_of_a_wrong_gradient(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(session: object) -> object:
        from rnn_engine.gradcheck import GradientCheck

        return GradientCheck(relative=0.5, parameters=2, compared=2)

    monkeypatch.setattr("rnn_tui.headless.check.check_gradients", wrong)
    assert cli.main(["check", str(written(tmp_path / "small.json"))]) == 1
    assert capsys.readouterr().out.startswith("FAIL")


# --- new


TEXT = "the quick brown fox jumps over the lazy dog, and the dog sleeps on\n"
CSV = "price,volume\n1.0,20\n1.5,22\n0.5,18\n2,21\n"


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("kind", ["--text", "--csv"])
def test_new(rnn_tui: Program, tmp_path: Path, cell: str, kind: str) -> None:
    (tmp_path / "data").write_text(TEXT if kind == "--text" else CSV, "utf-8")
    result = rnn_tui("new", "--cell", cell, "--hidden", "3", kind, "data", "-o", "mine.json")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "rnn-tui mine.json" in result.stderr
    checked = rnn_tui("check", "mine.json")
    assert checked.stdout.startswith("ok "), checked
    last = json_lines(rnn_tui("trace", "mine.json", "--from", "100:update", "--json"))[-1]
    assert last["phase"] == ("generate" if kind == "--text" else "update")


def test_new_learns(rnn_tui: Program, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("abcabcabcabc", "utf-8")
    rnn_tui("new", "--cell", "rnn", "--hidden", "8", "--text", "data", "-o", "mine.json")
    totals = [
        r["totals"]
        for r in json_lines(rnn_tui("trace", "mine.json", "--names", "loss", "--json"))
        if "totals" in r
    ]
    losses = [t["loss"]["sum"] for t in totals if isinstance(t, dict) and "loss" in t]
    assert losses[-1] < 0.1 * losses[0]


def test_new_words_and_seed(rnn_tui: Program, tmp_path: Path) -> None:
    (tmp_path / "data").write_text(TEXT, "utf-8")
    base = ["new", "--cell", "rnn", "--hidden", "2", "--text", "data", "--level", "words"]
    assert rnn_tui(*base, "-o", "a.json").returncode == 0
    assert rnn_tui(*base, "-o", "b.json", "--seed", "0").returncode == 0
    assert rnn_tui(*base, "-o", "c.json", "--seed", "1").returncode == 0
    a, b, c = ((tmp_path / f"{name}.json").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    sampled = [r["sample"] for r in json_lines(rnn_tui("trace", "a.json", "--json", "--names", "sample"))]
    assert set(sampled) <= {*TEXT.split(), None}


def test_new_does_not_overwrite_unless_told_to(rnn_tui: Program, tmp_path: Path) -> None:
    (tmp_path / "data").write_text(TEXT, "utf-8")
    (tmp_path / "mine.json").write_text("precious")
    base = ["new", "--cell", "rnn", "--hidden", "2", "--text", "data", "-o", "mine.json"]
    refused(rnn_tui(*base), "mine.json", "--force")
    assert (tmp_path / "mine.json").read_text() == "precious"
    assert rnn_tui(*base, "--force").returncode == 0
    assert (tmp_path / "mine.json").read_text() != "precious"


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("--text", b"", ["data", "two or more"]),
        ("--text", b"a", ["data", "two or more"]),
        ("--text", b"ab\xff", ["data", "UTF-8"]),
        ("--csv", b"", ["data", "two or more"]),
        ("--csv", b"a,b\n1,2\n", ["data", "two or more"]),
        ("--csv", b"1,2\n3\n", ["data", "line 2", "2 as in the first"]),
        ("--csv", b"1,2\n3,x\n", ["data", "line 2, column 2", "'x'"]),
        ("--csv", b"1,2\n3,nan\n", ["data", "line 2, column 2", "finite"]),
        ("--csv", b"a,b\n\n1,2\n3,x\n", ["data", "line 4, column 2"]),
        ("--csv", b"1,2\n3," + b"4" * 200_000, ["data", "line 2"]),
        ("--csv", b"1,2\n3,1e999\n", ["data", "line 2, column 2", "finite"]),
    ],
)
def test_new_from_data_that_cannot_be_used(
    rnn_tui: Program, tmp_path: Path, kind: str, content: bytes, words: list[str]
) -> None:
    (tmp_path / "data").write_bytes(content)
    refused(rnn_tui("new", "--cell", "rnn", "--hidden", "2", kind, "data", "-o", "mine.json"), *words)
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--cell", "transformer"], "lstm"),
        (["--hidden", "0"], "--hidden"),
        (["--hidden", "-1"], "--hidden"),
        (["--hidden", "4096"], "weights"),
        (["--seed", "-1"], "--seed"),
        (["--text", "missing"], "missing"),
        (["--text", "."], "a directory"),
        (["-o", "no/such/folder/mine.json"], "no/such/folder"),
    ],
)
def test_new_refuses(rnn_tui: Program, tmp_path: Path, arguments: list[str], word: str) -> None:
    (tmp_path / "data").write_text(TEXT, "utf-8")
    base = ["new", "--cell", "rnn", "--hidden", "2", "--text", "data", "-o", "mine.json"]
    refused(rnn_tui(*base, *arguments), word)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("--length", ""),
        ("--initt", "did you mean --init?"),
        ("--forget-bais", "did you mean --forget-bias?"),
        ("--x", ""),
    ],
)
def test_a_suggestion_is_near(rnn_tui: Callable[..., Result], typed: str, hint: str) -> None:
    said = rnn_tui(
        "new", "--cell", "elman", "--hidden", "2", "--text", "a.txt", "-o", "x.json", typed, "25"
    ).stderr
    assert f"unrecognized arguments: {typed}" in said
    assert hint in said if hint else "did you mean" not in said
