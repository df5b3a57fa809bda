"""The screen without a terminal: the real app, laid out at any size, as a picture."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rnn_engine.errors import EngineError
from rnn_tui.app import RnnTuiApp
from rnn_tui.export.picture import Picture
from rnn_tui.screens.exporting import picture_of
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings

if TYPE_CHECKING:
    from rnn_tui.controller import Controller


def picture(
    controller: Controller,
    title: str,
    size: tuple[int, int],
    settings: TerminalSettings,
    pane: str,
    panel: str,
) -> Picture:
    """What the screen of that size shows where the controller stands.

    `panel` (`why`, `flow`, `full`) is opened before; with `pane` (a pane's name, or `panel`) it is that alone.
    Raises `EngineError` where one of them cannot be shown.
    """
    return asyncio.run(_picture(controller, title, size, settings, pane, panel))


async def _picture(
    controller: Controller,
    title: str,
    size: tuple[int, int],
    settings: TerminalSettings,
    pane: str,
    panel: str,
) -> Picture:
    def no_other(_: str) -> Controller:
        raise EngineError("a picture shows one session")

    app = RnnTuiApp(controller, (), open_session=no_other, terminal=settings)
    async with app.run_test(size=size) as pilot:
        screen = next(each for each in app.screen_stack if isinstance(each, SessionScreen))
        await pilot.pause()
        if panel:
            await screen.run_action(panel)
            while not screen.settled:
                await screen.driver.settled()
                await pilot.pause()
            await pilot.pause()
            if screen.explorer.view is None:
                raise EngineError(f"--panel {panel}: {screen.said or 'there is nothing to show'}")
        found = picture_of(screen, title, pane)
    if found is None:
        raise EngineError(
            f"--pane {pane}: it is not on the screen here, where something else stands in its place"
        )
    return found
