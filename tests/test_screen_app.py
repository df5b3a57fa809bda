"""The app by its keys: Pilot, the message log, and the text that is on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from threading import Event

import pytest
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import MouseEvent, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from rnn_engine.errors import EngineError
from rnn_engine.panes import PANES
from rnn_tui.app import RnnTuiApp
from rnn_tui.panes.panel import Draw
from rnn_tui.render.display import Display
from rnn_tui.render.spans import Line
from rnn_tui.screens.dialogs import AskScreen, MarksScreen, SureScreen
from rnn_tui.screens.help import HelpScreen
from rnn_tui.screens.lessons import LessonsScreen
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings
from rnn_tui.widgets.lines import LineWidget
from tests.fake_controller import LESSONS, FakeController

Play = Pilot[None]


def make(controller: FakeController | None, terminal: TerminalSettings) -> RnnTuiApp:
    def opened(name: str) -> FakeController:
        if name not in {lesson.name for lesson in LESSONS}:
            raise EngineError(f"{name!r}: no such file")
        return FakeController(title=f"opened {name}")

    return RnnTuiApp(controller, LESSONS, open_session=opened, terminal=terminal)


@asynccontextmanager
async def playing(
    controller: FakeController | None,
    size: tuple[int, int] = (80, 24),
    log: Callable[[Message], None] | None = None,
    terminal: TerminalSettings | None = None,
) -> AsyncIterator[Play]:
    app = make(controller, terminal or TerminalSettings())
    async with app.run_test(size=size, message_hook=log) as pilot:
        await pilot.pause()
        yield pilot


async def keys(pilot: Play, *names: str) -> None:
    """Press keys, and wait until what they asked for is done and painted."""
    await pilot.press(*names)
    await settled(pilot)


async def settled(pilot: Play) -> None:
    while isinstance(pilot.app, RnnTuiApp) and not pilot.app.turns.over:
        await pilot.pause()
    for screen in pilot.app.screen_stack:
        if isinstance(screen, SessionScreen):
            while not screen.settled:
                await screen.driver.settled()
                await pilot.pause()
    await pilot.pause()


async def until(pilot: Play, true: Callable[[], bool]) -> None:
    """Wait for something that no future stands for."""
    for _ in range(500):
        if true():
            return
        await pilot.pause()
    raise AssertionError("it never came about")


def session(pilot: Play) -> SessionScreen:
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, SessionScreen))


def screen_text(pilot: Play) -> str:
    """What the terminal would show, row by row."""
    width, height = pilot.app.size
    rows = [[" "] * width for _ in range(height)]
    for widget in pilot.app.screen.query(LineWidget):
        region = widget.region
        if not region:
            continue
        for y, strip in enumerate(widget.render_lines(Region(0, 0, region.width, region.height))):
            for x, character in enumerate(strip.text[: region.width]):
                rows[region.y + y][region.x + x] = character
    return "\n".join("".join(row).rstrip() for row in rows)


# moving


@pytest.mark.parametrize(
    ("pressed", "address"),
    [
        (("right",), "1:forward:1:h"), (("right", "right", "left"), "1:forward:1:h"), (("n",), "1:forward:2:a"),
        (("down", "down", "up"), "1:forward:2:a"), (("f",), "1:backward:4:loss"), (("f", "F"), "1:forward:4:loss"),
        (("i", "i", "I"), "2:update:b_y:w"), (("end",), "20:update:b_y:w"), (("end", "home"), "1:forward:1:a"),
        (("3", "right"), "1:forward:1:p"), (("1", "2", "right", "2", "left"), "1:forward:3:a"),
        (("3", "n"), "1:forward:4:a"), (("0", "right"), "1:forward:1:h"), (("5", "v", "x", "right"), "1:forward:1:h"),
    ],
)  # fmt: skip
async def test_keys_move_in_time(pressed: tuple[str, ...], address: str) -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        await keys(pilot, *pressed)
        assert controller.address(controller.index) == address
        assert address in screen_text(pilot)


async def test_the_screen_is_the_same_on_the_way_back() -> None:
    async with playing(FakeController()) as pilot:
        seen = []
        for _ in range(48):
            seen.append(screen_text(pilot))
            await keys(pilot, "right")
        for text in reversed(seen):
            await keys(pilot, "left")
            assert screen_text(pilot) == text


async def test_a_refusal_stands_in_the_narration_until_the_next_key() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "left")
        assert "already at the first step" in screen_text(pilot)
        await keys(pilot, "right")
        assert "already at the first step" not in screen_text(pilot)


async def test_keys_pressed_in_a_burst_are_all_applied_and_painted_together() -> None:
    controller = FakeController()
    controller.gate.clear()
    async with playing(controller) as pilot:
        paints: list[int] = []
        screen = session(pilot)
        painted = screen.paint

        def count() -> None:
            paints.append(controller.index)
            painted()

        screen.paint = count  # type: ignore[method-assign]  # counted, not changed
        await pilot.press(*["right"] * 60)
        controller.gate.set()
        await settled(pilot)
        assert controller.index == 60
        assert sum(index not in (0, 60) for index in paints) <= 2


async def test_a_note_greets_at_its_address() -> None:
    async with playing(FakeController(note="Look at h.")) as pilot:
        assert "◆ Look at h." in screen_text(pilot)
        await keys(pilot, "right")
        assert "Look at h." not in screen_text(pilot)


async def test_sequences_of_a_batch() -> None:
    async with playing(FakeController(batch=3)) as pilot:
        assert "sequence 1/3" in screen_text(pilot)
        await keys(pilot, "r")
        assert "sequence 2/3" in screen_text(pilot)
        await keys(pilot, "R", "R")
        assert "sequence 3/3" in screen_text(pilot)


# a long move, and playing


async def test_ctrl_c_stops_a_long_move_and_the_screen_lives_meanwhile() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        controller.gate.clear()
        await pilot.press("end", "right", "right")
        await pilot.press("tab", "7")  # the screen still answers
        assert session(pilot).pane.NAME == "output"
        assert "7×" in screen_text(pilot)
        await keys(pilot, "ctrl+c")
        assert controller.index == 0
        assert "stopped" in screen_text(pilot)


async def test_ctrl_c_without_a_run_says_how_to_leave() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "ctrl+c")
        assert "q leaves" in screen_text(pilot)
        assert pilot.app.is_running


async def test_play_steps_after_each_paint_and_stops_at_the_end() -> None:
    controller = FakeController(iterations=1)
    controller.go_to("end")
    controller.index -= 3
    async with playing(controller) as pilot:
        await keys(pilot, *["plus"] * 9, "space")
        assert "playing" in screen_text(pilot)
        screen = session(pilot)
        done = Event()
        stop = screen.playing.stop

        def stopped() -> None:
            stop()
            done.set()

        screen.playing.stop = stopped  # type: ignore[method-assign]  # to hear of it
        await until(pilot, done.is_set)
        assert controller.index == controller.total - 1
        await keys(pilot)
        assert "already at the last step" in screen_text(pilot)


async def test_space_pauses_and_any_motion_ends_play() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "minus", "minus", "minus", "space")
        assert "0.5 a second" in screen_text(pilot)
        await keys(pilot, "space")
        assert "playing" not in screen_text(pilot)
        await keys(pilot, "space", "right")
        assert "playing" not in screen_text(pilot)


# panes and cells


async def test_tab_goes_round_and_v_jumps() -> None:
    async with playing(FakeController()) as pilot:
        screen = session(pilot)
        seen = []
        for _ in PANES:
            await keys(pilot, "tab")
            seen.append(screen.pane.NAME)
        assert sorted(seen) == sorted(PANES)
        await keys(pilot, "shift+tab")
        assert seen[-2] == screen.pane.NAME
        for name, letter in (
            ("weights", "w"),
            ("gradients", "g"),
            ("inputs", "i"),
            ("hidden", "h"),
            ("output", "o"),
        ):
            await keys(pilot, "v", letter)
            assert name == screen.pane.NAME
            assert len(pilot.app.screen_stack) == 1


async def test_v_says_which_letters_there_are_and_takes_no_other() -> None:
    async with playing(FakeController()) as pilot:
        screen = session(pilot)
        before = screen.pane.NAME
        for key in ("q", "x", "u", "right"):
            await keys(pilot, "v")
            assert "w weights" in screen_text(pilot) and "g gradients" in screen_text(pilot)
            await keys(pilot, key)
            assert "no pane has the key" in screen_text(pilot)
            assert (screen.pane.NAME, screen.view_name, screen.controller.index) == (before, "", 0)  # type: ignore[attr-defined]
        await keys(pilot, "v", "escape")
        assert not screen.said
        await keys(pilot, "right")
        assert screen.controller.index == 1  # type: ignore[attr-defined]


async def test_the_wheel_moves_the_selected_cell() -> None:
    async with playing(FakeController(hidden=32)) as pilot:
        screen = session(pilot)
        pane = screen.panes["weights"]

        async def turn(event: type[MouseEvent], *, shift: bool = False) -> str:
            x, y = pane.region.x + 3, pane.region.y + 2
            screen._forward_event(event(None, x, y, 0, 0, 0, shift, False, False, x, y))
            await settled(pilot)
            return pane.exact()[0]

        assert pane.exact()[0].startswith("W_xh[0,")
        for _ in range(20):
            await turn(MouseScrollDown)
        assert pane.exact()[0].startswith("W_xh[20,")
        assert "20 " in pane.text()
        assert screen.pane is pane
        first = await turn(MouseScrollUp)
        assert first.startswith("W_xh[19,")
        right = await turn(MouseScrollDown, shift=True)
        assert right.startswith("W_xh[19,") and right != first
        assert await turn(MouseScrollUp, shift=True) == first
        assert screen.controller.index == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(59, 19), (59, 40), (120, 19), (12, 5)])
async def test_where_nothing_is_seen_nothing_is_done(size: tuple[int, int]) -> None:
    controller = FakeController()
    async with playing(controller, size) as pilot:
        assert "q quits" in screen_text(pilot)
        for key in ("right", "question_mark", "e", "colon", "o", "v", "u", "5", "escape"):
            await keys(pilot, key)
        assert controller.index == 0
        assert len(pilot.app.screen_stack) == 1
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)


@pytest.mark.parametrize(
    ("key", "title", "here", "there"),
    [("equals_sign", "arranging panes", "hide the focused pane", "current time step"),
     ("p", "predict mode", "give this answer", "current time step")],
)  # fmt: skip
async def test_help_begins_with_what_holds_now(key: str, title: str, here: str, there: str) -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, key, "right", "question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        parts = [str(part.render()) for part in pilot.app.screen.query(Static)]
        assert parts[0] == title
        first = next(at for at, part in enumerate(parts) if here in part)
        assert first < next(at for at, part in enumerate(parts) if there in part)


async def test_the_cell_moves_and_its_exact_value_is_shown() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        await keys(pilot, "v", "w", "l", "l", "j")
        value = repr(float(controller.parameters["W_xh"][1, 2]))
        assert f"W_xh[1,class] = {value}" in screen_text(pilot)
        await keys(pilot, "h", "k")
        assert f"W_xh[0,there] = {float(controller.parameters['W_xh'][0, 1])!r}" in screen_text(pilot)


async def test_d_and_y_change_how_the_focused_pane_is_shown_and_that_is_remembered() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        screen = session(pilot)
        hidden, weights = screen.panes["hidden"], screen.panes["weights"]
        assert hidden.shown_as == Display()
        await keys(pilot, "d")
        assert hidden.shown_as.mode == "numbers"
        await keys(pilot, "d")
        assert "hidden: heat map" in screen_text(pilot)
        assert "▀" not in weights.text()
        await keys(pilot, "D", "D")
        assert hidden.shown_as == weights.shown_as == Display()
        await keys(pilot, "v", "w", "y")
        assert weights.shown_as.scale == "shared"
        await keys(pilot, "5", "y")
        assert weights.shown_as == Display(scale="fixed", limit=5.0)
        await keys(pilot, "v", "o", "D")
        assert screen.panes["output"].shown_as.mode == "sorted bars"
        assert dict(pilot.app.displays)["output"].mode == "sorted bars"  # type: ignore[attr-defined]


async def test_a_pane_that_looks_the_same_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        drawn: list[str] = []
        for name, pane in session(pilot).panes.items():
            draw = pane.draw

            def noted(wide: int, high: int, name: str = name, draw: Draw = draw) -> list[Line]:
                drawn.append(name)
                return draw(wide, high)

            monkeypatch.setattr(pane, "draw", noted)
        await keys(pilot, "right")
        assert "hidden" in drawn
        assert "weights" not in drawn


async def test_zoom_gives_a_pane_all_the_room_and_back() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "v", "g", "z")
        assert pilot.app.screen.query_one("#gradients").region.width == 80
        assert "hidden state" not in screen_text(pilot)
        await keys(pilot, "tab")
        assert "inputs" in screen_text(pilot)
        await keys(pilot, "z")
        assert "hidden state" in screen_text(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_pane_is_at_home_in_every_size(size: tuple[int, int]) -> None:
    async with playing(FakeController(), size) as pilot:
        text = screen_text(pilot)
        for title in ("inputs", "weights", "hidden state h", "output p", "gradients"):
            assert title in text
        assert ("loss per iteration" in text) == (size[0] >= 160)
        assert "step 1/900" in text


async def test_resizing_switches_the_layout() -> None:
    async with playing(FakeController(), (200, 60)) as pilot:
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "╭" not in screen_text(pilot)
        await pilot.resize_terminal(50, 12)
        await settled(pilot)
        assert "60×20" in screen_text(pilot)
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        assert "╭" in screen_text(pilot)
        assert "hidden state h" in screen_text(pilot)


async def test_only_changed_rows_are_refreshed() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        await keys(pilot, "5", "right")
        refreshed: dict[str, set[int]] = {}
        for widget in pilot.app.screen.query(LineWidget):

            def spy(*regions: Region, _widget: LineWidget = widget, **options: bool) -> LineWidget:
                rows = {y for region in regions for y in range(region.y, region.bottom)}
                refreshed.setdefault(str(_widget.id), set()).update(rows or range(_widget.size.height))
                return type(_widget).refresh(_widget, *regions, **options)

            widget.refresh = spy  # type: ignore[method-assign]  # to see what is asked for
        await keys(pilot, "right")
        assert "weights" not in refreshed
        assert "inputs" not in refreshed
        # The row h[2], and the bullets in the two names.
        assert len(refreshed["hidden"]) <= 3


# dialogs


async def test_go_to_refuses_inline_and_goes() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        await keys(pilot, "g", "x", "y", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, AskScreen)
        assert "try 3, #120" in str(screen.query_one("#said").render())
        screen.query_one(Input).value = "2:backward:3:h"
        await keys(pilot, "enter")
        assert isinstance(pilot.app.screen, SessionScreen)
        assert controller.address(controller.index) == "2:backward:3:h"
        assert "2:backward:3:h" in screen_text(pilot)


async def test_marks_are_set_listed_and_gone_to() -> None:
    controller = FakeController(note="")
    async with playing(controller) as pilot:
        await keys(pilot, "apostrophe")
        assert "no marks yet" in screen_text(pilot)
        await keys(pilot, "7", "right", "m", *"two", "enter", *"look", "enter")
        assert controller.marks() == (("1:forward:2:z", "two", "look"),)
        assert "◆ look" in screen_text(pilot)
        await keys(pilot, "home", "apostrophe")
        assert isinstance(pilot.app.screen, MarksScreen)
        await keys(pilot, "enter")
        assert controller.index == 7
        await keys(pilot, "home", "a")
        assert controller.index == 7
        await keys(pilot, "end", "A")
        assert controller.index == 7


async def test_quit_asks_only_when_something_would_be_lost() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        controller.unsaved = True
        await keys(pilot, "q")
        assert isinstance(pilot.app.screen, SureScreen)
        await keys(pilot, "n")
        controller.unsaved = False
        session(pilot).predicting.answers.append(None)  # type: ignore[arg-type]
        await keys(pilot, "q")
        assert isinstance(pilot.app.screen, SureScreen)
        await keys(pilot, "s")  # where to, it asks
        assert isinstance(pilot.app.screen, AskScreen)
        await keys(pilot, "escape")
        session(pilot).predicting.answers.clear()
        assert pilot.app.is_running
        controller.unsaved = False
        await pilot.press("q")
        await pilot.pause()
        assert not pilot.app.is_running


async def test_save_asks_for_a_file() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        await keys(pilot, "O", *"ab", "enter")
        assert controller.saved == ["ab"]
        assert "saved ab" in screen_text(pilot)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_below_a_dialog_the_footer_names_no_key_and_the_dialog_does(size: tuple[int, int]) -> None:
    controller = FakeController()
    controller.add_mark("one")
    async with playing(controller, size) as pilot:

        def footer() -> str:
            return session(pilot)._keys.text().strip()

        for key, enter in (
            ("e", "Enter sets it, Esc leaves"), ("g", "Enter goes there, Esc leaves"),
            ("m", "Enter keeps it, Esc leaves"), ("O", "Enter saves it, Esc leaves"),
            ("X", "Enter writes it, Esc leaves"), ("apostrophe", "Enter goes there, Esc leaves"), ("q", "n no"),
        ):  # fmt: skip
            assert "q quit" in footer()
            await keys(pilot, key)
            assert footer() == "", key
            said = "\n".join(str(each.render()) for each in pilot.app.screen.query(Static))
            assert enter in said, key
            await keys(pilot, "escape")
        assert "q quit" in footer()


async def test_a_refusal_leaves_it_said_what_enter_does() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "g", *"nope", "enter")
        said = "\n".join(str(each.render()) for each in pilot.app.screen.query(Static))
        assert "no step" in said and "Enter goes there, Esc leaves" in said


async def test_the_keys_of_the_pane_come_before_all_others_in_help() -> None:
    async with playing(FakeController(), (80, 24)) as pilot:
        await keys(pilot, "right", "question_mark")
        parts = [str(part.render()) for part in pilot.app.screen.query(Static)]
        assert [part.splitlines()[0] for part in parts[2:5]] == ["panes and cells", "on the screen", "time"]
        page = pilot.app.screen.query_one(VerticalScroll)
        here = next(
            each for each in pilot.app.screen.query(Static) if "cell to the left" in str(each.render())
        )
        assert here.region.y + 1 < page.region.bottom


@pytest.mark.parametrize("theme", ["dark", "light", "terminal", "plain"])
async def test_help_explains_heat_maps_in_their_colours(theme: str) -> None:
    async with playing(FakeController(), terminal=TerminalSettings(theme=theme)) as pilot:
        await keys(pilot, "question_mark")
        found = [part.render() for part in pilot.app.screen.query(Static)]
        legend = next(part for part in found if "▲ ▼" in str(part))
        assert isinstance(legend, Content)
        for glyphs, words in (("-~=#", "below zero"), ("+*%@", "above zero")):
            assert f"{glyphs}  {words}, from small to large" in str(legend)
        at = str(legend).index("+*%@")
        styles = {str(span.style) for span in legend.spans if span.start >= at and span.end <= at + 4}
        assert len(styles) > (theme != "plain")


async def test_at_80_columns_the_footer_says_how_to_get_to_the_gradients() -> None:
    async with playing(FakeController(), (80, 24)) as pilot:
        await keys(pilot, "right")
        assert "f phase" in screen_text(pilot).splitlines()[-1]


async def test_help_says_in_full_what_was_cut() -> None:
    async with playing(FakeController()) as pilot:
        said = "a sentence that is too long for its place " * 5 + "and ends here"
        session(pilot).say(said)
        await keys(pilot, "question_mark")
        assert said in " ".join(str(each.content) for each in pilot.app.screen.query(Static))
        page = pilot.app.screen.query_one(VerticalScroll)
        assert "Esc closes" in str(page.border_subtitle)
        await keys(pilot, "escape")
        assert session(pilot).said == ""


async def test_help_speaks_of_the_focused_pane_and_knows_every_key() -> None:
    async with playing(FakeController(), (120, 60)) as pilot:
        await keys(pilot, "v", "g", "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        said = "\n".join(str(widget.render()) for widget in pilot.app.screen.query("Static"))
        assert "How the loss changes" in said
        for word in ("Shift-Tab", "Ctrl-C", "the next phase"):
            assert word in said
        await keys(pilot, "q")
        assert isinstance(pilot.app.screen, SessionScreen)


async def test_the_palette_opens_with_a_colon_and_runs_commands() -> None:
    controller = FakeController()
    async with playing(controller) as pilot:
        await keys(pilot, "colon")
        await pilot.press(*"last step of")
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: controller.index == controller.total - 1)


async def test_the_palette_lists_commands_then_lessons_then_places() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "colon")

        def listed() -> list[str]:
            return [str(option.prompt) for option in pilot.app.screen.query_one(OptionList).options]

        lesson = f"{LESSONS[-1].title}  {LESSONS[-1].name}\nopen this lesson"
        await until(pilot, lambda: lesson in listed() and listed()[-1] != lesson)
        assert listed()[0].startswith("step  ")
        kinds = ["open this lesson" in prompt for prompt in listed()]
        assert kinds == sorted(kinds[: kinds.index(True)]) + sorted(kinds[kinds.index(True) :], reverse=True)


# the list of lessons


async def test_without_a_session_it_begins_with_the_lessons() -> None:
    log: list[Message] = []
    async with playing(None, log=log.append) as pilot:
        assert isinstance(pilot.app.screen, LessonsScreen)
        prompts = [str(option.prompt) for option in pilot.app.screen.query_one(OptionList).options]
        assert [prompt.split(".")[0].strip() for prompt in prompts] == [
            str(n + 1) for n in range(len(LESSONS))
        ]
        await pilot.press("down", "enter")
        await until(pilot, lambda: "opened hi-there" in screen_text(pilot))
        assert any(isinstance(message, OptionList.OptionSelected) for message in log)


async def test_a_path_that_does_not_open_says_why() -> None:
    async with playing(None) as pilot:
        await pilot.press("o", *"nope", "enter")
        await until(
            pilot, lambda: "'nope': no such file" in str(pilot.app.screen.query_one("#said").render())
        )


async def test_open_leads_to_the_list_and_back() -> None:
    async with playing(FakeController()) as pilot:
        await keys(pilot, "o")
        assert isinstance(pilot.app.screen, LessonsScreen)
        await keys(pilot, "q")
        assert isinstance(pilot.app.screen, SessionScreen)
        await pilot.press("o", "enter")
        await until(pilot, lambda: "opened" in screen_text(pilot))
        assert len([screen for screen in pilot.app.screen_stack if isinstance(screen, SessionScreen)]) == 1


@pytest.mark.parametrize(
    "terminal",
    [TerminalSettings(theme="plain"), TerminalSettings(theme="light"), TerminalSettings(unicode=False)],
)
async def test_other_terminals(terminal: TerminalSettings) -> None:
    async with playing(FakeController(), terminal=terminal) as pilot:
        for opened in ("question_mark", "g", "m", "apostrophe", "colon", "o"):
            await keys(pilot, opened)
            await keys(pilot, "escape")
        text = screen_text(pilot)
        assert "hidden state h" in text
        assert terminal.unicode or text.isascii()


@pytest.mark.parametrize(("size", "brief"), [((80, 24), True), ((120, 60), False)])
async def test_all_lessons_are_seen_and_the_summary_of_the_chosen_one(
    size: tuple[int, int], brief: bool
) -> None:
    many = [replace(LESSONS[0], name=f"lesson-{k}", summary=f"About {k}.") for k in range(14)]
    app = RnnTuiApp(None, many, open_session=lambda name: FakeController(), terminal=TerminalSettings())
    async with app.run_test(size=size) as pilot:

        def seen() -> str:
            return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())

        await pilot.press("j", "j")
        await pilot.pause()
        assert all(f"lesson-{k}" in seen() for k in range(14))
        assert ("3/14  About 2." in seen()) == brief
        assert ("About 7." in seen()) == (not brief)
        await pilot.resize_terminal(*((120, 60) if brief else (80, 24)))
        await pilot.pause()
        assert all(f"lesson-{k}" in seen() for k in range(14))
        assert ("3/14  About 2." in seen()) != brief
