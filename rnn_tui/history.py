"""The edits of a session, one after another, and the way back through them without limit."""

from __future__ import annotations

from collections.abc import Callable

from rnn_engine.edits import key
from rnn_engine.errors import EngineError, ReplayError
from rnn_engine.replay import Edit
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.spelling import described
from rnn_tui.commands import Keys
from rnn_tui.edits import Prompt, prompt_for, target_at, typed
from rnn_tui.questions import Spot

Edits = tuple[Edit, ...]
Entry = tuple[Edits, str]
"""The edits to go back to (or on to), and in words what that undoes (or does again)."""


def sentence(error: EngineError) -> str:
    """An error about edits without the place in a file that a person did not write."""
    return error.what if isinstance(error, ReplayError) else str(error)


class History:
    """Turns what is typed into edits; `change` carries a set of edits out and answers "" or a sentence."""

    def __init__(self, session: Session, change: Callable[[Edits], str], keys: Keys) -> None:
        self._session, self._change, self._keys = session, change, keys
        self._done: list[Entry] = []
        self._undone: list[Entry] = []

    def prompt(self, snapshot: Snapshot, spot: Spot) -> Prompt | str:
        """How to ask for another value of a cell, or one sentence why it cannot be set."""
        target = target_at(self._session, snapshot, spot, self._keys)
        return target if isinstance(target, str) else prompt_for(self._session, target)

    def refused(self, snapshot: Snapshot, spot: Spot, text: str) -> str:
        """Why a cell cannot be set to that; "" where it can."""
        entry = self._with(snapshot, spot, text)
        if isinstance(entry, str):
            return entry
        try:
            self._session.with_edits(entry[0])
        except EngineError as error:
            return sentence(error)
        return ""

    def edit(self, snapshot: Snapshot, spot: Spot, text: str) -> str:
        """Set a cell; "" or one sentence why not."""
        entry = self._with(snapshot, spot, text)
        if isinstance(entry, str):
            return entry
        before, (edits, words) = self._session.edits, entry
        said = self._change(edits)
        if not said:
            self._done.append((before, words))
            self._undone.clear()
        return said

    def _with(self, snapshot: Snapshot, spot: Spot, text: str) -> Entry | str:
        """All edits with one more (or one less, where nothing was typed), and that one in words."""
        target = target_at(self._session, snapshot, spot, self._keys)
        if isinstance(target, str):
            return target
        edits, mine = self._session.edits, key(target[0])
        others = tuple(edit for edit in edits if key(edit) != mine)
        if not text and len(others) < len(edits):
            return others, f"{target[1]} as it was"
        found = typed(self._session, target, text)
        if isinstance(found, str):
            return found
        if len(others) == len(edits):
            return (*edits, found), described(self._session, found)
        return tuple(found if key(edit) == mine else edit for edit in edits), described(self._session, found)

    @property
    def last(self) -> str:
        """What was set last, in words."""
        return self._done[-1][1] if self._done else ""

    def undo(self) -> str:
        """Take the last edit back; says which. Before those that were made here come those that a file brought."""
        edits = self._session.edits
        if not self._done and edits:
            self._done.append((edits[:-1], described(self._session, edits[-1])))
        return self._go("undone", self._done, self._undone) or "nothing to undo: nothing is set by hand"

    def redo(self) -> str:
        """Make the edit again that was taken back last; says which."""
        return self._go("done again", self._undone, self._done) or "nothing to redo: no edit is taken back"

    def _go(self, done: str, stack: list[Entry], other: list[Entry]) -> str:
        if not stack:
            return ""
        (edits, words), before = stack[-1], self._session.edits
        said = self._change(edits)
        if said:
            return said
        stack.pop()
        other.append((before, words))
        return f"{done}: {words}"
