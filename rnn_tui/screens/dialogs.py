"""Small dialogs: ask for a line or two, pick a mark, ask whether one is sure. Esc leaves each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rnn_tui.screens.closing import ClosesOnce
from rnn_tui.screens.line import SafeInput
from rnn_tui.screens.turns import LeadsOn
from rnn_tui.text import content

Attempt = Callable[[tuple[str, ...]], Awaitable[str]]
"""Tries what was typed; returns "" or a sentence why not."""


class Field(NamedTuple):
    """One line to fill in."""

    label: str
    initial: str = ""
    select: bool = False
    """Typing replaces what stands there."""


class AskScreen(ClosesOnce, ModalScreen[bool]):
    """Asks for one or two lines; a refusal is shown below them, and one may try again."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(False)", "close")]

    def __init__(
        self, title: str, fields: Sequence[Field], hint: str, attempt: Attempt, enter: str = "keeps it"
    ) -> None:
        """`hint`: what may be typed, if that needs saying; `enter`: what Enter does, in words."""
        super().__init__()
        self._heading, self._fields, self._hint, self._attempt = title, tuple(fields), hint, attempt
        self._enter = enter
        self._typed: list[Key] = []
        self.entered = False
        """Whether Enter was pressed, and what comes of it is not known yet: keys wait."""

    def type_ahead(self, key: Key) -> None:
        """A key that was pressed after what opened this dialog, or after Enter: before it was known for what line."""
        copy = Key(key.key, key.character)
        if not self.is_active:  # closed meanwhile
            self.app.post_message(copy)
            return
        self._typed.append(copy)
        self.on_descendant_focus()

    def on_descendant_focus(self) -> None:
        """Now there is a line for what was typed ahead."""
        if self.focused is None or self.entered:
            return
        typed, self._typed = self._typed, []
        for key in typed:
            self.focused.post_message(key)

    def on_key(self, event: Key) -> None:
        """One that is for a line, but did not come by way of it: there was none yet when it was pressed."""
        if event.is_printable or event.key in SafeInput.KEYS or event.key in SafeInput.LINES:
            event.stop()
            self.type_ahead(event)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(content(self._heading), classes="heading", markup=False)
            for at, field in enumerate(self._fields):
                yield SafeInput(field.initial, field.label, f"field-{at}", field.select, asks=self)
            said = Static(content(self._hint), id="said", markup=False)
            said.display = bool(self._hint)
            yield said
            yield Static(content(f"Enter {self._enter}, Esc leaves"), classes="hint", markup=False)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next line, and after the last one tries."""
        inputs = list(self.query(Input))
        at = inputs.index(event.input)
        if at + 1 < len(inputs) and not inputs[at + 1].value:
            self.set_focus(inputs[at + 1])
            self.entered = False
            self.on_descendant_focus()
            return
        self.run_worker(self._try(tuple(each.value for each in inputs)), exclusive=True)

    async def _try(self, values: tuple[str, ...]) -> None:
        said = await self._attempt(values)
        if said:
            shown = self.query_one("#said", Static)
            shown.update(content(said))
            shown.display = True
            shown.add_class("refused")
            self.entered = False
            self.on_descendant_focus()
        else:
            self.dismiss(True)
            for key in self._typed:  # meant for what is below
                self.app.post_message(key)


class MarksScreen(LeadsOn, ModalScreen["str | None"]):
    """The marks in time; picking one closes the list with its address."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        Binding("q", "dismiss(None)", "close", id="quit"),
        Binding("apostrophe", "dismiss(None)", "close", id="marks"),
        Binding("j", "down", id="below"),
        Binding("k", "up", id="above"),
    ]

    def __init__(self, marks: Sequence[tuple[str, str, str]], address: str, heading: str = "Marks") -> None:
        super().__init__()
        self._marks, self._address, self._heading = tuple(marks), address, heading

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog list"):
            yield Static(content(self._heading), classes="heading", markup=False)
            yield OptionList(*(Option(_mark(*mark), id=None) for mark in self._marks), markup=False)
            yield Static(content("Enter goes there, Esc leaves"), classes="hint", markup=False)

    def on_mount(self) -> None:
        """Begin at the mark that stands here, if one does."""
        addresses = [address for address, _, _ in self._marks]
        if self._address in addresses:
            self.query_one(OptionList).highlighted = addresses.index(self._address)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        self.dismiss(self._marks[event.option_index][0])

    def action_down(self) -> None:
        """j, as everywhere."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """k, as everywhere."""
        self.query_one(OptionList).action_cursor_up()


def _mark(address: str, name: str, note: str) -> Content:
    head = [content("◆ ", "$warning"), content(name, "bold"), content(f"  {address}", "$foreground 60%")]
    return Content.assemble(*head, *([Content("\n  "), content(note)] if note else []))


class SureScreen(ClosesOnce, ModalScreen[str]):
    """Asks once; y or Enter means "yes", where that can be s means "save", all else "no"."""

    READ_FIRST = True

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,enter", "dismiss('yes')", "yes"),
        ("s", "save", "save"),
        ("n,q,escape", "dismiss('no')", "no"),
    ]

    def __init__(self, question: str, *, save: str = "") -> None:
        """`save`: what is done after saving, in words; without it there is nothing to save."""
        super().__init__()
        self._question, self._save = question, save

    def compose(self) -> ComposeResult:
        keys = f"s save, then {self._save} · y yes · n no" if self._save else "y yes · n no"
        with Vertical(classes="dialog"):
            yield Static(content(self._question), markup=False)
            yield Static(content(keys), classes="hint", markup=False)

    def action_save(self) -> None:
        """Save first."""
        if self._save:
            self.dismiss("save")
