"""`rnn-tui predict`: judge answers that were written down, as predict mode on the screen judges them."""

from __future__ import annotations

import csv
import io
import sys
from math import nan
from pathlib import Path

from rnn_engine.errors import EngineError
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell, parse_shape
from rnn_engine.timeline import Timeline
from rnn_engine.why import why
from rnn_tui.lessons import find
from rnn_tui.predict import Answer, Asked, Question, as_csv, judge, read_shape, score

FINE, WRONG = 0, 1
NEEDED = ("address", "cell", "given")
MOST_BYTES = 4 * 2**20


def judged(session: str, answers: str, sequence: int) -> int:
    """Print the record of the answers in a CSV file, the score to stderr; 1 where one is wrong."""
    opened = Session.load(find(session))
    timeline = Timeline(opened.run)
    found = [
        _judge(opened, timeline, row, f"{answers}: line {number}", sequence - 1)
        for number, row in enumerate(_rows(answers), start=2)
    ]
    sys.stdout.write(as_csv(found))
    print(score(found).line, file=sys.stderr)
    return WRONG if any(answer.verdict == "wrong" for answer in found) else FINE


def _rows(path: str) -> list[dict[str, str]]:
    try:
        with Path(path).open("rb") as file:  # a pipe will do
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror or error}; expected a CSV file") from None
    if len(data) > MOST_BYTES:
        raise EngineError(f"{path}: too long; expected a CSV file of at most 4 MB")
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise EngineError(f"{path}: {error}; expected a CSV file in UTF-8") from None
    if missing := [name for name in NEEDED if name not in (reader.fieldnames or ())]:
        raise EngineError(f"{path}: no column {missing[0]!r}; expected {', '.join(NEEDED)}")
    return [row for row in rows if row["given"] or row.get("verdict") != "shown"]


def _judge(session: Session, timeline: Timeline, row: dict[str, str], where: str, sequence: int) -> Answer:
    address, name, given = row["address"], row["cell"], row["given"]
    of_shape = row.get("asked") == "shape" or read_shape(given, bare=False) is not None
    try:
        if of_shape:
            shape, value = parse_shape(session, timeline, address, name, sequence), nan
        else:
            cell = parse_cell(session, timeline, address, name, sequence)
            shape, value = None, why(session, timeline, cell).exact
    except EngineError as error:
        raise EngineError(f"{where}: {error}") from None
    asks: Asked = "shape" if of_shape else "value"
    answer = judge(
        Question(address, "", name, 0, 0, name, value, name, shape, asks), given, row.get("help", "")
    )
    if answer is None:
        expected = "a shape such as 2x4, [4] or scalar" if of_shape else "a number, + or -, or a shape"
        raise EngineError(f"{where}: {given!r} is no answer; expected {expected}")
    return answer
