"""Keys of the session screen, made from the table of commands."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from rnn_tui.commands import command


def priority_bindings() -> list[BindingType]:
    """Ctrl-C, which must stop a run whatever has the focus. All other keys the screen takes as they come:

    as bindings they would be looked up one message later, after the next key has arrived, and what
    depends on the key before (counts, `v` and a letter) would depend on how fast one types.
    """
    stop = command("stop")
    return [Binding(",".join(stop.keys), stop.action, stop.label, show=False, id=stop.id, priority=True)]
