"""The timeline: where the cursor is in this iteration and in the whole run."""

from __future__ import annotations

from itertools import pairwise

from rnn_engine.snapshot import TimelineView
from rnn_tui.render.spans import Line, Span, fit, merge, spread, width
from rnn_tui.text import cells

SHORT = {"forward": "fwd", "backward": "bwd", "update": "upd", "evaluate": "eval", "generate": "gen"}
TIMED = ("forward", "backward", "evaluate", "generate")
"""Phases that run over time steps."""


def draw_timeline(view: TimelineView, wide: int, high: int) -> list[Line]:
    """One line, or with more room: the names of the phases, this iteration, and the whole run."""
    if high < 3:
        return _one_line(view, wide)
    bar = wide - 2
    lines = [fit([(" ", ""), *_names(view, bar)], wide), fit([(" ", ""), *_iteration(view, bar)], wide)]
    left: list[Span] = [(" ", ""), (_iterations(view), "strong"), (f"  {_times(view)}  ", "muted")]
    right: list[Span] = [("  step ", "muted"), (f"{view.index + 1}", "strong"), (f"/{view.total} ", "muted")]
    room = max(wide - width(left) - width(right), 8)
    whole = _run(view, room)
    lines.append(fit([*left, *whole, *right], wide))
    gap: Line = ()
    return [fit(line, wide) for line in (lines + [gap] * high)[:high]]


def _iterations(view: TimelineView) -> str:
    # Where every iteration is an epoch, one of the two says it.
    epoch = f"epoch {view.epoch}/{view.epochs} " if 1 < view.epochs != view.iterations else ""
    return f"{epoch}iteration {view.iteration}/{view.iterations}"


def _times(view: TimelineView) -> str:
    where = f"t {view.t}/{view.T}" if view.t is not None else f"T {view.T}"
    first, last = view.window
    return where if (first, last) == (1, view.T) else f"{where} window {first}–{last}"


def _one_line(view: TimelineView, wide: int) -> list[Line]:
    count = f"{view.iteration}/{view.iterations}"
    left: list[Span] = [(f" i {count} ", "strong")]
    where = f" t {view.t}/{view.T}" if view.t is not None else f" T {view.T}"
    right: list[Span] = [(where, "strong"), (f" step {view.index + 1}/{view.total} ", "muted")]
    if 1 < view.epochs != view.iterations and wide >= 72:
        left.insert(0, (f" epoch {view.epoch}/{view.epochs}", "muted"))
    room = wide - width(left) - width(right)
    return [spread([*left, *_iteration(view, room, named=True)], right, wide)]


def _widths(view: TimelineView, room: int, least: int) -> list[int]:
    """Cells for each phase, in proportion to its steps, and no fewer than `least`."""
    total = sum(count for _, _, count in view.phases) or 1
    free = max(room - least * len(view.phases), 0)
    ends = [0]
    for _, _, count in view.phases:
        ends.append(ends[-1] + count)
    cuts = [least * at + round(free * end / total) for at, end in enumerate(ends)]
    return [after - before for before, after in pairwise(cuts)]


def _names(view: TimelineView, room: int) -> Line:
    """The names of the phases, each above its segment, and the time steps above their ticks."""
    spans: list[Span] = []
    for (phase, _, _), wide in zip(view.phases, _widths(view, room, 4), strict=True):
        name = phase if len(phase) < wide else SHORT.get(phase, phase[:3])
        now = phase == view.phase
        first, last = view.window
        part: list[Span] = [(name, "now" if now else "muted")]
        at = cells(name)
        ticks = _ticks(view, phase, wide - 1)
        # Every k-th step is named, so that the names keep a steady distance.
        each = -(-(cells(str(last)) + 2) * (len(ticks) + 1) // max(wide - 1, 1))
        for k, tick in enumerate(ticks, start=1):
            t = last - k if phase == "backward" else first + k
            if k % each == 0 and tick > at and tick + cells(str(t)) < wide:
                part += [(" " * (tick - at), ""), (str(t), "now" if now and t == view.t else "faint")]
                at = tick + cells(str(t))
        spans += fit(part, wide)
    return merge(spans)


def _iteration(view: TimelineView, room: int, *, named: bool = False) -> Line:
    """The phases of this iteration as segments; with `named`, each begins with its name."""
    spans: list[Span] = []
    least = 8 if named and room >= 8 * len(view.phases) + 8 else 4
    for (phase, first, count), wide in zip(view.phases, _widths(view, room, least), strict=True):
        if named and wide >= 8:
            name = phase if len(phase) + 6 <= wide else SHORT.get(phase, phase[:3])
            spans.append((f"{name} ", "now" if phase == view.phase else "muted"))
            wide -= len(name) + 1
        spans += _segment(view, phase, first, count, wide - 1)
        spans.append((" ", ""))
    return merge(spans)


def _segment(view: TimelineView, phase: str, first: int, count: int, wide: int) -> list[Span]:
    """`count` steps from `first` in `wide` cells: done heavy, the rest light, a tick where a time step begins."""
    ticks = set(_ticks(view, phase, wide))
    marked = {_at(index - first, count, wide) for index, _ in view.marks if first <= index < first + count}
    here = _at(view.index - first, count, wide) if first <= view.index < first + count else None
    done = wide if view.index >= first + count else here or 0
    spans: list[Span] = []
    for at in range(wide):
        if at == here:
            spans.append(("●", "now"))
        elif at in marked:
            spans.append(("◆", "note"))
        elif at < done:
            spans.append(("┿" if at in ticks else "━", "focus"))
        else:
            spans.append(("┼" if at in ticks else "─", "faint"))
    return spans


def _ticks(view: TimelineView, phase: str, wide: int) -> list[int]:
    """The cells where the second and later time steps of a phase begin; none where they would crowd."""
    steps = view.window[1] - view.window[0] + 1
    if phase not in TIMED or not 1 < steps <= wide // 2:
        return []
    return [-(-wide * at // steps) for at in range(1, steps)]


def _at(step: int, count: int, wide: int) -> int:
    """The cell of a step: the first step in the first cell, the last one in the last."""
    return min(wide - 1, step * wide // max(count, 1))


def _run(view: TimelineView, room: int) -> Line:
    """The whole run: its marks, and where we are."""
    wide = room - 2
    marked = {_at(index, view.total, wide) for index, _ in view.marks}
    here = _at(view.index, view.total, wide)
    spans: list[Span] = [("├", "faint")]
    for at in range(wide):
        if at == here:
            spans.append(("●", "now"))
        elif at in marked:
            spans.append(("◆", "note"))
        else:
            spans.append(("━", "focus") if at < here else ("─", "faint"))
    return merge([*spans, ("┤", "faint")])
