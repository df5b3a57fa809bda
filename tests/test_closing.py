"""Keys that come faster than the screens that they close: each closes one, and the session stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnn_tui.screens.dialogs import AskScreen, MarksScreen, SureScreen
from rnn_tui.screens.help import HelpScreen
from rnn_tui.screens.lessons import LessonsScreen
from rnn_tui.screens.palette import Palette, PlacesPalette
from rnn_tui.screens.session import SessionScreen
from tests.fake_controller import FakeController
from tests.terminal import Program
from tests.test_screen_app import playing, session, until

SCREENS = (
    AskScreen("g", (), "", lambda values: None),  # type: ignore[arg-type,return-value]
    MarksScreen((), ""), SureScreen("?"), HelpScreen("", "", ""), Palette(), PlacesPalette(),
    LessonsScreen((), FakeController, lambda controller: None, first=False),  # type: ignore[arg-type]
)  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: type(screen).__name__)
async def test_what_is_closed_does_not_close_what_is_below(screen: object) -> None:
    async with playing(FakeController()) as pilot:
        assert isinstance(screen, AskScreen | MarksScreen | SureScreen | HelpScreen | Palette | LessonsScreen)
        await pilot.app.push_screen(screen)
        screen.dismiss(None)
        screen.dismiss(None)
        assert pilot.app.screen is session(pilot)
        await until(pilot, lambda: not screen.is_attached)
        assert isinstance(pilot.app.screen, SessionScreen)


@pytest.mark.parametrize(
    ("opens", "typed"), [((":", "Search"), ("step", "one equation")), (("'", "Enter goes there"), ("", ""))],
    ids=["palette", "marks"],
)  # fmt: skip
def test_enter_held_down_leaves_the_session_where_it_is(
    opens: tuple[str, str], typed: tuple[str, str], tmp_path: Path
) -> None:
    program = Program(["hi-there-class-bptt"], 80, 24, tmp_path)
    try:
        program.until("1:forward:1:a")
        program.press(opens[0], then=opens[1])
        program.press(typed[0], then=typed[1])
        program.press("\r\r\r\r", then="i 1/20")
        program.press("?", then="panes and cells")
    finally:
        program.close()
