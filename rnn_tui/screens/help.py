"""Help: the focused pane in its own words, the marks on the screen, and every key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from rnn_tui.commands import COMMANDS, GROUPS, Command
from rnn_tui.screens.turns import LeadsOn
from rnn_tui.text import cells, content

DIGITS = "0-9 . + - E"
LEGEND = (
    ("▸ 2", "the current time step"), ("h•", "this step wrote here; its cells are underlined"),
    ("·", "not computed yet"), ("?", "to predict"), ("0", "exactly zero; anything else keeps its digits"),
    ("▂▅█", "the size of the number before it, within its matrix"), ("◎ ● ◉", "target, chosen, both"),
    ("✎", "set by hand"), ("◆", "a mark"), ("↓3 more", "what is out of view, and where"),
)  # fmt: skip


class HelpScreen(LeadsOn, ModalScreen[None]):
    """One page, scrolled with the arrows; any of the keys that open or leave things closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"), Binding("q", "dismiss(None)", "close", id="quit"),
        Binding("question_mark", "dismiss(None)", "close", id="help"),
        Binding("j", "down", id="below"), Binding("k", "up", id="above"),
    ]  # fmt: skip

    def __init__(
        self,
        title: str,
        explains: str,
        note: str,
        view: str = "",
        commands: tuple[Command, ...] = COMMANDS,
    ) -> None:
        """`note` is what there is to say here; `view` the one whose keys hold, if one is open: those come first."""
        super().__init__()
        self._commands = commands
        self._heading, self._explains, self._note, self._view = title, explains, note, view

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog page") as page:
            page.border_subtitle = "↓ the keys · Esc closes this page"
            yield Static(content(self._heading), classes="heading", markup=False)
            yield Static(content(self._explains), classes="words", markup=False)
            if self._note:
                yield Static(content(self._note, multiline=True), classes="words", markup=False)
            here = _rows(entry for entry in self._commands if self._view in entry.where)
            if here:
                yield Static(_table("here", here), markup=False)
            yield Static(_table("on the screen", LEGEND), markup=False)
            for group in GROUPS:
                rows = _rows(
                    entry for entry in self._commands if entry.group == group and entry.id != "count"
                )
                yield Static(_table(group, rows), markup=False)
            yield Static(
                content("Digits before a motion say how often: 5n."),
                classes="hint",
                markup=False,
            )

    def action_down(self) -> None:
        """j, as everywhere."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """k, as everywhere."""
        self.query_one(VerticalScroll).scroll_up(animate=False)


def _rows(entries: Iterable[Command]) -> tuple[tuple[str, str], ...]:
    return tuple((DIGITS if entry.id == "answer" else entry.shown_keys, entry.help) for entry in entries)


def _table(title: str, rows: tuple[tuple[str, str], ...]) -> Content:
    parts = [content(title, "bold $secondary")]
    for key, words in rows:
        parts += [
            Content("\n"),
            content(" " * max(10 - cells(key), 0) + key, "bold $primary"),
            content(f"  {words}"),
        ]
    return Content.assemble(*parts)
