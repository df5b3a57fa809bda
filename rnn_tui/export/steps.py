"""Steps as a document, in the format that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records_of
from rnn_tui.export.markdown import markdown
from rnn_tui.export.table import csv_lines


def document(
    session: Session,
    timeline: Timeline,
    format: str,
    steps: range,
    names: Sequence[str] | None = None,
    sequence: int = 0,
) -> Iterator[str]:
    """The steps as `md` or `csv`, in pieces."""
    if format == "csv":
        return csv_lines(session, records_of(session, timeline, steps, names))
    return markdown(session, timeline, steps, names, sequence)
