"""The door for text from outside: whatever goes in, what comes out can only be drawn."""

from __future__ import annotations

import ast
import json
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rnn_tui.text import (
    MARKS_IN_A_ROW,
    ONE_CELL,
    ascii_text,
    cells,
    clip,
    content,
    safe_text,
    token_text,
    wrap,
)
from tests.conftest import ROOT

ANYTHING = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
NAUGHTY = (
    "\x1b]0;PWNED\x1b\\", "\x1b[2J", "\x9b2J", "\x1b]52;c;QUFBQQ==\x07", "\x0e", "\x00", "\x7f", "\u202eevil",
    "[@click=app.exit()]x[/]", "[/foo]", "a\u200bb", "\u2066x", "z" + "\u0301" * 40, "\ud800", "e\ufe0f",
)  # fmt: skip


@given(ANYTHING)
def test_nothing_that_comes_out_can_steer_a_terminal(text: str) -> None:
    assert safe_text(text).isprintable()


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_strings_come_out_harmless_and_visible(text: str) -> None:
    out = safe_text(text)
    assert out.isprintable()
    assert out.strip()


@given(ANYTHING)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    once = safe_text(text)
    assert safe_text(once) == once


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "S"])))
def test_plain_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@given(ANYTHING, st.integers(0, 30))
def test_a_limit_counts_cells(text: str, limit: int) -> None:
    out = safe_text(text, limit_cells=limit)
    assert cells(out) <= limit
    assert out == safe_text(text) or out.endswith("…") or limit == 0


def test_marks_on_one_base_are_capped() -> None:
    out = safe_text("a" + "\u0301" * 50 + "b")
    assert sum(category(character) == "Mn" for character in out) == MARKS_IN_A_ROW


def test_controls_have_faces() -> None:
    assert safe_text("\x1b[31m\x7f\u202e") == "␛[31m␡<U+202E>"


def test_newlines_stay_only_where_asked() -> None:
    assert safe_text("a\r\nb") == "a b"
    assert safe_text("a\nb", multiline=True) == "a\nb"


def test_white_space_of_a_token_is_visible() -> None:
    assert [token_text(text) for text in (" ", "\n", "a b", " a", "")] == ["␣", "␊", "a b", "␣a", "␀"]


@given(ANYTHING)
def test_ascii_keeps_the_width(text: str) -> None:
    text = safe_text(text)
    assert ascii_text(text).isascii()
    marks = any(category(character) in ("Mn", "Me", "Mc") for character in text)
    assert marks or sum(map(cells, text)) != cells(text) or cells(ascii_text(text)) == cells(text)


@given(ANYTHING, st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    text = safe_text(text)
    lines = wrap(text, width)
    assert all(sum(map(cells, line)) <= width or len(line) == 1 or cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wide_characters_are_cut_whole() -> None:
    assert clip("漢字かな", 4) == "漢…"
    assert cells(clip("漢字かな", 4)) == 3


@given(ANYTHING)
def test_content_is_never_markup(text: str) -> None:
    made = content(text)
    assert made.plain == safe_text(text)
    assert all(not span.style or isinstance(span.style, str) for span in made.spans)


def test_content_does_not_read_markup() -> None:
    made = content("[@click=app.exit()]x[/] [b]y[/b] [/foo]")
    assert made.plain == "[@click=app.exit()]x[/] [b]y[/b] [/foo]"
    assert not made.spans


def test_what_is_printed_as_it_is_may_be_printed_and_takes_one_cell_each() -> None:
    plain = [chr(code) for code in range(0x11000) if ONE_CELL.fullmatch(chr(code))]
    assert {" ", "~", "∂", "Σ", "·", "…", "│", "▸", "⣿"} <= set(plain)
    for character in plain:
        assert character.isprintable()
        assert cell_len(character) == 1
        assert category(character) not in ("Mn", "Me", "Cf", "Cn")


@pytest.mark.parametrize("folder", ["rnn_tui", "rnn_engine", "sessions"])
def test_all_that_we_write_ourselves_has_its_like_in_ascii(folder: str) -> None:
    """All string literals but tables of characters; and the lessons."""
    tables = {"text.py", "glyphs.py", "cells.py", "labels.py"}
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
                ours = node.value if path.name not in tables else ""
                assert ascii_text(ours).count("?") == ours.count("?"), (path.name, node.lineno, ours)
    for path in sorted((ROOT / folder).glob("*.json")):
        text = json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False)
        assert ascii_text(text).count("?") == text.count("?"), path.name


def test_the_transpose_the_tick_and_the_corner_in_ascii() -> None:
    assert ascii_text("W_hhᵀ @ ∂a[t+1]") == "W_hh' @ da[t+1]"
    assert ascii_text("t╲k") == "t\\k"
    assert ascii_text("✓≠") == "=!"
    assert ascii_text("▔▁▐") == "- |"  # Textual's frames and bars


def test_signs_that_stand_near_each_other_are_told_apart_in_ascii() -> None:
    for together in ("▸←→↑↓•", "▲▼↑↓▸", "±…≈−", "◎●◉", "▲▼-~=#+*%@,'"):
        assert len(set(ascii_text(together))) == len(together)
