"""Where everything goes at a given size of the terminal, and as a person has changed that."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from rnn_engine.panes import PANES

Box = tuple[int, int, int, int]
"""x, y, width, height."""

Kind = Literal["narrow", "normal", "wide"]
"""Narrow: rules instead of frames, an explanation has the screen to itself. Wide: a frame for the loss curve."""
KINDS: tuple[Kind, ...] = get_args(Kind)

LEAST_WIDTH, LEAST_HEIGHT = 60, 20
COLUMNS = (("inputs", "hidden", "output"), ("weights", "gradients"))
"""The panes of the left and of the right side, from top to bottom."""
SLIMMEST, FLATTEST = 20, 3
"""No pane gets smaller than that: the frame and something within."""
FAR = 500
"""Cells that an edge can be moved at most, in a saved arrangement too."""


class Arrangement(NamedTuple):
    """What a person has changed in one kind of layout; the edges in cells from where they would be."""

    left: int = 0
    """Columns by which the left side is wider."""
    edges: Mapping[str, int] = MappingProxyType({})
    """Per pane: rows by which its lower edge is further down."""
    hidden: frozenset[str] = frozenset()
    """Panes that are not shown; never all of them."""

    def show(self, pane: str) -> Arrangement:
        """With this pane."""
        return self._replace(hidden=self.hidden - {pane})

    def hide(self, pane: str) -> Arrangement:
        """Without this pane, unless it is the last."""
        hidden = self.hidden | {pane}
        return self._replace(hidden=hidden) if len(hidden) < len(PANES) else self


class Scene(NamedTuple):
    """What the places depend on beside the size."""

    zoom: str = ""
    """A pane that takes the place of all five."""
    panel: tuple[str, ...] = ()
    """Panes in whose place a panel stands: neighbours, one below the other, or all of them."""
    arrangements: Mapping[Kind, Arrangement] = MappingProxyType({})
    most: Kind = "wide"
    """The kind of layout that a person wants at most."""

    def arrangement(self, width: int, height: int) -> Arrangement:
        """What was changed in the layout of that size."""
        return self.arrangements.get(kind(width, height, self.most), Arrangement())


def kind(width: int, height: int, most: Kind = "wide") -> Kind:
    """The kind of layout there is room for, up to `most`."""
    fits = "wide" if width >= 160 and height >= 48 else "normal" if height >= 32 else "narrow"
    return KINDS[min(KINDS.index(fits), KINDS.index(most))]


def boxed(width: int, height: int, most: Kind = "wide") -> bool:
    """Whether there is room for whole frames; else panes have a rule above them only."""
    return kind(width, height, most) != "narrow"


def beside(width: int, height: int, most: Kind = "wide") -> bool:
    """Whether a panel can stand among the panes; else it takes the place of all of them."""
    return width >= 110 and boxed(width, height, most)


PLAIN = Scene()
"""Nothing zoomed, nothing changed."""


def arrange(width: int, height: int, scene: Scene = PLAIN) -> dict[str, Box]:
    """A box for everything that is shown, by name."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return {"small": (0, 0, width, height)}
    frames = boxed(width, height, scene.most)
    equation = 5 if frames else 2
    narration = 3 if height >= 36 else 2 if height >= 24 else 1
    timeline = 3 if frames else 1
    wide = kind(width, height, scene.most) == "wide"
    # The curve of the loss has a line below that where there is one to spare: with one pane alone there always is.
    below = int(wide or height >= 36 or bool(scene.zoom))
    room = height - 2 - equation - narration - timeline - below
    whole = (0, 1, width, room)
    boxes: dict[str, Box] = {"title": (0, 0, width, 1)}
    panes = _panes(width, room, frames, scene.arrangement(width, height))
    covered = [panes[name] for name in scene.panel if name in panes]
    if scene.panel and (
        scene.zoom or len(covered) in (0, len(panes)) or not beside(width, height, scene.most)
    ):
        boxes["panel"] = whole
    elif scene.zoom:
        boxes[scene.zoom] = whole
    else:
        boxes |= {name: box for name, box in panes.items() if name not in scene.panel}
        if covered:
            x, top, across, _ = covered[0]
            boxes["panel"] = (x, top, across, sum(box[3] for box in covered))
    y = 1 + room
    indent = 0
    if wide:
        indent = _split(width, scene.arrangement(width, height))
        boxes["curve"] = (0, y, indent, equation + narration)
    elif below:
        boxes["curve"] = (0, height - 2, width, 1)
    boxes["equation"] = (indent, y, width - indent, equation)
    boxes["narration"] = (indent, y + equation, width - indent, narration)
    boxes["timeline"] = (0, y + equation + narration, width, timeline + (below if wide else 0))
    boxes["footer"] = (0, height - 1, width, 1)
    return boxes


def _left(width: int) -> int:
    """The width of the left side as it would be."""
    return max(26, min(57, 36 + (width - 80) * 21 // 40), width * 57 // 200)


def _split(width: int, changed: Arrangement) -> int:
    """The width of the left side as it is."""
    return max(SLIMMEST, min(_left(width) + changed.left, width - SLIMMEST))


def _panes(width: int, room: int, frames: bool, changed: Arrangement) -> dict[str, Box]:
    """The panes that are not hidden; where one side is empty, the other has it all."""
    heights = _heights(room, frames)
    sides = [[name for name in column if name not in changed.hidden] for column in COLUMNS]
    left = _split(width, changed)
    if not all(sides):
        left = width if sides[0] else 0
    gap = 0 if frames or not all(sides) else 1
    boxes: dict[str, Box] = {}
    for names, x, wide in ((sides[0], 0, left - gap), (sides[1], left, width - left)):
        for name, (top, bottom) in zip(names, _stack(names, heights, room, changed.edges), strict=True):
            boxes[name] = (x, 1 + top, wide, bottom - top)
    return {name: boxes[name] for name in PANES if name in boxes}


def _heights(room: int, frames: bool) -> dict[str, int]:
    inputs = (8 if room >= 40 else 5) if frames else 4 if room >= 16 else 3
    # With frames the output has room for bars below its numbers; without, the state has one row more than it.
    hidden = (room - inputs) * 9 // 21 if frames else (room - inputs + 1) // 2
    weights = (room + 1) // 2
    return {
        "inputs": inputs, "hidden": hidden, "output": room - inputs - hidden,
        "weights": weights, "gradients": room - weights,
    }  # fmt: skip


def _stack(
    names: list[str], heights: Mapping[str, int], room: int, moved: Mapping[str, int]
) -> list[tuple[int, int]]:
    """First and last row of each pane of a side: heights in proportion, then the edges where they were moved to."""
    total = sum(heights[name] for name in names)
    edges, above = [0], 0
    for at, name in enumerate(names[:-1]):
        above += heights[name]
        furthest = room - FLATTEST * (len(names) - 1 - at)
        edges.append(max(edges[-1] + FLATTEST, min(above * room // total + moved.get(name, 0), furthest)))
    return list(pairwise([*edges, room])) if names else []


# ---------------------------------------------------------------- changing it


def edge_at(boxes: Mapping[str, Box], x: int, y: int) -> str:
    """What can be moved there: `left`, the edge between the sides; a pane, its lower edge; "": nothing."""
    panes = [(name, boxes[name]) for name in PANES if name in boxes]
    for name, (left, top, wide, high) in panes:
        if not (top <= y < top + high and left <= x < left + wide + 1):
            continue
        column = next(c for c in COLUMNS if name in c)
        if column is COLUMNS[0] and x >= left + wide - 1 and any(n in COLUMNS[1] for n, _ in panes):
            return "left"
        if y == top:  # its frame's upper line belongs to the edge of the one above
            above = [n for n, box in panes if n in column and box[1] + box[3] == top]
            return above[0] if above else ""
        if y == top + high - 1 and any(n in column and box[1] == top + high for n, box in panes):
            return name
    return ""


def wider(changed: Arrangement, pane: str, by: int, width: int) -> Arrangement:
    """The side of this pane `by` columns wider, as far as the other side lets it."""
    if pane not in COLUMNS[0]:
        by = -by
    # From where the split is, not from where it was once meant to be: a press the other way always shows.
    at = _split(width, changed) - _left(width)
    left = _split(width, Arrangement(left=at + by)) - _left(width)
    return changed._replace(left=max(-FAR, min(left, FAR)))


def taller(changed: Arrangement, pane: str, by: int, width: int, height: int, most: Kind) -> Arrangement:
    """This pane `by` rows taller: its lower edge moves, that of the last one of a side being its upper one."""
    boxes = arrange(width, height, Scene(arrangements={kind(width, height, most): changed}, most=most))
    column = [name for name in next(c for c in COLUMNS if pane in c) if name in boxes]
    if pane not in column or len(column) == 1:
        return changed
    if pane == column[-1]:
        pane, by = column[-2], -by
    edges = dict(changed.edges)
    rows = [(boxes[name][1] - 1, boxes[name][3]) for name in column]
    meant = _stack(column, _heights(_room(boxes), boxed(width, height, most)), _room(boxes), {})
    at = column.index(pane)
    edges[pane] = max(-FAR, min(sum(rows[at]) - meant[at][1] + by, FAR))
    moved = changed._replace(edges=edges)
    after = arrange(width, height, Scene(arrangements={kind(width, height, most): moved}, most=most))
    return changed if after == boxes else moved


def _room(boxes: Mapping[str, Box]) -> int:
    return boxes["equation"][1] - 1
