"""Where everything goes at a given size of the terminal."""

from __future__ import annotations

from rnn_engine.snapshot import PANES

Box = tuple[int, int, int, int]
"""x, y, width, height."""

LEAST_WIDTH, LEAST_HEIGHT = 60, 20


def boxed(height: int) -> bool:
    """Whether there is room for whole frames; else panes have a rule above them only."""
    return height >= 32


def beside(width: int, height: int) -> bool:
    """Whether a panel can stand among the panes; else it takes the place of all of them."""
    return width >= 110 and boxed(height)


def arrange(width: int, height: int, zoom: str = "", panel: tuple[str, ...] = ()) -> dict[str, Box]:
    """A box for everything that is shown, by name; a pane in `zoom` takes the place of all five.

    A panel takes the place of the panes it names (neighbours, one below the other), or of all of them.
    """
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return {"small": (0, 0, width, height)}
    frames = boxed(height)
    wide = width >= 160 and height >= 48
    equation = 5 if frames else 2
    narration = 3 if height >= 36 else 2 if height >= 24 else 1
    timeline = (4 if height >= 36 else 3) if frames else 1
    room = height - 2 - equation - narration - timeline
    left = max(26, min(57, 36 + (width - 80) * 21 // 40), width * 57 // 200)
    boxes: dict[str, Box] = {"title": (0, 0, width, 1)}
    if panel and (zoom or len(panel) == len(PANES) or not beside(width, height)):
        boxes["panel"] = (0, 1, width, room)
    elif zoom:
        boxes[zoom] = (0, 1, width, room)
    else:
        boxes |= _panes(left, width, room, frames)
        covered = [boxes.pop(name) for name in panel]
        if covered:
            x, top, across, _ = covered[0]
            boxes["panel"] = (x, top, across, sum(box[3] for box in covered))
    y = 1 + room
    indent = 0
    if wide:
        boxes["curve"] = (0, y, left, equation + narration)
        indent = left
    boxes["equation"] = (indent, y, width - indent, equation)
    boxes["narration"] = (indent, y + equation, width - indent, narration)
    boxes["timeline"] = (0, y + equation + narration, width, timeline)
    boxes["footer"] = (0, height - 1, width, 1)
    return boxes


def _panes(left: int, width: int, room: int, frames: bool) -> dict[str, Box]:
    inputs = (8 if room >= 40 else 5) if frames else 4 if room >= 16 else 3
    # With frames the output has room for bars below its numbers; without, the state has one row more than it.
    hidden = (room - inputs) * 9 // 21 if frames else (room - inputs + 1) // 2
    weights = (room + 1) // 2
    gap = 0 if frames else 1
    heights = dict(zip(PANES, (inputs, weights, hidden, room - inputs - hidden, room - weights), strict=True))
    tops = {
        "inputs": 1,
        "hidden": 1 + inputs,
        "output": 1 + inputs + hidden,
        "weights": 1,
        "gradients": 1 + weights,
    }
    boxes: dict[str, Box] = {}
    for name in PANES:
        on_left = name in ("inputs", "hidden", "output")
        x, wide = (0, left - gap) if on_left else (left, width - left)
        boxes[name] = (x, tops[name], wide, heights[name])
    return boxes
