"""Panels: a list between a head and a foot that stay, scrolled so that one line is in view."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_tui.render.pack import window
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import cells, safe_text, wrap

Sections = Sequence[tuple[str, Sequence[str]]]
"""Headings and what stands under them, raw."""


def scrolled(
    head: list[Line], body: list[Line], foot: list[Line], focus: int, wide: int, high: int
) -> list[Line]:
    """`high` lines; where the body is longer than its room, a sign says how much is above and below."""
    room = max(high - len(head) - len(foot), 1)
    if len(body) > room:
        room = max(room - 1, 1)
        first, last = window(len(body), room, min(max(focus, 0), len(body) - 1))
        body = [*body[first:last], _sign(first, len(body) - last, wide)]
        room += 1
    blank: Line = ()
    return ([*head, *body, *[blank] * (room - len(body)), *foot])[:high]


def _sign(above: int, below: int, wide: int) -> Line:
    said = " ".join(f"{arrow}{n}" for arrow, n in (("↑", above), ("↓", below)) if n)
    return fit([(f"  {said} more", "muted")], wide)


def worded(text: str, wide: int, role: str, indent: str = "") -> list[Line]:
    """A sentence, wrapped, with its later lines indented."""
    lines = wrap(safe_text(text), max(wide - cells(indent), 8))
    return [fit([(indent if at else "", ""), (line, role)], wide) for at, line in enumerate(lines)]


def draw_full(sections: Sections, top: int, wide: int, high: int) -> tuple[list[Line], int]:
    """An explanation section by section from line `top` on, and the largest `top` there is."""
    body: list[Line] = []
    for title, lines in sections:
        if body:
            body.append(())
        body.append(fit([(safe_text(title), "focus")], wide))
        for line in lines:
            body += _explained(line, wide)
    room = high if len(body) <= high else high - 1
    furthest = max(len(body) - room, 0)
    top = min(max(top, 0), furthest)
    shown = body[top : top + room]
    if furthest:
        shown.append(_sign(top, furthest - top, wide))
    return shown, furthest


def _explained(line: str, wide: int) -> list[Line]:
    """One line of a derivation: what follows `=` stands apart, what does not fit goes on below it."""
    text = line.lstrip(" ")
    depth = 2 + len(line) - len(text)
    role = "text" if text.startswith("=") else "strong" if depth == 2 else "text"
    parts = wrap(safe_text(text), max(wide - depth - 2, 8))
    out: list[Line] = []
    for at, part in enumerate(parts):
        spans: list[Span] = [(" " * (depth + 2 * (at > 0)), ""), (part, role)]
        out.append(fit(merge(spans), wide))
    return out
