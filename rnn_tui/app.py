"""The Textual app: themes, screens, signals. What it shows is the screens' business.

The screen of a session brings NumPy, so it is imported when there is a session to show: what comes before it, the
list of lessons or the front of a session, is on the terminal without waiting for it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.app import App
from textual.binding import BindingType
from textual.color import Color
from textual.command import Provider
from textual.events import Event, Key
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

from rnn_engine.errors import EngineError
from rnn_tui.commands import COMMANDS as TABLE
from rnn_tui.commands import VIEWS, Command, command, keys_in, shown_keys
from rnn_tui.memory import Keeper
from rnn_tui.painting.app import PaintedApp
from rnn_tui.protocols import Controller, Lesson, Opening, OpenSession
from rnn_tui.render.arrange import KINDS, Kind, Scene
from rnn_tui.render.display import Display
from rnn_tui.render.number import PRECISION
from rnn_tui.render.palette import DARK, LIGHT, TERMINAL, Colours, palette
from rnn_tui.screens.keys import priority_binding
from rnn_tui.screens.turns import Turns
from rnn_tui.signals import Watchdog, cannot_suspend, handle_continue, handle_signals
from rnn_tui.terminal import TerminalSettings
from rnn_tui.text import ascii_text, safe_text

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen


GARBAGE = 10_000
"""Objects that come before garbage is looked for; Python itself would look after 700 or 2,000."""


class Guard(LineFilter):
    """The last door before the terminal: no control character, and on an ASCII terminal ASCII alone."""

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__()
        self._ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments; only those that need it are made anew."""
        if all(segment.text.isascii() and segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(self._clean(text), style, control) for text, style, control in segments]

    def _clean(self, text: str) -> str:
        if not text.isprintable():
            text = safe_text(text)
        return ascii_text(text) if self._ascii_only else text


def _theme(name: str, c: Colours, *, dark: bool) -> Theme:
    return Theme(
        name=name, primary=c.focus, secondary=c.now, warning=c.now, error=c.warning, success=c.target, accent=c.focus,
        foreground=c.text, background=c.background, surface=c.surface, panel=c.row, dark=dark,
    )  # fmt: skip


def _terminal_theme(c: Colours) -> Theme:
    """The terminal's own ground and sixteen colours."""
    return replace(
        _plain_theme(), name="rnn-terminal", primary=f"ansi_{c.focus}", secondary=f"ansi_{c.now}",
        warning=f"ansi_{c.now}", error=f"ansi_{c.warning}", success=f"ansi_{c.target}", accent=f"ansi_{c.focus}",
    )  # fmt: skip


def _plain_theme() -> Theme:
    """The terminal's own two colours and nothing else: cursors are underlined."""
    model, own = BUILTIN_THEMES["ansi-dark"], "ansi_default"
    variables = {name: own if value.startswith("ansi_") else value for name, value in model.variables.items()}
    variables |= {"block-cursor-text-style": "bold underline", "input-cursor-text-style": "bold underline"}
    return replace(
        model, name="rnn-plain", primary=own, secondary=own, warning=own, error=own, success=own, accent=own,
        variables=variables,
    )  # fmt: skip


def _everything() -> type[Provider]:
    """What the palette offers; it brings the screen of a session."""
    from rnn_tui.screens.palette import EverythingProvider

    return EverythingProvider


def _with_screen(open_session: Callable[[], Controller]) -> Controller:
    """In a thread: open a session, and have its screen at hand."""
    controller = open_session()
    importlib.import_module("rnn_tui.screens.session")
    return controller


class RnnTuiApp(PaintedApp[None]):
    """A debugger for recurrences. It begins with a controller's session, by opening one, or with their list."""

    TITLE = "rnn-tui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [priority_binding("suspend")]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_everything}

    def __init__(
        self,
        controller: Controller | None,
        lessons: Sequence[Lesson],
        *,
        open_session: OpenSession,
        terminal: TerminalSettings,
        keeper: Keeper | None = None,
        opening: Opening | None = None,
        commands: tuple[Command, ...] = TABLE,
        layout: str = "auto",
        precision: int = PRECISION,
    ) -> None:
        """`opening` is the session to begin with, unless there is a controller already.

        `commands` is the table with the keys as the user wants them, `layout` one of `settings.LAYOUTS`.

        `precision` is the number of decimals in the panes.
        """
        self.refusal = ""
        """Why the session to begin with could not be opened."""
        self._begin_with, self._opening = controller, opening
        self._session: SessionScreen | None = None
        self.lessons = tuple(lessons)
        self._open_session = open_session
        self._terminal = terminal
        self._keeper = keeper or Keeper()
        self.shelf = self._keeper.shelf
        self.kept: Path | None = None
        """Where what was not saved has been written, when the program was ended from outside."""
        self.lost = False
        """Whether that could not be."""
        self._keeping, self._kept = threading.Lock(), False
        self._precision = precision
        self._most: Kind = next((kind for kind in KINDS if kind == layout), "wide")
        self.commands, self.keys = commands, shown_keys(commands)
        self.by_key = {view: keys_in(view, commands) for view in ("", *VIEWS)}
        self.turns = Turns(self)
        self._guard = Guard(ascii_only=not terminal.unicode)
        self._watchdog: Watchdog | None = None
        super().__init__(ansi_color=True if terminal.theme in ("plain", "terminal") else None)
        self.register_theme(_theme("rnn-dark", DARK, dark=True))
        self.register_theme(_theme("rnn-light", LIGHT, dark=False))
        self.register_theme(_terminal_theme(TERMINAL))
        self.register_theme(_plain_theme())
        self._dress(f"rnn-{terminal.theme}")
        self.palette = palette(terminal.theme, terminal.colours, unicode=terminal.unicode)
        # The lists and dialogs have bindings of their own, with the ids of the commands they stand for.
        self.set_keymap(
            {entry.id: ",".join(entry.keys) for entry in commands if entry.keys != command(entry.id).keys}
        )

    def _dress(self, theme: str) -> None:
        """Begin with a theme. Set as usual it would count as a change, and all of the CSS be parsed once more."""
        self.set_reactive(App.theme, theme)
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def key(self, id: str) -> str:
        """The first key of a command, as a person would write it."""
        return self.keys[id]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and the guard after them."""
        return [*super().get_line_filters(), self._guard]

    def get_default_screen(self) -> Screen[Any]:
        """The first screen is the one to show: no empty one before it."""
        if self._begin_with is not None:
            return self._session_screen(self._begin_with)
        if self._opening is not None:
            from rnn_tui.screens.opening import OpeningScreen

            first = self._opening._replace(open=partial(_with_screen, self._opening.open))
            return OpeningScreen(first, self.palette, self._begin)
        return self._list_of_lessons(first=True)

    def _open(self, name: str) -> Controller:
        return _with_screen(partial(self._open_session, name))

    def _session_screen(self, controller: Controller) -> SessionScreen:
        from rnn_tui.screens.session import SessionScreen

        scene = Scene(arrangements=self._keeper.memory.arrangements, most=self._most)
        self._session = SessionScreen(controller, self.palette, scene, self._precision)
        if self._keeper.file is not None and not self._keeper.memory.toured:
            from rnn_tui.tour import Tour

            self._session.tour = Tour()
            self.remember(toured=True)
        return self._session

    def _begin(self, controller: Controller, typed: Sequence[Key]) -> None:
        """The session that was opened first, and the keys typed since then."""
        session = self._session_screen(controller)
        self.push_screen(session)
        for key in typed:
            session.post_message(Key(key.key, key.character))

    def refuse(self, why: str) -> None:
        """Leave, because the session to begin with cannot be opened."""
        self.refusal = why
        self.exit()

    @property
    def displays(self) -> Mapping[str, Display]:
        """How a person wants to see each pane."""
        return self._keeper.memory.displays

    def remember(self, **changes: Any) -> str:
        """Keep something beyond the end of the program; one sentence where that cannot be."""
        return self._keeper.remember(**changes)

    def on_mount(self) -> None:
        """Be ready to leave in good order."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        handle_signals(loop, self._leave)
        if sys.__stdin__ is not None:
            terminal = sys.__stdin__.fileno()
            if self._driver is not None:
                handle_continue(self._driver, lambda: self.leaving, terminal)
            self._watchdog = Watchdog(loop, self._leave, self.keep, terminal)
            self._watchdog.start()

    def on_ready(self) -> None:
        """The first frame is there: from now on garbage is collected, though not several times for each key."""
        gc.enable()
        gc.set_threshold(GARBAGE)

    def on_unmount(self) -> None:
        """The watch is over."""
        if self._watchdog is not None:
            self._watchdog.stop()

    def keep(self) -> None:
        """Write what is not saved to where it is offered again; once, in whatever thread hears of the end first."""
        with self._keeping:
            if not self._kept and self._session is not None:
                unsaved = self._session.controller.unsaved
                self._kept, self.kept = True, self.shelf.keep(self._session.controller)
                self.lost = unsaved and self.kept is None

    def kept_of(self, controller: Controller) -> str:
        """One sentence on what was kept of a session, if anything was."""
        kept = self.shelf.latest_of(controller.origin)
        if kept is None:
            return ""
        what = f": {kept.what}" if kept.what else ""
        return f"kept when the program was ended at {kept.time}{what}; {self.key('open')} lists it"

    def _leave(self, code: int) -> None:
        try:
            self.keep()
        finally:
            self.exit(return_code=code)

    async def on_event(self, event: Event) -> None:
        """Textual's, with keys taking turns where one may lead elsewhere."""
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
        elif not self.leaving and not self.turns.holds(event):
            await super().on_event(event)
            self.turns.passed(event)

    async def action_quit(self) -> None:
        """Textual's own Ctrl-Q: as `q`, it asks where something would be lost."""
        if self._session is None:
            self.exit()
        elif self.screen is self._session:
            self._session.action_leave()

    def action_suspend_process(self) -> None:
        """To the shell, until it says `fg`; one sentence where there is none to come back from."""
        why = (
            cannot_suspend()
            if self._driver is not None and self._driver.can_suspend
            else "it cannot be done here"
        )
        if not why:
            self.suspend_process()
        elif self._session is not None:
            self._session.say(f"not suspended: {why}; {self.key('quit')} quits")

    def action_command_palette(self) -> None:
        """Show what can be found by typing."""
        from rnn_tui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def search_places(self) -> None:
        """Show what can be gone to by name."""
        from rnn_tui.screens.palette import PlacesPalette

        self.push_screen(PlacesPalette())

    def open_lesson(self, name: str) -> None:
        """Open a lesson in the place of the session that is shown."""
        self.run_worker(self._opened(name), exclusive=True)

    async def _opened(self, name: str) -> None:
        try:
            controller = await asyncio.to_thread(self._open, name)
        except (EngineError, OSError) as error:
            if self._session is not None:
                self._session.say(safe_text(str(error)))
            return
        self.show_session(controller)

    def choose(self) -> None:
        """Show the list of lessons over the session."""
        self.push_screen(self._list_of_lessons(first=False))

    def _list_of_lessons(self, *, first: bool) -> Screen[None]:
        from rnn_tui.screens.lessons import LessonsScreen  # with a session to begin with it is not needed

        return LessonsScreen(self.lessons, self._open, self.show_session, first=first)

    def show_session(self, controller: Controller) -> None:
        """Show a session that was opened from the list; one that was shown before makes way, if it may."""
        current = self._session
        if current is None:
            self.push_screen(self._session_screen(controller))
            return

        def take() -> None:
            while self.screen is not current:
                self.pop_screen()
            current.take(controller)

        current.when_sure("Open another", take)
