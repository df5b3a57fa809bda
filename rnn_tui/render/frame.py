"""The frame of a pane, or the rule above it: its title and letter, what is not shown, and what its colours mean."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rnn_tui.render.heat import legend, scale_of
from rnn_tui.render.layout import Layout
from rnn_tui.render.levels import full_scales
from rnn_tui.render.shares import has_shares
from rnn_tui.render.spans import Line, Span, fit, padded, width
from rnn_tui.text import cells, clip, safe_text

if TYPE_CHECKING:
    from rnn_tui.render.pane import PaneView

Asides = tuple[tuple[Line, ...], tuple[Line, ...]]
"""Legends, the fullest first: those that say all there is to say, and those that say the most important."""


def framed(
    view: PaneView,
    body: list[Line],
    wide: int,
    high: int,
    missing: tuple[str, ...] = (),
    asides: Asides = ((), ()),
    under: str = "",
) -> list[Line]:
    """The body within a box, or below a rule; the pane that a person picked has heavy lines.

    In the frame stand the names of what is `missing`, the fullest legend that fits (of `asides`), and the number
    `under` the cursor.
    """
    heavy = view.heavy
    role = "focus" if heavy else "faint"
    inner_high = high - 2 if view.boxed else high - 1
    body = body[:inner_high] + [()] * (inner_high - len(body))
    top = _top(view, role, wide, () if view.boxed else missing, asides)
    if not view.boxed:
        return [top, *(fit([(" ", ""), *line], wide) for line in body)]
    lines = [top, *(_between_sides(tuple(line), wide, heavy, role) for line in body)]
    flat = "━" if heavy else "─"
    left, right = ("┗", "┛") if heavy else ("╰", "╯")
    value = f" {under} " if under and cells(under) + 12 <= wide else ""
    said = _missing(missing, wide - 6 - cells(value) - bool(value))
    rest = wide - 3 - cells(said) - cells(value) - bool(value)
    end: list[Span] = [(value, "strong"), (flat, role)] if value else []
    lines.append(fit([(left + flat, role), (said, "muted"), (flat * rest, role), *end, (right, role)], wide))
    return lines


@lru_cache(maxsize=256)
def _between_sides(line: Line, wide: int, heavy: bool, role: str) -> Line:
    """Most lines of a pane are drawn again as they were."""
    side: Span = ("┃" if heavy else "│", role)
    return (side, (" ", ""), *padded(line, wide - 4), (" ", ""), side)


def _missing(names: tuple[str, ...], room: int) -> str:
    """The sign that not all matrices are shown: their names, as far as there is room."""
    if not names:
        return ""
    count = f" +{len(names)} more"
    named = f"{count}: {' '.join(map(safe_text, names))} "
    if cells(named) <= room:
        return named
    if room >= len(count) + 8:
        return clip(named, room)
    return f"{count} " if room >= 9 or room > len(count) else f" +{len(names)} "


def legends(view: PaneView, blocks: Layout) -> Asides:
    """The legends, the fullest first: of the colours where there are any, and of the marks of an output.

    The second part says less than all of that. That the colours can be read goes before how many entries one of them
    stands for, which their names say too.
    """
    marks: Line = ()
    if view.manner.shares and has_shares(view.matrices):
        marks = ((" ◎ ", "target"), ("target", "muted"), (" ● ", "chosen"), ("chosen ", "muted"))
    coloured = [block.form for block in blocks.blocks if block.form.heat or block.form.tinted]
    if not coloured:
        return ((marks,), ()) if marks else ((), ())
    one = view.display.scale != "matrix"
    full = f"{full_scales(view.matrices, view.display)[0]:g}" if one else ""
    glyphs = any(form.heat and not form.halves for form in coloured)
    colours, slim, least = (legend(full, glyphs=glyphs, every=every) for every in (1, 2, 4))
    pool = max(form.pool for form in coloured)
    pooled: Line = () if pool == (1, 1) else ((f" largest of {pool[0]}×{pool[1]} ", "muted"),)
    apart, brief = _scales_apart(view, blocks)
    lesser: tuple[Line, ...] = (
        (*slim, *apart), (*least, *apart), (*slim, *brief), (*least, *brief), slim, least,
    )  # fmt: skip
    if marks:
        close: Line = (("◎", "target"), ("target ", "muted"), ("●", "chosen"), ("chosen ", "muted"))
        full_ones: tuple[Line, ...] = (*pooled, *colours, *marks), (*colours, *marks), (*slim, *marks)
        return (*full_ones, (*least, *close)), (colours, *lesser)
    return ((*pooled, *colours, *apart), (*colours, *apart), *lesser[:4]), lesser[4:]


def _scales_apart(view: PaneView, blocks: Layout) -> tuple[Line, Line]:
    """The scales of those heat maps that have no room for them beside their names: of each, and from which to which.

    The one that most of them have comes first, and without their names.
    """
    narrow = [block for block in blocks.blocks if block.form.heat and not block.form.scaled]
    if view.display.scale != "matrix" or not narrow:
        return (), ()
    fulls = full_scales(view.matrices, view.display)
    names: dict[str, list[str]] = {}
    for block in narrow:
        matrix = view.matrices[block.index]
        scale = scale_of(matrix, fulls[block.index])
        if scale and cells(safe_text(matrix.key)) + 1 + cells(scale) > block.width:
            names.setdefault(scale, []).append(safe_text(matrix.key))
    if not names:
        return (), ()
    most = max(names, key=lambda scale: len(names[scale]))
    said = [most] if len(names[most]) > 1 else [f"{names[most][0]} {most}"]
    said += [f"{name} {scale}" for scale in names if scale != most for name in names[scale]]
    sizes = sorted(fulls[block.index] for block in narrow if fulls[block.index])
    both = f"±{sizes[0]:g}…{sizes[-1]:g}" if len(names) > 1 and sizes else most
    return ((f" {', '.join(said)} ", "muted"),), ((f" {both} ", "muted"),)


SHORTEST_TITLE = 11
"""Cells of a title at which it is cut no further for the sake of what else is in the frame, with the blanks around."""


def _top(view: PaneView, role: str, wide: int, missing: tuple[str, ...], asides: Asides) -> Line:
    flat = "━" if view.heavy else "─"
    left, right = ("┏", "┓") if view.heavy else ("╭", "╮")
    ends = (left + flat, flat + right) if view.boxed else (flat, flat)
    letter: list[Span] = [(ends[1], role)]
    if view.letter:
        letter.insert(0, (f" {view.letter} ", "jump" if view.jump else "muted"))
    title = f" {safe_text(view.title)} "
    room = wide - cells(ends[0]) - width(letter) - 1
    roomy = room >= cells(title) + 1 + 18 + 1 + min(
        (width(aside) for some in asides for aside in some), default=0
    )
    names = _missing(missing, 18 if roomy else 9 if room >= SHORTEST_TITLE + 10 else 0)
    reserved = cells(names) + 1 if names else 0
    aside, least = _aside(asides, room - reserved, cells(title))
    if aside:
        reserved += width(aside) + 1
    title = clip(title, max(room - reserved, least))
    room -= cells(title)
    said: list[Span] = []
    if missing:
        fuller = _missing(missing, room - (width(aside) + 1 if aside else 0) - 1)
        said = [(max(names, fuller, key=cells), "muted"), (flat, role)]
    if aside:
        said += [*aside, (flat, role)]
    head: list[Span] = [(ends[0], role), (title, "focus" if view.focused else "strong")]
    rest = wide - width(head) - width(said) - width(letter)
    return fit([*head, (flat * rest, role), *said, *letter], wide)


def _aside(asides: Asides, room: int, title: int) -> tuple[Line, int]:
    """The first legend that fits beside the title; else, beside a shorter one; and what the title takes at least."""
    for some in asides:
        for least in (title, min(title, SHORTEST_TITLE)):
            for aside in some:
                if width(aside) + 1 + least <= room:
                    return aside, least
    return (), min(title, SHORTEST_TITLE)
