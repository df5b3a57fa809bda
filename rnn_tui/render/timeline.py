"""The timeline: where the cursor is in this iteration and in the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
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
        left, right, room = _around_line(view, wide)
        return [spread([*left, *_iteration(view, room, named=True)], right, wide)]
    bar = wide - 2
    lines = [fit([(" ", ""), *_names(view, bar)], wide), fit([(" ", ""), *_iteration(view, bar)], wide)]
    left, right, room = _around_run(view, wide)
    lines.append(fit([*left, *_run(view, room), *right], wide))
    gap: Line = ()
    return [fit(line, wide) for line in (lines + [gap] * high)[:high]]


def step_at(view: TimelineView, wide: int, high: int, x: int, y: int) -> int | None:
    """The step that is drawn in this cell; None where none is. It is the inverse of `draw_timeline`."""
    if high >= 3 and y == 2:
        left, _, room = _around_run(view, wide)
        at, cells_there, count = x - width(left) - 1, room - 2, view.total
        return _step_at(at, count, cells_there) if 0 <= at < cells_there else None
    if high >= 3:
        start, room, named = 1, wide - 2, False
    else:
        before, _, room = _around_line(view, wide)
        start, named = width(before), True
    if not 0 <= y <= (high >= 3):  # of a mouse that is captured also what lies outside
        return None
    for _, first, count, _, at, there in _segments(view, room, named=named):
        if 0 <= x - start - at < there and count:
            return first + _step_at(x - start - at, count, there)
    return None


def _around_run(view: TimelineView, wide: int) -> tuple[list[Span], list[Span], int]:
    """What stands before and after the line of the whole run, and its room."""
    left: list[Span] = [(" ", ""), (_iterations(view), "strong"), (f"  {_times(view)}  ", "muted")]
    right: list[Span] = [("  step ", "muted"), (_of(view.index + 1, view.total), "strong"), (" ", "")]
    return left, right, max(wide - width(left) - width(right), 8)


def _iterations(view: TimelineView) -> str:
    # Where every iteration is an epoch, one of the two says it.
    epoch = f"epoch {_of(view.epoch, view.epochs)} " if 1 < view.epochs != view.iterations else ""
    return f"{epoch}iteration {_of(view.iteration, view.iterations)}"


def _where(view: TimelineView) -> str:
    if view.t is None:
        return f"T {view.T}".ljust(3 + 2 * len(str(view.T)))
    return f"t {_of(view.t, view.T)}"


def _of(one: int, all_of_them: int) -> str:
    """`3/20`, always as wide: nothing beside it moves while one steps."""
    return f"{one}/{all_of_them}".ljust(1 + 2 * len(str(all_of_them)))


def _times(view: TimelineView) -> str:
    where = _where(view)
    first, last = view.window
    return where if (first, last) == (1, view.T) else f"{where} window {first}–{last}"


def _around_line(view: TimelineView, wide: int) -> tuple[list[Span], list[Span], int]:
    """What stands before and after the timeline in one line, and its room."""
    count = _of(view.iteration, view.iterations)
    left: list[Span] = [(f" i {count} ", "strong")]
    where = _where(view)
    right: list[Span] = [(f" {where}", "strong"), (f" step {_of(view.index + 1, view.total)} ", "muted")]
    if 1 < view.epochs != view.iterations and wide >= 72:
        left.insert(0, (f" epoch {_of(view.epoch, view.epochs)}", "muted"))
    return left, right, wide - width(left) - width(right)


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
        now = phase == view.phase
        spans += _name(
            phase, wide, view.window, _ticks(view.window, phase, wide - 1), now, view.t if now else None
        )
    return merge(spans)


@lru_cache(maxsize=64)
def _name(
    phase: str, wide: int, window: tuple[int, int], ticks: tuple[int, ...], now: bool, t_now: int | None
) -> Line:
    """The name of a phase and its time steps; `now`: the cursor is in it, at `t_now`."""
    name = phase if len(phase) < wide else SHORT.get(phase, phase[:3])
    first, last = window
    part: list[Span] = [(name, "now" if now else "muted")]
    at = cells(name)
    # Every k-th step is named, so that the names keep a steady distance.
    each = -(-(cells(str(last)) + 2) * (len(ticks) + 1) // max(wide - 1, 1))
    for k, tick in enumerate(ticks, start=1):
        t = last - k if phase == "backward" else first + k
        if k % each == 0 and tick > at and tick + cells(str(t)) < wide:
            part += [(" " * (tick - at), ""), (str(t), "now" if t == t_now else "faint")]
            at = tick + cells(str(t))
    return fit(part, wide)


def _iteration(view: TimelineView, room: int, *, named: bool = False) -> Line:
    """The phases of this iteration as segments; with `named`, each begins with its name."""
    spans: list[Span] = []
    for phase, first, count, name, _, wide in _segments(view, room, named=named):
        if name:
            spans.append((f"{name} ", "now" if phase == view.phase else "muted"))
        spans += _segment(view, phase, first, count, wide)
        spans.append((" ", ""))
    return merge(spans)


def _segments(view: TimelineView, room: int, *, named: bool) -> Iterator[tuple[str, int, int, str, int, int]]:
    """Per phase: its word, first step, number of steps, the name before the segment; its first cell and its cells."""
    least = 8 if named and room >= 8 * len(view.phases) + 8 else 4
    at = 0
    for (phase, first, count), wide in zip(view.phases, _widths(view, room, least), strict=True):
        name = ""
        if named and wide >= 8:
            name = phase if len(phase) + 6 <= wide else SHORT.get(phase, phase[:3])
        lead = len(name) + 1 if name else 0
        yield phase, first, count, name, at + lead, wide - lead - 1
        at += wide


def _segment(view: TimelineView, phase: str, first: int, count: int, wide: int) -> Line:
    """`count` steps from `first` in `wide` cells: done heavy, the rest light, a tick where a time step begins."""
    marked = frozenset(
        _at(index - first, count, wide) for index, _ in view.marks if first <= index < first + count
    )
    here = _at(view.index - first, count, wide) if first <= view.index < first + count else None
    done = wide if view.index >= first + count else here or 0
    return _stretch(wide, done, here, marked, _ticks(view.window, phase, wide))


@lru_cache(maxsize=64)
def _stretch(
    wide: int, done: int, here: int | None, marked: frozenset[int], ticks: tuple[int, ...] = ()
) -> Line:
    """A line of `wide` cells, of which so many are done; most are drawn again as they were."""
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
    return merge(spans)


@lru_cache(maxsize=64)
def _ticks(window: tuple[int, int], phase: str, wide: int) -> tuple[int, ...]:
    """The cells where the second and later time steps of a phase begin; none where they would crowd."""
    steps = window[1] - window[0] + 1
    if phase not in TIMED or not 1 < steps <= wide // 2:
        return ()
    return tuple(-(-wide * at // steps) for at in range(1, steps))


def _at(step: int, count: int, wide: int) -> int:
    """The cell of a step: the first step in the first cell, the last one in the last."""
    return min(wide - 1, step * wide // max(count, 1))


def _step_at(cell: int, count: int, wide: int) -> int:
    """A step that `_at` puts into this cell; where there is none, the one before it."""
    step = min(cell * count // wide, count - 1)
    return step + 1 if step + 1 < count and _at(step + 1, count, wide) <= cell else step


def _run(view: TimelineView, room: int) -> Line:
    """The whole run: its marks, and where we are."""
    wide = room - 2
    marked = frozenset(_at(index, view.total, wide) for index, _ in view.marks)
    here = _at(view.index, view.total, wide)
    return merge([("├", "faint"), *_stretch(wide, here, here, marked), ("┤", "faint")])
