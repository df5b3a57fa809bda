"""What if, as a person does it: the controller's answers, the keys, the prompt, the marks, the file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from textual.events import Key
from textual.widgets import Input

from rnn_engine.replay import dumps
from rnn_engine.session import Session
from rnn_tui.controller import Controller
from rnn_tui.edits import Prompt
from rnn_tui.questions import Spot
from rnn_tui.render.pane import Manner, PaneView, draw_pane
from rnn_tui.render.spans import text_of
from rnn_tui.screens.dialogs import AskScreen, MarksScreen, SureScreen
from rnn_tui.text import ascii_text
from tests.build import lesson, session
from tests.conftest import Result
from tests.terminal import Program
from tests.test_screen_app import keys, screen_text, settled, until
from tests.test_screen_app import session as screen_of
from tests.test_views import opened

BPTT = "hi-there-class-bptt"
NOTHING = "nothing to undo: nothing is set by hand"
H2: Spot = ("hidden", "h", 2, 0)


def controller(at: str = "3:forward:3:h", name: str = BPTT) -> Controller:
    found = Controller(lesson(name))
    assert found.go_to(at) == ""
    return found


def value(found: Controller, spot: Spot) -> float:
    pane, key, row, column = spot
    return float(next(m for m in found.snapshot.panes[pane] if m.key == key).values[row, column])


def would_lose(found: Controller) -> bool:
    return found.unsaved


# ---------------------------------------------------------------- the controller


@pytest.mark.parametrize(
    ("text", "result"),
    [("0.5", 0.5), (" -1e-3 ", -0.001), ("+2", 2.0), ("*2", 2.0), ("*= 3", 3.0), ("/2", 0.5), ("+=0.5", 1.5),
     ("-=.25", 0.75)],
)  # fmt: skip
def test_what_can_be_typed(text: str, result: float) -> None:
    found = controller()
    assert found.edit(H2, "1") == ""
    assert found.edit(H2, text) == ""
    assert value(found, H2) == result


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a number, or such as *2"),
        ("abc", '"abc" is no number'),
        ("0,5", "is no number"),
        ("nan", "no finite number; expected a number, or such as *2 or +=0.1"),
        ("inf", "no finite number"),
        ("1e999", "no finite number"),
        ("/0", "divided by 0"),
        ("*", "is no number"),
        ("null", "is no number"),
        ("\x1b[2J", r'"\u001b[2J" is no number'),
    ],
)
def test_what_cannot(text: str, words: str) -> None:
    found = controller()
    before = dumps(found.session.to_replay())
    for said in (found.edit_refused(H2, text), found.edit(H2, text)):
        assert words in said
        assert "\n" not in said
    assert dumps(found.session.to_replay()) == before
    assert not would_lose(found)


@pytest.mark.parametrize(
    ("at", "spot", "words"),
    [
        ("3:backward:2:h", ("gradients", "∂h", 1, 0), "a gradient follows from other numbers"),
        (
            "3:forward:2:h",
            ("hidden", "h", 3, 0),
            "h[3] is not computed yet at 3:forward:2:h; g 3:forward:3:h goes",
        ),
        ("1:forward:1:h", ("gradients", "∂W_hh", 0, 0), "a gradient follows from other numbers"),
        ("3:forward:2:h", ("hidden", "h", 9, 0), "there is no cell here"),
        ("3:forward:2:h", ("hidden", "k", 0, 0), "there is no cell here"),
    ],
)
def test_what_is_not_to_be_set(at: str, spot: Spot, words: str) -> None:
    found = controller(at)
    for said in (found.edit_prompt(spot), found.edit_refused(spot, "1"), found.edit(spot, "1")):
        assert isinstance(said, str) and words in said


def test_generation_reads_what_it_drew() -> None:
    found = controller("60:generate:3:h", "hello")
    assert "generation reads its prompt" in found.edit(("inputs", "x", 0, 0), "h")
    assert found.edit(("hidden", "h", 2, 0), "0.5") == ""
    assert found.session.edits[0].address == "60:generate:2:h"
    assert found.edit(("hidden", "h", 0, 0), "0.5") == ""
    assert found.session.edits[1].initial == "h"


def test_the_prompt_says_what_it_is_and_what_may_be_typed() -> None:
    found = controller()
    assert found.edit_prompt(H2) == Prompt(
        "Set h[2][0]", repr(value(found, H2)), "0.5 · -1e-3 · *2 · /2 · +=0.1 · -=0.1"
    )
    found.edit(H2, "1")
    prompt = found.edit_prompt(H2)
    assert isinstance(prompt, Prompt)
    assert prompt.present == "1.0"
    assert prompt.hint.endswith("nothing: as it was")
    assert found.edit_prompt(("inputs", "x", 1, 1)) == Prompt(
        "Set y[2]", "class", "a token of the vocabulary: hi, there, class, ! · null: none"
    )


def test_tokens_are_words_of_the_vocabulary() -> None:
    found = controller()
    words = '"clas" is not in the vocabulary: "hi", "there", "class", "!"'
    assert found.edit(("inputs", "x", 1, 0), "clas") == words
    assert found.edit(("inputs", "x", 1, 0), "class") == ""
    assert found.edit(("inputs", "x", 1, 1), "null") == ""
    assert [edit.value for edit in found.session.edits] == ["class", None]
    prompt = found.edit_prompt(("inputs", "x", 1, 1))
    assert isinstance(prompt, Prompt) and prompt.present == "null"
    spaces = Controller(
        session(
            "p = softmax(W @ x)",
            {"W": [[1.0, 2.0], [0.0, 1.0]]},
            data={"inputs": [" ", "a", " "], "vocabulary": [" ", "a"]},
        )
    )
    prompt = spaces.edit_prompt(("inputs", "x", 0, 0))
    assert isinstance(prompt, Prompt) and prompt.present == "␣"
    assert spaces.edit(("inputs", "x", 1, 0), "␣") == ""
    assert spaces.edit(("inputs", "x", 1, 0), " ") == ""
    assert spaces.session.edits[0].value == " "


def test_a_large_vocabulary_is_not_listed() -> None:
    words = [f"w{n}" for n in range(64)]
    large = Controller(
        session(
            "p = softmax(W @ x)",
            {"W": [[1.0] * 64, [0.0] * 64]},
            data={"inputs": ["w1", "w2"], "vocabulary": words},
        )
    )
    assert large.edit(("inputs", "x", 0, 0), "w6 3") == (
        '"w6 3" is not in the vocabulary of 64 tokens: "w0", "w1", "w2", …; did you mean "w63"?'
    )
    prompt = large.edit_prompt(("inputs", "x", 0, 0))
    assert isinstance(prompt, Prompt) and prompt.hint.endswith("w7, …")


def test_setting_a_number_again_takes_the_place_of_the_edit_and_nothing_takes_it_away() -> None:
    found = controller()
    first, before = value(found, H2), dumps(found.session.to_replay())
    for text in ("1", "2", "3"):
        found.edit(H2, text)
    assert len(found.session.edits) == 1
    assert found.edit(H2, "") == ""
    assert value(found, H2) == first
    assert found.edits() == ()
    assert not would_lose(found)
    assert found.undo() == "undone: h[2][0] as it was"
    assert value(found, H2) == 3.0
    assert [found.undo() for _ in range(4)][2:] == ["undone: h[2][0] = 1.0 in iteration 3", NOTHING]
    assert dumps(found.session.to_replay()) == before
    assert found.redo() == "done again: h[2][0] = 1.0 in iteration 3"
    found.edit(H2, "7")
    assert found.redo() == "nothing to redo: no edit is taken back"


def test_edits_are_saved_and_then_nothing_would_be_lost(tmp_path: Path) -> None:
    found = controller()
    found.edit(H2, "0.75")
    assert would_lose(found)
    file = str(tmp_path / "what-if.json")
    found.save(file)
    assert not would_lose(found)
    again = Controller.open(file)
    assert value(again, H2) == 0.75
    assert again.edits() == (("3:forward:2:h", "h[2][0] = 0.75 in iteration 3", ""),)
    assert again.undo() == "undone: h[2][0] = 0.75 in iteration 3"
    assert again.undo() == NOTHING
    assert would_lose(again)
    assert again.redo() == "done again: h[2][0] = 0.75 in iteration 3"
    assert not would_lose(again)
    found.undo()
    assert would_lose(found), "the file has an edit that the session has not"
    found.redo()
    assert not would_lose(found)


def test_a_long_way_after_an_edit_can_be_stopped_and_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = controller("500:forward", "alternating-bits")
    before, timeline = dumps(found.session.to_replay()), found.timeline
    asked = iter([False] * 60 + [True])
    monkeypatch.setattr(found._stop, "is_set", lambda: next(asked))
    assert found.edit(("inputs", "x", 0, 0), "0.5") == "stopped at iteration 61; nothing is changed"
    monkeypatch.undo()
    assert dumps(found.session.to_replay()) == before
    assert found.timeline is timeline
    assert found.undo() == NOTHING
    assert found.edit(("inputs", "x", 0, 0), "0.5") == ""


# ---------------------------------------------------------------- the keys


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_set_and_take_back_and_all_is_as_before(size: tuple[int, int]) -> None:
    async with opened(BPTT, "3:forward:3:h", size) as pilot:
        await keys(pilot, "k")
        before = screen_text(pilot)
        await keys(pilot, "e")
        assert isinstance(pilot.app.screen, AskScreen)
        shown = pilot.app.screen.query_one(Input)
        assert shown.value == repr(value(screen_of(pilot).controller, H2))  # type: ignore[arg-type]
        await pilot.press("x")
        assert shown.value == "x", "typing replaces what stood there"
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.query_one("#said").has_class("refused"))
        await pilot.press("backspace", "0", ".", "9", "enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, AskScreen))
        await settled(pilot)
        text = screen_text(pilot)
        assert "✎ 0.9000" in text or "✎0.9000" in text
        assert "1 edit" in text
        assert "set by hand: h[2][0] = 0.9 in iteration 3; u undoes it" in text
        await keys(pilot, "u")
        assert "undone: h[2][0] = 0.9" in screen_text(pilot)
        await keys(pilot, "v", "h")  # ends the message
        assert screen_text(pilot) == before
        await keys(pilot, "U")
        assert "✎" in screen_text(pilot)
        await keys(pilot, "q")
        assert isinstance(pilot.app.screen, SureScreen)


async def test_what_is_typed_before_a_dialog_is_there_is_meant_for_it() -> None:
    """Over a slow line keys come in a bunch."""
    async with opened(BPTT, "3:forward:2:h") as pilot:
        screen = screen_of(pilot)
        for bunch, done in (
            (("e", "0", ".", "9", "enter"), lambda: len(screen.controller.edits()) == 1),
            (("g", "4", "enter"), lambda: screen.snapshot.address == "3:forward:4:h"),
            (("g", "2", "enter", "right"), lambda: screen.snapshot.address == "3:forward:2:z"),
            (("m", "n", "m", "enter", "x", "enter"), lambda: bool(screen.controller.marks())),
            (("e", "ctrl+u", "*", "2", "enter"), lambda: len(screen.controller.edits()) == 2),
            (("m", "q", "enter"), lambda: isinstance(pilot.app.screen, AskScreen)),
        ):
            for key in bunch:
                pilot.app.post_message(Key(key, key if len(key) == 1 else None))
            await until(pilot, done)
            await settled(pilot)
        assert value(screen.controller, H2) == 0.9  # type: ignore[arg-type]  # a real one
        await until(pilot, lambda: pilot.app.screen.query(Input).first().value == "q")
        assert ("3:forward:2:z", "nm", "x") in screen.controller.marks()


@pytest.mark.parametrize(
    ("name", "at", "titled", "then"),
    [
        ("hello", "1:update:W_xh:g", "g of W_xh[0,e]", "set W_xh[0,e] instead"),
        (BPTT, "2:backward:3:loss", "∂loss[3]", "set a value, a weight or an input instead"),
        (BPTT, "end", "b_y[hi]", ""),
    ],
)
async def test_what_is_set_is_the_number_in_the_title(name: str, at: str, titled: str, then: str) -> None:
    async with opened(name, at) as pilot:
        screen = screen_of(pilot)
        assert titled in screen_text(pilot)
        await keys(pilot, "e")
        if then:
            await until(pilot, lambda: titled in screen.said and then in screen.said)
        else:
            await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
            assert f"Set {titled}" in str(pilot.app.screen.query("Static").first().render())


async def test_quitting_offers_to_save_first(tmp_path: Path) -> None:
    async with opened(BPTT) as pilot:
        found = screen_of(pilot).controller
        found.add_mark("here")
        await keys(pilot, "q")
        await until(pilot, lambda: isinstance(pilot.app.screen, SureScreen))
        assert "s save, then quit" in str(pilot.app.screen.query("Static").last().render())
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "mine.json")
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.is_running)
        assert "here" in [mark.name for mark in Session.load(tmp_path / "mine.json").marks]


async def test_with_an_explanation_open_too() -> None:
    async with opened("hello", "1:update:W_xh:g") as pilot:
        screen = screen_of(pilot)
        await keys(pilot, "enter")
        await until(pilot, lambda: screen.view_name == "why")
        await keys(pilot, "e")
        await until(pilot, lambda: "set W_xh[0,e] instead" in screen.said)


@pytest.mark.parametrize("pause", range(12))
async def test_no_key_is_lost_while_a_dialog_comes(pause: int) -> None:
    """However far it has come: pushed, mounted, with a line or without."""
    async with opened(BPTT, "3:forward:2:h") as pilot:
        screen = screen_of(pilot)
        before = value(screen.controller, H2)  # type: ignore[arg-type]  # a real one
        pilot.app.post_message(Key("e", "e"))
        for _ in range(pause):
            await asyncio.sleep(0)
        for key in ("ctrl+u", "*", "2", "enter"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(0)
        await until(pilot, lambda: bool(screen.controller.edits()))
        await settled(pilot)
        assert value(screen.controller, H2) == 2 * before  # type: ignore[arg-type]  # a real one


async def test_escape_sets_nothing() -> None:
    async with opened(BPTT, "3:forward:3:h") as pilot:
        before = screen_text(pilot)
        await keys(pilot, "e")
        await pilot.press("9", "escape")
        await settled(pilot)
        assert screen_text(pilot) == before


async def test_keys_before_and_after_keep_their_order() -> None:
    async with opened(BPTT, "3:forward:1:a") as pilot:
        await pilot.press("right", "right", "right", "e")
        await settled(pilot)
        assert isinstance(pilot.app.screen, AskScreen)
        await pilot.press("escape")
        await keys(pilot, "u", "u")
        assert "nothing to undo" in screen_text(pilot)
        await keys(pilot, "U")
        assert "nothing to redo" in screen_text(pilot)


async def test_an_open_explanation_follows_an_edit_and_so_does_one_gone_back_to() -> None:
    async with opened(BPTT, "3:forward:3:h") as pilot:
        await keys(pilot, "enter")
        assert "why h[3][0]" in screen_text(pilot)
        first = screen_text(pilot)
        await keys(pilot, "enter")
        assert screen_of(pilot).snapshot.address != "3:forward:3:h"
        await keys(pilot, "e")
        await pilot.press("0", ".", "5", "enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, AskScreen))
        await settled(pilot)
        assert "is set by hand" in screen_text(pilot)
        await keys(pilot, "backspace")
        await settled(pilot)
        now = screen_text(pilot)
        view = screen_of(pilot).explorer.view
        assert view is not None and not view.stale(screen_of(pilot).controller)
        assert "why h[3][0]" in now and now != first


async def test_the_list_of_edits_goes_there() -> None:
    async with opened(BPTT, "3:forward:3:h") as pilot:
        screen = screen_of(pilot)
        screen.action_edits()
        await settled(pilot)
        assert "nothing is set by hand" in screen_text(pilot)
        controller = screen.controller
        await screen.driver.submit(lambda: controller.edit(H2, "0.5"))
        screen.action_edits()
        await settled(pilot)
        assert isinstance(pilot.app.screen, MarksScreen)
        await pilot.press("enter")
        await until(pilot, lambda: screen.snapshot.address == "3:forward:2:h")


def test_without_unicode_the_mark_is_still_there() -> None:
    found = controller()
    found.edit(H2, "0.5")
    for pane, text in (("hidden", "=0.5000"), ("inputs", "=class")):
        if pane == "inputs":
            found.edit(("inputs", "x", 1, 0), "class")
        manner = Manner(across=pane == "inputs")
        view = PaneView(pane, "x", found.snapshot.panes[pane], manner=manner)
        shown = ascii_text("\n".join(text_of([line]) for line in draw_pane(view, 60, 12).lines))
        assert text in shown.replace("= ", "=")


# ---------------------------------------------------------------- the real terminal, the command line


@pytest.fixture(params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    columns, rows = request.param
    found = Program([BPTT], columns, rows, tmp_path)
    yield found
    found.close()


def test_a_what_if_in_a_terminal_is_saved_and_traced(program: Program, tmp_path: Path) -> None:
    program.press("", then="1:forward:1:a")
    program.press("g1:forward:2:h\r", then="h[2] changes")
    before = program.lines
    program.press("e", then="Set h[2][0]")
    program.press("none\r", then='"none" is no number')
    program.press("\x15", then="Set h[2][0]")
    program.press("0.25\r", then="u undoes it")
    assert any("0.25" in line and "✎" in line for line in program.lines)
    program.press("u", then="undone: h[2][0] = 0.25")
    program.press("\x1b", then="h[2] changes")
    assert program.lines == before
    program.press("U", then="done again")
    program.press("O", then="Save as")
    program.press("\x15", then="Save as")
    program.press("mine.json\r", then="saved mine.json")
    [edit] = json.loads((tmp_path / "mine.json").read_bytes())["edits"]
    assert edit == {"address": "1:forward:2:h", "index": [0], "value": 0.25}
    assert Session.load(tmp_path / "mine.json").edits


def test_edits_on_the_command_line(rnn_tui: Callable[..., Result], tmp_path: Path) -> None:
    run = rnn_tui
    file = str(tmp_path / "what-if.json")
    one = json.dumps({"address": "3:forward:2:h", "index": [0], "value": 0.5})
    two = json.dumps({"parameter": "b_h", "iteration": 4, "index": [0], "value": -1})
    made: Result = run("edits", BPTT, "--set", one, "--set", two, "-o", file)
    assert (made.returncode, made.stdout) == (
        0, "3:forward:2:h  h[2][0] = 0.5 in iteration 3\n4:forward:1:a  b_h[0] = -1.0 from iteration 4 on\n",
    )  # fmt: skip
    traced: Result = run("trace", file, "--from", "3:forward:2:h", "--to", "3:forward:2:h", "--json")
    assert json.loads(traced.stdout)["values"] == {"h": [0.5]}
    narrated: Result = run("narrate", file, "--from", "3:forward:2:h", "--to", "3:forward:2:h")
    assert "h[2][0] is set by hand." in narrated.stdout
    other: Result = run("edits", file, "--set", one.replace("0.5", "0.75"), "--json")
    assert [edit["value"] for edit in json.loads(other.stdout)] == [0.75, -1.0]
    assert run("edits", BPTT).stderr == "nothing is set by hand\n"
    for change, words in (
        ("h=3", "--set: not JSON at line 1"),
        ('{"adress": "1:forward:1:h", "value": 1}', 'unknown member "adress"; did you mean "address"?'),
        ('{"address": "1:forward:1:h", "value": "x"}', "--set: $.value"),
        ('{"address": "1:forward:9:h", "value": 1}', "there is no time step 9"),
    ):
        refused: Result = run("edits", BPTT, "--set", change)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert words in refused.stderr
        assert refused.stderr.count("\n") == 1
    again: Result = run("edits", BPTT, "-o", file)
    assert again.returncode == 2 and "--force replaces it" in again.stderr


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_the_footer_offers_to_set_what_can_be_set(size: tuple[int, int]) -> None:
    async with opened("hello", "1:backward:4:loss", size) as pilot:
        assert "e set" not in screen_text(pilot).splitlines()[-1]
        await keys(pilot, "v", "w")
        assert ("e set" in screen_text(pilot).splitlines()[-1]) == (size[0] != 120)
        assert "edit" not in screen_of(pilot)._idle
        await keys(pilot, "v", "g")
        assert "edit" in screen_of(pilot)._idle


@pytest.mark.parametrize(
    "at", ["1:forward:2:h", "1:backward:2:h", "1:update:W_hh:g", "1:update:W_hh:w", "end"]
)
def test_what_can_be_set_is_what_is_asked_for(at: str) -> None:
    found = controller(at, "hello")
    seen = found.snapshot
    answers = set()
    for pane, matrices in seen.panes.items():
        for matrix in matrices:
            for row, column in np.ndindex(matrix.values.shape):
                spot = (pane, matrix.key, row, column)
                can = found.can_set(seen, spot)
                assert can == (not isinstance(found.edit_prompt(spot), str))
                answers.add(can)
    assert answers == {True, False}
