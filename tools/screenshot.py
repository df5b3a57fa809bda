"""Make docs/screenshot.svg: the real program, without a terminal, on a lesson's way back through time.

python tools/screenshot.py [FILE]
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from rnn_tui.app import RnnTuiApp
from rnn_tui.cli import open_session
from rnn_tui.lessons import lessons
from rnn_tui.terminal import TerminalSettings

SIZE = (120, 40)
LESSON, ADDRESS = "hi-there-class-bptt", "1:backward:2:h"


async def screenshot() -> str:
    """The screen at `ADDRESS`, as SVG."""
    controller = open_session(LESSON)
    controller.go_to(ADDRESS)
    app = RnnTuiApp(controller, lessons(), open_session=open_session, terminal=TerminalSettings())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        svg = app.export_screenshot(title=f"rnn-tui {LESSON}")
    # Fonts from elsewhere are no part of a picture: those of the reader do.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    target = Path(
        sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs" / "screenshot.svg"
    )
    target.write_text(asyncio.run(screenshot()), "utf-8")
    print(target)
