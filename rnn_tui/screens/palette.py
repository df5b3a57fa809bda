"""The command palette's entries: the table of commands, and on the list of lessons the lessons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from rnn_tui.commands import COMMANDS
from rnn_tui.screens.lessons import LessonsScreen
from rnn_tui.screens.session import SessionScreen
from rnn_tui.text import content, safe_text

KEY_ONLY = ("count", "palette", "stop")
"""Commands that make no sense from a list."""


@dataclass(frozen=True, slots=True)
class _Entry:
    title: str
    help: str | None
    """Our own words only: Textual reads markup in it."""
    run: Callable[[], Any]


class CommandsProvider(Provider):
    """Every command by its label and its help, every lesson by its title."""

    def _entries(self) -> list[_Entry]:
        screen = self.screen
        if isinstance(screen, LessonsScreen):
            return [
                _Entry(safe_text(each.title), None, partial(screen.begin, each.name))
                for each in screen.lessons
            ]
        if not isinstance(screen, SessionScreen):
            return []
        return [
            _Entry(f"{each.label}  {each.shown_keys}", each.help, partial(screen.run_action, each.action))
            for each in COMMANDS
            if each.id not in KEY_ONLY and not each.where
        ]

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for entry in self._entries():
            yield DiscoveryHit(content(entry.title), entry.run, entry.title, entry.help)

    async def search(self, query: str) -> Hits:
        """Those whose title or help matches. Textual's own highlighting reads markup, so it is not used."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = max(matcher.match(entry.title), 0.5 * matcher.match(entry.help or ""))
            if score > 0:
                yield Hit(score, content(entry.title), entry.run, entry.title, entry.help)
