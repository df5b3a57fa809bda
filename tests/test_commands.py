"""The one table of commands, and what is made of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rnn_tui.app import RnnTuiApp
from rnn_tui.commands import COMMANDS, GROUPS, VIEWS, command, keys_in, keys_markdown
from rnn_tui.render.lines import FooterView, draw_footer
from rnn_tui.render.spans import text_of
from rnn_tui.screens.arranging import Arranging
from rnn_tui.screens.explorer import Explorer
from rnn_tui.screens.predicting import Predicting
from rnn_tui.screens.session import SessionScreen


def test_ids_are_unique_and_so_are_keys_in_every_view() -> None:
    assert max(Counter(entry.id for entry in COMMANDS).values()) == 1
    for view in ("", *VIEWS):
        here = [entry for entry in COMMANDS if (view in entry.where if view else not entry.where)]
        assert here
        assert max(Counter(key for entry in here for key in entry.keys).values()) == 1


def test_what_reverses_is_reversed() -> None:
    for entry in COMMANDS:
        if entry.reverse:
            assert command(entry.reverse).reverse == entry.id


def test_a_capital_is_the_same_thing_backward() -> None:
    """The rule a person can rely on: n and N, f and F, …; O, P and X write a file instead."""
    keys = keys_in("")
    for key, entry in keys.items():
        if len(key) == 1 and key.islower() and key.upper() in keys and key not in "opx":
            assert entry.reverse == keys[key.upper()].id


def test_every_view_is_left_by_keys_that_its_footer_shows() -> None:
    for view in VIEWS:
        for wide in (60, 80, 120):
            line = text_of([draw_footer(FooterView(view=view), wide)])
            assert view != "predict" or wide < 80 or "a show" in line
            leave = {"predict": "p end", "arrange": "q as before"}.get(view, "q close")
            assert leave in line, (view, wide, line)
            assert "? help" in line
        here = keys_in(view)
        assert here["question_mark"].id == "help"
        assert here["ctrl+c"].id == "stop"


def test_what_a_view_does_the_view_can_do() -> None:
    acts = {
        **Explorer(None)._acts,  # type: ignore[arg-type]  # only its table is looked at
        **Predicting(None)._acts,  # type: ignore[arg-type]  # likewise
        **Arranging(None)._acts,  # type: ignore[arg-type]  # likewise
    }
    assert {entry.id for entry in COMMANDS if entry.where} == {*acts, "answer"}


def test_every_action_exists() -> None:
    for entry in COMMANDS:
        name = entry.action.partition("(")[0]
        owner = RnnTuiApp if name.startswith("app.") else SessionScreen
        assert hasattr(owner, f"action_{name.removeprefix('app.')}"), entry


def test_no_function_keys_and_no_chords_but_those_of_every_program() -> None:
    for entry in COMMANDS:
        for key in entry.keys:
            assert key in ("ctrl+c", "ctrl+z", "shift+tab") or "+" not in key
            assert not (key[0] == "f" and key[1:].isdecimal())


def test_groups_are_known_and_helps_are_sentences_without_a_full_stop() -> None:
    for entry in COMMANDS:
        assert entry.group in GROUPS
        assert entry.help
        assert not entry.help.endswith(".")
        assert "[" not in entry.help  # Textual's palette would read it as markup


def test_the_document_is_up_to_date() -> None:
    document = Path(__file__).parent.parent / "docs" / "keys.md"
    assert document.read_text(encoding="utf-8") == keys_markdown(), "run: python tools/make_keys.py"
