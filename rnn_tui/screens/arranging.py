"""Arranging the panes: `=` begins it, arrows move the edges of the focused pane, Enter keeps them.

What is kept is remembered for this kind of layout (narrow, normal, wide), beyond the end of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rnn_engine.panes import PANES
from rnn_tui.render.arrange import Arrangement, taller, wider

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen

SAID = (
    "arranging: {narrower} {wider} {shorter} {taller} move the edges of the focused pane, {pane} goes to the next one, "
    "{arranged} keeps it"
)
EXPLAINS = (
    "The edges between panes are moved now: the focused pane gets wider or taller at the cost of its neighbours, and "
    "can be hidden and shown again. What is kept holds for terminals of this size, beyond the end of the program."
)


class Arranging:
    """Owned by the session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self._before: Arrangement | None = None
        self._acts: dict[str, Callable[[int], str]] = {
            "wider": lambda n: self._wider(n),
            "narrower": lambda n: self._wider(-n),
            "taller": lambda n: self._taller(n),
            "shorter": lambda n: self._taller(-n),
            "hide_pane": lambda _: self._hide(),
            "show_panes": lambda _: self._show(),
            "reset_panes": lambda _: self._change(Arrangement()),
            "arranged": lambda _: self._keep(),
            "as_before": lambda _: self._give_up(),
        }

    @property
    def on(self) -> bool:
        """Whether the keys move edges now."""
        return self._before is not None

    def begin(self) -> None:
        """From now on; what covers the panes makes way."""
        screen = self._screen
        screen.explorer.close()
        if screen.scene.zoom:
            screen.zoom("")
        self._before = screen.arrangement
        screen.say(self._how)

    def act(self, id: str, count: int) -> None:
        """Do what a key means here, and say what it did."""
        said = self._acts[id](count)
        self._screen.say(said or (self._how if self.on else ""))

    @property
    def _how(self) -> str:
        """What the keys do."""
        return SAID.format_map(self._screen.app.keys)

    def _change(self, arrangement: Arrangement) -> str:
        if arrangement == self._screen.arrangement:
            return "that is as far as it goes"
        self._screen.change(arrangement)
        return ""

    def _wider(self, by: int) -> str:
        screen = self._screen
        return self._change(wider(screen.arrangement, screen.pane.NAME, by, screen.app.size.width))

    def _taller(self, by: int) -> str:
        screen = self._screen
        return self._change(
            taller(screen.arrangement, screen.pane.NAME, by, *screen.app.size, screen.scene.most)
        )

    def _hide(self) -> str:
        screen, name = self._screen, self._screen.pane.NAME
        arrangement = screen.arrangement.hide(name)
        if arrangement == screen.arrangement:
            return f"this is the last pane; {screen.app.key('show_panes')} shows the others again"
        screen.change(arrangement)
        at = PANES.index(name)
        screen.give_focus(next(each for each in PANES[at:] + PANES[:at] if each not in arrangement.hidden))
        title = screen.snapshot.names.get(name, name)
        key = screen.app.key
        ways = f"{key('show_panes')} shows all panes again, {key('jump')} and its letter this one"
        return f"{title}: out of sight; {ways}"

    def _show(self) -> str:
        arrangement = self._screen.arrangement
        for name in arrangement.hidden:
            arrangement = arrangement.show(name)
        return self._change(arrangement) and "no pane is hidden"

    def _keep(self) -> str:
        self._before = None
        return self._screen.app.remember(arrangements=self._screen.scene.arrangements)

    def _give_up(self) -> str:
        assert self._before is not None
        self._screen.change(self._before)
        self._before = None
        return ""
