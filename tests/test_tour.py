"""The tour: it begins with the first session there ever is, says the next key, and blocks none."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from rnn_tui import memory
from rnn_tui.commands import KEYS, command
from rnn_tui.screens.help import HelpScreen
from rnn_tui.tour import OVER, STOPS, Tour
from tests.fake_controller import FakeController
from tests.terminal import Program
from tests.test_places import open_lesson
from tests.test_screen_app import keys, playing, screen_text, session


def test_the_tour_speaks_of_commands_that_exist_and_ends() -> None:
    tour = Tour()
    for stop in STOPS:
        assert command(stop.id).keys
        assert tour.hint()[2] == stop.words.format_map(KEYS)
        assert tour.after("no such command") == tour
        tour = tour.after(stop.id)
    assert tour == OVER
    assert tour.after(STOPS[0].id) == OVER


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_the_whole_tour_by_its_own_words(size: tuple[int, int]) -> None:
    async with playing(open_lesson("hi-there-class-bptt"), size) as pilot:  # type: ignore[arg-type]
        screen = session(pilot)
        screen.action_tour()
        await keys(pilot)
        for at, stop in enumerate(STOPS, start=1):
            line = screen_text(pilot).splitlines()[-1]
            assert f"tour {at}/{len(STOPS)}" in line
            assert stop.words[:16] in line
            assert "Esc ends it" in line
            await keys(pilot, command(stop.id).keys[0])
        assert isinstance(pilot.app.screen, HelpScreen)
        await keys(pilot, "q")
        assert "tour" not in screen_text(pilot).splitlines()[-1]


async def test_no_key_is_blocked_and_escape_ends_it() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        session(pilot).action_tour()
        await keys(pilot, "n", "n", "f", "z", "z", "m")
        await keys(pilot, "escape")  # the dialog of the mark
        assert controller.index > 0
        assert "tour 1/" in screen_text(pilot).splitlines()[-1]
        await keys(pilot, "escape")
        assert session(pilot).tour == OVER
        assert "→ step" in screen_text(pilot).splitlines()[-1]


def test_it_begins_with_the_first_session_and_never_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with closing(Program(["hello"], 120, 40, tmp_path)) as program:
        program.until("tour 1/")
        program.press("\x1b[C", "tour 2/")
        program.press("q", "")
    assert memory.read(tmp_path / "state" / "rnn-tui" / "state.json").toured
    with closing(Program(["hello"], 120, 40, tmp_path)) as program:
        program.until("→ step")
        assert not any("tour" in line for line in program.lines)


async def test_a_view_keeps_its_own_keys_but_for_the_way_back() -> None:
    async with playing(open_lesson("hi-there-class-bptt"), (120, 40)) as pilot:  # type: ignore[arg-type]
        session(pilot).action_tour()
        await keys(pilot, "t")
        assert "scale" in screen_text(pilot).splitlines()[-1]
        await keys(pilot, "q", "right", "left", "enter")
        assert "tour 4/" in screen_text(pilot).splitlines()[-1]
        await keys(pilot, "backspace")
        assert "tour 5/" in screen_text(pilot).splitlines()[-1]


async def test_the_footer_leaves_out_what_can_do_nothing_here() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        assert "← back" not in screen_text(pilot).splitlines()[-1]
        await keys(pilot, "right")
        assert "← back" in screen_text(pilot).splitlines()[-1]
        await keys(pilot, "end")
        assert "→ step" not in screen_text(pilot).splitlines()[-1]


async def test_the_list_of_lessons_explains_itself_too() -> None:
    async with playing(None) as pilot:
        assert "? help" in str(pilot.app.screen.query_one(".hint").render())
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("q")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, HelpScreen)
