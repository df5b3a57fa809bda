"""The tour: one key after another, said in the line of keys. It blocks none: each does what it always does.

It begins by itself with the first session that is ever opened, and never again; `:` tour begins it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rnn_tui.commands import COMMANDS, Command, shown_keys


class Stop(NamedTuple):
    """A command to try, and what it brings."""

    id: str
    words: str
    """Other commands in braces: `commands.Keys`."""


STOPS = (
    Stop("step", "takes one step: one equation at one time step"),
    Stop("step_back", "takes it back, to the last bit"),
    Stop("why", "asks why the selected number is what it is"),
    Stop("back_out", "leads back from there"),
    Stop("pane", "goes to the next pane; {left} {below} {above} {right} choose a number in it"),
    Stop("phase", "goes on to the next phase: after forward comes backward"),
    Stop("help", "explains the pane you are in, and every key"),
)


class Tour(NamedTuple):
    """How far one has come; immutable. `at == len(STOPS)`: it is over."""

    at: int = 0

    @property
    def over(self) -> bool:
        """Whether all of it was seen, or it was ended."""
        return self.at >= len(STOPS)

    def hint(self, commands: Sequence[Command] = COMMANDS, view: str = "") -> tuple[str, str, str]:
        """(how far, key, what it does); empty when it is over, and in a view, whose own keys matter more.

        The one it waits for in a view is the way back from it. `commands` is the table with the keys as bound.
        """
        if self.over or (view and not (view == "why" and STOPS[self.at].id == "back_out")):
            return "", "", ""
        stop = STOPS[self.at]
        keys = shown_keys(commands)
        return f"tour {self.at + 1}/{len(STOPS)}", keys[stop.id], stop.words.format_map(keys)

    def after(self, id: str) -> Tour:
        """Having done this: further on if it was what the tour waits for."""
        return Tour(self.at + 1) if not self.over and id == STOPS[self.at].id else self


OVER = Tour(len(STOPS))
