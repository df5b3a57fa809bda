"""Gradient flow: the map of what each loss sends to each time step, and the hops of one loss's way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10

from rnn_tui.render.number import level_bar, number
from rnn_tui.render.pack import window
from rnn_tui.render.panel import scrolled, worded
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import cells, safe_text

HEAT = "▁▂▃▄▅▆▇█"
NUMBER = 6
WIDE_RANGE = 1e3
"""From this ratio of largest to smallest on, sizes are shown by powers of ten."""
DEEPEST = 1e-12
"""Smaller than this share of the largest is drawn as the smallest."""


@dataclass(frozen=True, eq=False, slots=True)
class MapView:
    """The map and what is said about it; sizes by (loss, time step), both from 0."""

    start: int
    """The number of time steps before the window."""
    states: tuple[str, ...]
    sizes: tuple[tuple[float, ...], ...]
    norms: tuple[float, ...]
    remainder: float
    horizon: str
    cursor: tuple[int, int]
    powers: bool | None = None
    """Sizes by powers of ten; None: where their range asks for it."""
    shares: tuple[tuple[str, float], ...] = ()
    """Of what crosses from the next time step into the one under the cursor: each state's share."""


@dataclass(frozen=True, slots=True)
class RouteView:
    """One way of a hop."""

    text: str
    factor: float
    norm: float


@dataclass(frozen=True, slots=True)
class HopView:
    """From time step t to t − 1."""

    t: int
    before: float
    after: float
    factor: float
    nonlinearity: float
    weights: float
    routes: tuple[RouteView, ...]
    mark: str = ""


def by_powers(view: MapView) -> bool:
    """Whether sizes are drawn by powers of ten."""
    if view.powers is not None:
        return view.powers
    sizes = [size for row in view.sizes for size in row if 0 < size < float("inf")]
    return bool(sizes) and max(sizes) > WIDE_RANGE * min(sizes)


def draw_map(view: MapView, wide: int, high: int) -> list[Line]:
    """The map, its norms, and three lines of words."""
    T = len(view.sizes)
    states = ", ".join(safe_text(state) for state in view.states)
    head: list[Line] = [
        fit([(f"‖∂loss[t]/∂{states}[k]‖", "strong"), ("  down: loss at t, across: time step k", "muted")], wide)
    ]
    foot = [*worded(_at_cursor(view), wide, "text")[:2], _check(view, wide)]
    if view.horizon:
        foot += worded(view.horizon, wide, "now", "  ")[:2]
    i, k = view.cursor
    lead = max(len(str(view.start + T)), 4) + 2
    numbers = lead + T * (NUMBER + 1) <= wide
    across = NUMBER + 1 if numbers else max(1, min(4, (wide - lead) // T))
    visible = min(T, (wide - lead) // across)
    columns = window(T, visible, k)
    room = high - len(head) - len(foot) - 4 - (not numbers)
    rows = window(T, min(T, max(room, 1)), i)
    body: list[Line] = [_header(view, lead, across, columns, numbers, T)]
    full = max((s for row in (*view.sizes, view.norms) for s in row if isfinite(s)), default=0.0)
    for row in range(*rows):
        now = row == i
        spans: list[Span] = [(f"{'▸' if now else ' '}{view.start + row + 1:>{lead - 2}} ", "now" if now else "muted")]
        for at in range(*columns):
            role = "cursor" if (row, at) == (i, k) else ""
            size = view.sizes[row][at] if at <= row else None
            spans += _entry(view, size, full, across, numbers, role)
        body.append(fit(merge(spans), wide))
    spans = [(f"{'all':>{lead - 1}} ", "strong")]
    for at in range(*columns):
        spans += _entry(view, view.norms[at], full, across, numbers, "")
    body += [fit(merge(spans), wide)]
    if not numbers:
        body.append(_legend(view, full, rows, columns, T, wide))
    return scrolled(head, [(), *body, ()], foot, 0, wide, high)


def _header(view: MapView, lead: int, across: int, columns: tuple[int, int], numbers: bool, T: int) -> Line:
    """The time steps above their columns, as many as there is room for."""
    k = view.cursor[1]
    spans: list[Span] = [(f"{'t╲k':>{lead - 1}} ", "muted")]
    if numbers:
        for at in range(*columns):
            spans.append((f"{view.start + at + 1:>{NUMBER}} ", "now" if at == k else "muted"))
        return merge(spans)
    line = [" "] * ((columns[1] - columns[0]) * across)
    free = 0
    wanted = [k, *(at for at in range(*columns) if (view.start + at + 1) % 5 == 0 or at == columns[0])]
    taken: set[int] = set()
    marks: list[tuple[int, str]] = []
    for at in wanted:
        label, x = str(view.start + at + 1), (at - columns[0]) * across
        places = set(range(x - 1, x + len(label) + 1))
        if places & taken or x + len(label) > len(line):
            continue
        taken |= places
        marks.append((x, label))
    for x, label in sorted(marks):
        spans += [(" " * (x - free), ""), (label, "now" if label == str(view.start + k + 1) else "muted")]
        free = x + len(label)
    return merge(spans)


def _entry(
    view: MapView, size: float | None, full: float, across: int, numbers: bool, role: str
) -> list[Span]:
    if size is None:
        return [(" " * (NUMBER if numbers else across), role or ""), (" " if numbers else "", "")]
    if numbers:
        shown = number(size, NUMBER, 4)
        return [(" " * (NUMBER - cells(shown)), role), (shown, role or ("zero" if size == 0 else "positive")), (" ", "")]
    if size == 0:
        glyph = "·"
    elif not isfinite(size):
        glyph = "!"
    else:
        glyph = HEAT[level(size, full, by_powers(view))]
    if across > 1:
        return [(glyph * (across - 1), role or ("zero" if size == 0 else "positive")), (" ", "")]
    return [(glyph, role or ("zero" if size == 0 else "positive"))]


def level(size: float, full: float, powers: bool) -> int:
    """0 to 7: how large a size is against the largest, linear or by powers of ten."""
    if full <= 0 or size <= 0:
        return 0
    share = size / full
    if powers:
        share = 1 - log10(max(share, DEEPEST)) / log10(DEEPEST)
    return min(7, max(0, round(7 * share)))


def _legend(
    view: MapView, full: float, rows: tuple[int, int], columns: tuple[int, int], T: int, wide: int
) -> Line:
    """What the glyphs stand for, and what is out of view."""
    sizes = [DEEPEST ** (1 - j / 7) for j in (1, 3, 5, 7)] if by_powers(view) else [j / 7 for j in (1, 3, 5, 7)]
    signs = " ".join(
        f"{arrow}{n}"
        for arrow, n in zip(
            "↑↓←→", (rows[0], T - rows[1], columns[0], T - columns[1]), strict=True
        )
        if n
    )
    spans: list[Span] = [("      ", "")]
    for j, share in zip((1, 3, 5, 7), sizes, strict=True):
        spans += [(HEAT[j], "positive"), (f" {number(full * share, 6, 3)}  ", "muted")]
    spans.append(("by powers of ten" if by_powers(view) else "linear", "muted"))
    if signs:
        spans.append((f"   {signs} more", "muted"))
    return fit(merge(spans), wide)


def _at_cursor(view: MapView) -> str:
    i, k = view.cursor
    t, to = view.start + i + 1, view.start + k + 1
    size, own = view.sizes[i][k], view.sizes[i][i]
    said = f"The loss at t={t} sends {number(size, 9, 6)} to t={to}"
    if k < i and own > 0:
        said += f", {_percent(size / own)} of what it sends to t={t} itself"
    if len(view.shares) > 1 and any(share for _, share in view.shares):
        ways = ", ".join(f"{share:.0%} through {state}" for state, share in view.shares)
        said += f"; coming from t={to + 1}: {ways}"
    return f"{said}."


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.3g} %" if percent >= 0.01 else f"{percent:.0e} %"


def _check(view: MapView, wide: int) -> Line:
    right = view.remainder <= 1e-12
    return fit(
        [
            ("✓ " if right else "≠ ", "target" if right else "warning"),
            (f"Added up they are the gradients shown, within {view.remainder:.0e}.", "muted"),
        ],
        wide,
    )


def draw_hops(t: int, hops: Sequence[HopView], chosen: int, wide: int, high: int) -> list[Line]:
    """The way of one loss back through time: a line per hop, and the ways of the chosen one below."""
    head: list[Line] = [fit([(f"The way of the loss at t={t} back through time", "strong")], wide)]
    if not hops:
        return [*head, (), *worded("There is no earlier time step in this window.", wide, "text")]
    first = hops[0].before
    head += [
        (),
        fit([(f"  {'hop':<10}{'factor':>9} = {'nonlinearity':>12} × {'weights':<9}{'arrives':>9}", "muted")], wide),
    ]
    body: list[Line] = []
    for at, hop in enumerate(hops):
        mine = at == chosen
        bar = level_bar(hop.after / first if first else 0.0, 10)
        spans: list[Span] = [
            ("▸ " if mine else "  ", "now"),
            (f"{f'{hop.t} → {hop.t - 1}':<10}", "cursor" if mine else "text"),
            (f"{number(hop.factor, 8, 5):>9}", "strong"),
            (f"   {number(hop.nonlinearity, 8, 5):>12}   {number(hop.weights, 8, 5):<9}", "text"),
            (f"{number(hop.after, 8, 5):>9} ", "text"),
        ]
        mark: list[Span] = [(f"◀ {hop.mark}", "warning")] if hop.mark else [(bar, "positive")]
        body.append(fit(merge([*spans, *mark]), wide))
    here = hops[min(chosen, len(hops) - 1)]
    foot: list[Line] = [()]
    foot.append(fit([(f"{here.t} → {here.t - 1} goes by", "muted")], wide))
    for route in here.routes[:4]:
        foot.append(
            fit(
                [
                    ("  ", ""),
                    (safe_text(route.text), "text"),
                    (f"  × {number(route.factor, 8, 5)}", "strong"),
                    (f"  {number(route.norm, 8, 5)} arrives", "muted"),
                ],
                wide,
            )
        )
    if len(here.routes) > 4:
        foot.append(fit([(f"  {len(here.routes) - 4} more ways", "muted")], wide))
    last = hops[-1].after
    left = f"{_percent(last / first)} of it is left" if first else "nothing flows"
    foot.append(
        fit([(f"From t={hops[0].t} to t={hops[-1].t - 1}: {number(first, 8, 5)} → {number(last, 8, 5)}, {left}.", "now")], wide)
    )
    return scrolled(head, body, foot, chosen, wide, high)
