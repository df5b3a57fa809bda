"""The real program in a real pseudo-terminal, read with pyte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

ROOT = Path(__file__).parent.parent
WAIT = 30.0
"""Seconds a test waits for what must come; far more than it takes."""
QUIET = 0.1
"""Seconds without a byte after which a picture counts as finished."""


class Program:
    """`rnn-tui ARGUMENTS` as a person sees it; `program` may be another one than that."""

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int,
        rows: int,
        folder: Path,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "rnn_tui"),
    ) -> None:
        self.bytes = bytearray()
        self._ended = False
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # the child: nothing but exec
            os.chdir(folder)
            variables = {k: v for k, v in os.environ.items() if k not in ("LINES", "COLUMNS", "NO_COLOR")}
            variables |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **(env or {})}
            os.execvpe(program[0], [*program, *arguments], variables)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def read(self, seconds: float) -> bool:
        """Read what comes within that time; False when nothing came."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        self.feed(os.read(self.fd, 65536))
        return True

    def feed(self, data: bytes) -> None:
        """Show what came."""
        self.bytes += data
        self._stream.feed(data)

    def until(self, text: str) -> None:
        """Read until `text` is on the screen and the picture is finished."""
        end = time.monotonic() + WAIT
        while not any(text in line for line in self.screen.display):
            assert time.monotonic() < end, f"{text!r} never came:\n" + "\n".join(self.lines)
            self.read(0.1)
        while self.read(QUIET):
            assert time.monotonic() < end, "the picture never came to rest"

    def press(self, keys: str, then: str) -> None:
        """Type, and wait for what it brings onto the screen."""
        os.write(self.fd, keys.encode())
        self.until(then)

    def code(self) -> int:
        """The exit code, once the program has ended."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended = True
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("the program did not end")

    def close(self) -> None:
        """End what is left of it."""
        if not self._ended:
            os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + WAIT
        while not self._ended and time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.read(0.05)
            self._ended = bool(os.waitpid(self.pid, os.WNOHANG)[0])
        os.close(self.fd)


def visible(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """What a person can see, cell by cell: of a blank only its background."""
    return [[_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    if cell.data in (" ", "") and not (cell.reverse or cell.underscore):
        return cell.data, cell.bg
    return tuple(cell)
