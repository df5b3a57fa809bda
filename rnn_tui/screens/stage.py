"""The stage of a session: the panes and what stands around them, where they are, which has the focus."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.screen import Screen

from rnn_engine.snapshot import Snapshot
from rnn_tui.panes.around import Curve, Equation, KeysLine, Narration, Timeline, Title, TooSmall
from rnn_tui.panes.base import Pane
from rnn_tui.panes.gradients import Gradients
from rnn_tui.panes.hidden import Hidden
from rnn_tui.panes.inputs import Inputs
from rnn_tui.panes.output import Output
from rnn_tui.panes.panel import Panel
from rnn_tui.panes.weights import Weights
from rnn_tui.render.arrange import LEAST_HEIGHT, LEAST_WIDTH, PLAIN, Arrangement, Scene, boxed, kind
from rnn_tui.render.cells import Cell, Selection, selection_at, written_in
from rnn_tui.render.number import PRECISION
from rnn_tui.render.palette import Palette
from rnn_tui.screens.place import Placing
from rnn_tui.widgets.lines import LineWidget

Picked = tuple[str, bool, bool]
"""A pane; whether the selected cell follows the steps all the same; whether it will again at the next one."""
PANE_TYPES: tuple[type[Pane], ...] = (Inputs, Weights, Hidden, Output, Gradients)


class Stage(Screen[None]):
    """Knows where things are; what they show and what keys do is the business of `SessionScreen`."""

    AUTO_FOCUS = "#hidden"
    snapshot: Snapshot

    def __init__(self, palette: Palette, scene: Scene = PLAIN, precision: int = PRECISION) -> None:
        super().__init__()
        self._palette, self._precision = palette, precision
        self._placing = Placing()
        self._placing.scene = scene
        self._here = "hidden"
        self.follows = True
        """Whether the selected cell is what each step writes: until a person picks a pane or a cell."""
        self._lent = False
        self._paint_due = False

    @property
    def covered_panes(self) -> tuple[str, ...]:
        """The panes in whose place a panel stands."""
        raise NotImplementedError

    def paint(self) -> None:
        """Give every widget its part of the snapshot."""
        raise NotImplementedError

    @property
    def layout(self) -> Placing:
        """Our own layout: styles only take those Textual knows by name."""
        return self._placing

    def compose(self) -> ComposeResult:
        """Everything is a child of the screen; `Placing` says what is shown where."""
        palette = self._palette
        self.panes = {cls.NAME: cls(palette, self._precision) for cls in PANE_TYPES}
        self._title, self._equation, self._narration = Title(palette), Equation(palette), Narration(palette)
        self._timeline, self._curve, self._keys = Timeline(palette), Curve(palette), KeysLine(palette)
        self._panel, self._small = Panel(palette), TooSmall(palette)
        yield self._title
        yield from (self.panes[name] for name in ("inputs", "hidden", "output", "weights", "gradients"))
        yield from (
            self._panel,
            self._curve,
            self._equation,
            self._narration,
            self._timeline,
            self._keys,
            self._small,
        )

    def on_descendant_focus(self) -> None:
        """The focus shows in the frames, and the title speaks of the focused pane's cell."""
        if isinstance(self.focused, Pane):
            self._here = self.focused.NAME
        self.schedule_paint()

    @property
    def pane(self) -> Pane:
        """The pane with the selected cell: the one that shows what this step wrote, or that a person picked."""
        wrote = written_in(self.snapshot.panes) if self.follows else ""
        return self.panes[wrote or self._here]

    @property
    def unshown(self) -> tuple[str, str]:
        """Name and exact value of the selected number where that is in no pane; else empty."""
        return self.snapshot.number if self.follows else ("", "")

    def follow(self) -> None:
        """From now on the selected cell is what each step writes."""
        self._lent, self.follows = False, True
        for pane in self.panes.values():
            pane.choose(None)
        self.schedule_paint()

    def move_on(self) -> None:
        """Before a step: a cell that was picked for a person, and not by one, is let go."""
        if self._lent:
            self.follow()

    @property
    def palette(self) -> Palette:
        """The styles it is drawn with."""
        return self._palette

    def set_palette(self, palette: Palette) -> None:
        """Draw with other styles from now on."""
        self._palette = palette
        for widget in self.query(LineWidget):
            widget.set_palette(palette)

    def schedule_paint(self) -> None:
        """Paint after what is going on now, once, however often this is asked for."""
        if not self._paint_due:
            self._paint_due = True
            self.call_later(self.paint)

    def give_focus(self, name: str) -> None:
        """Pick a pane, and show it if it is hidden; where one is zoomed, that one instead."""
        self._here, self.follows, self._lent = name, False, False
        if self.scene.zoom:
            self.zoom(name)
        elif name in self.arrangement.hidden:
            self.change(self.arrangement.show(name))
        self.set_focus(self.panes[name])
        self.schedule_paint()

    def zoom(self, name: str) -> None:
        """All the room for a pane; `""`: five panes."""
        self._placing.scene = self.scene._replace(zoom=name)
        self.rearrange()

    @property
    def scene(self) -> Scene:
        """What the places of things depend on."""
        return self._placing.scene

    @property
    def arrangement(self) -> Arrangement:
        """What a person has changed in the layout of this size."""
        return self.scene.arrangement(*self.app.size)

    @property
    def too_small(self) -> bool:
        """Whether there is room for a polite line and nothing else."""
        width, height = self.app.size
        return width < LEAST_WIDTH or height < LEAST_HEIGHT

    @property
    def boxed(self) -> bool:
        """Whether there is room for whole frames."""
        return boxed(*self.app.size, self.scene.most)

    def change(self, arrangement: Arrangement) -> None:
        """Arrange the layout of this size like that."""
        scene = self.scene
        here = kind(*self.app.size, scene.most)
        self._placing.scene = scene._replace(arrangements={**scene.arrangements, here: arrangement})
        self.rearrange()

    def rearrange(self) -> None:
        """Give the panel its place, or the panes theirs."""
        self._placing.scene = self.scene._replace(panel=self.covered_panes)
        if self.focused is None and self.is_mounted:
            self.set_focus(self.panes[self._here])
        # From a child: that forgets the arrangement of its parents, of which the screen is one.
        self.pane.refresh(layout=True)
        self.schedule_paint()

    def chosen_cells(self) -> Mapping[str, Selection | None]:
        """The cell chosen in each pane."""
        return {name: pane.selection for name, pane in self.panes.items()}

    @property
    def picked(self) -> Picked:
        """The pane that was picked, and how."""
        return self._here, self.follows, self._lent

    def restore(self, picked: Picked, selections: Mapping[str, Selection | None], zoom: str) -> None:
        """The focus, the chosen cells and the zoom as they were."""
        for name, selection in selections.items():
            self.panes[name].choose(selection)
        self.zoom(zoom)
        self.give_focus(picked[0])
        self._here, self.follows, self._lent = picked

    def select(self, spot: tuple[str, str, int, int]) -> None:
        """Choose a cell as the snapshot is now, for as long as it stays at this step, if none was picked before."""
        pane, key, row, column = spot
        lent = self.follows or self._lent
        matrices = self.snapshot.panes[pane]
        index = next(at for at, matrix in enumerate(matrices) if matrix.key == key)
        self.panes[pane].choose(selection_at(Cell(index, row, column), matrices))
        self.give_focus(pane)
        self._lent = lent

    def select_row(self, pane: str, key: str, label: str) -> None:
        """Choose the largest number in the row of that name."""
        for matrix in self.snapshot.panes[pane]:
            if matrix.key == key and label in matrix.rows:
                row = matrix.rows.index(label)
                self.select((pane, key, row, int(abs(matrix.values[row]).argmax())))
