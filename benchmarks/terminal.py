"""A program on a pseudo-terminal that answers as a terminal does, and what passes over the line."""

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
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLOURS = {
    "true colour": {"COLORTERM": "truecolor"},
    "256": {},
    "16": {"TERM": "xterm"},
    "ASCII": {"NO_COLOR": "1", "PYTHONIOENCODING": "ascii"},
}
"""What the environment says of a terminal with so many colours, or with none and ASCII alone."""
HIDDEN = {
    "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "SSH_CONNECTION",
    "SSH_TTY", "STY", "TEXTUAL_FPS",
}  # fmt: skip
"""What must not come from the terminal this runs in, or would compile every module anew at each start."""
QUIET = 0.06
"""Seconds without a byte after which the answer to a key counts as complete."""
WAIT = 60.0
QUESTION, ANSWER = b"\x1b[6n", b"\x1b[1;1R"
"""Where is the cursor? It asks so behind each frame."""


class Child:
    """The program; `seen` is all that it has written."""

    def __init__(
        self, arguments: Sequence[str], size: tuple[int, int] = (120, 40), colours: str = "true colour"
    ):
        columns, rows = size
        self.seen = bytearray()
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # the child: nothing but exec
            # Sized before the program looks; `stty` would be another process.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
            kept |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | COLOURS[colours]
            os.execve(sys.executable, [sys.executable, *arguments], kept)

    def read(self, seconds: float) -> int:
        """How many bytes came, waiting at most so long for the first; questions are answered."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return 0
        try:
            data = os.read(self.fd, 65536)
        except OSError as error:
            raise RuntimeError(f"the program ended:\n{self.seen.decode(errors='replace')}") from error
        asked = (self.seen[-len(QUESTION) + 1 :] + data).count(QUESTION)
        self.seen += data
        if asked:
            os.write(self.fd, ANSWER * asked)
        return len(data)

    def until(self, text: bytes) -> float:
        """Milliseconds from the start to this text."""
        while text not in self.seen:
            self.read(0.1)
            if time.perf_counter() - self.started > WAIT:
                raise TimeoutError(f"{text!r} never came")
        return (time.perf_counter() - self.started) * 1e3

    def rest(self, seconds: float) -> None:
        """Read until nothing has come for so long."""
        while self.read(seconds):
            pass

    def press(self, keys: bytes) -> tuple[float, int, int]:
        """Milliseconds from a key to the last byte of what it brings, how many bytes, and how many frames."""
        start = last = time.perf_counter()
        before = len(self.seen)
        os.write(self.fd, keys)
        patience = 1.0
        while self.read(patience):
            last, patience = time.perf_counter(), QUIET
        answer = self.seen[before:]
        return (last - start) * 1e3, len(answer), answer.count(QUESTION)

    def peak(self) -> float:
        """MiB of resident memory at its highest, or now where the system keeps no record of that."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
