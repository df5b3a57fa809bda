"""`rnn-tui narrate`: one plain sentence a step, for screen readers, logs and handouts."""

from __future__ import annotations

import sys

from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import steps_between
from rnn_tui.lessons import find
from rnn_tui.text import safe_text


def narrate(session: str, start: str | None, end: str | None) -> int:
    """Print the narration of the steps from `start` to `end`, both inclusive, with the notes of the marks."""
    opened = Session.load(find(session))
    timeline = Timeline(opened.run)
    for index in steps_between(opened, start, end):
        seen = observe(opened, timeline, index)
        if seen.note:
            sys.stdout.write(f"# {safe_text(seen.note)}\n")
        sys.stdout.write(f"{seen.address}  {safe_text(seen.narration[0])}\n")
    return 0
