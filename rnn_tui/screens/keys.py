"""Keys that Textual looks up by itself, made from the table of commands."""

from __future__ import annotations

from textual.binding import Binding

from rnn_tui.commands import command


def priority_binding(id: str) -> Binding:
    """A key that counts whatever has the focus: Ctrl-C stops a run, Ctrl-Z goes to the shell.

    All other keys the screen takes as they come: as bindings they would be looked up one message later, after the
    next key has arrived, and what depends on the key before (counts, `v` and a letter) would depend on how fast one
    types.
    """
    entry = command(id)
    return Binding(",".join(entry.keys), entry.action, entry.label, show=False, id=entry.id, priority=True)
