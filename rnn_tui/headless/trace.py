"""`rnn-tui trace`: every step with its numbers, one a line, as JSON or to be read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from rnn_engine.session import Session
from rnn_engine.trace import as_read, records
from rnn_tui.headless.choosing import check_names
from rnn_tui.lessons import find
from rnn_tui.text import safe_text

Record = Mapping[str, Any]
"""One step, in plain JSON-able values; docs/trace.md gives its members."""

BATCH = 256
"""Lines per write: few enough to come at once, many enough that writing costs nothing."""


def trace(
    session: str, start: str | None, end: str | None, names: Sequence[str] | None, *, as_json: bool
) -> int:
    """Print the steps from `start` to `end`, both inclusive, of the equations in `names`."""
    opened = Session.load(find(session))
    check_names(opened, names)
    render = as_json_lines if as_json else Aligned()
    for lines in batches(records(opened, start, end, names), render):
        sys.stdout.write(lines)
    return 0


def batches(steps: Iterable[Record], render: Callable[[list[Record]], str]) -> Iterator[str]:
    """The text of the records, some hundred at a time."""
    source = iter(steps)
    while batch := list(islice(source, BATCH)):
        yield render(batch)


def as_json_lines(batch: list[Record]) -> str:
    """One compact object a line, pure ASCII; a NaN that slipped through would be an error, not bad JSON."""
    encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    return "".join(f"{encode(record)}\n" for record in batch)


class Aligned:
    """Lines to be read: index, address, `name = value`; columns grow where they must and never shrink."""

    def __init__(self) -> None:
        self.index = 1
        self.address = 1

    def __call__(self, batch: list[Record]) -> str:
        self.index = max(self.index, *(len(str(r["index"])) for r in batch), 1)
        self.address = max(self.address, *(len(r["address"]) for r in batch), 1)
        return "".join(f"{self.line(record)}\n" for record in batch)

    def line(self, record: Record) -> str:
        """One record."""
        text = f"{record['index']:>{self.index}}  {record['address']:<{self.address}}  {describe(record)}"
        return safe_text(text)


def describe(record: Record) -> str:
    """What a record says after its address: values, or gradients with where they came from; then totals."""
    parts = [f"{name} = {number(value)}" for name, value in record.get("values", {}).items()]
    parts += [f"∂{name} = {number(value)}" for name, value in record.get("grads", {}).items()]
    for word in ("from", "adds"):
        entries = ", ".join(f"{name} {number(value)}" for name, value in record.get(word, {}).items())
        parts += [f"{word} {entries}"] if entries else []
    for word in ("sample", "predicted", "target"):
        if word in record:
            parts.append(f"{word} {plain(record[word])}")
    for word in ("totals", "epoch_totals"):
        if word in record:
            entries = ", ".join(f"{name} {total(value)}" for name, value in record[word].items())
            parts += [f"{word.replace('_', ' ')}: {entries}"] if entries else []
    return "   ".join(parts)


def number(value: Any) -> str:
    """A value to six significant digits: `0.462117`, `[0.5 -0.2]`, `[[1 2] [3 4]]`."""
    if isinstance(value, list):
        return f"[{' '.join(map(number, value))}]"
    return f"{value:.6g}" if isinstance(value, int | float) else as_read(value)


def plain(value: Any) -> str:
    """A token, a class, a value, or a list of them."""
    if isinstance(value, list):
        return f"[{' '.join(map(plain, value))}]"
    return repr(value) if isinstance(value, str) else "none" if value is None else number(value)


def total(value: Any) -> str:
    """A total is a number, an array, or a sum and a mean."""
    if isinstance(value, dict):
        return " ".join(f"{word} {number(part)}" for word, part in value.items())
    return number(value)
