"""What stands around the five panes: title, equation, narration, timeline, loss curve, footer."""

from __future__ import annotations

from textual.events import Click, MouseDown, MouseMove, MouseUp
from textual.message import Message

from rnn_engine.snapshot import Formula, Snapshot, TimelineView
from rnn_tui.render.curve import draw_curve, draw_curve_line, said_of
from rnn_tui.render.frame import Asides, framed
from rnn_tui.render.lines import FooterView, draw_equation, draw_footer, draw_narration, draw_title, key_at
from rnn_tui.render.palette import Palette
from rnn_tui.render.pane import PaneView
from rnn_tui.render.spans import Line, fit
from rnn_tui.render.timeline import draw_timeline, step_at
from rnn_tui.widgets.lines import LineWidget


class Title(LineWidget):
    """The session, the address, the exact value of the selected cell."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="title")
        self._shown = ("", "", "", (1, 1), ("", ""))
        self._aside = ""

    def show(self, snapshot: Snapshot, exact: tuple[str, str], hidden: int) -> None:
        """Show where we are, the selected cell, and what else there is to know of the session and the screen."""
        self._shown = (snapshot.title, snapshot.address, snapshot.within, snapshot.sequence, exact)
        kind = "" if snapshot.dtype == "float64" else snapshot.dtype
        edits = f"{snapshot.edits} edit{'s' if snapshot.edits > 1 else ''}" if snapshot.edits else ""
        self._aside = "  ".join(filter(None, (edits, kind, f"+{hidden} hidden" if hidden else "")))
        self.update()

    def draw(self, wide: int, high: int) -> list[Line]:
        return [draw_title(*self._shown, wide, self._aside)]


class Equation(LineWidget):
    """The current equation."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="equation")
        self._formula = Formula("", (), "")
        self._boxed, self._marked = True, False

    def show(self, snapshot: Snapshot, *, boxed: bool, marked: bool) -> None:
        """Show the equation of this step; `marked`: what is explained stands here."""
        self._formula, self._boxed, self._marked = snapshot.formula, boxed, marked
        self.update()

    @property
    def fill(self) -> str:
        return "" if self._boxed else "bar"

    def draw(self, wide: int, high: int) -> list[Line]:
        if not self._boxed:
            lines = draw_equation(self._formula, wide - 2, high)
            signs = ["▸" if self._marked else " ", *" " * (len(lines) - 1)]
            return [
                fit([(sign, "bar now"), *_on_bar(line)], wide, "bar")
                for sign, line in zip(signs, lines, strict=True)
            ]
        frame = PaneView("equation", "", focused=self._marked, boxed=True)
        return framed(frame, draw_equation(self._formula, wide - 4, high - 2), wide, high)


def _on_bar(line: Line) -> list[tuple[str, str]]:
    return [(text, f"bar {role}".strip()) for text, role in line]


class Narration(LineWidget):
    """One plain sentence, the note of a mark, or a message."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="narration")
        self._texts: tuple[str, ...] = ()
        self._note = ""
        self._message = ""

    def show(self, snapshot: Snapshot, message: str) -> None:
        """Show what this step does, or the message."""
        self._texts, self._note, self._message = snapshot.narration, snapshot.note, message
        self.update()

    def draw(self, wide: int, high: int) -> list[Line]:
        return draw_narration(self._texts, self._note, self._message, wide, high)


class Timeline(LineWidget):
    """Where we are in this iteration and in the run."""

    class Picked(Message):
        """A step was pointed at."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="timeline")
        self._timeline: TimelineView | None = None
        self._scrubbing = False
        self._row = 0

    def show(self, snapshot: Snapshot) -> None:
        """Show this place."""
        self._timeline = snapshot.timeline
        self.update()

    def draw(self, wide: int, high: int) -> list[Line]:
        return draw_timeline(self._timeline, wide, high) if self._timeline else []

    # With the mouse: what is clicked or dragged over is gone to.

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take the mouse, so that a drag may leave the bar."""
        if self._pick(event.x, event.y):
            self._scrubbing = True
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: MouseMove) -> None:
        """While the button is down, time follows the mouse."""
        if self._scrubbing:
            self._pick(max(0, min(event.x, self.size.width - 1)), self._row)
            event.stop()

    def on_mouse_up(self, event: MouseUp) -> None:
        """The mouse is free again."""
        if self._scrubbing:
            self._scrubbing = False
            self.release_mouse()
            event.stop()

    def _pick(self, x: int, y: int) -> bool:
        found = step_at(self._timeline, *self.size, x, y) if self._timeline else None
        if found is not None:
            self._row = y
            self.post_message(self.Picked(found))
        return found is not None


class Curve(LineWidget):
    """The loss of each iteration so far: a frame in the wide layout, else a line below the timeline."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="curve")
        self._losses: tuple[float, ...] = ()
        self._total = 0

    def show(self, snapshot: Snapshot) -> None:
        """Show the losses up to this step."""
        self._losses, self._total = snapshot.losses, snapshot.timeline.iterations
        self.update((self._losses, self._total))

    def draw(self, wide: int, high: int) -> list[Line]:
        if high < 3:
            return [draw_curve_line(self._losses, wide, self._total)]
        body = draw_curve(self._losses, wide - 4, high - 2, self._total)
        said = said_of(self._losses, wide - 30)
        legends: Asides = (((((" ", ""), *said, (" ", "")),) if said else ()), ())
        return framed(PaneView("loss per iteration", "", boxed=True), body, wide, high, asides=legends)


class KeysLine(LineWidget):
    """The keys, the count being typed, and what is running."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="footer")
        self._footer = FooterView()

    def show(self, footer: FooterView) -> None:
        """Show these states."""
        self._footer = footer
        self.update(footer)

    def draw(self, wide: int, high: int) -> list[Line]:
        return [draw_footer(self._footer, wide)]

    def on_click(self, event: Click) -> None:
        """A key that is clicked is pressed."""
        key = key_at(self._footer, self.size.width, event.x)
        if key:
            self.app.simulate_key(key)


class TooSmall(LineWidget):
    """A polite line where the terminal has too little room."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="small")
        self._quits = "q"

    def show(self, quits: str) -> None:
        """`quits`: the key that still does something."""
        self._quits = quits
        self.update(quits)

    def draw(self, wide: int, high: int) -> list[Line]:
        has, quits = f"{wide}×{high}", f"{self._quits} quits"
        said = (
            f"rnn-tui needs 60×20 cells; this terminal has {has}; {quits}",
            f"needs 60×20 cells, has {has}; {quits}",
            f"needs 60×20; {quits}",
            quits,
        )
        return [fit([(next((each for each in said if len(each) <= wide), ""), "text")], wide)]
