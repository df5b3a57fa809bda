"""The program, which compares itself on a signal: `python -m tests.checked SESSION [--without-the-seam]`.

SIGUSR1: when all is done and shown it says so in the title of the terminal, has Textual send a full paint of its
own, and says so again. SIGUSR2: another theme, and a screenshot.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from unittest import mock

from rnn_tui import terminal

os.environ["COLORTERM"] = "truecolor"  # with fewer colours, ours are nearer to those that are meant
settings = terminal.detect(os.environ, tty=True, encoding="utf-8")
terminal.prepare(settings, os.environ)

from textual._compositor import LayoutUpdate  # noqa: E402

from rnn_tui import app as program  # noqa: E402  (Textual reads its environment when it is imported)
from rnn_tui.cli import open_session  # noqa: E402
from rnn_tui.render.palette import palette  # noqa: E402
from rnn_tui.screens.stage import Stage  # noqa: E402

CALM = 4
"""Looks in a row that must find nothing to paint: Textual waits before it shows another screen."""


class Checked(program.RnnTuiApp):
    CSS_PATH = str(program.__file__).replace("app.py", "styles/app.tcss")
    asked = 0

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: self.run_worker(self.check()))
        loop.add_signal_handler(signal.SIGUSR2, lambda: self.call_later(self.turn))

    def turn(self) -> None:
        name = "light" if self.theme == "rnn-dark" else "dark"
        self.theme, self.palette = f"rnn-{name}", palette(name)
        for screen in self.screen_stack:
            if isinstance(screen, Stage):
                screen.set_palette(self.palette)
        assert "<svg" in self.export_screenshot()

    async def check(self) -> None:
        calm = 0
        while calm < CALM:
            await asyncio.sleep(0.02)
            calm = 0 if self.at_work() else calm + 1
        assert self._driver is not None
        write, self.asked = self._driver.write, self.asked + 1
        write(f"\x1b]2;before {self.asked}\x07")
        stock = self.screen._compositor.render_update(full=True, screen_stack=self._background_screens)
        assert isinstance(stock, LayoutUpdate)
        write("\x1b[m\x1b[2J" + stock.render_segments(self.console))
        write(f"\x1b]2;after {self.asked}\x07")

    def at_work(self) -> bool:
        session, screen = self._session, self.screen
        doing = session is not None and (not session.settled or session._paint_due)
        return bool(doing or self.behind or screen._dirty_widgets or screen._layout_required)


if __name__ == "__main__":
    with mock.patch("rnn_tui.painting.app.seam", return_value="--without-the-seam" not in sys.argv):
        Checked(open_session(sys.argv[1]), (), open_session=open_session, terminal=settings).run(mouse=False)
