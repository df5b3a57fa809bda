"""`rnn-tui export` of steps: Markdown to be read, CSV to be reckoned with. For pictures see `rnn_tui.pictures`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import steps_between
from rnn_tui.export.files import write
from rnn_tui.export.steps import document
from rnn_tui.headless.choosing import check_names, check_sequence
from rnn_tui.lessons import find


def export_steps(
    session: str,
    output: str,
    format: str,
    start: str | None,
    end: str | None,
    names: Sequence[str] | None,
    sequence: int,
    *,
    force: bool,
) -> int:
    """Write the steps from `start` to `end`, both inclusive; without either the step that the session opens at."""
    opened = Session.load(find(session))
    check_names(opened, names)
    check_sequence(opened, sequence)
    here = opened.cursor
    steps = range(here, here + 1) if start is None and end is None else steps_between(opened, start, end)
    pieces = document(opened, Timeline(opened.run), format, steps, names, sequence - 1)
    if output == "-":
        for piece in pieces:
            sys.stdout.write(piece)
    else:
        write(output, (piece.encode("utf-8", "replace") for piece in pieces), replace=force)
    return 0
