"""What it costs to look: a snapshot, the panes drawn, a step explained in full, why, the flow of the gradient.

Each beside one iteration (forward, backward, update) of the same session in the same run: nothing of this
runs unless somebody looks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from benchmarks.timing import best_of
from rnn_engine.data import text_data
from rnn_engine.derive import derivation
from rnn_engine.flow import horizon, itemise
from rnn_engine.observe import observe
from rnn_engine.replay import replaced
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.why import why
from rnn_tui.headless.new import build
from rnn_tui.headless.own_data import described
from rnn_tui.lessons import directory
from rnn_tui.render.arrange import arrange
from rnn_tui.render.pane import PaneView, draw_pane
from rnn_tui.screens.stage import PANE_TYPES


def session(cell: str, H: int, T: int, V: int) -> Session:
    """A random text of V letters, one window of T time steps."""
    letters = [chr(0x4E00 + k) for k in range(V)]
    drawn = random.Random(0)
    text = "".join(letters + [drawn.choice(letters) for _ in range(max(0, T + 1 - V))])[: max(T + 1, V)]
    own = described(text_data(text), "text")
    replay = build(cell, H, own, 0)
    assert replay.training is not None
    return Session(replaced(replay, training=replaced(replay.training, window=T), generation=None))


def views(opened: Session) -> dict[str, Callable[[], object]]:
    """Every view of one step of the way back, and an iteration to compare with."""
    timeline, address = Timeline(opened.run), "1:backward:2:h"
    iteration = timeline.iteration(1)
    _ = iteration.gradients
    index = opened.schedule.span(address).start
    cell = parse_cell(opened, timeline, address, "dh[0]")
    shown = observe(opened, timeline, index)
    return {
        "iteration": lambda: opened.run.iteration(opened.run.first()).after,
        "snapshot": lambda: observe(opened, timeline, index),
        **{f"draw {name}": drawing(shown, name) for name in ("weights", "hidden", "gradients")},
        "explained in full": lambda: derivation(opened, timeline, index),
        "why": lambda: why(opened, timeline, cell),
        "flow": lambda: itemise(iteration),
        "horizon": lambda: horizon(iteration),
    }


def drawing(shown: Snapshot, name: str) -> Callable[[], object]:
    """One pane drawn at 120×40; where everything goes is known from the first time on."""
    cls = next(cls for cls in PANE_TYPES if name == cls.NAME)
    view = PaneView(name, cls.LETTER, shown.panes[name], focused=True, manner=cls.MANNER)
    box = arrange(120, 40)[name]
    return lambda: draw_pane(view, *box[2:])


def measure() -> list[dict[str, object]]:
    """A row per session and view: milliseconds, and how many iterations that is."""
    sessions: dict[str, Session] = {
        "hi-there-class-bptt": Session.load(directory() / "hi-there-class-bptt.json")
    }
    for cell in ("rnn", "lstm"):
        sessions[f"{cell} H=32 T=25 V=64"] = session(cell, 32, 25, 64)
        sessions[f"{cell} H=100 T=100 V=20"] = session(cell, 100, 100, 20)
    rows = []
    for name, opened in sessions.items():
        best = best_of(views(opened), rounds=3, seconds=0.05)
        for view, seconds in best.items():
            rows.append(
                {
                    "session": name,
                    "view": view,
                    "ms": seconds * 1e3,
                    "iterations": seconds / best["iteration"],
                }
            )
    return rows


def main(as_json: bool) -> int:
    rows = measure()
    if as_json:
        print(json.dumps({"views": rows}, indent=1))
        return 0
    print(f"{'session':24}{'view':20}{'ms':>10}{'iterations':>12}")
    for row in rows:
        print(f"{row['session']:24}{row['view']:20}{row['ms']:10.2f}{row['iterations']:12.1f}")
    return 0
