"""The words of exporting, without anything that costs time to import."""

from __future__ import annotations

import re

PICTURES = ("svg", "png", "txt", "ansi")
"""What shows the screen."""
DOCUMENTS = ("md", "csv")
"""What tells steps."""
FORMATS = (*PICTURES, *DOCUMENTS)

PANELS = ("why", "flow", "full")
"""Explanations that can be opened before a picture is taken: the actions of their keys."""
ALONE = (
    "inputs", "weights", "hidden", "output", "gradients", "panel", "equation", "narration", "timeline", "curve",
)  # fmt: skip
"""What can be shown alone: the names of the screen's widgets that say something alone."""

LEAST, MOST = (60, 20), (400, 200)
"""Columns and rows of a screen: less is too small to show anything, more is no screen."""


def parse_size(text: str) -> tuple[int, int] | None:
    """`120x40` as columns and rows; None where it is no size, or none that a screen has."""
    found = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", text)
    if found is None:
        return None
    wide, high = int(found[1]), int(found[2])
    return (wide, high) if LEAST[0] <= wide <= MOST[0] and LEAST[1] <= high <= MOST[1] else None
