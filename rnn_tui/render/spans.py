"""Lines of (text, role): the common tongue of all drawing.

A role is one or more names of `palette.py`, separated by spaces; later ones win over earlier ones.
Lines are plain tuples, so two frames compare with `==` and a row that did not change is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable

from rnn_tui.text import cells, clip

Span = tuple[str, str]
Line = tuple[Span, ...]


def width(line: Iterable[Span]) -> int:
    """Cells the line takes."""
    return sum([cells(text) for text, _ in line])


def merge(spans: Iterable[Span]) -> Line:
    """Neighbours of one role joined, empty ones gone."""
    merged: list[Span] = []
    last: str | None = None
    for span in spans:
        text, role = span
        if not text:
            continue
        if role == last:
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append(span)
            last = role
    return tuple(merged)


def fit(line: Iterable[Span], room: int, role: str = "") -> Line:
    """The line in exactly `room` cells: padded with `role`, or cut with `…`."""
    kept: list[Span] = []
    left = room
    for span in line:
        text, of = span
        need = cells(text)
        if need > left:
            kept.append((clip(text, left), of))
            left -= cells(kept[-1][0])
            break
        kept.append(span)
        left -= need
    if left > 0:
        kept.append((" " * left, role))
    return merge(kept)


def padded(line: Line, room: int) -> Line:
    """`fit` for lines that are merged already and mostly fit: what is there stays the object it is."""
    left = room - width(line)
    if left < 0:
        return fit(line, room)
    return (*line, (" " * left, "")) if left else line


def spread(left: Iterable[Span], right: Iterable[Span], room: int, role: str = "") -> Line:
    """`left` and `right` at the two ends; where both do not fit, `left` is cut."""
    tail = fit(right, min(room, width(right)))
    return merge([*fit(left, room - width(tail), role), *tail])


def text_of(lines: Iterable[Line]) -> str:
    """The lines as plain text, for tests and for people without a screen."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
