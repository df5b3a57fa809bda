"""Gradient flow: the map of what each loss sends to each time step, and what is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite, log10
from typing import NamedTuple

from rnn_tui.render.norms import WIDE_RANGE
from rnn_tui.render.number import number
from rnn_tui.render.pack import window
from rnn_tui.render.panel import scrolled, worded
from rnn_tui.render.spans import Line, Span, fit, merge, width
from rnn_tui.text import cells, clip, safe_text

HEAT = "▁▂▃▄▅▆▇█"
NUMBER = 6
ROOMY = 20
"""From so many lines on there is room for all that is said of both ways through time."""
SAID = 3
"""Lines that a horizon may take."""
AIR = 2
"""Blank lines around the map, where no line is left out for them."""
TALLEST = 6
"""Lines of a bar, where there is room."""
DEEPEST = 1e-12
"""Smaller than this share of the largest is drawn as the smallest."""


class MemoryView(NamedTuple):
    """What is left of the gradient of a state at time step t: ‖∂ that / ∂ the state at k‖ for every k."""

    state: str
    t: int
    norms: tuple[float, ...]


@dataclass(frozen=True, eq=False, slots=True)
class MapView:
    """The map and what is said about it; sizes by (loss, time step), both from 0."""

    start: int
    """The number of time steps before the window."""
    states: tuple[str, ...]
    sizes: tuple[tuple[float, ...], ...]
    norms: tuple[float, ...]
    remainder: float
    horizons: tuple[tuple[str, str], ...]
    """How far back anything is left, and which hop is to blame; one for each way through time."""
    cursor: tuple[int, int]
    powers: bool | None = None
    """Sizes by powers of ten; None: where their range asks for it."""
    origins: tuple[tuple[int, float], ...] = ()
    """Of what arrives at the cursor from other time steps: each one's share."""
    shares: tuple[tuple[str, float], ...] = ()
    """Of the same: each state's share."""
    memories: tuple[MemoryView, ...] = ()
    nothing: str = ""
    """Said in the place of the map where no loss flows."""
    unknown: str = "something overflows"
    """Why the sizes do not add up to a number, where they do not."""


class Scale(NamedTuple):
    """Sizes → heights: linear, or by powers of ten from the smallest size to the largest."""

    full: float
    least: float
    powers: bool

    def height(self, size: float, steps: int) -> int:
        """1 to `steps`; a size that is not zero is never nothing."""
        share = size / self.full if self.full > 0 else 0.0
        if self.powers and 0 < self.least < 1:
            share = 1 - log10(max(share, self.least)) / log10(self.least)
        return min(steps, max(1, round(steps * share)))

    def size(self, share: float) -> float:
        """The size that is drawn at a share of the full height."""
        return self.full * (self.least ** (1 - share) if self.powers else share)


def scale_of(view: MapView) -> Scale:
    """By powers of ten where that was asked for, or the sizes range widely."""
    return _scale([size for row in (*view.sizes, view.norms) for size in row], view.powers)


def _scale(sizes: Sequence[float], powers: bool | None) -> Scale:
    known = [size for size in sizes if 0 < size < float("inf")]
    full, least = max(known, default=0.0), min(known, default=0.0)
    wide = full > WIDE_RANGE * least > 0
    return Scale(full, max(least / full, DEEPEST) if full else 1.0, wide if powers is None else powers)


def draw_map(view: MapView, wide: int, high: int) -> list[Line]:
    """The map, its norms, and what is said about it.

    Where there is too little room for all of it, what is left of the states' gradients goes first, then the hops
    that are to blame, and then time steps out of view.
    """
    tries = [(True, True, AIR)]
    if high < ROOMY:
        tries = [(True, True, 0), (False, True, 0), (False, False, 0)]
    for memories, blamed, air in tries:
        head, map_, foot, whole = _parts(view, wide, high - air, memories, blamed)
        if whole:
            break
    spare = high - len(head) - len(map_) - len(foot)
    above, below = [()] * (spare > 0), [()] * (spare > 1)
    return scrolled(head, [*above, *map_, *below], foot, 0, wide, high)


def _parts(
    view: MapView, wide: int, high: int, with_memories: bool, with_blame: bool
) -> tuple[list[Line], list[Line], list[Line], bool]:
    """Title, map and what is said about it; and whether no time step of the map had to be left out."""
    T, (i, k) = len(view.sizes), view.cursor
    head = [_title(view, wide)]
    if view.nothing:
        foot = worded(view.nothing, wide, "text")
    else:
        foot = [*worded(_at_cursor(view), wide, "text")[:2], _check(view, wide)]
    for said, blamed in view.horizons:
        line = f"{said}; {blamed}" if with_blame and blamed else said
        foot += worded(line, wide, "now", "  ")[:SAID]
    memories = view.memories if with_memories else ()
    sending = [row for row in range(T) if any(view.sizes[row])]
    lead = max(len(str(view.start + T)), 3) + 2
    numbers = lead + T * (NUMBER + 1) <= wide
    across = NUMBER + 1 if numbers else max(1, min(4, (wide - lead) // T))
    columns = window(T, min(T, (wide - lead) // across), k)
    silent = T - len(sending) if sending else 0
    curves = len(memories)
    titles = min(curves, 1)
    room = max(high - len(head) - len(foot) - 2 - (not numbers) - bool(silent) - titles, 1)
    at = sending.index(i) if i in sending else 0
    fits = max(1, min(len(sending), room - curves))
    if numbers and fits < len(sending):  # without a legend, a line says what is out of view
        fits = max(1, fits - 1)
    rows = window(len(sending), fits, at) if sending else (0, 0)
    tall = 1 if numbers else max(1, min(TALLEST, room // (len(sending) + 1 + curves)))
    put = _Entries(scale_of(view), across, tall, numbers)
    lines: list[Line] = [_header(view, lead, across, columns, numbers)]
    for row in sending[slice(*rows)]:
        now = row == i
        label: Span = (f"{'▸' if now else ' '}{view.start + row + 1:>{lead - 2}} ", "now" if now else "muted")
        entries = [
            view.sizes[row][at] if at <= row or view.sizes[row][at] else None for at in range(*columns)
        ]
        lines += put.lines(label, entries, k - columns[0] if now else None)
    if sending:
        lines += put.lines((f"{'all':>{lead - 1}} ", "strong"), list(view.norms[slice(*columns)]), None)
    counts = (rows[0], len(sending) - rows[1], columns[0], T - columns[1])
    gaps: list[int] = []
    if not numbers:
        gaps.append(len(lines))
        lines.append(_legend(put.scale, counts, lead, wide))
    elif any(counts):
        lines.append(fit([(" " * lead, ""), (_more(counts).lstrip(), "muted")], wide))
    if memories:
        gaps.append(len(lines))
        lines.append(_curves_title(memories, wide))
    for memory in memories:
        remembered = _Entries(_scale(memory.norms, view.powers), across, tall, numbers)
        named = f"∂{safe_text(memory.state)}" if curves > 1 else ""
        label = (f"{clip(named, lead - 1):>{lead - 1}} ", "muted")
        lines += remembered.lines(label, list(memory.norms[slice(*columns)]), None)
    if silent:
        have = "time step has" if silent == 1 else "time steps have"
        lines.append(fit([(f"{silent} {have} no loss that flows", "muted")], wide))
    for before, at in enumerate(
        gaps
    ):  # bars end where the next line begins: it would look like a part of them
        if len(head) + len(lines) + len(foot) < high:
            lines.insert(at + before, ())
    whole = counts[:2] == (0, 0) and len(head) + len(lines) + len(foot) <= high
    return head, [fit(line, wide) for line in lines], foot, whole


def _title(view: MapView, wide: int) -> Line:
    """What the map shows, as fully as there is room for."""
    states = ", ".join(safe_text(state) for state in view.states)
    named = [states if len(view.states) == 1 else f"({states})"]
    named += [f"({len(view.states)} states)"] if len(view.states) > 1 else []
    axes = ("   down: the loss at t, across: the time step k", "   down: t, across: k")
    titles = [(f"‖∂loss[t]/∂{name}[k]‖", axis) for name, axis in product(named, axes)]
    what, axis = next((title for title in titles if cells(title[0]) + cells(title[1]) <= wide), titles[-1])
    return fit([(what, "strong"), (axis, "muted")], wide)


def _curves_title(memories: Sequence[MemoryView], wide: int) -> Line:
    """What the norms of the horizons are, a line for all of them."""
    names = ((safe_text(memory.state), memory.t) for memory in memories)
    what = ", ".join(f"‖∂{state}[{t}]/∂{state}[k]‖" for state, t in names)
    whose = "its gradient" if len(memories) == 1 else "either gradient"
    return fit([(what, "strong"), (f"   what is left of {whose} at step k", "muted")], wide)


class _Entries(NamedTuple):
    scale: Scale
    across: int
    tall: int
    numbers: bool

    def lines(self, label: Span, sizes: Sequence[float | None], cursor: int | None) -> list[Line]:
        """One loss: a line of numbers, or `tall` lines of bars, the label beside the lowest."""
        blank: Span = (" " * cells(label[0]), "")
        found: list[Line] = []
        for y in range(self.tall - 1, -1, -1):
            spans = [label if y == 0 else blank]
            for at, size in enumerate(sizes):
                spans += self._entry(size, y, at == cursor)
            found.append(merge(spans))
        return found

    def _entry(self, size: float | None, y: int, chosen: bool) -> list[Span]:
        if size is None:
            return [(" " * self.across, "")]
        role = "zero" if size == 0 else "positive"
        if self.numbers:
            shown = number(size, NUMBER, 4)
            return [
                (" " * (NUMBER - cells(shown)), "cursor" if chosen else ""),
                (shown, "cursor" if chosen else role),
                (" ", ""),
            ]
        if size == 0 or not isfinite(size):
            glyph = " " if y else "!" if size else "·"
        else:
            height = self.scale.height(size, 8 * self.tall) - 8 * y
            glyph = HEAT[min(height, 8) - 1] if height > 0 else " "
        drawn = max(self.across - 1, 1)
        # The bottom line is underlined, which shows without colour too.
        mark = "" if not chosen else "written" if y == 0 else "now"
        return [(glyph * drawn, mark or role), (" " * (self.across - drawn), "")]


def _header(view: MapView, lead: int, across: int, columns: tuple[int, int], numbers: bool) -> Line:
    """The time steps above their columns, as many as there is room for."""
    k = view.cursor[1]
    spans: list[Span] = [(f"{'t╲k':>{lead - 1}} ", "muted")]
    if numbers:
        times = ((at, f"{view.start + at + 1:>{NUMBER}} ") for at in range(*columns))
        return merge([*spans, *((label, "now" if at == k else "muted") for at, label in times)])
    room = (columns[1] - columns[0]) * across
    fives = (at for at in range(*columns) if (view.start + at + 1) % 5 == 0 or at == columns[0])
    taken: set[int] = set()
    marks: list[tuple[int, str, str]] = []
    for at in (k, *fives):
        label, x = str(view.start + at + 1), (at - columns[0]) * across
        places = set(range(x - 1, x + len(label) + 1))
        if not places & taken and x + len(label) <= room:
            taken |= places
            marks.append((x, label, "now" if at == k else "muted"))
    free = 0
    for x, label, role in sorted(marks):
        spans += [(" " * (x - free), ""), (label, role)]
        free = x + len(label)
    return merge(spans)


def _legend(scale: Scale, counts: tuple[int, int, int, int], lead: int, wide: int) -> Line:
    """What the heights stand for, and what is out of view."""
    said = ("by powers of ten" if scale.powers else "linear") + _more(counts)
    for eighths in ((2, 4, 6, 8), (4, 8), (8,)):  # fewer of them where there is little room
        spans: list[Span] = [(" " * lead, "")]
        for eighth in eighths:
            size = number(scale.size(eighth / 8), 6, 3)
            spans += [(HEAT[eighth - 1], "positive"), (f" {size}  ", "muted")]
        if width(spans) + cells(said) <= wide:
            break
    return fit(merge([*spans, (said, "muted")]), wide)


def _more(counts: tuple[int, int, int, int]) -> str:
    """What is out of view above, below, to the left and to the right, after what stands before it; or nothing."""
    signs = " ".join(f"{arrow}{n}" for arrow, n in zip("↑↓←→", counts, strict=True) if n)
    return f"   {signs} more" if signs else ""


def _at_cursor(view: MapView) -> str:
    i, k = view.cursor
    t, to = view.start + i + 1, view.start + k + 1
    size, own = view.sizes[i][k], view.sizes[i][i]
    said = f"The loss at t={t} sends {number(size, 9, 6)} to t={to}"
    if k != i and own > 0:
        said += f", {percent(size / own)} of what it sends to t={t} itself"
    sources = [f"{share * 100:.0f} % from t={source}" for source, share in view.origins]
    ways = [f"{share * 100:.0f} % through {state}" for state, share in view.shares if len(view.shares) > 1]
    if len(sources) > 1:
        said += f"; it comes {', '.join([*sources, *ways])}"
    elif sources and ways:
        said += f"; from t={view.origins[0][0]} it comes {', '.join(ways)}"
    return f"{said}."


def percent(share: float) -> str:
    """In three digits, however small."""
    of_hundred = 100 * share
    return f"{of_hundred:.3g} %" if of_hundred >= 0.01 or not of_hundred else f"{of_hundred:.1e} %"


def _check(view: MapView, wide: int) -> Line:
    if not isfinite(view.remainder):
        why = f"Added up they are no number: {safe_text(view.unknown)}."
        return fit([("! ", "warning"), (why, "warning")], wide)
    if view.remainder > 1e-12:
        said = f"Added up they are NOT the gradients shown: off by {view.remainder:.1e}."
        return fit([("≠ ", "warning"), (said, "warning")], wide)
    how = f", within {view.remainder:.0e}" if view.remainder else ", to the last bit"
    return fit([("✓ ", "target"), (f"Added up they are the gradients shown{how}.", "muted")], wide)
