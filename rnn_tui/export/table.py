"""Steps as CSV: one number a row, in long form, as spreadsheets and data frames want it.

The members and names are those of `rnn-tui trace --json`, and so are the numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rnn_engine.session import Session
from rnn_tui.text import token_text

COLUMNS = ("address", "member", "name", "sequence", "row", "column", "value")
COMMANDS = ("=", "+", "-", "@", "'")
"""A spreadsheet runs a text that begins like this (or hides the last of them)."""

Row = tuple[str, str, str, int | None, int | None, int | None, Any]
Place = tuple[int | None, int | None, int | None]
"""Sequence (from 1), row and column (from 0); None where there is no such axis."""


def csv_lines(session: Session, records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """RFC 4180: a line of names, then the rows of each record; each piece ends in CRLF."""
    yield _written([COLUMNS])
    for record in records:
        yield _written(
            (address, member, name, *("" if at is None else at for at in place), _value(value))
            for address, member, name, *place, value in rows(session, record)
        )


def rows(session: Session, record: Mapping[str, Any]) -> Iterator[Row]:
    """The numbers of one record; what has no value at its step (no target, padding) has no row."""
    address, equation = record["address"], record["equation"]
    scalar = session.program.shapes.get(equation, (1,)) == ()
    in_update = record["phase"] == "update"
    for member in ("values", "grads", "from"):
        for name, value in record.get(member, {}).items():
            found = of_parameter(value) if in_update else of_sequences(value, scalar)
            yield from ((address, member, name, *place, number) for place, number in found)
    for name, value in record.get("adds", {}).items():
        yield from ((address, "adds", name, *place, number) for place, number in of_parameter(value))
    for member in ("sample", "predicted", "target"):
        if member in record:
            for place, number in of_sequences(record[member], scalar or not _is_like_values(record)):
                yield address, member, equation, *place, number
    for member in ("totals", "epoch_totals"):
        for name, value in record.get(member, {}).items():
            parts = value if isinstance(value, Mapping) else {"": value}
            for word, part in parts.items():
                for place, number in of_parameter(part):
                    yield address, f"{member}.{word}" if word else member, name, *place, number


def of_sequences(value: Any, scalar: bool) -> Iterator[tuple[Place, Any]]:
    """A number, `[n]`, `[B]` or `[B][n]`: as the record has it."""
    many = isinstance(value, list) and (scalar or any(v is None or isinstance(v, list) for v in value))
    for sequence, of_one in enumerate(value if many else [value], start=1):
        if isinstance(of_one, list):
            yield from (((sequence, k, None), number) for k, number in enumerate(of_one))
        elif of_one is not None:
            yield (sequence, None, None), of_one


def of_parameter(value: Any) -> Iterator[tuple[Place, Any]]:
    """A number, `[n]` or `[n][m]`."""
    if not isinstance(value, list):
        yield (None, None, None), value
        return
    for k, row in enumerate(value):
        if isinstance(row, list):
            yield from (((None, k, m), number) for m, number in enumerate(row))
        else:
            yield (None, k, None), row


def _is_like_values(record: Mapping[str, Any]) -> bool:
    """Whether what was predicted is the output itself, and no token or class made of it."""
    return bool(record.get("predicted") == record["values"].get(record["equation"]))


_NO_NUMBER = ("NaN", "Infinity", "-Infinity")


def _value(value: Any) -> str:
    if isinstance(value, float | int) or value in _NO_NUMBER:
        return repr(value) if isinstance(value, float | int) else value
    return token_cell(str(value))


def token_cell(token: str) -> str:
    """A token as text: as the screen shows it, and an apostrophe before what a spreadsheet would run."""
    shown = token_text(token)
    return f"'{shown}" if shown.startswith(COMMANDS) else shown


def _written(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
