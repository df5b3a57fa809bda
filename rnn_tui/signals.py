"""Leaving in good order: hang-up, termination, and a terminal that went away without a word.

Textual handles none of them: it dies with the alternate screen still on, or, when SIGHUP is ignored,
spins on the end of its input for ever.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.driver import Driver

HANG_UP, TERMINATED = 129, 143
"""Exit codes: 128 and the number of the signal."""

CHECK_EVERY = 1.0
"""Seconds between looks at the terminal where the kernel does not say by itself."""

GRACE = 3.0
"""Seconds the program gets to leave when its terminal is gone; then the process ends."""

Leave = Callable[[int], None]


def handle_signals(loop: asyncio.AbstractEventLoop, leave: Leave) -> None:
    """SIGHUP and SIGTERM end the program through its own exit, which restores the terminal."""
    for number, code in ((signal.SIGHUP, HANG_UP), (signal.SIGTERM, TERMINATED)):
        loop.add_signal_handler(number, leave, code)


def handle_continue(driver: Driver, leaving: Callable[[], bool], fd: int) -> None:
    """At SIGCONT, start input and output anew, but only once they have been stopped.

    Textual starts them whoever sends it. The kernel does so when a terminal goes away: with two threads on one input,
    leaving waits for one of them, and the other spins for ever.
    """

    def continued(*_: object) -> None:
        if leaving() or not _alive(fd):
            return
        # Textual's own mark of a stop that it has seen, upon which it also tells the app to draw everything.
        if not getattr(driver, "_must_signal_resume", False):
            driver.suspend_application_mode()
            driver._must_signal_resume = True  # type: ignore[attr-defined]
        driver.resume_application_mode()

    if hasattr(signal, "SIGCONT"):
        signal.signal(signal.SIGCONT, continued)


def cannot_suspend() -> str:
    """Why this process must not be stopped, in words; "" where a shell can have it continue."""
    if not hasattr(os, "getsid"):
        return "this system has no jobs"
    if os.getpgrp() == os.getsid(0):  # as in `xterm -e rnn-tui`: whoever stops it has no way to continue it
        return "no shell has started it"
    return ""


class Watchdog:
    """A thread that notices when the terminal is gone, even while the event loop is stuck writing to it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, leave: Leave, keep: Callable[[], object], fd: int
    ) -> None:
        """`keep` saves what would be lost; it is called in this thread, as the loop may never come to it."""
        self._loop, self._leave, self._keep, self._fd = loop, leave, keep, fd
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="terminal watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """The program is leaving: no more need to watch."""
        self._stopped.set()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._fd, 0)  # no events asked for: the kernel reports a hang-up all the same
        while not self._stopped.is_set():
            if poll.poll(CHECK_EVERY * 1000) or not _alive(self._fd):
                break
        if self._stopped.is_set():
            return
        self._keep()
        try:
            self._loop.call_soon_threadsafe(self._leave, HANG_UP)
        except RuntimeError:  # the loop is closed: the program has left
            return
        if not self._stopped.wait(GRACE):
            os._exit(HANG_UP)


def _alive(fd: int) -> bool:
    import termios

    try:
        termios.tcgetattr(fd)
    except (termios.error, OSError):
        return False
    return True
