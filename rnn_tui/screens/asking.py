"""The session screen's dialogs: where to go, marks, where to save."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rnn_engine.errors import EngineError
from rnn_tui.edits import Prompt
from rnn_tui.protocols import Controller
from rnn_tui.questions import Spot
from rnn_tui.render.cells import Selection, resolve
from rnn_tui.screens.dialogs import AskScreen, Field, MarksScreen
from rnn_tui.text import safe_text

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen


def ask_place(screen: SessionScreen) -> None:
    """Ask where to, and go there."""

    async def attempt(values: tuple[str, ...]) -> str:
        text = values[0].strip()
        return await screen.go_there(text, quiet=True) if text else ""

    hint = "3 time step · #120 step · 12:backward:3:h · 50% · end · h[3][0] · dW_hh: ∂W_hh"
    screen.app.push_screen(AskScreen("Go to", (Field(""),), hint, attempt, "goes there"))


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
        screen.say(f"no marks yet; {screen.app.key('mark')} sets one here")
        return
    screen.app.push_screen(MarksScreen(marks, screen.snapshot.address), picked)


def ask_value(screen: SessionScreen) -> None:
    """Ask for another value of the number that the title names, and set it."""
    controller, name, selection = screen.controller, screen.pane.NAME, screen.pane.selection
    titled = screen.elsewhere[0]
    asked: list[tuple[Spot, Prompt]] = []

    def prepare() -> str:
        spot = controller.spot_to_set(titled) if titled else _spot(controller, name, selection)
        prompt = spot if isinstance(spot, str) else controller.edit_prompt(spot)
        if isinstance(prompt, str) or isinstance(spot, str):
            return str(prompt)
        asked.append((spot, prompt))
        return ""

    def ask() -> None:
        spot, prompt = asked[0]

        async def attempt(values: tuple[str, ...]) -> str:
            text = values[0]
            said = await screen.driver.submit(lambda: controller.edit_refused(spot, text), quiet=True)
            if not said:  # it may take its time, and Ctrl-C stops it, as a move
                screen.submit(
                    lambda: (
                        controller.edit(spot, text)
                        or f"set by hand: {controller.last_edit}; {screen.app.key('undo')} undoes it"
                    )
                )
            return said

        field = Field("", prompt.present, select=True)
        screen.app.push_screen(AskScreen(prompt.title, (field,), prompt.hint, attempt, "sets it"))

    screen.submit(prepare, then=ask)


def _spot(controller: Controller, pane: str, selection: Selection | None) -> Spot | str:
    """The cell that a selection means now."""
    matrices = controller.snapshot.panes[pane]
    at = resolve(selection, matrices)
    return "there is no cell here" if at is None else (pane, matrices[at.index].key, at.row, at.column)


def ask_which_edit(screen: SessionScreen) -> None:
    """List the edits; the one that is picked is gone to."""
    controller = screen.controller

    def picked(address: str | None) -> None:
        if address:
            screen.driver.submit(lambda: controller.go_to(address))

    edits = controller.edits()
    if not edits:
        screen.say(f"nothing is set by hand; {screen.app.key('edit')} sets the selected number")
        return
    screen.app.push_screen(MarksScreen(edits, screen.snapshot.address, "Set by hand"), picked)


def ask_file(screen: SessionScreen, then: Callable[[], None] | None = None) -> None:
    """Ask for a file, and write the session; `then` follows where it was written."""
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

    def saved(written: bool | None) -> None:
        if written and then is not None:
            then()

    path = controller.path or ""
    initial = path if path == safe_text(path) else ""
    dialog = AskScreen("Save as", (Field("file", initial),), "one JSON file", attempt, "saves it")
    screen.app.push_screen(dialog, saved)
