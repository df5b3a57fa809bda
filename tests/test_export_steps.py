"""Steps as Markdown and as CSV: read back with other people's parsers, they are the numbers of the trace."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rnn_engine.errors import EngineError
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records, records_of, steps_between
from rnn_tui.export import markdown as md
from rnn_tui.export.files import format_of, suggested
from rnn_tui.export.steps import document
from rnn_tui.export.table import COLUMNS, token_cell
from tests.build import LESSONS, lesson, session, sessions

HOSTILE = (
    "<script>alert(1)</script>",
    "|",
    "a`b```c",
    "\x1b[31mred",
    "=cmd()",
    "# no",
    "[x](y)",
    "*_",
    "\u202e",
    "&lt;",
)
MEMBERS = ("values", "grads", "from", "adds", "sample", "predicted", "target", "totals", "epoch_totals")
NEURON = "h = tanh(W @ x + U @ h[t-1])\np = softmax(V @ h)\nloss = cross_entropy(p, y)"


def hostile() -> Session:
    """A session whose every word means something to somebody."""
    n = len(HOSTILE)
    return session(
        NEURON,
        {"W": [[0.1 * k for k in range(n)]], "U": [[0.5]], "V": [[0.3]] * n},
        title="<b>|`#` \x1b[2J",
        notes="> <img src=x onerror=alert(1)>\n- `|`",
        data={"vocabulary": list(HOSTILE), "inputs": list(HOSTILE), "targets": list(reversed(HOSTILE))},
        training={"optimizer": {"name": "sgd", "learning_rate": 0.1}, "iterations": 1},
        evaluate=True,
        generation={"prompt": [HOSTILE[0]], "length": 2, "mode": "greedy"},
    )


def told(s: Session, form: str, start: str | None = None, end: str | None = None, sequence: int = 0) -> str:
    return "".join(document(s, Timeline(s.run), form, steps_between(s, start, end), sequence=sequence))


# --- Markdown


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def words(token: Token) -> str:
    """What a reader sees of a line."""
    assert token.children is not None
    assert {child.type for child in token.children} <= {"text", "text_special", "softbreak"}, token
    return "".join(child.content for child in token.children)


def tables(text: str) -> list[list[list[str]]]:
    """Every table: its rows, of cells as a reader sees them."""
    found: list[list[list[str]]] = []
    for at, token in enumerate(tokens := parsed(text)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(words(tokens[at + 1]))
    return found


def number(cell: str) -> float | str:
    return cell if cell in ("NaN", "Infinity", "-Infinity") else float(cell)


def columns(table: list[list[str]]) -> dict[str, list[float | str]]:
    """The columns of numbers by their heads."""
    head, *body = table
    return {name: [number(row[k]) for row in body] for k, name in enumerate(head) if k}


def test_a_backward_step_reads_back_as_the_trace_has_it() -> None:
    s = lesson("hello")
    (record,) = records(s, "1:backward:3:z", "1:backward:3:z")
    text = told(s, "md", "1:backward:3:z", "1:backward:3:z")
    first, added, vector = tables(text)
    assert columns(first) == {"∂z": record["grads"]["z"], "from loss[3]": record["from"]["loss[3]"]}
    assert [row[0] for row in first[1:]] == list(s.dataset.vocabulary or ())
    assert added[0][0] == "adds to ∂W_hy"
    assert [[number(cell) for cell in row[1:]] for row in added[1:]] == record["adds"]["W_hy"]
    assert columns(vector) == {"value": record["adds"]["b_y"]}
    headings = [
        words(b) for a, b in zip(parsed(text), parsed(text)[1:], strict=False) if a.type == "heading_open"
    ]
    assert headings[:3] == [s.title, "1:backward:3:z", "What arrived"]
    assert "∂z = ∂loss * (p - y)" in text


def test_an_update_and_the_totals_read_back() -> None:
    s = lesson("hello")
    last = list(records(s, "1:backward:1", "1:backward:1"))[-1]
    found = {table[0][0]: table[1:] for table in tables(told(s, "md", last["address"], last["address"]))}
    for name, value in last["totals"].items():
        body = [[number(cell) for cell in row[1:]] for row in found[f"total ∂{name}"]]
        assert body == (value if isinstance(value[0], list) else [[v] for v in value])
    (record,) = records(s, "2:update:W_hh:w", "2:update:W_hh:w")
    text = told(s, "md", "2:update:W_hh:w", "2:update:W_hh:w")
    (table,) = tables(text)
    assert [[number(cell) for cell in row[1:]] for row in table[1:]] == record["values"]["w"]
    assert "w = w[i-1] - learning_rate * g" in text


def test_nothing_from_a_file_is_obeyed() -> None:
    """No tag, no emphasis, no link, no column, no code that a token opens; and none is lost."""
    s = hostile()
    text = told(s, "md")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<" not in "".join(line for line in text.splitlines() if not line.startswith(("∂", " ")))
    shown = {"\x1b[31mred": "␛[31mred", "\u202e": "<U+202E>"}
    labels = [shown.get(each, each) for each in HOSTILE]
    first = next(table for table in tables(text) if table[0][1] == "p")
    assert [row[0] for row in first[1:]] == labels
    kinds = {token.type for token in parsed(text)}
    assert "html_block" not in kinds
    assert not kinds & {"bullet_list_open", "ordered_list_open", "hr", "code_block"}
    for token in parsed(text):
        if token.type == "inline":
            words(token)
    width = {len(row) for table in tables(text) for row in table}
    assert width <= {2, 3, 4, len(HOSTILE) + 1}


@given(st.text())
def test_any_text_is_one_plain_line(text: str) -> None:
    for line in (md.plain(text), md.token(text)):
        tokens = parsed(f"x {line}")
        assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
        words(tokens[1])
        assert len(tables(f"| a | {line} |\n| --- | --- |\n")[0][0]) == 2
        if line.strip():
            assert [token.type for token in parsed(line)][:1] in (["paragraph_open"], ["code_block"])


@given(st.text(alphabet="`~ \na", min_size=1))
def test_nothing_ends_a_fence_but_its_own(text: str) -> None:
    tokens = parsed(md.fenced(text.split("\n")))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content == f"{text}\n"


def test_too_many_steps_are_refused_in_a_sentence() -> None:
    s = lesson("hello")
    with pytest.raises(EngineError, match=r"2800 steps are too many for Markdown.*expected 500 at most.*CSV"):
        told(s, "md")
    steps = range(s.schedule.total)
    pieces = list(document(s, Timeline(s.run), "md", steps, ["sample"]))
    assert len(pieces) == 1 + len(list(records(s, names=["sample"])))


def test_a_matrix_beyond_all_tables_is_named() -> None:
    n = md.MOST_CELLS
    s = session("h = W @ x\nloss = sum(h)", {"W": [[0.0] * n] * 2}, data={"inputs": [[1.0] * n]})
    assert f"**adds to ∂W**: {2 * n} numbers, too many for a table" in told(s, "md", "1:backward")


# --- CSV


def rows(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    found = list(reader)
    assert all(None not in row and None not in row.values() for row in found)
    return found


def leaves(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Every number of a record with the way to it; lists count from 0, and what is None is nothing."""
    if value is None:
        return {}
    members = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    )
    if members is None:
        return {path: value}
    return {where: leaf for key, each in members for where, leaf in leaves(each, (*path, key)).items()}


def expected(s: Session) -> list[tuple[Any, ...]]:
    """The rows that the records of a run make, from the trace by another way: its lists, level by level."""
    found: list[tuple[Any, ...]] = []
    for record in records(s):
        for member in MEMBERS:
            found += [
                (record["address"], *path, v) for path, v in leaves(record.get(member), (member,)).items()
            ]
    return found


@settings(max_examples=25)
@given(sessions())
def test_csv_has_every_number_of_the_trace_once_and_in_order(s: Session) -> None:
    text = told(s, "csv")
    made = rows(text)
    wanted = expected(s)
    assert len(made) == len(wanted)
    for row, (address, member, *path, value) in zip(made, wanted, strict=True):
        assert row["address"] == address
        assert row["member"].partition(".")[0] == member
        shown = [int(row[key]) for key in ("row", "column") if row[key]]
        assert [k for k in path if isinstance(k, int)][-len(shown) :] == shown or not shown
        if isinstance(value, float | int):
            assert float(row["value"]) == value
            assert row["value"] == repr(value)
        else:
            assert row["value"] == token_cell(value)


def test_csv_tells_sequences_from_elements() -> None:
    pair = [{"inputs": [[1.0, 0.0]], "targets": [1.0]}, {"inputs": [[0.0, 1.0]], "targets": [0.0]}]
    equations = "h = W @ x\nq = sum(h)\nloss = half_squared_error(q, y)"
    s = session(equations, {"W": [[1.0, 2.0], [3.0, 4.0]]}, data={"sequences": pair, "batch": 2})
    found = {
        (r["address"], r["name"], r["sequence"], r["row"], r["column"]): float(r["value"])
        for r in rows(told(s, "csv")) if r["member"] in ("values", "adds")
    }  # fmt: skip
    assert found["1:forward:1:h", "h", "2", "1", ""] == 4.0
    assert found["1:forward:1:q", "q", "1", "", ""] == 4.0
    assert found["1:forward:1:q", "q", "2", "", ""] == 6.0
    assert found["1:backward:1:h", "W", "", "0", "1"] == 3.0  # the mean of the two sequences


def test_csv_is_rfc_4180() -> None:
    text = told(hostile(), "csv")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    assert "\x1b" not in text


def test_a_spreadsheet_runs_no_token() -> None:
    found = rows(told(hostile(), "csv"))
    tokens = [r["value"] for r in found if r["member"] in ("sample", "predicted", "target")]
    assert "'=cmd()" in tokens
    for value in (row["value"] for row in found):
        assert not value.startswith(("=", "@", "+", "\t", "\r"))
        assert not value.startswith("-") or value == "-Infinity" or float(value) <= 0


@pytest.mark.parametrize(
    ("token", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("'x", "''x"),
        ("a", "a"),
        (" ", "␣"),
        ("\n", "␊"),
    ],
)
def test_a_token_as_a_cell(token: str, cell: str) -> None:
    assert token_cell(token) == cell


def test_no_value_no_row_and_no_number_is_spelled_out() -> None:
    s = session("h = exp(w * h[t-1] + w)", {"w": 500.0}, data={"steps": 3})
    assert [r["value"] for r in rows(told(s, "csv"))][1:] == ["Infinity", "Infinity"]
    assert "| h | inf |" in told(s, "md", "1:forward:2:h", "1:forward:2:h")


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_can_be_told(name: str) -> None:
    s = lesson(name)
    last = s.schedule.iterations
    timeline = Timeline(s.run)
    steps = steps_between(s, str(last), None)
    chosen = (
        range(steps.start, min(steps.stop, steps.start + 60)),
        range(max(steps.start, steps.stop - 40), steps.stop),
    )
    for some in chosen:
        text = "".join(document(s, timeline, "md", some))
        assert text.count("\n## ") == len(some)
        found = list(records_of(s, timeline, some))
        assert json.dumps(found, allow_nan=False)
        assert len(rows("".join(document(s, timeline, "csv", some)))) >= len(found) - text.count("undefined")


# --- names of files


@pytest.mark.parametrize(
    ("file", "asked", "found"),
    [
        ("a.svg", None, "svg"),
        ("A.PNG", None, "png"),
        ("a.b.md", None, "md"),
        ("-", "txt", "txt"),
        ("a.svg", "csv", "csv"),
    ],
)
def test_the_suffix_says_the_format_unless_it_is_asked_for(file: str, asked: str | None, found: str) -> None:
    assert format_of(file, asked) == found


@pytest.mark.parametrize(
    ("file", "words"), [("a", "no suffix"), ("a.gif", "'gif' is no format"), ("-", "--format")]
)
def test_without_a_format_the_formats_are_named(file: str, words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        format_of(file)
    assert "svg" in str(caught.value)


def test_a_suggested_name_is_a_name() -> None:
    assert suggested("hello", "1:backward:3:h") == "hello-1-backward-3-h.svg"
    assert Path(suggested("../\x1b[2J|a b", "1:update:W_hh:w")).name == "2J-a-b-1-update-W_hh-w.svg"
    assert len(suggested("x" * 500, "1")) < 120


def test_without_a_title_the_file_stands_for_it(tmp_path: Path) -> None:
    s = session("h = h[t-1] + 1", {}, data={"steps": 1})
    assert told(s, "md").startswith("# untitled\n")
    s.save(tmp_path / "counting.json")
    assert told(s, "md").startswith("# counting.json\n")
