"""Sentences that name keys: as they are bound, and only those that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from rnn_tui import motions
from rnn_tui.commands import COMMANDS, KEYS
from rnn_tui.controller import Controller
from rnn_tui.rebind import rebound
from rnn_tui.screens.dialogs import AskScreen, SureScreen
from rnn_tui.screens.help import HelpScreen
from rnn_tui.tour import STOPS, Tour
from tests.build import lesson, session
from tests.strategies import MOTIONS
from tests.test_screen_app import keys, screen_text, until
from tests.test_screen_app import session as screen_of
from tests.test_views import opened

NAMED = {name: f"<{name}>" for name in KEYS}
"""Sentences then say which commands they name."""
BACK = {f"{name}_back" for name in motions.BY_NAME}


@pytest.mark.parametrize("name", ["hello", "i-love-cats", "truncated-bptt", "hi-there", "batch"])
@pytest.mark.parametrize("start", ["home", "end", "50%"])
def test_a_refusal_names_only_what_works(name: str, start: str) -> None:
    c = Controller(lesson(name), keys=NAMED)
    for motion in MOTIONS:
        c.go_to(start)
        c.move(motion, 1 if motion.startswith("into") else 10_000)
        place, said = c.place, c.move(motion)
        for named in set(re.findall(r"<(\w+)>", said)) & {*motions.BY_NAME, *BACK, "mark_next", "mark_back"}:
            c.return_to(place)
            assert c.move(named) == "", (motion, said)


def test_at_the_ends_of_the_run() -> None:
    c = Controller(lesson("hello"), keys=NAMED)
    c.move("end")
    assert c.move("time").endswith("; <phase_back> goes back")
    assert c.move("phase") == "already in the last phase; <phase_back> goes back"
    c.move("home")
    assert c.move("time_back") == "no earlier time step in this phase; <phase> goes to the next phase"


def test_a_run_of_one_step_names_no_way() -> None:
    c = Controller(session("h = h[t-1] + 1", data={"steps": 1}))
    assert c.move("step") == c.move("step_back") == "this session has one step only"
    assert c.move("phase").startswith("this session has one phase only")


def test_the_only_mark_is_no_way_on() -> None:
    c = Controller(session("h = h[t-1] + 1"), keys=NAMED)
    c.add_mark("here")
    assert c.move("mark_next") == "no mark further on; <marks> lists them all"
    assert c.move("mark_back") == "no mark before this; <marks> lists them all"


def test_the_controller_speaks_of_the_keys_it_was_given(tmp_path: Path) -> None:
    c = Controller(lesson("hello"), keys=NAMED)
    assert "<sequence> and <sequence_back> are for batches" in c.move("sequence")
    c.session.marks = []
    assert c.move("mark_next") == "there are no marks; <mark> sets one"
    assert "; <go> 1:forward:3:h goes to where it is" in str(c.cell_at(("hidden", "h", 3, 0)))
    assert "; <go> 1:forward:3:h goes to where it is" in str(c.edit_prompt(("hidden", "h", 3, 0)))
    assert str(c.spot_to_set("a[3][0]")).endswith("; <go> a[3][0] goes to the step that made it")
    c.save(str(tmp_path / "a.json"))
    again = Controller.open(str(tmp_path / "a.json"), keys=NAMED)
    assert again.move("step_back") == "already at the first step; <step> goes on, <end> to the last"


def test_every_sentence_with_braces_names_commands() -> None:
    from rnn_tui.panes import gradients, hidden, inputs, output, weights
    from rnn_tui.screens import arranging, flow, full, predicting, why

    panes = (gradients.Gradients, hidden.Hidden, inputs.Inputs, output.Output, weights.Weights)
    texts = [
        *(pane.EXPLAINS for pane in panes),
        flow.FlowPanel.EXPLAINS, why.WhyPanel.EXPLAINS, full.FullPanel.EXPLAINS,
        predicting.EXPLAINS, arranging.EXPLAINS, arranging.SAID, *(stop.words for stop in STOPS),
    ]  # fmt: skip
    for text in texts:
        assert "{" not in text.format_map(KEYS)


def test_helps_name_keys_as_bound() -> None:
    table = rebound({"scale_of": "ctrl+y", "palette": "f2", "step": "f3", "left": "f4"}, "file")
    helps = {entry.id: entry.help for entry in table}
    assert "(5Ctrl-Y: at ±5)" in helps["scale_of"]
    assert "(F2)" in helps["edits"]
    assert "12 then F3" in helps["count"]
    assert Tour(4).hint(table)[2] == "goes to the next pane; F4 j k l choose a number in it"
    assert "{" not in "".join(entry.help for entry in COMMANDS)


async def test_messages_name_keys_as_bound() -> None:
    table = rebound({"mark": "M", "undo": "ctrl+u", "edit": "ctrl+e", "why": "f2"}, "file")
    async with opened(session("h = h[t-1] + 1"), commands=table) as pilot:
        await keys(pilot, "apostrophe")
        assert "no marks yet; M sets one here" in screen_text(pilot)
        await keys(pilot, "a")
        assert "there are no marks; M sets one" in screen_text(pilot)
        screen_of(pilot).action_edits()
        await keys(pilot)
        assert "nothing is set by hand; Ctrl-E sets" in screen_text(pilot)
        await keys(pilot, "backspace")
        assert "nothing to go back to; F2 asks why" in screen_text(pilot)
        await keys(pilot, "ctrl+e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
        await keys(pilot, "5", "enter")
        await until(pilot, lambda: "set by hand" in screen_of(pilot).said)
        assert "; Ctrl-U undoes it" in screen_text(pilot)


async def test_predict_mode_names_keys_as_bound() -> None:
    table = rebound(
        {"reveal": "f2", "end_predict": "f3", "numbers": "f4", "terms": "f5", "shape": "f6", "give": "f7",
         "ask_next": "f8", "ask_before": "f9", "step": "f10"}, "file",
    )  # fmt: skip
    async with opened("hello", "1:forward:1:h", commands=table) as pilot:
        await keys(pilot, "p")
        assert "F7 answers; F6 asks for its shape, F9 F8 for another cell" in " ".join(
            screen_text(pilot).split()
        )
        screen_of(pilot).action_edit()
        await keys(pilot)
        assert "first the answer; F2 shows it, F3 ends predict mode" in screen_text(pilot)
        await keys(pilot, "P")
        assert "no answers yet; F7 gives one" in screen_text(pilot)
        await keys(pilot, "f7")
        assert "F4, F5 and F2 help, F6 asks for the shape" in screen_text(pilot)
        await keys(pilot, "9", "9", "f7")
        assert "Try again, or: F4 equation, F5 terms, F2 answer" in screen_text(pilot)
        await keys(pilot, "f2")
        assert "F10 goes on" in screen_text(pilot)


async def test_panels_panes_and_arranging_name_keys_as_bound() -> None:
    table = rebound(
        {"source": "f2", "out": "f3", "hops": "f4", "display": "f5", "scale_of": "f6", "wider": "f7",
         "arranged": "f8", "show_panes": "f9", "jump": "f10"}, "file",
    )  # fmt: skip
    async with opened("hello", "1:forward:3:h", commands=table) as pilot:
        await keys(pilot, "3", "f6")
        assert "a count before F6 sets another" in screen_text(pilot)
        await keys(pilot, "enter")
        assert "F2 goes to" in screen_text(pilot)
        await keys(pilot, "f2")
        assert re.search(r"F3 .*→", screen_text(pilot))
        for view, words in (("", "F2 on a term"), ("t", "F4 walks the way")):
            await keys(pilot, *filter(None, [view]), "question_mark")
            assert isinstance(pilot.app.screen, HelpScreen)
            assert words in " ".join(
                " ".join(str(each.content).split()) for each in pilot.app.screen.query(Static)
            )
            await keys(pilot, "escape")
        await keys(pilot, "equals_sign")
        assert "← F7 ↑ ↓ move the edges" in screen_text(pilot) and "F8 keeps it" in screen_text(pilot)
        await keys(pilot, "x")
        assert "F9 shows all panes again, F10 and its letter" in screen_text(pilot)


async def test_answers_can_be_saved_on_the_way_out(tmp_path: Path) -> None:
    target = tmp_path / "answers.csv"
    async with opened("hello", "1:forward:1:h") as pilot:
        await keys(pilot, "p", "9", "enter", "q")
        await until(pilot, lambda: isinstance(pilot.app.screen, SureScreen))
        said = "\n".join(str(each.content) for each in pilot.app.screen.query(Static))
        assert "Quit without saving? Answers would be lost." in said
        assert "s save, then quit" in said
        await keys(pilot, "s")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
        pilot.app.screen.query_one(Input).value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.is_running)
    assert target.read_text().count("\n") == 2
