"""What is remembered from one run to the next: how the panes are arranged and shown. Of a session only what was not
saved when the program was ended from outside (`rnn_tui.kept`).

It lies in the user's state folder (`$XDG_STATE_HOME/rnn-tui/state.json`). It is a convenience: a file that cannot be
read, or says something impossible, counts as if it were not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rnn_engine.panes import PANES
from rnn_tui.kept import Shelf
from rnn_tui.render.arrange import FAR, KINDS, Arrangement, Kind
from rnn_tui.render.display import BARS, MODES, SCALES, Display

MAX_BYTES = 65_536
FORMAT = "rnn-tui-state"


class Memory(NamedTuple):
    """What is remembered."""

    arrangements: Mapping[Kind, Arrangement] = MappingProxyType({})
    toured: bool = False
    """Whether the tour has been offered."""
    displays: Mapping[str, Display] = MappingProxyType({})
    """How a person wants to see each pane."""


class Keeper:
    """The memory and its file; without a file it lasts as long as the program."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.memory = Memory() if file is None else read(file)
        self.shelf = Shelf(None if file is None else file.parent / "kept")

    def remember(self, **changes: Any) -> str:
        """Change fields of the memory, and write it; one sentence where it cannot be written."""
        memory = self.memory._replace(**changes)
        if memory == self.memory:
            return ""
        self.memory = memory
        if self.file is None:
            return ""
        try:
            write(self.file, memory)
        except OSError as error:
            return f"kept until you quit: {self.file}: {(error.strerror or str(error)).lower()}"
        return ""


def state_file() -> Path:
    """Where the memory lies."""
    from platformdirs import user_state_path

    return user_state_path("rnn-tui", appauthor=False) / "state.json"


def read(file: Path) -> Memory:
    """What the file remembers, as far as it makes sense."""
    try:
        with file.open("rb") as stream:
            found = json.loads(stream.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return Memory()
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return Memory()
    layouts = found.get("layouts")
    kept = layouts if isinstance(layouts, dict) else {}
    arrangements = {kind: _arrangement(kept[kind]) for kind in KINDS if kind in kept}
    shown = found.get("displays")
    displays = (
        {name: _display(shown[name]) for name in PANES if name in shown} if isinstance(shown, dict) else {}
    )
    return Memory(arrangements, found.get("toured") is True, displays)


def write(file: Path, memory: Memory) -> None:
    """Write it whole or not at all. Raises `OSError`."""
    layouts = {
        kind: {"left": each.left, "edges": dict(each.edges), "hidden": sorted(each.hidden)}
        for kind, each in memory.arrangements.items()
    }
    displays = {name: each._asdict() for name, each in memory.displays.items()}
    found = {
        "format": FORMAT,
        "version": 1,
        "layouts": layouts,
        "toured": memory.toured,
        "displays": displays,
    }
    text = json.dumps(found, indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}-{os.urandom(8).hex()}")
    try:
        temporary.write_text(text + "\n", "utf-8")
        os.replace(temporary, file)  # noqa: PTH105 - the step that makes it one
    finally:
        temporary.unlink(missing_ok=True)


def _arrangement(found: object) -> Arrangement:
    if not isinstance(found, dict):
        return Arrangement()
    edges, hidden = found.get("edges"), found.get("hidden")
    names = frozenset(name for name in hidden if name in PANES) if isinstance(hidden, list) else frozenset()
    return Arrangement(
        left=_cells(found.get("left")),
        edges={name: _cells(edges.get(name)) for name in PANES if name in edges}
        if isinstance(edges, dict)
        else {},
        hidden=names if len(names) < len(PANES) else frozenset(),
    )


def _cells(found: object) -> int:
    return max(-FAR, min(found, FAR)) if isinstance(found, int) and not isinstance(found, bool) else 0


def _display(found: object) -> Display:
    if not isinstance(found, dict):
        return Display()
    mode, scale, limit = found.get("mode"), found.get("scale"), found.get("limit")
    usable = isinstance(limit, int | float) and not isinstance(limit, bool) and isfinite(limit) and limit > 0
    return Display(
        mode=mode if mode in (*MODES, *BARS) else "auto",
        scale=scale if scale in SCALES else "matrix",
        limit=float(limit) if usable and limit is not None else 1.0,
    )
