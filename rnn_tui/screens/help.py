"""Help: the focused pane in its own words, the marks on the screen, and every key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Static

from rnn_tui.commands import COMMANDS, GROUPS, Command
from rnn_tui.render.levels import GLYPHS
from rnn_tui.screens.turns import LeadsOn
from rnn_tui.text import content

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp

DIGITS = "0-9 . + - E"
HEAT = (
    ((-1, -2, -3, -4), "below zero, from small to large, in these colours"),
    ((1, 2, 3, 4), "above zero, from small to large"),
)
LEGEND = (
    ("▸ 2", "the current time step"), ("h•", "this step wrote here; its cells are underlined"),
    ("·", "not computed yet"), ("?", "to predict"), ("0", "exactly zero; anything else keeps its digits"),
    ("▂▅█", "the size of the number before it, within its matrix"), ("◎ ● ◉", "target, chosen, both"),
    ("✎", "set by hand"), ("◆", "a mark"), ("↓3 more", "what is out of view, and where"),
    ("▲ ▼", "in a heat map: the largest and the least number"), (", '", "below and above zero, and next to nothing"),
    ("!", "not finite, or beyond the scale"), ("▀", "two numbers, one above the other, by their colours alone"),
)  # fmt: skip


class HelpScreen(LeadsOn, ModalScreen[None]):
    """One page, scrolled with the arrows; any of the keys that open or leave things closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"), Binding("q", "dismiss(None)", "close", id="quit"),
        Binding("question_mark", "dismiss(None)", "close", id="help"),
        Binding("j", "down", id="below"), Binding("k", "up", id="above"),
    ]  # fmt: skip
    app: RnnTuiApp

    def __init__(
        self,
        title: str,
        explains: str,
        note: str,
        view: str = "",
        commands: tuple[Command, ...] = COMMANDS,
        group: str = "",
    ) -> None:
        """`note` is what there is to say here; `view` the one whose keys hold, if one is open: those come first.

        Where none is, those of `group` do, one of `GROUPS`.
        """
        super().__init__()
        self._group = group
        self._commands = commands
        self._heading, self._explains, self._note, self._view = title, explains, note, view

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog page") as page:
            page.border_subtitle = "↓ the keys · Esc closes this page"
            yield Static(content(self._heading), classes="heading", markup=False)
            yield Static(content(self._explains), classes="words", markup=False)
            if self._note:
                yield Static(content(self._note, multiline=True), classes="words", markup=False)
            here = [entry for entry in self._commands if self._view in entry.where]
            first = self._group if not here else ""
            if here:
                yield Static(_table("here", _rows(here)), markup=False)
            elif first:
                yield self._keys_of(first)
            yield Static(_table("on the screen", (*LEGEND, *self._heat())), markup=False)
            yield from (self._keys_of(group) for group in GROUPS if group != first)
            yield Static(
                content("Digits before a motion say how often: 5n."),
                classes="hint",
                markup=False,
            )

    def _keys_of(self, group: str) -> Static:
        entries = (entry for entry in self._commands if entry.group == group and entry.id != "count")
        return Static(_table(group, _rows(entries)), markup=False)

    def _heat(self) -> Iterator[tuple[Content, str]]:
        """What heat maps are made of, in the colours that they have on this terminal."""
        style = self.app.palette.style
        for levels, words in HEAT:
            glyphs = (
                Content.styled(GLYPHS[level], Style.from_rich_style(style(f"heat{level}")))
                for level in levels
            )
            yield Content.assemble(*glyphs), words

    def action_down(self) -> None:
        """j, as everywhere."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """k, as everywhere."""
        self.query_one(VerticalScroll).scroll_up(animate=False)


def _rows(entries: Iterable[Command]) -> tuple[tuple[str, str], ...]:
    return tuple((DIGITS if entry.id == "answer" else entry.shown_keys, entry.help) for entry in entries)


def _table(title: str, rows: Iterable[tuple[str | Content, str]]) -> Content:
    parts = [content(title, "bold $secondary")]
    for key, words in rows:
        shown = content(key, "bold $primary") if isinstance(key, str) else key
        parts += [
            content("\n" + " " * max(10 - shown.cell_length, 0), multiline=True),
            shown,
            content(f"  {words}"),
        ]
    return Content.assemble(*parts)
