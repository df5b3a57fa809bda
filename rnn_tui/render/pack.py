"""Blocks of given sizes into a rectangle, and which part of a long list to show.

Everything here is a function of its arguments alone: what is on screen must not depend on how one got there.
"""

from __future__ import annotations

from collections.abc import Sequence

Size = tuple[int, int]
Spot = tuple[int, int]


def pack(sizes: Sequence[Size], width: int, height: int, gap_x: int, gap_y: int) -> list[Spot] | None:
    """A place (x, y) for every size (w, h), in their order, or with the tallest first; None if neither fits."""
    in_order = range(len(sizes))
    tallest = sorted(in_order, key=lambda index: (-sizes[index][1], index))
    for order in (list(in_order), tallest):
        if (spots := _skyline(sizes, order, width, height, gap_x, gap_y)) is not None:
            return spots
    return None


def _skyline(
    sizes: Sequence[Size], order: Sequence[int], width: int, height: int, gap_x: int, gap_y: int
) -> list[Spot] | None:
    """Each block as high up as it goes, then as far left: `tops[x]` is the first free row of column x."""
    tops = [0] * width
    spots: list[Spot] = [(0, 0)] * len(sizes)
    for index in order:
        w, h = sizes[index]
        if w > width:
            return None
        candidates = sorted({0, *(x for x in range(1, width - w + 1) if tops[x] != tops[x - 1])})
        # What lies to the right keeps its distance too; beyond the edge there is nothing.
        y, x = min((max(tops[x : x + w + gap_x]), x) for x in candidates)
        if y + h > height:
            return None
        spots[index] = (x, y)
        for column in range(x, min(x + w + gap_x, width)):
            tops[column] = y + h + gap_y
    return spots


def window(count: int, visible: int, focus: int, also: int | None = None) -> tuple[int, int]:
    """The part [first, last) of `count` things that shows `focus` in `visible` places.

    It turns over in pages that overlap, so that rows stay where they are while the focus moves,
    and the neighbours of the focus stay in view. Where `also` is near enough, it is moved to show that too.
    """
    if count <= visible:
        return 0, count
    if visible <= 1:
        return focus, focus + max(visible, 0)
    stride = visible - 2 if visible >= 4 else 1
    first = min((max(focus - 1, 0) // stride) * stride, count - visible)
    if also is not None and not first <= also < first + visible and abs(also - focus) < visible:
        first = also if also < first else also - visible + 1
    return first, first + visible
