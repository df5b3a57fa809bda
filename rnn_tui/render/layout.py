"""The matrices of one pane in the room there is: side by side or stacked, whole where that fits.

As numbers, tried in this order: all whole, from four decimals with bars down to two decimals; all with fewer rows,
then fewer columns; at last as many as fit, the primary one for certain. Left to itself (`auto`) a pane shows numbers
where all fit whole; else numbers for the first ones and heat maps for the rest; else heat maps of them all, at last
with one entry for several: everything in view goes before every digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rnn_tui.render.measure import (
    ASIDE,
    NUMBERS,
    TINTED,
    Format,
    Shape,
    gathered,
    heats,
    narrowest,
    part,
    pools,
    richer,
    size,
)
from rnn_tui.render.pack import pack

GAP = 2
TIGHT, AIRY = (GAP, 0), ((2 * GAP, 1), (GAP, 1))
"""Cells between blocks, across and down: at least, and rather."""
FEWEST, FEWEST_OF_HEAT = (3, 4), (6, 12)
"""Rows and columns that a block that is cut keeps at least; what cannot is better left out, and named."""
LOWEST = 4
"""Lines of such a block."""
TINY = 16
"""Entries of a matrix that is rather numbers, beside maps of larger ones."""
MOST_TRIED = 5
"""How many of those left out are tried in the gaps."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The block of one matrix: which, where, how large, in which format."""

    index: int
    x: int
    y: int
    width: int
    height: int
    form: Format


class Layout(NamedTuple):
    """All blocks of a pane, and the matrices there was no room for."""

    blocks: tuple[Placed, ...]
    hidden: tuple[int, ...] = ()


@lru_cache(maxsize=256)
def layout(
    shapes: tuple[Shape, ...],
    width: int,
    height: int,
    primary: int,
    mode: str = "numbers",
    halves: bool = True,
) -> Layout:
    """Where the matrices go; a function of their shapes, the room, the mode and which of them matters most."""
    if not shapes or width <= 0 or height <= 0:
        return Layout(())
    everything = tuple(range(len(shapes)))
    small = mode == "auto" and (height <= LOWEST or _fits_as_numbers(shapes[primary], width, height))
    unscaled: tuple[Placed, ...] | None = None
    for wanted in _whole(shapes, mode, halves, primary, small):
        if unscaled and not all(form.scaled for form in wanted):
            continue  # the first of those has the most numbers
        whole = tuple(form.of(shape) for form, shape in zip(wanted, shapes, strict=True))
        sizes = [size(shape, form) for shape, form in zip(shapes, whole, strict=True)]
        if (blocks := _packed(everything, whole, sizes, width, height)) is not None:
            if small:
                blocks = _more_numbers(shapes, blocks, width, height)
            if mode == "auto":
                blocks = _grown(shapes, blocks, width, height, halves)
            if all(block.form.scaled for block in blocks):
                return Layout(blocks)
            unscaled = unscaled or blocks
    if unscaled:
        return Layout(unscaled)
    if mode == "auto":
        forms = NUMBERS if small else (*heats(halves)[:-2], *gathered(halves))
    else:
        forms = {"numbers": NUMBERS, "both": TINTED}.get(mode, heats(halves)[:-1])
    if (blocks := _squeezed(shapes, everything, forms, width, height)) is not None:
        return Layout(blocks)
    return _some(shapes, forms, width, height, primary, colours=small)


def _more_numbers(
    shapes: tuple[Shape, ...], blocks: tuple[Placed, ...], width: int, height: int
) -> tuple[Placed, ...]:
    """Of the heat maps in this layout as many as numbers as fit too, the smallest first: one number is no map."""
    maps = [block.index for block in blocks if block.form.heat]
    for index in sorted(maps, key=lambda index: shapes[index].rows * shapes[index].columns):
        forms = [NUMBERS[-1].of(shapes[b.index]) if b.index == index else b.form for b in blocks]
        sizes = [size(shapes[b.index], form) for b, form in zip(blocks, forms, strict=True)]
        everything = tuple(block.index for block in blocks)
        blocks = _packed(everything, forms, sizes, width, height) or blocks
    return blocks


def _grown(
    shapes: tuple[Shape, ...], blocks: tuple[Placed, ...], width: int, height: int, halves: bool
) -> tuple[Placed, ...]:
    """Heat maps into the room that is left: all of one size alike, first with labels, then as much as fits.

    At last the numbers get more digits.
    """
    forms = {block.index: block.form for block in blocks}
    order = tuple(forms)
    groups: dict[tuple[int, int, int], list[int]] = {}
    for block in blocks:
        if block.form.heat:
            shape = shapes[block.index]
            groups.setdefault((shape.rows * shape.columns, shape.rows, shape.gutter), []).append(block.index)

    def taken(changed: dict[int, Format]) -> bool:
        sizes = [size(shapes[index], changed[index]) for index in order]
        area = sum(w * h for w, h in sizes)
        return area <= width * height and pack(sizes, width, height, *TIGHT) is not None

    for best in (False, True):
        for _, group in sorted(groups.items()) if best else groups.items():
            now = forms[group[0]]
            if not now.heat:
                continue
            for form in richer(now, halves) if best else (now._replace(labels=True, scaled=True),):
                if form == now:
                    break
                changed = forms | {index: form.of(shapes[index]) for index in group}
                if taken(changed):
                    forms = changed
                    break
    numbers = [index for index in order if not forms[index].heat]
    for form in NUMBERS:
        if taken(changed := forms | {index: form.of(shapes[index]) for index in numbers}):
            forms = changed
            break
    sizes = [size(shapes[index], forms[index]) for index in order]
    return _packed(order, [forms[index] for index in order], sizes, width, height) or blocks


def _some(
    shapes: tuple[Shape, ...],
    forms: Sequence[Format],
    width: int,
    height: int,
    primary: int,
    *,
    colours: bool,
) -> Layout:
    """As many as fit: the primary one, then the others in their order; with `colours`, heat maps in what is left."""
    order = [primary, *(index for index in range(len(shapes)) if index != primary)]
    low, high = 1, len(order)
    best = _squeezed(shapes, (primary,), forms, width, height) or ()
    while low + 1 < high:  # the first `low` of them fit, the first `high` do not
        middle = (low + high) // 2
        if (blocks := _squeezed(shapes, tuple(sorted(order[:middle])), forms, width, height)) is not None:
            low, best = middle, blocks
        else:
            high = middle
    shown, coloured = tuple(sorted(order[:low])), frozenset[int]()
    for as_colours in (False, True) if colours else (False,):
        for index in [index for index in order if index not in shown][:MOST_TRIED]:
            attempt, marked = tuple(sorted((*shown, index))), coloured | ({index} if as_colours else set())
            if (blocks := _squeezed(shapes, attempt, forms, width, height, marked)) is not None:
                shown, best, coloured = attempt, blocks, marked
    return Layout(best, tuple(index for index in range(len(shapes)) if index not in shown))


def _fits_as_numbers(shape: Shape, width: int, height: int) -> bool:
    """Whether it can be read as numbers alone: whole, or, over time, with rows that scroll."""
    wide, high = size(shape, NUMBERS[-1])
    return wide <= width and (high <= height or (bool(shape.gutter) and height > LOWEST))


def _whole(
    shapes: tuple[Shape, ...], mode: str, halves: bool, primary: int, small: bool
) -> Iterator[tuple[Format, ...]]:
    """For every matrix a format, the best first, in which none is cut."""
    count = len(shapes)
    if mode == "both":
        yield from ((form,) * count for form in TINTED)
    if mode in ("auto", "numbers"):
        yield from ((form,) * count for form in NUMBERS)
    if small:
        order = [primary, *(index for index in range(count) if index != primary)]
        some = {count - 1, count * 3 // 4, count // 2, count // 4, 2, 1} - {0, count, count + 1}
        for kept in sorted(some, reverse=True):
            as_numbers = set(order[:kept])
            for form in (NUMBERS[1], NUMBERS[-1]):
                for heat in ASIDE:
                    yield tuple(form if index in as_numbers else heat for index in range(count))
    elif mode in ("auto", "heat"):
        tiny = [mode == "auto" and shape.rows * shape.columns <= TINY for shape in shapes]
        for maps in (heats(halves), pools(halves) if mode == "auto" else ()):
            if any(tiny):
                yield from (
                    tuple(NUMBERS[-1] if few else heat for few in tiny) for heat in maps if heat.labels
                )
            yield from ((heat,) * count for heat in maps)


def _squeezed(
    shapes: tuple[Shape, ...],
    chosen: tuple[int, ...],
    forms: Sequence[Format],
    width: int,
    height: int,
    coloured: frozenset[int] = frozenset(),
) -> tuple[Placed, ...] | None:
    """Whole if possible, else with the most rows, then the most columns, that let all of `chosen` in.

    Those of `coloured` are heat maps without labels, whatever the others are.
    """

    def each(form: Format) -> tuple[Format, ...]:
        return tuple(ASIDE[-1] if index in coloured else form for index in range(len(shapes)))

    tightest = [size(shapes[index], each(forms[-1])[index].of(shapes[index])) for index in chosen]
    least_across = (width - 2 * GAP) // 3
    if sum(min(w, least_across) * min(h, LOWEST) for w, h in tightest) > width * height:
        return None
    tallest = max(size(shapes[index], forms[-1].of(shapes[index]))[1] for index in chosen) + 2
    caps = range(min(LOWEST, height), min(height, tallest) + 1)
    best: tuple[int, tuple[Placed, ...]] | None = None
    for form in forms:
        found = _highest(shapes, chosen, each(form), width, height, width, caps, columns=True)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
        if best is not None and best[0] == caps[-1]:
            break
    if best is not None or coloured:
        return best and best[1]
    for cap_x in sorted({width, (width - GAP) // 2, (width - 2 * GAP) // 3}, reverse=True):
        for form in forms[-2:]:
            if (found := _highest(shapes, chosen, each(form), width, height, cap_x, caps)) is not None:
                return found[1]
    return None


def _highest(
    shapes: tuple[Shape, ...],
    chosen: tuple[int, ...],
    forms: Sequence[Format],
    width: int,
    height: int,
    cap_x: int,
    caps: range,
    *,
    columns: bool = False,
) -> tuple[int, tuple[Placed, ...]] | None:
    """The most lines, of `caps`, that a block may have so that all of `chosen` fit, and where they go then."""
    forms = [form.of(shape) for shape, form in zip(shapes, forms, strict=True)]
    wants = [size(shapes[index], forms[index]) for index in chosen]
    if columns and any(w > cap_x for w, _ in wants):
        return None

    def enough(cap: int) -> bool:
        return len(chosen) == 1 or all(
            (w <= cap_x and h <= cap)
            or _worth(shapes[index], forms[index], min(w, cap_x), min(h + (w > cap_x), cap))
            for index, (w, h) in zip(chosen, wants, strict=True)
        )

    def packed(cap: int) -> tuple[Placed, ...] | None:
        # A block whose columns are cut needs a line more, for the sign that says so.
        sizes = [(min(w, cap_x), min(h + (w > cap_x), cap)) for w, h in wants]
        return _packed(chosen, forms, sizes, width, height)

    # What does not fit with the fewest lines does not fit with more: most attempts end there.
    least = next((cap for cap in caps if enough(cap)), None)
    if least is None or (blocks := packed(least)) is None:
        return None
    for cap in range(caps[-1], least, -1):
        if (higher := packed(cap)) is not None:
            return cap, higher
    return least, blocks


def _worth(shape: Shape, form: Format, width: int, height: int) -> bool:
    """Whether enough of the matrix would show in a block of that size, and no number of it cut."""
    if width < narrowest(shape, form):
        return False
    shown = part(shape, form, width, height, 0, 0)
    rows, columns = shown.rows[1] - shown.rows[0], shown.columns[1] - shown.columns[0]
    few_rows, few_columns = FEWEST_OF_HEAT if form.halves else FEWEST
    return rows >= min(shape.rows, few_rows) and columns >= min(shape.columns, few_columns)


def _packed(
    chosen: tuple[int, ...],
    forms: Sequence[Format],
    sizes: Sequence[tuple[int, int]],
    width: int,
    height: int,
) -> tuple[Placed, ...] | None:
    """Blocks of these sizes for all of `chosen`, airy if that fits, else tight."""
    if sum(w * h for w, h in sizes) > width * height:
        return None
    spots = pack(sizes, width, height, *TIGHT)
    if spots is None:
        return None
    for gap_x, gap_y in AIRY:
        if (airier := pack(sizes, width, height, gap_x, gap_y)) is not None:
            spots = airier
            break
    return tuple(
        Placed(index, x, y, w, h, forms[index])
        for index, (x, y), (w, h) in zip(chosen, spots, sizes, strict=True)
    )
