"""Keys in a bunch, as a slow line or a quick hand brings them, do what they do one by one."""

from __future__ import annotations

import pytest
from textual.events import Key
from textual.keys import _character_to_key

from rnn_tui.app import RnnTuiApp
from rnn_tui.controller import Controller
from rnn_tui.export.picture import taken
from rnn_tui.lessons import lessons
from rnn_tui.screens.dialogs import SureScreen
from rnn_tui.screens.lessons import LessonsScreen
from rnn_tui.screens.palette import Palette
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings
from rnn_tui.widgets.lines import LineWidget
from tests.build import lesson
from tests.fake_controller import FakeController
from tests.test_screen_app import Play, keys, playing, session, settled, until

BUNCHES = (
    ("'", "enter", "right"),
    ("'", "j", "enter", "right", "right"),
    ("/", *"dW_hh", "enter", "right"),
    (":", *"next phase", "enter", "right"),
    (":", *"go to", "enter", *"3", "enter", "right"),
    (":", "escape", "right"),
    ("?", "q", "right"),
    ("?", "j", "escape", "f", "right"),
    ("o", "q", "right"),
    ("o", "j", "enter", "right", "right"),
)


def bunch(pilot: Play, *names: str) -> None:
    """All of them at once: none waits for what the one before does."""
    for name in names:
        key = _character_to_key(name) if len(name) == 1 else name
        pilot.app.post_message(Key(key, name if len(name) == 1 else None))


async def at_rest(pilot: Play) -> None:
    app = pilot.app
    assert isinstance(app, RnnTuiApp)
    await until(pilot, lambda: app.turns.over and isinstance(app.screen, SessionScreen))
    await settled(pilot)


def app_of(controller: Controller | None) -> RnnTuiApp:
    return RnnTuiApp(controller, lessons(), open_session=open_lesson, terminal=TerminalSettings())


def open_lesson(name: str) -> Controller:
    return Controller(lesson(name))


def place(pilot: Play) -> tuple[str, str, bool]:
    """What one comes to: the session, the address, and whether nothing stands over it."""
    shown = session(pilot)
    return shown.snapshot.title, shown.snapshot.address, pilot.app.screen is shown


@pytest.mark.parametrize("typed", BUNCHES, ids=" ".join)
async def test_a_bunch_does_what_slow_keys_do(typed: tuple[str, ...]) -> None:
    async with app_of(open_lesson("hello")).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        for name in typed:
            bunch(pilot, name)
            await pilot.pause()
            await settled(pilot)
        await at_rest(pilot)
        slow = place(pilot)
    assert slow[1] != "1:forward:1:a", "the walk leads somewhere"
    async with app_of(open_lesson("hello")).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        bunch(pilot, *typed)
        await until(pilot, lambda: place(pilot) == slow)


async def test_a_bunch_goes_through_the_lines_of_a_dialog() -> None:
    controller = open_lesson("hello")
    async with app_of(controller).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        bunch(pilot, "f", "m", *"name", "tab", *"note", "shift+tab", *"s", "enter", "enter", "right")
        await until(pilot, lambda: session(pilot).snapshot.address == "1:backward:4:z")
        assert ("1:backward:4:loss", "names", "note") in controller.marks()


@pytest.mark.parametrize("typed", [("pageup", "slash"), ("pagedown", "colon"), ("ctrl+end", "slash")])
async def test_a_key_of_no_use_is_none_to_what_opens_after_it(typed: tuple[str, ...]) -> None:
    """It went up to the app, which found it among the keys of a palette that was not yet there."""
    async with app_of(open_lesson("hello")).run_test(size=(120, 40)) as pilot:
        bunch(pilot, *typed)
        await until(pilot, lambda: isinstance(pilot.app.screen, Palette))
        bunch(pilot, *"0", "enter", "down", "down", "pageup", "escape")
        await at_rest(pilot)


@pytest.mark.parametrize("after", ["slash", "colon", "question_mark", "O"])
async def test_no_key_means_anything_after_the_one_that_quits(after: str) -> None:
    """What it opened would look for its widgets while they are being removed."""
    app = app_of(open_lesson("hello"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        bunch(pilot, "q", after, "f1")
    assert app.leaving
    assert not app.return_code


async def test_the_next_pane_is_one_that_is_shown() -> None:
    """Also from one that is not: what is written may lie in a pane that a person has hidden."""
    async with app_of(open_lesson("hello")).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        shown = session(pilot)
        for name in ("hidden", "output"):
            shown.change(shown.arrangement.hide(name))
        await keys(pilot, "tab")
        assert shown.pane.NAME == "gradients"
        await keys(pilot, "shift+tab")
        assert shown.pane.NAME == "weights"


async def test_a_picture_of_a_screen_that_has_just_shrunk() -> None:
    """Its widgets have not moved yet: what lies outside is left out."""
    async with app_of(open_lesson("hello")).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        shown = session(pilot)
        picture = taken(shown.query(LineWidget), (100, 32), shown.palette, "hello")
        assert picture is not None
        assert len(picture.rows) == 32


async def test_keys_typed_while_a_lesson_opens_are_for_the_lesson() -> None:
    async with app_of(None).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, LessonsScreen))
        bunch(pilot, "j", "enter", "right", "right")
        await at_rest(pilot)
        assert session(pilot).snapshot.address == "1:forward:1:z"


async def test_a_key_that_is_held_down_stays_with_what_it_closed() -> None:
    async with app_of(open_lesson("hello")).run_test(size=(120, 40)) as pilot:
        await keys(pilot, "'")
        bunch(pilot, *["enter"] * 5)
        await at_rest(pilot)
        assert session(pilot).explorer.view is None


async def test_enter_held_down_opens_a_lesson_and_asks_nothing() -> None:
    async with app_of(None).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, LessonsScreen))
        bunch(pilot, *["enter"] * 5)
        await at_rest(pilot)
        assert session(pilot).explorer.view is None


async def test_no_key_typed_before_a_question_answers_it() -> None:
    controller = FakeController()
    controller.unsaved = True
    async with playing(controller) as pilot:
        bunch(pilot, "o", "enter", "y")
        await until(pilot, lambda: isinstance(pilot.app.screen, SureScreen))
        await settled(pilot)
        assert isinstance(pilot.app.screen, SureScreen)
