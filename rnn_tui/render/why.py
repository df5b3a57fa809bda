"""Why this number: its rule, and its terms from the largest to the smallest."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from rnn_tui.render.number import level_bar, number
from rnn_tui.render.panel import scrolled, worded
from rnn_tui.render.spans import Line, Span, fit, merge, width
from rnn_tui.text import cells, clip, safe_text

DIGITS = 8
SMALL = 1e-3
"""What is smaller keeps its digits in e-notation."""
AT_LEAST = 5
"""Terms that stay in view however long the rule is."""
BARS = (12, 8, 4)
"""Cells for the bars: the most that leaves the addresses their room."""


class TermView(NamedTuple):
    """One summand, or one thing a function was applied to. Texts are raw."""

    text: str
    value: float
    share: float
    source: str
    """The number it comes from; empty where there is none."""
    address: str
    """The step that made that number; empty for what is given."""


class WhyView(NamedTuple):
    """All that the panel shows."""

    label: str
    value: float
    address: str
    rule: str
    sums: bool
    terms: tuple[TermView, ...]
    rounding: float
    remark: str = ""
    chosen: int = 0
    path: tuple[str, ...] = ()
    """The numbers one came by, the first one first."""
    names: tuple[str, ...] = ()
    """The rule of this element in names, the fullest first."""
    numbers: tuple[str, ...] = ()
    """Likewise with its numbers put in."""
    source: str = "Enter"
    """The key that goes to the number a term comes from."""
    out: str = "Backspace"
    """The key that leads back to where one came by."""


def draw_why(view: WhyView, wide: int, high: int) -> list[Line]:
    """The panel in `wide` × `high` cells."""
    exact: list[Span] = [
        (safe_text(view.label), "strong"),
        (" = ", "muted"),
        (repr(view.value), "negative" if view.value < 0 else "zero" if view.value == 0 else "positive"),
    ]
    made = f"  {_origin(view.label, view.address)}"
    if width(exact) + cells(made) <= wide:
        exact.append((made, "muted"))
    head: list[Line] = [fit(exact, wide), *worded(view.rule, wide, "now", "    ")[:3]]
    foot = _foot(view, wide)
    if view.numbers:
        rounded = view.sums and view.rounding != 0.0
        spare = high - len(head) - 2 - len(foot) - min(len(view.terms) + rounded, AT_LEAST)
        numbers = _put_in(view.numbers, wide, min(max(spare, 1), 3))
        named = _named(view, wide)
        head += [*(named if len(named) + len(numbers) <= spare else []), *numbers]
    if view.remark:
        head += worded(view.remark, wide, "muted")[:2]
    head += [(), *_heading(view, wide)]
    columns = _columns(view, wide)
    body = [_term(view, term, at == view.chosen, columns, wide) for at, term in enumerate(view.terms)]
    if view.sums and view.rounding:
        body.append(_rounding(view, wide))
    return scrolled(head, body, foot, view.chosen, wide, high)


def _named(view: WhyView, wide: int) -> list[Line]:
    """The rule of this element in names, where it says more than that of the whole and fits into two lines."""
    said = view.rule.partition(" = ")[2]
    lines = (worded(f"= {text}", wide, "muted", "    ") for text in view.names if text != said)
    return next((found for found in lines if len(found) <= 2), [])


def _put_in(numbers: tuple[str, ...], wide: int, most: int) -> list[Line]:
    """The fullest rule that fits into so many lines."""
    found: list[Line] = []
    for text in numbers:
        found = worded(f"= {text}", wide, "text", "    ")
        if len(found) <= most:
            break
    return found[:most]


def _heading(view: WhyView, wide: int) -> list[Line]:
    count = len(view.terms)
    if not count:
        return []
    if not view.sums:
        return [fit([("applied to", "muted")], wide)]
    said = "the one term" if count == 1 else f"the sum of {count} terms, the largest first"
    return [fit([(said, "muted")], wide)]


def _columns(view: WhyView, wide: int) -> tuple[int, int]:
    """Cells for the bars and for the texts of the terms."""
    text = max((cells(safe_text(term.text)) for term in view.terms), default=0)
    origin = max((cells(_origin(term.source, term.address)) for term in view.terms), default=0)
    if not view.sums:
        return 0, max(min(text, wide - DIGITS - 4), 8)
    lead = DIGITS + 11
    bar = next((bar for bar in BARS if lead + bar + text + 2 + origin <= wide), BARS[-1])
    return bar, max(min(text, wide - lead - bar), 8)


def _origin(source: str, address: str) -> str:
    """The step that made a number. A gradient without a stop of its own is computed all the same, not given."""
    return safe_text(address) or ("given" if source and not source.startswith("∂") else "")


def _term(view: WhyView, term: TermView, chosen: bool, columns: tuple[int, int], wide: int) -> Line:
    across, room = columns
    plus = "+" if view.sums and term.value > 0 else ""
    decimals = 0 if abs(term.value) < SMALL else 5
    shown = plus + number(term.value, DIGITS - len(plus), decimals)
    sign = "negative" if term.value < 0 else "zero" if term.value == 0 else "positive"
    spans: list[Span] = [("▸ " if chosen else "  ", "now"), (f"{shown:>{DIGITS}}  ", sign)]
    if view.sums:
        known = isfinite(term.share)
        bar = level_bar(term.share, across) if known else ""
        share = f" {term.share:>4.0%}  " if known else " " * 7
        spans += [(bar + " " * (across - cells(bar)), sign), (share, "muted")]
    text = clip(safe_text(term.text), room)
    spans.append((text, "cursor" if chosen else "text"))
    origin = _origin(term.source, term.address)
    spare = wide - width(spans) - cells(origin)
    if spare >= 2:  # below each other, as far as there is room
        spans += [(" " * min(room - cells(text) + 2, spare), ""), (origin, "muted")]
    return fit(merge(spans), wide)


def _rounding(view: WhyView, wide: int) -> Line:
    return fit([(f"  {view.rounding:>+{DIGITS}.1e}  ", "muted"), ("rounding", "muted")], wide)


def _foot(view: WhyView, wide: int) -> list[Line]:
    lines: list[Line] = []
    if view.terms:
        term = view.terms[min(view.chosen, len(view.terms) - 1)]
        if term.address:
            lines.append(
                fit(
                    [
                        (view.source, "key"),
                        (f" goes to {safe_text(term.source)} at {safe_text(term.address)}", "muted"),
                    ],
                    wide,
                )
            )
        elif term.source:
            lines.append(fit([(view.source, "key"), (f" shows {safe_text(term.source)}", "muted")], wide))
        else:
            lines.append(fit([("a constant: nothing stands behind it", "muted")], wide))
    if view.path:
        way = " → ".join(safe_text(label) for label in (*view.path, view.label))
        room = wide - cells(view.out) - 2
        if cells(way) > room:
            while cells(way) > room - 2 and " → " in way:
                way = way.split(" → ", 1)[1]
            way = f"… → {way}" if cells(way) <= room - 4 else way
        lines.append(fit([(view.out, "key"), (" ", ""), (way, "muted")], wide))
    return lines
