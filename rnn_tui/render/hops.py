"""Gradient flow, hop by hop: the way of one loss from time step to time step."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from rnn_tui.render.flow import percent
from rnn_tui.render.number import level_bar, number
from rnn_tui.render.panel import scrolled, worded
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import safe_text

SMALL = 1e-3
"""What is smaller keeps its digits in e-notation."""
ROUTES = 4
"""Of so many ways of a hop there is a line each."""
PARTS = 26
"""Cells of what a factor is made of."""
UNDEFINED = "–"
"""Nothing over nothing."""


class RouteView(NamedTuple):
    """One way of a hop."""

    text: str
    factor: float | None
    """None where nothing came to it."""
    norm: float


class HopView(NamedTuple):
    """From time step t to another."""

    t: int
    to: int
    before: float
    after: float
    factor: float | None
    """None where nothing was there before."""
    nonlinearity: float | None
    weights: float | None
    routes: tuple[RouteView, ...]
    mark: str = ""
    straight: bool = False
    """It comes from the loss itself and has passed no state of t, so it has no factor."""
    split: bool = True
    """Whether its factor is nonlinearity × weights; else there are several ways."""
    ways: tuple[tuple[str, float], ...] = ()
    """Where there are: each one's share, largest first."""


class EndView(NamedTuple):
    """How far it gets one way: the size where the first hop begins, at t, and the one at `to`."""

    t: int
    to: int
    first: float
    last: float


class WayView(NamedTuple):
    """The hops of the loss at t, those to earlier time steps first."""

    t: int | None
    """None where no loss flows."""
    hops: tuple[HopView, ...]
    ends: tuple[EndView, ...] = ()
    back: bool = True
    """Whether the text reads earlier time steps alone, so that its gradient runs back."""
    nothing: str = "There is no earlier time step in this window."
    """Said where there is no hop."""


def draw_hops(view: WayView, chosen: int, wide: int, high: int) -> list[Line]:
    """The way of one loss through time: a line per hop, and the ways of the chosen one below."""
    straight = [hop for hop in view.hops if hop.straight]
    back = [hop for hop in view.hops if hop.to < hop.t and not hop.straight]
    on = [hop for hop in view.hops if hop.to > hop.t and not hop.straight]
    where = "back through time" if view.back else "through time"
    if view.t is None:
        return worded(view.nothing, wide, "text")[:high]
    head: list[Line] = [fit([(f"The way of the loss at t={view.t} {where}", "strong")], wide)]
    if not view.hops:
        return [*head, (), *worded(view.nothing, wide, "text")]
    arrives = wide >= 72
    parts_of = " = nonlinearity × weights" if any(hop.split for hop in back + on) else "   through"
    names = f"  {'hop':<9}{'factor':>8}{parts_of:<26}"
    head += [(), fit([(names + (f"{'arrives':>9}" if arrives else ""), "muted")], wide)]
    chosen = min(chosen, len(view.hops) - 1)
    mixed = bool(straight or (back and on))
    parts = (
        ("straight from the loss", straight),
        ("to earlier time steps", back),
        ("to later time steps", on),
    )
    body: list[Line] = []
    focus = 0
    for title, hops in parts:
        if mixed and hops:
            body.append(fit([(title, "muted")], wide))
        first = next((hop.before for hop in hops), 0.0)
        for hop in hops:
            here = hop is view.hops[chosen]
            focus = len(body) if here else focus
            body.append(_hop(hop, first, here, arrives, wide))
    foot = [(), *_ways(view.hops[chosen], wide), *(_end(end, mixed, wide) for end in view.ends)]
    return scrolled(head, body, foot, focus, wide, high)


def _hop(hop: HopView, first: float, chosen: bool, arrives: bool, wide: int) -> Line:
    """Factor, what it is made of, and how much of the first size is left after it."""
    spans: list[Span] = [
        ("▸ " if chosen else "  ", "now"),
        (f"{f'{hop.t} → {hop.to}':<9}", "cursor" if chosen else "text"),
    ]
    if hop.straight:
        spans.append((" " * 34, ""))  # it has passed nothing that could leave a part of it
    else:
        spans += [(f"{_factor(hop.factor, 7, 4):>8}", "strong"), *_parts(hop)]
    spans.append((f"{number(hop.after, 8, _decimals(hop.after)):>9} " if arrives else " ", "text"))
    bar = level_bar(hop.after / first if first else 0.0, 10)
    mark: Span = (f"◀ {hop.mark}", "warning") if hop.mark else (bar if first else "", "positive")
    return fit(merge([*spans, mark]), wide)


def _parts(hop: HopView) -> list[Span]:
    """What a factor is made of: the two of a split, or the way by which most of it goes."""
    if hop.split:
        return [(f"   {_factor(hop.nonlinearity, 7, 4):>12}   {_factor(hop.weights, 7, 4):<8}", "text")]
    said = f"   {UNDEFINED}"
    if hop.ways:
        way, share = hop.ways[0]
        said = f"   {100 * share:.0f} % {way}" if len(hop.ways) > 1 else f"   {way}"
    return [*fit([(safe_text(said), "text")], PARTS - 1), (" ", "")]


def _factor(value: float | None, width: int, decimals: int) -> str:
    return UNDEFINED if value is None else number(value, width, decimals)


def _ways(hop: HopView, wide: int) -> list[Line]:
    """The ways of one hop."""
    lines = [fit([(f"{hop.t} → {hop.to} goes by", "muted")], wide)]
    lines += [_route(route, wide) for route in hop.routes[:ROUTES]]
    if len(hop.routes) > ROUTES:
        more = len(hop.routes) - ROUTES
        lines.append(fit([(f"  {more} more way{'s' if more > 1 else ''}", "muted")], wide))
    return lines


def _route(route: RouteView, wide: int) -> Line:
    arrives = f"  {number(route.norm, 8, _decimals(route.norm))} arrives"
    spans: list[Span] = [
        ("  ", ""),
        (safe_text(route.text), "text"),
        (f"  × {_factor(route.factor, 8, 5)}", "strong"),
        ("  nothing comes to it" if route.factor is None else arrives, "muted"),
    ]
    return fit(spans, wide)


def _end(end: EndView, mixed: bool, wide: int) -> Line:
    """How far it gets. Where what there is in the end may have come by other ways too, it is not what is left."""
    sizes = f"From t={end.t} to t={end.to}: {number(end.first, 8, 5)} → {number(end.last, 8, 5)}, "
    if not end.first:
        said = "nothing flows"
    elif not (isfinite(end.first) and isfinite(end.last)):
        said = "what is left is not known"
    else:
        said = f"{percent(end.last / end.first)} of {'that' if mixed else 'it is left'}"
    return fit([(f"{sizes}{said}.", "now")], wide)


def _decimals(size: float) -> int:
    """None for what is small: it keeps its digits in e-notation."""
    return 5 if size >= SMALL or not size else 0
