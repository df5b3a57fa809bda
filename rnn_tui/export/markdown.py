"""Steps as Markdown: what each computes in symbols and in numbers, and its numbers in full, as tables with labels.

The words and formulas are those of the derivation (`rnn_engine.derive`), the numbers those of `rnn-tui trace`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnn_engine.derive import derivation
from rnn_engine.errors import EngineError
from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.timeline import Timeline
from rnn_engine.trace import as_read, records_of
from rnn_tui.export.table import Place, of_parameter, of_sequences
from rnn_tui.text import safe_text, token_text

MOST_STEPS = 500
"""More sections than this nobody reads; CSV has no limit."""
MOST_CELLS = 2048
"""Of one table."""

# Punctuation that Markdown could obey anywhere in a line. What could open a tag, a column or code in a viewer that does
# not know the backslash is written as a character reference, which no viewer obeys.
_ANYWHERE = str.maketrans({c: f"\\{c}" for c in "\\*_[]#~$"} | {c: f"&#{ord(c)};" for c in "&<>|`"})
_AT_THE_START = re.compile(r"(\s*)(\d*)([-+=.)])")


def plain(text: str) -> str:
    """Text from outside inside a line of Markdown, a table's cell included: it is shown, never obeyed."""
    return _escaped(safe_text(text))


def token(text: str) -> str:
    """A token likewise; white space at its ends is visible."""
    return _escaped(token_text(text))


def _escaped(text: str) -> str:
    text = text.translate(_ANYWHERE)
    start = _AT_THE_START.match(text)  # of a list, of a line below a heading
    return f"{start[1]}{start[2]}\\{text[start.start(3) :]}" if start else text


def fenced(lines: Iterable[str]) -> str:
    """Lines as they are, in a block of code that nothing in them can end."""
    text = "\n".join(safe_text(line) for line in lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}\n"


def markdown(
    session: Session,
    timeline: Timeline,
    steps: range,
    names: Collection[str] | None = None,
    sequence: int = 0,
) -> Iterator[str]:
    """A document in pieces: a heading, then a section a step, of one sequence of the batch (from 0).

    Raises `EngineError` where there are too many steps, or none.
    """
    schedule = session.schedule
    chosen = [index for index in steps if names is None or schedule.address(index).equation in names]
    if len(chosen) > MOST_STEPS:
        raise EngineError(
            f"{len(chosen)} steps are too many for Markdown, which is to be read; expected {MOST_STEPS} at most: "
            "choose fewer with --from, --to, --names, or all of them as CSV"
        )
    yield f"# {plain(session.title or Path(session.file or 'untitled').name)}\n"
    for record in records_of(session, timeline, steps, names):
        yield "\n" + "\n".join(_section(session, timeline, record, sequence))


def _section(session: Session, timeline: Timeline, record: Mapping[str, Any], sequence: int) -> Iterator[str]:
    """One step: pieces that end in a newline each, so that joining them leaves a blank line between."""
    seen = observe(session, timeline, record["index"], sequence)
    yield f"## {plain(seen.address)}\n"
    if seen.note:
        yield "".join(f"> {plain(line)}\n" for line in seen.note.splitlines())
    yield f"{plain(seen.narration[0])}\n"
    if seen.sequence[1] > 1:
        yield f"Sequence {seen.sequence[0]} of {seen.sequence[1]}\n"
    first, *others = derivation(session, timeline, record["index"], sequence)
    yield fenced(first.lines)
    yield from _elements(seen, record, session.program.shapes.get(record["equation"]) == ())
    for section in others:
        yield f"### {plain(section.title[:1].upper() + section.title[1:])}\n"
        yield fenced(section.lines)
    yield from _parameters(seen, record)


def _elements(seen: Snapshot, record: Mapping[str, Any], scalar: bool) -> Iterator[str]:
    """The step's value or gradient: a row per element; beside a gradient, what arrived."""
    equation = record["equation"]
    if record["phase"] == "update":
        for name, value in record["values"].items():
            yield from _of_parameter(seen, str(record["parameter"]), name, value)
        return
    columns = dict(record.get("values", {}))
    columns |= {f"∂{name}": value for name, value in record.get("grads", {}).items()}
    columns |= {f"from {name}": value for name, value in record.get("from", {}).items()}
    chosen = {
        name: {
            place[1]: number for place, number in of_sequences(value, scalar) if place[0] == seen.sequence[0]
        }
        for name, value in columns.items()
    }
    labels = _labels(seen, equation)[1]
    elements = list(dict.fromkeys(k for numbers in chosen.values() for k in numbers))
    body = [
        [_label(labels, k) or plain(equation), *(_number(numbers.get(k)) for numbers in chosen.values())]
        for k in elements
    ]
    yield from _table(["", *chosen], body)
    for word in ("sample", "predicted", "target"):
        if word in record:
            found = record[word]
            one = found[seen.sequence[0] - 1] if isinstance(found, list) and seen.sequence[1] > 1 else found
            yield f"{word}: {'none' if one is None else token(str(one))}\n"


def _parameters(seen: Snapshot, record: Mapping[str, Any]) -> Iterator[str]:
    """What the step adds to each parameter, and the totals where a phase ends with it."""
    for name, value in record.get("adds", {}).items():
        yield from _of_parameter(seen, name, f"adds to ∂{name}", value)
    for word in ("totals", "epoch_totals"):
        sums = {name: value for name, value in record.get(word, {}).items() if not isinstance(value, list)}
        if sums:
            yield f"### {word.replace('_', ' ').capitalize()}\n"
            pairs = [
                [plain(name), plain(part), _number(number)]
                for name, value in sums.items()
                for part, number in (value if isinstance(value, Mapping) else {"": value}).items()
            ]
            yield from _table(["", "", "value"], pairs)
        for name, value in record.get(word, {}).items():
            if isinstance(value, list):
                yield from _of_parameter(seen, name, f"total ∂{name}", value)


def _of_parameter(seen: Snapshot, parameter: str, title: str, value: Any) -> Iterator[str]:
    """A parameter's numbers with the labels of its rows and columns."""
    numbers: dict[Place, Any] = dict(of_parameter(value))
    if len(numbers) > MOST_CELLS:
        yield f"**{plain(title)}**: {len(numbers)} numbers, too many for a table; CSV has them all\n"
        return
    rows, columns = _labels(seen, parameter)
    down = list(dict.fromkeys(place[1] for place in numbers))
    across = list(dict.fromkeys(place[2] for place in numbers))
    head = [plain(title), *(_label(columns, m) or "value" for m in across)]
    body = [[_label(rows, k), *(_number(numbers.get((None, k, m))) for m in across)] for k in down]
    yield from _table(head, body, escaped=True)


def _labels(seen: Snapshot, name: str) -> tuple[Sequence[str], Sequence[str]]:
    """What the panes call the rows and columns of a matrix; of a value over time, the columns are its elements."""
    for matrix in (m for matrices in seen.panes.values() for m in matrices):
        if matrix.key == name and matrix.texts is None:
            return matrix.rows, matrix.columns
    return (), ()


def _label(labels: Sequence[str], at: int | None) -> str:
    if at is None:
        return ""
    return token(labels[at]) if at < len(labels) else str(at)


def _number(value: Any) -> str:
    """In full: the shortest text that reads back the same."""
    return "" if value is None else as_read(value)


def _table(head: Sequence[str], body: Sequence[Sequence[str]], *, escaped: bool = False) -> Iterator[str]:
    """A table of cells that are safe already; numbers stand to the right."""
    if not body:
        return
    names = head if escaped else [plain(name) for name in head]
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *body]
    yield "".join(f"| {' | '.join(line)} |\n" for line in lines)
