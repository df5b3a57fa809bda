"""How a pane shows its matrices: what a person chose with `d` and `y`, as plain data that can be kept in a file."""

from __future__ import annotations

from typing import NamedTuple

MODES = ("auto", "numbers", "heat", "both")
"""`auto`: numbers where they fit, else colours for all of it; `both`: numbers on colours."""
BARS = ("bars", "sorted bars")
"""What an output over named classes has besides: bars alone, in vocabulary order or the largest first."""
SCALES = ("matrix", "shared", "fixed")
"""Each matrix has a scale of its own, those of a pane share one, or it goes to `limit`."""

_SAID = {
    "auto": "numbers where they fit, else a heat map of it all",
    "numbers": "numbers",
    "heat": "heat map",
    "both": "numbers on a heat map",
    "bars": "bars in the order of the vocabulary",
    "sorted bars": "bars, the largest first",
}


class Display(NamedTuple):
    """The settings of one pane."""

    mode: str = "auto"
    """One of `MODES` or `BARS`."""
    scale: str = "matrix"
    """One of `SCALES`."""
    limit: float = 1.0
    """Where a fixed scale ends, up and down."""

    def turned(self, change: int, *, bars: bool) -> Display:
        """The next mode, or the one before; `bars` says whether this pane has any."""
        modes = MODES + BARS if bars else MODES
        at = modes.index(self.mode) if self.mode in modes else 0
        return self._replace(mode=modes[(at + change) % len(modes)])

    def scaled(self, change: int, limit: int | None = None) -> Display:
        """The next scale, or the one before; with a limit, that as a fixed one."""
        if limit:
            return self._replace(scale="fixed", limit=float(limit))
        at = SCALES.index(self.scale)
        return self._replace(scale=SCALES[(at + change) % len(SCALES)], limit=1.0)

    @property
    def said(self) -> str:
        """The mode in words."""
        return _SAID[self.mode]

    @property
    def scale_said(self) -> str:
        """The scale in words."""
        if self.scale == "fixed":
            return f"one scale for all, to ±{self.limit:g}"
        return (
            "a scale for each matrix" if self.scale == "matrix" else "one scale for all matrices of this pane"
        )
