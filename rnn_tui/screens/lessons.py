"""The list of lessons: where the program begins, and where `o` leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rnn_engine.errors import EngineError
from rnn_tui.kept import Kept
from rnn_tui.protocols import Controller, Lesson, OpenSession
from rnn_tui.screens.line import SafeInput
from rnn_tui.screens.turns import LeadsOn
from rnn_tui.text import clip, content

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp


EXPLAINS = (
    "Each lesson is a session: a recurrence, its data and weights, and notes on the steps that matter. Enter opens the "
    "chosen one at its first step; o asks for a file, yours or somebody else's. The table below is what the keys do "
    "then. Lessons are never changed: what you save goes to a file of your own. What was "
    "not saved when the terminal went away, or something else ended the program, is kept and stands before them."
)


AROUND = 12
"""Lines around the list."""
LONGEST = 24
"""Cells of the name of what was kept."""


class LessonsScreen(LeadsOn, Screen[None]):
    """Pick a lesson, or type the path of a file.

    Where all lessons fit with their summaries they have them; else each is one line, so that all are seen, and the
    summary of the chosen one stands below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit", id="quit"), ("escape", "back", "back"),
        Binding("o", "path", "file", id="open"), Binding("colon", "app.command_palette", "commands", id="palette"),
        Binding("slash", "app.command_palette", "commands", id="search"),
        Binding("question_mark", "help", "help", id="help"),
        Binding("j", "down", id="below"), Binding("k", "up", id="above"), ("down", "list", ""),
        ("x,delete", "throw_away", ""),
    ]  # fmt: skip
    AUTO_FOCUS = "OptionList"
    app: RnnTuiApp

    def __init__(
        self,
        lessons: Sequence[Lesson],
        open_session: OpenSession,
        chosen: Callable[[Controller], None],
        *,
        first: bool,
    ) -> None:
        """`chosen` gets the session that was opened; with `first` there is none to go back to."""
        super().__init__()
        self.lessons, self._open, self._chosen, self._first = tuple(lessons), open_session, chosen, first
        self._kept: tuple[Kept, ...] = ()
        self._brief = False

    def compose(self) -> ComposeResult:
        self._brief = self._room < 3 * len(self.lessons)
        yield Static(content("rnn-tui"), id="name", markup=False)
        yield Static(
            content("Step through a recurrence: forward, through the loss, backward, and back."),
            id="claim",
            markup=False,
        )
        options = OptionList(*self._options(), markup=False)
        self._fit(options)
        yield options
        yield Static(content(""), id="summary", markup=False)
        yield SafeInput("", "or the path of a replay file", "path")
        yield Static(content(""), id="said", markup=False)
        key, leaves = self.app.key, "quit" if self._first else "back"
        hint = f"↑ ↓ choose  Enter open  {key('open')} file  {key('palette')} find  {key('help')} help"
        yield Static(content(f"{hint}  {key('quit')} {leaves}"), classes="hint", markup=False)

    def on_mount(self) -> None:
        """What is out of view changes with every line that the list is scrolled by."""
        self.watch(self.query_one(OptionList), "scroll_y", self._describe, init=False)

    @property
    def at_work(self) -> bool:
        """Whether a session is being opened."""
        return any(worker.node is self and not worker.is_finished for worker in self.app.workers)

    @property
    def _room(self) -> int:
        """Lines of the list."""
        return self.app.size.height - AROUND

    def on_resize(self, event: Resize) -> None:
        """More room or less for summaries."""
        if self._brief != (self._room < 3 * len(self.lessons)):
            self._brief = not self._brief
            self._list_again()

    def _fit(self, options: OptionList) -> None:
        """What stands below the list follows it closely, and is never pushed out."""
        options.set_class(self._brief, "brief")
        options.styles.max_height = self._lines + self._apart

    @property
    def _apart(self) -> bool:
        """Whether a blank line stands between what was kept and the lessons: where there is room for it."""
        return bool(self._kept) and self._lines < self._room

    @property
    def _lines(self) -> int:
        """Lines of all that is listed."""
        return (1 if self._brief else 3) * len(self.lessons) + len(self._kept)

    def _list_again(self) -> None:
        options = self.query_one(OptionList)
        chosen = options.highlighted
        options.clear_options().add_options(self._options())
        self._fit(options)
        options.highlighted = min(chosen or 0, options.option_count - 1)

    def on_option_list_option_highlighted(self) -> None:
        """Another one is chosen."""
        self._describe()

    def _describe(self) -> None:
        """Below the list: which of how many is chosen, how many are out of view, what it is about."""
        options = self.query_one(OptionList)
        chosen = options.highlighted or 0
        at = chosen - len(self._kept)
        if at < 0:
            said = content("x throws it away", "$foreground 60%")
        elif self._brief:
            said = content(self.lessons[at].summary, "$foreground 80%")
        else:
            said = Content("")
        count = f"{chosen + 1}/{options.option_count}  {self._more(options)}"
        self.query_one("#summary", Static).update(Content.assemble(content(count, "$foreground 60%"), said))

    def _more(self, options: OptionList) -> str:
        """How many lines of the list are above and below what is seen."""
        above = round(options.scroll_target_y)
        below = options.virtual_size.height - options.size.height - above
        signs = " ".join(f"{arrow}{n}" for arrow, n in (("↑", above), ("↓", below)) if n > 0)
        return f"{signs} more  " if signs else ""

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the lesson, or what was kept."""
        at = event.option_index - len(self._kept)
        self.begin(self.lessons[at].name if at >= 0 else str(self._kept[event.option_index].path))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the file."""
        if event.value.strip():
            self.begin(event.value.strip())

    def begin(self, name: str) -> None:
        """Open a lesson by its name, or a file by its path."""
        self.run_worker(self._opened(name), exclusive=True)

    async def _opened(self, name: str) -> None:
        try:
            controller = await asyncio.to_thread(self._open, name)
        except (EngineError, OSError) as error:
            self.query_one("#said", Static).update(content(str(error)))
            return
        self._chosen(controller)

    def _options(self) -> list[Option]:
        """What was kept for a person comes before the lessons."""
        self._kept = self.app.shelf.entries()
        kept = [
            Option(_kept_entry(each, apart=self._apart and each is self._kept[-1])) for each in self._kept
        ]
        entry = _line if self._brief else _entry
        return [*kept, *(Option(entry(*each)) for each in enumerate(self.lessons, 1))]

    def action_throw_away(self) -> None:
        """Ask whether what was kept is wanted no more."""
        at = self.query_one(OptionList).highlighted
        if at is None or at >= len(self._kept):
            self.query_one("#said", Static).update(content("x throws away what was kept, and a lesson stays"))
            return
        kept = self._kept[at]

        from rnn_tui.screens.dialogs import SureScreen  # as the help below: the list comes first

        def answered(what: str | None) -> None:
            if what == "yes":
                self.query_one("#said", Static).update(content(self.app.shelf.remove(kept)))
                self._list_again()

        what = f": {kept.what}" if kept.what else ""
        question = f"Throw away what was kept of {kept.of} at {kept.time}{what}?"
        self.app.push_screen(SureScreen(question), answered)

    def action_help(self) -> None:
        """Explain this list."""
        from rnn_tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen("lessons", EXPLAINS, ""))

    def action_path(self) -> None:
        """To the line for a path."""
        self.query_one(Input).focus()

    def action_list(self) -> None:
        """Back from the line for a path."""
        self.query_one(OptionList).focus()

    def action_down(self) -> None:
        """j, as everywhere."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """k, as everywhere."""
        self.query_one(OptionList).action_cursor_up()

    def action_back(self) -> None:
        """From the path to the list, from the list to the session."""
        if isinstance(self.focused, Input):
            self.action_list()
        elif not self._first:
            self.dismiss()

    def action_leave(self) -> None:
        """Quit from the start, else go back to the session."""
        if self._first:
            self.app.exit()
        else:
            self.dismiss()


def _kept_entry(kept: Kept, *, apart: bool) -> Content:
    """One line, also of a session with a long name; `apart`: a blank line follows."""
    parts = [content(f"kept {kept.time}  ", "$warning"), content(clip(kept.of, LONGEST), "bold")]
    parts += [content(f"  {kept.what}", "$foreground 60%")] if kept.what else []
    return Content.assemble(*parts, *([Content("\n")] if apart else []))


def _line(number: int, lesson: Lesson) -> Content:
    muted = "$foreground 60%"
    return Content.assemble(
        content(f"{number:>2}. ", muted), content(lesson.title, "bold"), content(f"  {lesson.name}", muted)
    )


def _entry(number: int, lesson: Lesson) -> Content:
    summary = content(lesson.summary, "$foreground 80%")
    return Content.assemble(_line(number, lesson), Content("\n    "), summary, Content("\n"))
