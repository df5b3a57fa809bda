"""The screen without a terminal: the real app, laid out at any size, as a picture in a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnn_engine.errors import EngineError
from rnn_tui.app import RnnTuiApp
from rnn_tui.export.files import write
from rnn_tui.export.picture import Picture
from rnn_tui.screens.exporting import as_bytes, picture_of
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings

if TYPE_CHECKING:
    from rnn_tui.controller import Controller


class Shot(NamedTuple):
    """What a picture is to show."""

    at: str | None
    """An address, whole or in part; None: where the session opens."""
    sequence: int
    """Of the batch, from 1."""
    size: tuple[int, int]
    """Columns and rows of the screen."""
    settings: TerminalSettings
    pane: str = ""
    """A pane, or `panel`, that is to be seen alone."""
    panel: str = ""
    """`why`, `flow` or `full`, opened before."""


def export_picture(controller: Controller, shot: Shot, output: str, kind: str, *, force: bool) -> None:
    """Write a picture in one of `PICTURES` to a file, or to the standard output for `-`.

    Raises `EngineError` where there is no such thing to show, `NoPicture` where it cannot be made.
    """
    if shot.at is not None:
        controller.return_to((controller.schedule.span(shot.at).start, 0, 0))
    many = controller.snapshot.sequence[1]
    if not 1 <= shot.sequence <= many:
        raise EngineError(f"--sequence {shot.sequence}: expected 1 to {many}")
    controller.sequence = shot.sequence - 1
    data = as_bytes(asyncio.run(taken_of(controller, shot)), kind)
    if output == "-":
        sys.stdout.buffer.write(data)
    else:
        write(output, (data,), replace=force)


async def taken_of(controller: Controller, shot: Shot) -> Picture:
    """The picture. Raises `EngineError`."""

    def no_other(_: str) -> Controller:
        raise EngineError("a picture shows one session")

    app = RnnTuiApp(controller, (), open_session=no_other, terminal=shot.settings)
    async with app.run_test(size=shot.size) as pilot:
        screen = next(each for each in app.screen_stack if isinstance(each, SessionScreen))
        await pilot.pause()
        if shot.panel:
            await screen.run_action(shot.panel)
            while not screen.settled:
                await screen.driver.settled()
                await pilot.pause()
            await pilot.pause()
            if screen.explorer.view is None:
                raise EngineError(f"--panel {shot.panel}: {screen.said or 'there is nothing to show'}")
        title = f"{Path(controller.path or 'session').stem} {controller.snapshot.address}"
        found = picture_of(screen, title, shot.pane)
        if shot.pane == "curve" and screen.query_one("#curve").size.height < 3:
            raise EngineError("--pane curve: its frame is there from --size 160x48 on")
    if found is None:
        raise EngineError(
            f"--pane {shot.pane}: it is not on the screen here, where something else stands in its place"
        )
    return found
