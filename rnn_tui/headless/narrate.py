"""`rnn-tui narrate`: one plain sentence a step, for screen readers, logs and handouts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import steps_between
from rnn_tui.headless.choosing import check_names, check_sequence
from rnn_tui.lessons import find
from rnn_tui.text import safe_text


def narrate(
    session: str, start: str | None, end: str | None, names: Sequence[str] | None, sequence: int
) -> int:
    """Print the narration of the steps from `start` to `end`, both inclusive, with the notes of the marks."""
    opened = Session.load(find(session))
    check_names(opened, names)
    check_sequence(opened, sequence)
    timeline = Timeline(opened.run)
    for index in steps_between(opened, start, end):
        if names is not None and opened.schedule.address(index).equation not in names:
            continue
        seen = observe(opened, timeline, index, sequence - 1)
        if seen.note:
            sys.stdout.write(f"# {safe_text(seen.note)}\n")
        sys.stdout.write(f"{seen.address}  {safe_text(seen.narration[0])}\n")
    return 0
