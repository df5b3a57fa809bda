"""Bindings made from the table of commands."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from rnn_tui.commands import COMMANDS


def bindings() -> list[BindingType]:
    """A binding per command, under the command's id, and one per digit; the footer is our own: none is shown."""
    named: list[BindingType] = [
        Binding(
            ",".join(entry.keys),
            entry.action,
            entry.label,
            show=False,
            tooltip=entry.help,
            id=entry.id,
            priority=entry.id == "stop",  # whatever has the focus
        )
        for entry in COMMANDS
        if entry.id != "count"
    ]
    return named + [Binding(digit, f"digit({digit})", "count", show=False) for digit in "1234567890"]
