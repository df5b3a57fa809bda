"""`rnn-tui narrate`: one plain sentence a step, for screen readers, logs and handouts."""

from __future__ import annotations

import sys

from rnn_engine.errors import AddressError
from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_tui.lessons import find
from rnn_tui.text import safe_text


def narrate(session: str, start: str | None, end: str | None) -> int:
    """Print the narration of the steps from `start` to `end`, both inclusive, with the notes of the marks."""
    opened = Session.load(find(session))
    schedule, timeline = opened.schedule, Timeline(opened.run)
    first = schedule.span(start).start if start else 0
    last = schedule.span(end).stop - 1 if end else schedule.total - 1
    if last < first:
        raise AddressError(f"{end} stands before {start}; expected the two the other way round")
    for index in range(first, last + 1):
        seen = observe(opened, timeline, index)
        if seen.note:
            sys.stdout.write(f"# {safe_text(seen.note)}\n")
        sys.stdout.write(f"{seen.address}  {safe_text(seen.narration[0])}\n")
    return 0
