"""The session screen's dialogs: where to go, marks, where to save."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_engine.errors import EngineError
from rnn_tui.screens.dialogs import AskScreen, Field, MarksScreen
from rnn_tui.text import safe_text

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen


def ask_place(screen: SessionScreen) -> None:
    """Ask where to, and go there."""
    controller = screen.controller

    async def attempt(values: tuple[str, ...]) -> str:
        text = values[0].strip()
        return await screen.driver.submit(lambda: controller.go_to(text), quiet=True) if text else ""

    hint = "3 time step · #120 index · 12:backward:3:h address · 50% · end"
    screen.app.push_screen(AskScreen("Go to", (Field(""),), hint, attempt))


def ask_mark(screen: SessionScreen) -> None:
    """Ask for a name and a note."""
    controller = screen.controller

    async def attempt(values: tuple[str, ...]) -> str:
        name, note = values[0].strip(), values[1].strip()
        if not name:
            return "a mark needs a name"
        return await screen.driver.submit(lambda: controller.add_mark(name, note), quiet=True)

    fields = (Field("name"), Field("note"))
    screen.app.push_screen(AskScreen(f"Mark {screen.snapshot.address}", fields, "", attempt))


def ask_which_mark(screen: SessionScreen) -> None:
    """List the marks; the one that is picked is gone to."""
    controller = screen.controller

    def picked(address: str | None) -> None:
        if address:
            screen.driver.submit(lambda: controller.go_to(address))

    marks = controller.marks()
    if not marks:
        screen.say("no marks yet; m sets one here")
        return
    screen.app.push_screen(MarksScreen(marks, screen.snapshot.address), picked)


def ask_file(screen: SessionScreen) -> None:
    """Ask for a file, and write the session."""
    controller = screen.controller
    written: list[str] = []

    def write(path: str) -> str:
        try:
            written.append(controller.save(path))
        except (EngineError, OSError) as error:
            return str(error)
        return ""

    async def attempt(values: tuple[str, ...]) -> str:
        path = values[0].strip()
        if not path:
            return "a file needs a name"
        said = await screen.driver.submit(lambda: write(path), quiet=True)
        if not said:
            screen.say(f"saved {safe_text(written[-1])}")
        return said

    path = controller.path or ""
    initial = path if path == safe_text(path) else ""
    screen.app.push_screen(AskScreen("Save as", (Field("file", initial),), "one JSON file", attempt))
