"""What is found by typing: with `:` every command, lesson and place; with `/` the places alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rnn_tui.ranking import BEGINS, fit
from rnn_tui.screens.lessons import LessonsScreen
from rnn_tui.screens.session import SessionScreen
from rnn_tui.screens.turns import LeadsOn
from rnn_tui.text import content, safe_text

LESSON, PLACE, COMMAND = 0, 1, 2
KEY_ONLY = ("count", "palette", "stop")
"""Commands that make no sense from a list."""


class _Entry(NamedTuple):
    title: str
    help: str
    run: Callable[[], Any]
    kind: int = PLACE
    alias: str = ""

    @property
    def prompt(self) -> Content:
        """Both, in two lines. A hit's own `help` is read as markup, so it is left empty."""
        return Content.assemble(content(self.title), "\n", content(self.help, "$foreground 60%"))


class Entries(Provider):
    """What a provider of ours has to offer; Textual's own highlighting reads markup, so it is not used."""

    def entries(self, query: str) -> Sequence[_Entry]:
        """All there are; those that are made from what is typed come for `query`."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for entry in self.entries(""):
            yield DiscoveryHit(entry.prompt, entry.run, entry.title)

    async def search(self, query: str) -> Hits:
        """Those that fit: commands before places before lessons, unless a name of these is begun."""
        scattered = self.matcher(query).match
        for entry in self.entries(query):
            command = entry.kind == COMMAND
            found = fit(
                query, entry.title, entry.help, entry.alias, words_of_help=command, scattered=scattered
            )
            if found:
                late = entry.kind == LESSON and found < BEGINS
                yield Hit(
                    (0 if late else found) * 10 + entry.kind + found / 10,
                    entry.prompt,
                    entry.run,
                    entry.title,
                )


class CommandsProvider(Entries):
    """Every command by its label and its help."""

    def entries(self, query: str) -> Sequence[_Entry]:
        screen = self.screen
        if not isinstance(screen, SessionScreen):
            return []
        return [
            _Entry(
                f"{each.label}  {each.shown_keys}",
                each.help,
                partial(screen.run_action, each.action),
                COMMAND,
                each.id,
            )
            for each in screen.app.commands
            if each.id not in KEY_ONLY and not each.where
        ]


class LessonsProvider(Entries):
    """Every lesson by its title and its name."""

    def entries(self, query: str) -> Sequence[_Entry]:
        screen = self.screen
        if not isinstance(screen, LessonsScreen | SessionScreen):
            return []
        return [
            _Entry(
                f"{safe_text(each.title)}  {each.name}",
                "open this lesson",
                partial(screen.begin, each.name),
                LESSON,
                each.name,
            )
            for each in screen.app.lessons
        ]


class PlacesProvider(Entries):
    """Every place by its name: equations, parameters, phases, tokens, marks, and the address that is typed."""

    def entries(self, query: str) -> Sequence[_Entry]:
        screen = self.screen
        if not isinstance(screen, SessionScreen):
            return []
        controller = screen.controller
        return [
            _Entry(safe_text(each.name), safe_text(each.what), partial(screen.go_to, each.target))
            for each in (*controller.continued(query), *controller.places())
        ]


class EverythingProvider(Entries):
    """Commands, lessons, places, in this order: of several providers Textual keeps a set, which has none."""

    def entries(self, query: str) -> Sequence[_Entry]:
        of = (CommandsProvider, LessonsProvider, PlacesProvider)
        return [entry for each in of for entry in each(self.screen).entries(query)]


class Palette(LeadsOn, CommandPalette):
    """Textual's palette."""

    @property
    def at_work(self) -> bool:
        """Whether it is still finding what was typed: Enter takes the best of all, not of the first."""
        return any(worker.node is self and not worker.is_finished for worker in self.app.workers)


class PlacesPalette(Palette):
    """The search: Textual's palette with the places alone."""

    def __init__(self) -> None:
        super().__init__(
            [PlacesProvider],
            placeholder="an equation, a parameter, a token, a mark, an address…",
            id="--command-palette",
        )
